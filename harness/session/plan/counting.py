"""The knocked-out passes of a sample, counted as the engine carries them, from its prompt alone.

Prompt and picture say which rows a knockout reaches; the sweep's own schedule says from which layer on a
pass is carried by itself. No weights are needed. What the model answers is not known: every sample counts
as answered rightly, and its answer as the expected one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

import torch

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.checkpoint.encode_condition import continued, encode_under
from harness.data.condition import Condition
from harness.data.dataset import Dataset
from harness.data.errors import RegionError
from harness.data.sample import Sample, Size
from harness.engine.sweep.reach import reach
from harness.engine.sweep.schedule import Branch, branch_points
from harness.interventions.control_regions import with_controls
from harness.interventions.knockout import Knockout, Positions
from harness.interventions.measurements import (
    ActivationPatch,
    Measurement,
    Unblocked,
    condition_of,
    only_of,
)
from harness.interventions.patching import KeyValues, PatchSource
from harness.interventions.some_points import whole
from harness.interventions.to_knockouts import Subject, knockouts_of

Point: TypeAlias = "tuple[str, int]"
"""A point of a curve: the measurement of the whole curve by name, and its place."""


@dataclass(frozen=True)
class Carried:
    """A knocked-out pass as the engine carries it.

    Attributes:
        rows: rows it carries in each layer; 0 where it changes nothing.
        before: rows of the prompt before these, which it reads.
        layers: layers in which it is carried by itself.
        picture: size of the picture that the vision tower runs over once more; None: it does not.
    """

    rows: int = 0
    before: int = 0
    layers: int = 0
    picture: Size | None = None

    @property
    def row_layers(self) -> int:
        """Rows times layers."""
        return self.rows * self.layers

    @property
    def pairs(self) -> float:
        """Pairs of a query and a key in one layer."""
        return self.rows * self.before + self.rows * (self.rows + 1) / 2


@dataclass(frozen=True)
class SampleCount:
    """What is run for one sample.

    Attributes:
        passes: its knocked-out passes, by the point they give.
        tail: tokens behind the picture, which no other question shares.
        stem: tokens up to the picture's end, which all questions on it share.
        prefills: further unblocked passes: other conditions, other pictures.
    """

    passes: dict[Point, Carried]
    tail: int
    stem: int
    prefills: int


class _NoContents(PatchSource):
    """Contents of other images of which only the number is needed; no two of them are the same."""

    def __init__(self, dataset: Dataset, layers: int) -> None:
        super().__init__(dataset, _never, _none)
        self._layers = layers

    def contents(self, by: Literal["mean", "other"], sample: Sample, sources: Positions) -> KeyValues:  # noqa: ARG002
        """See `PatchSource.contents`."""
        values = tuple(torch.empty(0) for _ in range(self._layers))
        return KeyValues(values, values if by == "other" else None)


def _never(_: Sample) -> Encoded:
    raise RuntimeError("no other sample is asked for without weights")


def _none(_: Encoded, __: Positions) -> KeyValues:
    raise RuntimeError("without weights there are no contents")


class SampleCounter:
    """Counts what measurements of one sample need.

    Args:
        checkpoint: the checkpoint; its weights are not needed.
        layers: L.
        dataset: the sample's data set.
        sample: the sample.
        by_reference: whether every pass is a whole one, as the reference runs it.

    Raises:
        RegionError: if the sample cannot be put to the checkpoint at all.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        layers: int,
        dataset: Dataset,
        sample: Sample,
        *,
        by_reference: bool = False,
    ) -> None:
        self._checkpoint, self._layers, self._dataset = checkpoint, layers, dataset
        self._by_reference = by_reference
        self.sample = sample
        self._plain = encode_under(checkpoint, sample, "plain")
        self._source = _NoContents(dataset, layers)
        self._encoded = cache(self._under)

    def count(self, measurements: Sequence[Measurement]) -> SampleCount:
        """What all of some measurements need together."""
        by_condition: dict[Condition, list[Measurement]] = defaultdict(list)
        for measurement in measurements:
            by_condition[condition_of(measurement)].append(measurement)
        passes: dict[Point, Carried] = {}
        prefills = int(any(isinstance(one, ActivationPatch) and one.by == "other" for one in measurements))
        for condition, wanted in by_condition.items():
            encoded = self._encoded(condition)
            if encoded is not None:
                passes |= self._carried(encoded, wanted)
                prefills += condition != "plain"
        stem = max(self._plain.regions["image"]) + 1
        return SampleCount(passes, self._plain.length - stem, stem, prefills)

    def _under(self, condition: Condition) -> Encoded | None:
        """The sample under a condition; None where it does not have it."""
        with suppress(RegionError):
            match condition:
                case "plain":
                    return self._plain
                case "first_subword" | "last_subword":
                    tokenizer = self._checkpoint.processor.tokenizer
                    answer = tokenizer.encode(self.sample.answer, add_special_tokens=False)
                    return continued(self._plain, answer, condition)
                case _:
                    return encode_under(self._checkpoint, self.sample, condition)
        return None

    def _carried(self, encoded: Encoded, measurements: Sequence[Measurement]) -> dict[Point, Carried]:
        points = list(self._knockouts(encoded, measurements))
        if self._by_reference:
            whole_pass = Carried(encoded.length, 0, self._layers, self.sample.image_size)
            return dict.fromkeys((point for point, _ in points), whole_pass)
        found = {point: Carried() for point, _ in points}
        by_row: dict[int, list[tuple[Point, Branch]]] = defaultdict(list)
        for point, knockout in points:
            reached = reach(knockout, encoded.length, self._layers, encoded.regions.two_way)
            if reached is not None:
                by_row[reached.row].append((point, Branch(0, 0, knockout, reached)))
        for row, branches in by_row.items():
            ordered = sorted(branches, key=lambda one: (one[1].reach.last, one[1].reach.first))
            joins, _ = branch_points([branch for _, branch in ordered])
            for (point, _), join in zip(ordered, joins, strict=True):
                found[point] = Carried(encoded.length - row, row, self._layers - int(join))
        return found

    def _knockouts(
        self, encoded: Encoded, measurements: Sequence[Measurement]
    ) -> Iterator[tuple[Point, Knockout]]:
        regions = with_controls(self._checkpoint, self._dataset, encoded)
        subject = Subject(self.sample, regions, self._layers, self._source)
        for measurement in measurements:
            if isinstance(measurement, Unblocked):
                continue
            with suppress(RegionError):
                made, only = knockouts_of(measurement, subject), only_of(measurement)
                places = range(len(made)) if only is None else only.places
                name = str(whole(measurement))
                yield from (((name, place), one) for place, one in zip(places, made, strict=True))
