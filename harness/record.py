"""The record of a run: what was judged, on what, with which numbers. The report is made from it alone.

Plain frozen data, written as JSON (`RunRecord.to_json`) and read back strictly (`read_record`). The
format has a version; a file of a newer version is refused with one line. Every number in it comes
from stored evidence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.verdict import Judgement, Part, Verdict

RECORD_VERSION = 1
"""Raised whenever a reader of the old format would misread the new one."""


@dataclass(frozen=True)
class Curve:
    """A mean over images, point by point, with a simultaneous band.

    Attributes:
        label: what is drawn, e.g. ``"image->question"`` or ``"lower-case answer"``.
        task: the task it was measured on.
        reading: ``"p_c"``, ``"log_odds"``, ``"flip"``, or ``"probability"``.
        unit: the unit of ``mean``, for the axis.
        role: ``"effect"``, ``"null"`` (null block or control) or ``"lens"``.
        window: window size k in layers; None for lens curves.
        points: centre layers (sweeps) or layers 0…L (lens).
        depth: relative depth u of each point.
        mean: the mean over images.
        lower: simultaneous 95 % band, lower.
        upper: simultaneous 95 % band, upper.
        n_images: images behind it.
    """

    label: str
    task: str
    reading: str
    unit: str
    role: str
    window: int | None
    points: tuple[int, ...]
    depth: tuple[float, ...]
    mean: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    n_images: int


@dataclass(frozen=True)
class ClaimRecord:
    """One claim on one checkpoint and, where the claim is per task, one task.

    Attributes:
        id: e.g. ``"A1"``.
        source: source tags, e.g. ``"ABS, 3P"``.
        statement: the claim, one or two sentences.
        hypothesis: what exactly was tested, readable.
        test: the pytest node id.
        command: the command line that reproduces it.
        checkpoint: the checkpoint's name.
        task: the task, or None for a claim over all tasks.
        judgement: the verdict and its numbers.
        expected: the verdict on file for this checkpoint, or None.
        enforced: whether a different verdict fails the run.
        curves: what was measured for it.
        bands: (name, from u, to u) of the depth bands the claim speaks of.
        threshold: horizontal line of the claim's plot in the unit of its curves, or None.
    """

    id: str
    source: str
    statement: str
    hypothesis: str
    test: str
    command: str
    checkpoint: str
    task: str | None
    judgement: Judgement
    expected: str | None = None
    enforced: bool = False
    curves: tuple[Curve, ...] = ()
    bands: tuple[tuple[str, float, float], ...] = ()
    threshold: float | None = None


@dataclass(frozen=True)
class TaskRecord:
    """What became of one task's samples on one checkpoint.

    Attributes:
        task: the task.
        samples: samples looked at.
        images: images they are on.
        kept: samples the checkpoint answers correctly and that were used.
        excluded: how many were left out, by reason.
    """

    task: str
    samples: int
    images: int
    kept: int
    excluded: Mapping[str, int]


@dataclass(frozen=True)
class CheckpointRecord:
    """A checkpoint as it was run.

    Attributes:
        name: its name.
        sha256: hash over its files.
        layers: L.
        window: k.
        dtype: of weights and arithmetic.
        device: where it ran.
        tasks: per task, what became of the samples.
        passes: knocked-out forward passes measured in this run (0: all came from stored evidence).
    """

    name: str
    sha256: str
    layers: int
    window: int
    dtype: str
    device: str
    tasks: tuple[TaskRecord, ...]
    passes: int


@dataclass(frozen=True)
class RunRecord:
    """A whole run.

    Attributes:
        suite: version of this suite.
        created: ISO 8601 time, UTC.
        command: the command line.
        dataset: name of the data set.
        dataset_sha256: hash over its files.
        protocol: resolved options that a verdict depends on (alpha, samples, window, looks …).
        provenance: versions, commit, hardware, seconds.
        checkpoints: what was run.
        claims: the verdicts.
        remarks: what a reader must know, e.g. that the 5 % holds per claim.
    """

    suite: str
    created: str
    command: str
    dataset: str
    dataset_sha256: str
    protocol: Mapping[str, Any]
    provenance: Mapping[str, Any]
    checkpoints: tuple[CheckpointRecord, ...]
    claims: tuple[ClaimRecord, ...]
    remarks: tuple[str, ...] = field(default=())

    def to_json(self) -> str:
        """Write the record; numbers that are not finite become null."""
        data = {"version": RECORD_VERSION, **asdict(self)}
        return json.dumps(_plain(data), indent=1, ensure_ascii=False, allow_nan=False)


def read_record(path: Path) -> RunRecord:
    """Read a record back.

    Raises:
        HarnessError: if the file is missing, not a record, or of a newer version.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data.pop("version")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise HarnessError(f"{path}: not the record of a run ({error})") from error
    if version != RECORD_VERSION:
        raise HarnessError(
            f"{path}: record version {version}; this suite reads {RECORD_VERSION}. Use the suite that wrote it"
        )
    try:
        return _run(data)
    except (TypeError, KeyError, ValueError) as error:
        raise HarnessError(f"{path}: not the record of a run ({error})") from error


def _run(data: dict[str, Any]) -> RunRecord:
    checkpoints = tuple(_checkpoint(item) for item in data.pop("checkpoints"))
    claims = tuple(_claim(item) for item in data.pop("claims"))
    remarks = tuple(data.pop("remarks"))
    return RunRecord(checkpoints=checkpoints, claims=claims, remarks=remarks, **data)


def _checkpoint(data: dict[str, Any]) -> CheckpointRecord:
    tasks = tuple(TaskRecord(**item) for item in data.pop("tasks"))
    return CheckpointRecord(tasks=tasks, **data)


def _claim(data: dict[str, Any]) -> ClaimRecord:
    judgement = data.pop("judgement")
    parts = tuple(Part(**_numbers(Part, item)) for item in judgement.pop("parts"))
    verdict, notes = Verdict(judgement.pop("verdict")), tuple(judgement.pop("notes"))
    judged = Judgement(verdict=verdict, parts=parts, notes=notes, **_numbers(Judgement, judgement))
    curves = tuple(_curve(item) for item in data.pop("curves"))
    bands = tuple((str(name), float(start), float(end)) for name, start, end in data.pop("bands"))
    return ClaimRecord(judgement=judged, curves=curves, bands=bands, **data)


def _curve(data: dict[str, Any]) -> Curve:
    series = {name: tuple(math.nan if x is None else x for x in data.pop(name)) for name in _SERIES}
    return Curve(points=tuple(data.pop("points")), **series, **data)


_SERIES = ("depth", "mean", "lower", "upper")


def _numbers(record: type[Any], data: dict[str, Any]) -> dict[str, Any]:
    """Null stands for a number that is not finite wherever the field is a plain float."""
    floats = {item.name for item in fields(record) if item.type == "float"}
    return {name: math.nan if value is None and name in floats else value for name, value in data.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON has no type
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Verdict) else value
