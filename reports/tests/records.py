"""Made-up records for the report's own tests: plausible shapes, no measured number anywhere."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

from harness.data.depth import Grid, LensGrid
from harness.data.flow import Flow
from harness.statistics.verdict import Fact, Judgement, Part, Verdict
from harness.verdicts.curve_axes import UNITS
from harness.verdicts.record import (
    CheckpointRecord,
    ClaimRecord,
    Curve,
    Margin,
    MeasurementRecord,
    RunRecord,
    TaskRecord,
)
from reports.drawing.styles import answer

TASKS = ("ChooseAttr", "ChooseCat", "ChooseRel", "CompareAttr", "LogicalObj", "QueryAttr")
CHOICES = frozenset({"ChooseAttr", "ChooseCat", "ChooseRel"})
"""Those with one wrong answer, in the made-up records."""
LAYERS, WINDOW = 12, 3
Shape = Callable[[float], float]


def bump(centre: float, width: float, depth: float) -> Shape:
    return lambda u: depth * math.exp(-(((u - centre) / width) ** 2))


def both(first: Shape, second: Shape) -> Shape:
    return lambda u: first(u) + second(u)


FLOWS: dict[str, Shape] = {
    "question->last": bump(0.58, 0.16, -78),
    "image->last": bump(0.7, 0.3, -3),
    "last->last": bump(0.5, 0.4, 2.5),
    "image->question": both(bump(0.12, 0.09, -46), bump(0.42, 0.1, -31)),
    "related_patches->question": bump(0.43, 0.12, -27),
    "other_patches->question": bump(0.13, 0.11, -38),
}
LENS: dict[str, Shape] = {
    "lower": lambda u: 0.62 / (1 + math.exp(-(u - 0.58) * 22)) * (1 - u**9),
    "capital": lambda u: 0.93 / (1 + math.exp(-(u - 0.86) * 30)),
}


def sweep(text: str) -> MeasurementRecord:
    """A flow's sweep, e.g. of ``"image->question"`` or ``"random0:image->question"``."""
    flow = Flow.parse(text)
    return MeasurementRecord("sweep", flow.source, flow.target, flow.draw)


def curve(
    of: MeasurementRecord | str, task: str, shape: Shape, *, role: str = "effect", reading: str = "p_c"
) -> Curve:
    """A curve of that shape, scaled a little by task, with a band of plausible width.

    ``of`` is what it shows: a flow, or any other measurement.
    """
    measurement = sweep(of) if isinstance(of, str) else of
    noise = random.Random(repr((measurement, task, role, reading)))
    lens = measurement.kind == "lens"
    grid = LensGrid(LAYERS) if lens else Grid(LAYERS, WINDOW)
    depths = tuple(float(u) for u in grid.depths)
    scale, jitter = noise.uniform(0.72, 1.08), 0.008 if lens else 1.1
    if reading == "log_odds":
        scale, jitter = scale / 22, 0.05
    if reading == "flip":
        scale, jitter = -scale / 140, 0.01
    mean = tuple(scale * shape(u) + noise.gauss(0, jitter) for u in depths)
    half = [2.4 * jitter + abs(value) * 0.09 for value in mean]
    return Curve(
        measurement=measurement,
        task=task,
        reading="probability" if lens else reading,
        unit="probability" if lens else UNITS[reading],
        role="lens" if lens else role,
        window=None if lens else WINDOW,
        points=tuple(range(len(depths))),
        depth=depths,
        mean=mean,
        lower=tuple(m - h for m, h in zip(mean, half, strict=True)),
        upper=tuple(m + h for m, h in zip(mean, half, strict=True)),
        n_images=200,
        margin=margin(mean) if reading == "p_c" and role == "effect" and task in CHOICES else None,
    )


def margin(mean: tuple[float, ...]) -> Margin:
    """The parts of an effect of that p_c: a third of the lost margin is the true answer falling."""
    return Margin(tuple(value / 60 for value in mean), tuple(-value / 30 for value in mean), 190, 380)


READ = ("p_c", "log_odds", "flip")
"""The readings of a flow in the example."""


def random_control(flow: str, task: str) -> Curve:
    return curve(f"random0:{flow}", task, bump(0.5, 0.5, -2.5), role="control")


def flows(names: tuple[str, ...], tasks: tuple[str, ...], *, controls: bool = True) -> tuple[Curve, ...]:
    readings = [curve(n, t, FLOWS[n], reading=r) for n in names for t in tasks for r in READ]
    return tuple(readings + [random_control(n, t) for n in names for t in tasks if controls])


def lenses(tasks: tuple[str, ...]) -> tuple[Curve, ...]:
    return tuple(curve(answer(form), task, shape) for form, shape in LENS.items() for task in tasks)


