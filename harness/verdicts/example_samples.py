"""Samples to look at: which ones, and what a reader wants to see of each.

Everything comes from stored evidence and the data set. Weights are not loaded: the prompt's regions
and the related patches are those of `harness.checkpoint.encode`, which needs the processor alone.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from harness.checkpoint.info import CheckpointInfo, is_directory
from harness.data.dataset import order_key
from harness.data.errors import CheckpointError, HarnessError
from harness.data.flow import Flow
from harness.data.pictures import read_picture
from harness.data.sample import Sample
from harness.evidence.shards import CLEAN
from harness.interventions.measurements import Lens, Quantity, Sweep
from harness.verdicts.curve_axes import axis_of, measurement_record, sample_curve
from harness.verdicts.examination import Examination
from harness.verdicts.record import Curve, SampleRecord

RANKED = ("question->last", "image->question")
"""The flows by whose effect samples are chosen."""
DRAWN = (*RANKED, "image->last", "related_patches->question", "other_patches->question")
FORMS = ("lower", "capital")
SIDE = 280
"""Longer side of a shown picture in pixels; smaller ones stay as they are."""
KINDS = (
    *("last", "true_option", "false_option", "central_object", "question"),
    *("image", "separators", "separator", "suffix", "roles", "system"),
)
"""Regions of a prompt that are told apart; a token in several belongs to the first."""

Box = tuple[float, float, float, float]


def samples_of(examination: Examination, most: int) -> tuple[SampleRecord, ...]:
    """The samples of a checkpoint that the report shows, at most so many per task.

    Args:
        examination: the checkpoint's examination, done by this or another process.
        most: samples per task.

    Raises:
        HarnessError: if the checkpoint's processor cannot be loaded or was changed since, or the store not
            be read.
    """
    found: list[SampleRecord] = []
    view: Any = None
    for task, samples in examination.dataset.by_task.items():
        by_id = {sample.id: sample for sample in samples}
        measured = drops(examination, task)
        here = {flow: {one: of[one] for one in of if one in by_id} for flow, of in measured.items()}
        picked = chosen(here, most)
        if picked and view is None:
            examination.check_unchanged()  # what is shown is what was asked
            view = without_weights(examination.info)
            view = replace(view, opening=examination.answering.form.opening)
        found += [_record(examination, view, by_id[one], why) for one, why in picked.items()]
    return tuple(found)


def drops(examination: Examination, task: str) -> dict[str, dict[str, float]]:
    """By flow and sample: the largest fall of the answer's probability in any window, in per cent."""
    found: dict[str, dict[str, float]] = {}
    for flow in RANKED:
        measured = examination.table.samples(_swept(examination, task, flow))
        if measured is not None:
            deepest = -measured.values.min(axis=1)
            found[flow] = dict(zip(measured.samples, deepest.tolist(), strict=True))
    return found


def chosen(effects: Mapping[str, Mapping[str, float]], most: int) -> dict[str, tuple[str, str]]:
    """Which samples are shown, and why: by turns those of the largest and the smallest drop of each flow.

    Args:
        effects: by flow and sample id its drop; equal ones are in the order of a hash of the id.
        most: at most so many.

    Returns:
        By sample id ``"largest"`` or ``"smallest"``, and the flow.
    """
    turns = [
        ((word, flow), _ranked(of, sign))
        for flow, of in effects.items()
        for word, sign in (("largest", -1), ("smallest", 1))
    ]
    found: dict[str, tuple[str, str]] = {}
    for turn in range(most if turns else 0):
        why, order = turns[turn % len(turns)]
        fresh = next((one for one in order if one not in found), None)
        if fresh is not None:
            found[fresh] = why
    return found


def _ranked(drop: Mapping[str, float], sign: int) -> list[str]:
    return sorted(drop, key=lambda one: (sign * drop[one], order_key(one)))


