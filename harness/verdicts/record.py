"""The record of a run: what was judged, on what, with which numbers. The report is made from it alone.

Plain frozen data, written as JSON (`RunRecord.to_json`) and read back (`read_record`). The format has a
version. Within one, fields may be added: a reader lets those it does not know pass. A file of another
version is refused with one line. Every number in it comes from stored evidence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import cattrs

from harness.data.doors import door
from harness.data.errors import HarnessError
from harness.data.regular_files import read_regular
from harness.data.strict_json import strict_json
from harness.statistics.verdict import Judgement, Part
from harness.verdicts.catalogue import Catalogue
from harness.verdicts.content_hash import FIELD, content_hash, stamped

RECORD_VERSION = 2
"""Raised whenever a reader of the old format would misread the new one."""


@dataclass(frozen=True)
class MeasurementRecord:
    """What a curve shows: what was done to the model, or what was read off it.

    Attributes:
        kind: ``"sweep"``, ``"activation_patch"``, ``"block_from_layer"``, ``"modules"`` or ``"lens"``.
        source: the region whose keys are hidden or replaced, or whose module output is zeroed; else empty.
        target: the region whose queries may not read the source; else empty.
        draw: number of the random-source control, from 0; None for the effect itself.
        condition: how the sample was put to the model: ``"plain"``, ``"grey"``, ``"lower"`` …
        replacement: of an activation patch, what is read instead: ``"mean"`` or ``"other"``; else empty.
        module: ``"attention"`` or ``"mlp"``; empty unless a module's output is zeroed.
        form: of a lens, whose probability: ``"lower"``, ``"capital"``, ``"either"``, ``"false_lower"`` …
        norm: whether a lens applies the model's final norm.
        checkpoint: the checkpoint it was measured on, if not the one under study; else empty.
    """

    kind: str
    source: str = ""
    target: str = ""
    draw: int | None = None
    condition: str = "plain"
    replacement: str = ""
    module: str = ""
    form: str = ""
    norm: bool = False
    checkpoint: str = ""

    @property
    def flow(self) -> str:
        """Source and target, e.g. ``"image->question"``."""
        return f"{self.source}->{self.target}"


@dataclass(frozen=True)
class Margin:
    """How an effect's change of the log-odds against the wrong answer splits: it is ``true - false``.

    In nats, to a millionth; means over images, an image's samples averaged first, on those that have both.

    Attributes:
        true: change of the true answer's log-probability, point by point of the curve it belongs to.
        false: the same of the wrong answer.
        n_images: images behind them.
        n_samples: samples on these images.
        left_out: further samples with a wrong answer, whose probabilities underflow and have no logarithm.
    """

    true: tuple[float, ...]
    false: tuple[float, ...]
    n_images: int
    n_samples: int
    left_out: int = 0


@dataclass(frozen=True)
class Curve:
    """A mean over images, point by point, with a simultaneous band.

    Attributes:
        measurement: what it shows.
        task: the task it was measured on.
        reading: ``"p_c"``, ``"distractor"``, ``"flip"``, ``"log_odds"``, ``"per_token"``, ``"right"``, or
            ``"probability"``.
        unit: what ``mean`` counts, for the axis, e.g. ``"share of right answers"``.
        role: ``"effect"``, ``"control"``, ``"lens"``, or ``"baseline"`` for an accepted checkpoint's effect.
        window: window size k in layers; None for lens curves.
        points: centre layers (sweeps) or layers 0…L (lens).
        depth: relative depth u of each point.
        mean: the mean over images; of a single sample its value.
        lower: simultaneous 95 % band, lower; not a number for a single sample.
        upper: simultaneous 95 % band, upper.
        n_images: images behind it.
        margin: of an effect on p_c where there is one wrong answer, what becomes of the log-odds against
            it; else None, as in records written before it was kept.
    """

    measurement: MeasurementRecord
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
    margin: Margin | None = None


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
        included: samples the checkpoint answers correctly and that were used.
        excluded: how many were left out, by reason.
        right: share of right first tokens without a knockout, on all samples, if it was measured.
        grey: the same with an even grey picture instead of the image.
        chance: the same for the best answer that uses neither image nor question.
        image_ceiling: mean p_c in per cent with the image unreadable in all layers: no effect of the
            image can be much larger.
        prior: share of right guesses by how often each answer is right on other images, without a model.
        question_ceiling: mean p_c in per cent with the question unreadable in all layers.
        without_patches: how many of the samples looked at have no patches of an annotated object, by reason;
            only measurements that need these leave them out.
    """

    task: str
    samples: int
    images: int
    included: int
    excluded: Mapping[str, int]
    right: float | None = None
    grey: float | None = None
    chance: float | None = None
    image_ceiling: float | None = None
    prior: float | None = None
    question_ceiling: float | None = None
    without_patches: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PredictedCost:
    """What measuring was predicted to take, before it began.

    Attributes:
        passes: knocked-out passes, if claims stop early.
        most_passes: if all go to the last look.
        row_layers: rows times layers computed for the former; rows that passes share count once.
        most_row_layers: for the latter.
        shortest: seconds that measuring takes at least, loading included, if claims stop early.
        longest: seconds that it takes at most.
        derived: how it was told which claims stop early.
        rate: where the device's speed is from.
    """

    passes: int
    most_passes: int
    row_layers: int
    most_row_layers: int
    shortest: float
    longest: float
    derived: str
    rate: str