def part(label: str, estimate: float, half: float, threshold: float, asserts: str) -> Part:
    holds = estimate > threshold if asserts == ">" else estimate < threshold
    p = 0.0004 if abs(estimate - threshold) > half else 0.12
    return Part(
        label=label,
        estimate=estimate,
        lower=estimate - half,
        upper=estimate + half,
        threshold=float(threshold),
        asserts=asserts,
        p_support=p if holds else 1 - p,
        p_refute=1 - p if holds else p,
        where="layers 6-8",
    )


def judgement(verdict: Verdict, *parts: Part, look: int = 0, images: int = 200, **other: object) -> Judgement:
    base = Judgement(
        verdict=verdict,
        p_support=max((p.p_support for p in parts), default=math.nan),
        p_refute=min((p.p_refute for p in parts), default=math.nan),
        alpha=(0.005, 0.010, 0.035)[look],
        look=look,
        n_images=images,
        n_samples=images * 2,
        parts=parts,
    )
    return replace(base, **other)  # type: ignore[arg-type]


def claim(identifier: str, judged: Judgement, task: str | None = None, **other: object) -> ClaimRecord:
    source, statement, hypothesis = TEXTS[identifier]
    name = f"test_{identifier.lower()}"
    test = f"findings/{name}.py::{name}[embedded{f'-{task}' if task else ''}]"
    base = ClaimRecord(
        id=identifier,
        source=source,
        statement=statement,
        hypothesis=hypothesis,
        test=test,
        command=f"pytest '{test}'",
        checkpoint="embedded",
        task=task,
        judgement=judged,
    )
    return replace(base, **other)  # type: ignore[arg-type]


TEXTS = {
    "A1": (
        "ABS, 3P",
        "Blocking Question→Last cuts the answer's probability strongly, in all six tasks.",
        "all of:\n  question->last on ChooseAttr < -10\n  below its random-source control",
    ),
    "A2": (
        "3P",
        "Blocking Image→Last has no significant direct effect in most tasks.",
        "at least 4 of 6 tasks: all windows |D[image->last]| < 10, and <= a quarter of A1's deepest",
    ),
    "A3": (
        "3P",
        "Blocking Last→Last barely matters.",
        "AND over tasks: all windows |D[last->last]| < 10",
    ),
    "B1": (
        "ABS",
        "Blocking Image→Question in the lower layers lowers the answer's probability.",
        "OR over windows of the lower band (u <= 0.40): D[image->question] < -10",
    ),
    "B2": (
        "ABS, 3P",
        "The flow from image to question happens twice: a dip in the lowest layers, then another.",
        "max over l1 < m < l2 of min(D(m) - D(l1), D(m) - D(l2)) > 3, D(l1), D(l2) < -10, k in {1, 3, rule}",
    ),
    "C1": (
        "ABS",
        "Stage one carries general information: Other→Question hurts mainly in the lower layers.",
        "mean(-D[other->question]) inside the lower band minus outside > 0",
    ),
    "C2": (
        "ABS",
        "Stage two carries the object: Related→Question hurts mainly in the middle layers.",
        "mean(-D[related->question]) inside the middle band minus outside > 0",
    ),
    "C3": (
        "ABS",
        "Related patches weigh relatively more in the middle than in the lower layers.",
        "M_rel(mid) * M_oth(low) - M_rel(low) * M_oth(mid) > 0, all four gated by the floor of 10",
    ),
    "D1": (
        "ABS",
        "Three steps in order: other → question, related → question, question → last.",
        "c(other->question) + 1/L < c(related->question) AND c(related->question) + 1/L < c(question->last)",
    ),
    "E1": (
        "ABS",
        "The answer's probability at the last position is near zero in lower layers, then rises.",
        "peak of p(answer) >= 0.05 AND onset (centre of mass of its increments) inside the middle band",
    ),
    "E3": (
        "ABS",
        "Lower case first, capitalised after it.",
        "OR over a < b: (lower - capital)(a) > 0.05 AND (capital - lower)(b) > 0.05",
    ),
}
LOWER, MIDDLE = ("lower", 0.0, 0.40), ("middle", 0.15, 0.75)
LOW, MID = ("low", 0.0, 0.15), ("mid", 0.20, 0.60)
S, R, U, N = Verdict.SUPPORTED, Verdict.REFUTED, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE


def last_position() -> list[ClaimRecord]:
    deep = [
        part(f"deepest window of question → last, {task}", -72.0 + 3 * i, 5.5, -10, "<")
        for i, task in enumerate(TASKS)
    ]
    small = [part(f"image → last, {task}", -3.1 + 0.4 * i, 2.0, -10, ">") for i, task in enumerate(TASKS)]
    return [
        claim(
            "A1",
            judgement(S, *deep, images=50),
            expected="SUPPORTED",
            enforced=True,
            threshold=-10.0,
            curves=flows(("question->last",), TASKS),
        ),
        claim(
            "A2",
            judgement(S, *small, look=1, images=100),
            expected="REFUTED",
            enforced=True,
            threshold=-10.0,
            curves=flows(("image->last", "question->last"), TASKS),
        ),
        claim(
            "A3",
            judgement(S, part("last → last, CompareAttr", 2.4, 1.9, 10, "<"), look=2),
            expected="SUPPORTED",
            threshold=-10.0,
            curves=flows(("last->last",), TASKS, controls=False),
        ),
    ]