def _record(
    examination: Examination,
    view: Any,  # noqa: ANN401
    sample: Sample,
    why: tuple[str, str],
) -> SampleRecord:
    drop, flow = why
    looked_at = examination.table.frame.filter(
        (pl.col("measurement") == CLEAN) & (pl.col("task") == sample.task) & (pl.col("sample") == sample.id)
    )
    base = looked_at.row(0, named=True)  # several processes may have looked at it; all saw the same
    prompt, patches = _seen(view, sample)
    return SampleRecord(
        checkpoint=examination.info.name,
        task=sample.task,
        id=sample.id,
        image=sample.image_id,
        drop=drop,
        flow=measurement_record(_swept(examination, sample.task, flow)),
        question=sample.question,
        answer=sample.answer,
        said=base["answer"],
        p1=base["p1"],
        prompt=prompt,
        picture=thumbnail(sample.image_path),
        size=sample.image_size,
        boxes=tuple((box.name, box.x, box.y, box.width, box.height) for box in sample.objects),
        patches=patches,
        curves=tuple(_curves(examination, sample)),
    )


def _curves(examination: Examination, sample: Sample) -> Iterator[Curve]:
    sweeps = [_swept(examination, sample.task, flow) for flow in DRAWN]
    for quantity in (*sweeps, *(Quantity(sample.task, Lens(norm=False), form) for form in FORMS)):
        measured = examination.table.samples(quantity)
        axis = axis_of(quantity.measurement, examination.info.layers)
        if measured is not None and axis is not None and sample.id in measured.samples:
            values = measured.values[measured.samples.index(sample.id)]
            yield sample_curve(quantity, values.tolist(), axis)


def _swept(examination: Examination, task: str, flow: str) -> Quantity:
    return Quantity(task, Sweep(Flow.parse(flow), examination.window), "p_c")


# ------------------------------------------------------------------------------- what the model sees


def without_weights(info: CheckpointInfo) -> Any:  # noqa: ANN401 - torch is loaded only here
    """A checkpoint that can encode samples and nothing else.

    Raises:
        CheckpointError: if its configuration or its processor cannot be used.
    """
    if is_directory(info.path) and not (Path(info.path) / "config.json").is_file():
        raise CheckpointError(f"{info.path}: no configuration there")
    from harness.checkpoint.without_weights import bare_checkpoint  # noqa: PLC0415 - loads torch and transformers

    return bare_checkpoint(info)


def _seen(view: Any, sample: Sample) -> tuple[tuple[tuple[str, str], ...], tuple[Box, ...]]:  # noqa: ANN401
    """The prompt in pieces, and the related patches; nothing of a sample that cannot be encoded."""
    from harness.checkpoint.encode import encode  # noqa: PLC0415 - loads torch

    try:
        encoded = encode(view, sample)
    except HarnessError:
        return (), ()
    positions = encoded.regions.positions
    number = {at: token for token, at in enumerate(positions["image"])}
    related = {number[at] for at in positions.get("related_patches", ())}
    places = view.pictures.layout(sample.image_size).base.places()
    prompt = pieces(encoded.text, encoded.offsets, positions)
    return prompt, tuple(place for token, place in places.items() if token in related)


def pieces(
    text: str, offsets: tuple[tuple[int, int], ...], positions: Mapping[str, tuple[int, ...]]
) -> tuple[tuple[str, str], ...]:
    """A prompt cut where its region changes: (region, text), the visual tokens and their marks counted.

    Args:
        text: the prompt.
        offsets: where each token stands in it, in characters.
        positions: tokens by region.
    """
    kinds = {at: kind for kind in reversed(KINDS) for at in positions.get(kind, ())}
    marks = positions.get("separators", ())
    kinds |= dict.fromkeys(marks, "image")
    written = [at for at, (start, stop) in enumerate(offsets) if stop > start]
    runs = [(kind, list(run)) for kind, run in groupby(written, lambda at: kinds.get(at, "other"))]
    starts = [offsets[run[0]][0] for _, run in runs]
    return tuple(
        (kind, _counted(run, marks) if kind == "image" else text[start:stop])
        for (kind, run), start, stop in zip(runs, starts, [*starts[1:], len(text)], strict=True)
    )


def _counted(picture: list[int], marks: tuple[int, ...]) -> str:
    between = len(set(picture).intersection(marks))
    visual = f"{len(picture) - between} visual tokens"
    return f"{visual}, {between} tokens of marks around them" if between else visual


def thumbnail(path: Path) -> str:
    """An image as a small JPEG in a data URI; empty if it cannot be read."""
    try:
        picture = read_picture(path)
    except HarnessError:
        return ""
    picture.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=82, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
