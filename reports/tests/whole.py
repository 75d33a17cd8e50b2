"""A made-up record of the whole catalogue: every claim of findings/, in the shapes that claims have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from harness.data.sample import CHOOSE_TASKS
from harness.statistics.verdict import Fact, Judgement, Reading, Verdict
from harness.verdicts.catalogue import read_catalogue
from harness.verdicts.claim_tests import ClaimTest, claim_tests
from harness.verdicts.curve_axes import CONTROL_REGIONS
from harness.verdicts.record import (
    CheckpointRecord,
    ClaimRecord,
    Curve,
    MeasurementRecord,
    RunRecord,
    SampleRecord,
)
from reports.catalogue import OWN
from reports.drawing.styles import CAPITAL as CAPITALISED, LOWER as LOWER_CASE, answer
from reports.tests.pictures import picture
from reports.tests.records import (
    LOWER,
    MIDDLE,
    TASKS,
    both,
    bump,
    checkpoint,
    curve,
    example,
    judgement,
    part,
    sweep,
)

FINDINGS = Path(__file__).resolve().parents[2] / "findings"
S, R, U, N = Verdict.SUPPORTED, Verdict.REFUTED, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE

QUESTION, IMAGE = bump(0.58, 0.16, -78), both(bump(0.12, 0.09, -46), bump(0.42, 0.1, -31))
RELATED, OTHER, SMALL = bump(0.43, 0.12, -27), bump(0.13, 0.11, -38), bump(0.6, 0.3, -3)
SHAPES = {
    "question->last": QUESTION,
    "image->question": IMAGE,
    "related_patches->question": RELATED,
    "other_patches->question": OTHER,
    "lower": bump(0.7, 0.14, 0.6),
    "capital": bump(1.0, 0.2, 0.93),
}
ORDER = ("other_patches->question", "related_patches->question", "question->last")
ANSWERS = (LOWER_CASE, CAPITALISED)
FROM_IMAGE = ("image", "question")
CURVES: dict[str, tuple[MeasurementRecord | str, ...]] = {
    "A1": ("random0:question->last", "question->last"),
    "A2": ("image->last", "question->last"),
    "A3": ("last->last",),
    "A4": ("question->last", "image->last", "last->last"),
    "A5": ("question->last",),
    "A6": ("image->last",),
    "B1": ("random0:image->question", "image->question"),
    "C1": ("other_patches->question",),
    "C2": ("related_patches->question",),
    "C3": ("related_patches->question", "other_patches->question"),
    "C3b": ("related_patches->question", "other_patches->question"),
    "C4": tuple(f"{name}_patches->question" for name in ("related", "random", "shifted", "foreign")),
    "C5": (
        "image->question",
        "most_patches->question",
        MeasurementRecord("activation_patch", *FROM_IMAGE, replacement="mean"),
        MeasurementRecord("activation_patch", *FROM_IMAGE, replacement="other"),
    ),
    "D1": ORDER,
    "D2": (),
    "D3": (),
    "E2": (answer("either"), "related_patches->question"),
    "E3-norm": tuple(replace(one, norm=True) for one in ANSWERS),
    "E4": tuple(replace(one, condition="lower") for one in ANSWERS),
    "E5": (answer("either"), answer("false_either")),
    "F2": ("true_option->last", "false_option->last"),
    "F2-token": ("central_object->last", "question_rest->last"),
    "F3": ("image->central_object", "image->question_rest"),
    "F4": (
        MeasurementRecord("modules", "question", module="mlp"),
        MeasurementRecord("modules", "question", module="attention"),
        MeasurementRecord("modules", "question", module="mlp", draw=0),
    ),
    "F7": (MeasurementRecord("block_from_layer", "image", "after_image"),),
    "R1": ("most_patches->after_image",),
    "R2": ("image->after_image",),
    "R3": ("related_patches->last",),
    "R4": ("image->after_image",),
    "R5": (),
    **dict.fromkeys(("A7", "F5", "F6"), ()),
}
"""What is drawn for each claim."""
ABSENT = {"F5": "the checkpoint has no tiles", "F6": "needs a run on several checkpoints"}


@cache
def collected() -> tuple[ClaimTest, ...]:
    """Every claim test, from the files; nothing is imported."""
    return tuple(claim_tests(FINDINGS))


def _tasks(one: ClaimTest) -> tuple[str | None, ...]:
    if not one.by_task:
        return (None,)
    return CHOOSE_TASKS if one.some_tasks else TASKS


def whole(checkpoints: tuple[str, ...] = ("embedded",)) -> RunRecord:
    """A run of the whole catalogue: synthetic from the first number to the last."""
    claims = [claim for name in checkpoints for one in collected() for claim in _claims(one, name)]
    ran = tuple(_measured(name) for name in checkpoints)
    shown = tuple(
        shown_sample(name, task, place) for name in checkpoints for task in TASKS for place in (0, 1)
    )
    return replace(example(checkpoints), claims=tuple(claims), checkpoints=ran, samples=shown)


def _measured(name: str) -> CheckpointRecord:
    base = checkpoint(name)
    tasks = tuple(
        replace(
            task,
            right=0.94,
            grey=0.5,
            chance=0.5,
            prior=0.48,
            image_ceiling=-52.0,
            question_ceiling=-98.0,
        )
        for task in base.tasks
    )
    return replace(base, tasks=tasks)


def _claims(one: ClaimTest, name: str) -> Iterator[ClaimRecord]:
    for place, task in enumerate(_tasks(one)):
        label = f"{'-'.join(filter(None, (task, name)))}"
        yield ClaimRecord(
            id=one.id,
            source=read_catalogue(OWN).claims[one.id].source,
            statement=one.statement,
            hypothesis=ABSENT.get(one.id, f"at some point: made-up quantity of {one.id} < -10"),
            test=f"{one.node}[{label}]",
            command=f'pytest "{one.node}[{label}]"',
            checkpoint=name,
            task=task,
            judgement=_judged(one.id, place),
            bands=(LOWER,) if one.id in {"B1", "C1", "R1"} else (MIDDLE,) if one.id in {"C2", "E1"} else (),
            threshold=-10.0 if one.id[0] in "ABC" else None,
            curves=tuple(_curves(one.id, (task,) if task else TASKS)),
        )


def _judged(identifier: str, place: int) -> Judgement:
    if identifier in ABSENT:
        return judgement(N, look=2, images=0, reason=ABSENT[identifier])
    verdict = (S, S, R, S, U, S)[(place + ord(identifier[1])) % 6]
    low, half, threshold = {"D": (0.61, 0.04, 0.5), "E": (0.3, 0.04, 0.05)}.get(
        identifier[0], (-31.0, 5.0, -10.0)
    )
    asserts = ">" if identifier[0] in "DE" else "<"
    parts = [part(f"quantity {number} of {identifier}", low, half, threshold, asserts) for number in range(3)]
    if identifier[0] == "E" or identifier == "D3":
        return judgement(verdict, *parts, look=1, images=100)
    other = R if place == 3 and verdict is S else verdict
    readings = (
        Reading("distractor", verdict, parts[0]),
        Reading("flip", other, replace(parts[0], estimate=-4.0)),
    )
    notes = (Fact("metric-dependent"),) if other is not verdict else ()
    return judgement(verdict, *parts, look=1, images=100, readings=readings, notes=notes)


def _curves(identifier: str, tasks: tuple[str, ...]) -> Iterator[Curve]:
    default: tuple[MeasurementRecord | str, ...] = ANSWERS if identifier[0] == "E" else ("image->question",)
    for named in CURVES.get(identifier, default):
        of = sweep(named) if isinstance(named, str) else named
        role = "control" if _is_control(of) else "effect"
        for task in tasks:
            shape = SHAPES.get(of.form or of.flow, SMALL)
            readings = ("p_c", "distractor", "flip") if of.kind != "lens" and role == "effect" else ("p_c",)
            for reading in readings:
                yield curve(of, task, shape, reading=reading, role=role)


def _is_control(of: MeasurementRecord) -> bool:
    return of.kind == "activation_patch" or of.draw is not None or of.source in CONTROL_REGIONS


def shown_sample(name: str, task: str, place: int) -> SampleRecord:
    """A made-up sample to look at."""
    prompt = (
        ("system", "A chat.\n"),
        ("roles", "USER: "),
        ("image", "49 visual tokens"),
        ("separator", "\n"),
        ("question", "Is the "),
        ("central_object", "ring"),
        ("true_option", " red"),
        ("question", " or"),
        ("false_option", " blue"),
        ("question", "?"),
        ("suffix", " \nAnswer the question."),
        ("last", " ASSISTANT:"),
    )
    curves = [curve(flow, task, SHAPES[flow]) for flow in ("question->last", "image->question")]
    curves += [curve(form, task, SHAPES[form.form]) for form in ANSWERS]
    gone = tuple(float("nan") for _ in range(13))
    return SampleRecord(
        checkpoint=name,
        task=task,
        id=f"{place:04d}",
        image=f"{place:06d}",
        drop=("largest", "smallest")[place % 2],
        flow=sweep("question->last"),
        question="Is the ring red or blue?",
        answer="red",
        said="Red",
        p1=0.87,
        prompt=prompt,
        picture=picture(),
        size=(84, 84),
        boxes=(("ring", 20, 30, 18, 18),),
        patches=((12.0, 24.0, 12.0, 12.0), (24.0, 24.0, 12.0, 12.0)),
        curves=tuple(
            replace(one, lower=gone[: len(one.mean)], upper=gone[: len(one.mean)], n_images=1)
            for one in curves
        ),
    )