def image_to_question() -> list[ClaimRecord]:
    found: list[ClaimRecord] = []
    for place, task in enumerate(TASKS):
        image = flows(("image->question",), (task,))
        one = part(f"deepest window of image → question, {task}", -44.0 + 4 * place, 6, -10, "<")
        two = part(f"recovery between two drops, {task}", 11.0 - 2.6 * place, 4.0, 3, ">")
        verdict = (S, S, S, U, R, U)[place]
        why = "The recovery lies between 0.2 and 9.1: neither above nor below 3." if verdict is U else ""
        found += [
            claim(
                "B1",
                judgement(S, one, images=50),
                task,
                expected="SUPPORTED",
                enforced=True,
                bands=(LOWER,),
                curves=image,
                threshold=-10.0,
            ),
            claim(
                "B2",
                judgement(
                    verdict,
                    two,
                    look=2,
                    reason=why,
                    needed_images=430 if verdict is U else None,
                    notes=(Fact("metric-dependent"),) if verdict is R else (),
                ),
                task,
                bands=(LOW, MID),
                curves=image,
                threshold=-10.0,
            ),
        ]
    return found


def patches() -> list[ClaimRecord]:
    related, other = "related_patches->question", "other_patches->question"
    found: list[ClaimRecord] = []
    for place, task in enumerate(TASKS):
        inside = part("other patches: lower band minus outside", 14.0 - place, 3.5, 0, ">")
        object_ = part("related patches: middle band minus outside", 9.5 - place, 3.0, 0, ">")
        shift = part("scale-free shift", 210.0 - 30 * place, 80.0, 0, ">")
        found += [
            claim(
                "C1",
                judgement(S, inside, images=100, look=1),
                task,
                bands=(LOWER,),
                curves=flows((other,), (task,)),
                threshold=-10.0,
            ),
            claim(
                "C2",
                judgement(S if place < 5 else U, object_, look=2),
                task,
                bands=(MIDDLE,),
                curves=flows((related,), (task,)),
                threshold=-10.0,
            ),
            claim(
                "C3",
                judgement(S if place < 4 else U, shift, look=2),
                task,
                bands=(LOW, MID),
                curves=flows((related, other), (task,)),
                threshold=-10.0,
            ),
        ]
    return found


def formation() -> list[ClaimRecord]:
    steps = (
        part("related minus other, centres of mass", 0.21, 0.05, 1 / 12, ">"),
        part("question → last minus related, centres of mass", 0.14, 0.04, 1 / 12, ">"),
    )
    order = flows(
        ("other_patches->question", "related_patches->question", "question->last"), TASKS, controls=False
    )
    return [
        claim("D1", judgement(S, *steps, look=1, images=100), expected="SUPPORTED", curves=order),
        claim(
            "E1",
            judgement(S, part("peak of p(answer)", 0.61, 0.05, 0.05, ">"), images=50),
            curves=lenses(TASKS),
            bands=(MIDDLE,),
        ),
        claim(
            "E3",
            judgement(
                N,
                reason="Fewer than 60 samples have an answer whose two cases differ in their first token.",
                images=41,
            ),
            curves=lenses(TASKS),
        ),
    ]


def checkpoint(name: str = "embedded") -> CheckpointRecord:
    reasons = ({"answered wrongly": 21, "two options share their first token": 4}, {"answered wrongly": 9})
    tasks = tuple(
        TaskRecord(task, 420, 210, 420 - sum(reasons[i % 2].values()), reasons[i % 2])
        for i, task in enumerate(TASKS)
    )
    return CheckpointRecord(name, "0f3c" * 16, LAYERS, WINDOW, "float32", "cpu", tasks, passes=151_200)


def example(checkpoints: tuple[str, ...] = ("embedded",)) -> RunRecord:
    """A run in which most claims hold: synthetic from the first number to the last."""
    base = last_position() + image_to_question() + patches() + formation()
    return RunRecord(
        suite="2026.11.0",
        created="2026-11-22T12:00:00Z",
        command="pytest findings",
        dataset="synthetic example",
        dataset_sha256="9ab1" * 16,
        protocol={"alpha": 0.05, "samples": None, "window": 3, "looks": [0.25, 0.5, 1.0]},
        provenance={
            "seconds": {"measuring": 214.0, "judging": 41.5},
            "commit": "0000000 (synthetic)",
            "versions": {"python": "3.11.7", "torch": "2.9.1", "transformers": "5.23.0"},
            "hardware": {"cpu": "2 cores", "memory": "4 GiB"},
        },
        checkpoints=tuple(checkpoint(name) for name in checkpoints),
        claims=tuple(replace(c, checkpoint=name) for name in checkpoints for c in base),
        remarks=(
            "These numbers are made up for the report's own tests.",
            "The error of 5 % holds per claim.",
        ),
    )