@dataclass(frozen=True)
class CostRecord:
    """What measuring on a checkpoint was predicted to take, and what it then took.

    Attributes:
        predicted: the prediction; only made where nothing was stored.
        passes: knocked-out passes.
        row_layers: rows times layers computed for them, the check of the sweep included.
        seconds: time of the process that took longest, loading included.
    """

    predicted: PredictedCost
    passes: int
    row_layers: int
    seconds: float


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
        boxes: the rule by which boxes became patches; empty in records written before it was kept.
        image_handling: how its pictures were handled, where that was named; else empty: its type's own way.
        hub: of a checkpoint from a hub its id and the commit it was loaded at, ``id@commit``; else empty.
        prompt: name of the prompt format it was asked in; empty in records written before it was kept.
        answers: how it writes its answers, by its first ones, in one sentence; empty where none was asked,
            and in records written before it was kept.
        asked: (region, text) of the whole prompt of one sample, the visual tokens counted; empty where no
            sample is shown.
        cost: what measuring was predicted to take and took; None where something was stored before, where no
            prediction could be made, and in records written before it was.
        elsewhere: of one that was measured elsewhere "measured elsewhere, by FILE (hash)"; else empty.
        sources: the files that its numbers came from: name, SHA-256 and what each holds.
        by: ``reference`` where the slow reference measured; empty: the sweep, or it is not known.
    """

    name: str
    sha256: str
    layers: int
    window: int
    dtype: str
    device: str
    tasks: tuple[TaskRecord, ...]
    passes: int
    boxes: str = ""
    image_handling: str = ""
    hub: str = ""
    prompt: str = ""
    answers: str = ""
    asked: tuple[tuple[str, str], ...] = ()
    cost: CostRecord | None = None
    elsewhere: str = ""
    sources: tuple[tuple[str, str, str], ...] = ()
    by: str = ""


@dataclass(frozen=True)
class SampleRecord:
    """One sample to look at, as one checkpoint saw it.

    Attributes:
        checkpoint: the checkpoint's name.
        task: the task.
        id: the sample's id.
        image: the image's id.
        drop: ``"largest"`` or ``"smallest"``: which drop of ``flow`` it is shown for.
        flow: the flow by whose drop it was chosen.
        question: the question.
        answer: the expected answer.
        said: the checkpoint's answer.
        p1: probability of its answer's first token without a knockout.
        prompt: (region, text) of the whole prompt in order, the visual tokens counted, not written out.
        picture: the image as a small JPEG, a data URI; empty if it cannot be read.
        size: width and height of the image, the unit of boxes and patches.
        boxes: (name, x, y, width, height) of the annotated objects.
        patches: (x, y, width, height) of the related patches, in the picture that is seen whole.
        curves: its own curves.
    """

    checkpoint: str
    task: str
    id: str
    image: str
    drop: str
    flow: MeasurementRecord
    question: str
    answer: str
    said: str
    p1: float
    prompt: tuple[tuple[str, str], ...]
    picture: str
    size: tuple[int, int]
    boxes: tuple[tuple[str, float, float, float, float], ...] = ()
    patches: tuple[tuple[float, float, float, float], ...] = ()
    curves: tuple[Curve, ...] = ()


@dataclass(frozen=True)
class ChangeRecord:
    """What became of one curve since a baseline.

    Attributes:
        checkpoint: the checkpoint's name.
        baseline: the baseline's checkpoint and date.
        task: the task.
        change: ``equivalent``, ``undecided``, ``new``, ``gone``, ``shifted to higher layers`` …
        moved: whether the two curves are shown to differ.
        difference: the largest difference, in points of p_c; None if there were too few images.
        images_on_both: images that both sides have, compared in pairs.
        images_on_one: images of one side only.
        old: the baseline's curve.
        new: the checkpoint's curve.
        reason: why it is undecided; else empty.
    """

    checkpoint: str
    baseline: str
    task: str
    change: str
    moved: bool
    difference: Part | None
    images_on_both: int
    images_on_one: int
    old: Curve
    new: Curve
    reason: str = ""

    @property
    def flow(self) -> str:
        """The flow, e.g. ``"image->question"``."""
        return self.new.measurement.flow


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
        samples: samples to look at.
        attribution: whose pictures they are; empty for the suite's own scenes.
        changes: curves against those of a baseline; empty without one.
        catalogue: what is said of each claim in plain words; None in records written before it was kept.
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
    samples: tuple[SampleRecord, ...] = ()
    attribution: str = ""
    changes: tuple[ChangeRecord, ...] = ()
    catalogue: Catalogue | None = None

    def protocol_of(self, checkpoint: CheckpointRecord) -> Mapping[str, Any]:
        """The options of one checkpoint's verdicts: the run's, with the dtype that this one was run in."""
        return {**self.protocol, "dtype": checkpoint.dtype}

    def to_json(self) -> str:
        """Write the record, on one line; numbers that are not finite become null."""
        data = stamped({"version": RECORD_VERSION, **plain(self)})
        return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def read_record(path: Path) -> RunRecord:
    """Read a record back.

    Raises:
        HarnessError: if the file is missing, not a record, damaged, or of another version.
    """
    with door(HarnessError, f"{path}: not the record of a run"):
        data = strict_json(read_regular(path))
        version = data["version"]
    if version != RECORD_VERSION:
        raise HarnessError(
            f"{path}: version {version}, this suite reads {RECORD_VERSION}; use the suite that wrote it"
        )
    if data.get(FIELD) != content_hash(data):
        raise HarnessError(
            f"{path}: damaged or changed by hand: what it says does not match its {FIELD}; "
            "`pytest findings` writes it again"
        )
    with door(HarnessError, f"{path}: not the record of a run"):
        try:
            return record_of(data)
        except cattrs.BaseValidationError as error:
            raise ValueError("; ".join(cattrs.transform_error(error)[:3])) from error


def record_of(data: Mapping[str, Any]) -> RunRecord:
    """Make a record from the data of its file; curves that are listed once are shared by their claims.

    Where claims share curves, a file may list each once, under ``curves``, and name them by their places.

    Raises:
        cattrs.BaseValidationError: if a field is missing, or has another type.
        IndexError: if a claim names a curve that is not listed.
    """
    listed = structure(data.get("curves", ()), tuple[Curve, ...])
    named = [claim["curves"] if _names_places(claim) else None for claim in data["claims"]]
    bare = [
        {**claim, "curves": ()} if places else claim
        for claim, places in zip(data["claims"], named, strict=True)
    ]
    record = structure({**data, "claims": bare}, RunRecord)
    claims = zip(record.claims, named, strict=True)
    return replace(
        record,
        claims=tuple(
            replace(claim, curves=tuple(map(listed.__getitem__, places))) if places else claim
            for claim, places in claims
        ),
    )


def _names_places(claim: Mapping[str, Any]) -> bool:
    curves = claim.get("curves")
    return bool(curves) and isinstance(curves, list) and all(type(one) is int and one >= 0 for one in curves)


T = TypeVar("T")


def structure(data: Any, kind: type[T]) -> T:  # noqa: ANN401 - plain data of any shape
    """Make a record from plain data; fields that it does not know pass."""
    made: T = _converter().structure(data, kind)
    return made


@cache
def _converter() -> cattrs.Converter:
    """Null stands for a number that is not finite."""
    converter = cattrs.Converter()
    converter.register_structure_hook(float, lambda value, _: math.nan if value is None else float(value))
    return converter


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON has no type
    """Make records, or what holds them, plain JSON-like data; numbers that are not finite become None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value
