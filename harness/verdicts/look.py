"""From rows of evidence to per-image curves: the data that statistics judge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from harness.data.dataset import Dataset
from harness.data.sample import Sample
from harness.evidence.shards import BASE
from harness.interventions.measurements import RIGHT, Lens, Measure
from harness.statistics.curves import EFFECT, PROBABILITY, Curves, Floats, Ints
from harness.statistics.forms import split


@dataclass(frozen=True, eq=False)
class Units:
    """Which samples a measure has; measures of a task that have the same ones share them.

    Attributes:
        samples: sample ids.
        images: their image ids.
    """

    samples: tuple[str, ...]
    images: tuple[str, ...]

    @cached_property
    def ids(self) -> frozenset[str]:
        """The sample ids as a set."""
        return frozenset(self.samples)


@dataclass(frozen=True, eq=False)
class Samples:
    """Values of one reading, sample by sample.

    Attributes:
        units: the samples and their images.
        values: ``[samples, points]``.
    """

    units: Units
    values: Floats

    @property
    def samples(self) -> tuple[str, ...]:
        """Sample ids."""
        return self.units.samples


@dataclass(frozen=True, eq=False)
class Rows:
    """Which of a measure's samples a look has, and on which images they are.

    Attributes:
        rows: places among the measure's samples, one image's after the other.
        images: the images, sorted.
        starts: for each image the place of its first sample in ``rows``.
    """

    rows: Ints
    images: tuple[str, ...]
    starts: Ints

    @classmethod
    def of(cls, units: Units, wanted: frozenset[str]) -> Rows:
        """The rows of the wanted samples."""
        rows = np.flatnonzero([sample in wanted for sample in units.samples])
        images, image = np.unique([units.images[row] for row in rows], return_inverse=True)
        order = np.argsort(image, kind="stable")
        starts = np.searchsorted(image[order], np.arange(len(images)))
        return cls(rows[order], tuple(images.tolist()), starts)

    def means(self, values: Floats) -> Floats:
        """Average values over each image's samples: ``[samples, points]`` to ``[images, points]``."""
        counts = np.diff(self.starts, append=len(self.rows))
        means: Floats = np.add.reduceat(values[self.rows], self.starts) / counts[:, None]
        return means


class Table:
    """The stored evidence of one checkpoint, by measure.

    Args:
        frame: rows with the columns of `harness.evidence.SCHEMA`.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self._samples: dict[tuple[str, str, str], Samples] = {}
        self._units: dict[str, list[tuple[pl.Series, Units]]] = defaultdict(list)

    @cached_property
    def _groups(self) -> dict[tuple[str, str, str], pl.DataFrame]:
        """The measured rows by task, probe and reading; task by task, since the rows are copied twice."""
        groups = {}
        for task in self.frame["task"].unique(maintain_order=True).to_list():
            measured = (
                self.frame.lazy()
                .filter((pl.col("task") == task) & (pl.col("reason") == "") & (pl.col("probe") != BASE))
                .select("probe", "reading", "sample", "image", "p1", "values")
                .collect()
            )
            parts = measured.partition_by(["probe", "reading"], as_dict=True, include_key=False)
            groups.update(
                {(task, str(probe), str(reading)): part for (probe, reading), part in parts.items()}
            )
        return groups

    def has(self, measure: Measure) -> bool:
        """Whether any sample has this measure."""
        return self._key(measure) in self._groups

    def samples(self, measure: Measure) -> Samples | None:
        """The measure's values sample by sample; None if no sample has it."""
        key = self._key(measure)
        if key not in self._samples:
            group = self._groups.get(key)
            if group is None:
                return None
            values = group["values"].explode().to_numpy().reshape(len(group), -1)
            if measure.reading == "p_c":
                p1 = group["p1"].to_numpy()[:, None]
                values = 100.0 * (values - p1) / p1
            elif measure.reading == "flip":
                values = -100.0 * values
            self._samples[key] = Samples(self._units_of(measure.task, group), values)
        return self._samples[key]

    def _units_of(self, task: str, group: pl.DataFrame) -> Units:
        """The samples of a group, made once for all groups of a task that have the same."""
        for samples, units in self._units[task]:
            if samples.equals(group["sample"]):
                return units
        units = Units(tuple(group["sample"].to_list()), tuple(group["image"].to_list()))
        self._units[task].append((group["sample"], units))
        return units

    def refused(self, measure: Measure, wanted: frozenset[str]) -> set[str]:
        """Images of samples for which a measure's probe was tried and is undefined."""
        rows = self.frame.filter(
            (pl.col("task") == measure.task)
            & (pl.col("probe") == str(measure.probe))
            & (pl.col("reason") != "")
            & pl.col("sample").is_in(list(wanted))
        )
        return set(rows["image"].to_list())

    def at(self, dataset: Dataset, share: float) -> Look:
        """The evidence on the first ``share`` of each task's images."""
        return Look(self, {task: dataset.first(task, share) for task in dataset.tasks})

    @staticmethod
    def _key(measure: Measure) -> tuple[str, str, str]:
        reading = "p" if measure.reading == "p_c" else measure.reading
        return measure.task, str(measure.probe), reading


class Look(Mapping[Measure, Curves]):
    """The evidence of one look: per-image curves by measure, averaged over an image's samples.

    Args:
        table: the stored evidence.
        samples: the samples of this look, by task.
    """

    def __init__(self, table: Table, samples: Mapping[str, Collection[Sample]]) -> None:
        self._table = table
        self._wanted = {task: frozenset(sample.id for sample in taken) for task, taken in samples.items()}
        self.images = tuple(sorted({sample.image_id for taken in samples.values() for sample in taken}))
        """All images of the look, whether or not a sample on them was kept."""
        self._cache: dict[Measure, Curves | None] = {}
        self._rows: dict[Units, Rows] = {}

    def __getitem__(self, measure: Measure) -> Curves:
        if measure not in self._cache:
            self._cache[measure] = self._part(measure) if measure.part != "all" else self._curves(measure)
        curves = self._cache[measure]
        if curves is None:
            raise KeyError(measure)
        return curves

    def __contains__(self, measure: object) -> bool:
        if not isinstance(measure, Measure):
            return False
        try:
            self[measure]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[Measure]:
        return iter([measure for measure, curves in self._cache.items() if curves is not None])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def matched(self, measures: Iterable[Measure]) -> Look:
        """This look on the samples that have all the measures of their task.

        Contrasts compare like with like: a control that is undefined for some samples would otherwise
        be compared with an effect on other samples, too.

        Args:
            measures: what a claim is about; one without any values narrows nothing.
        """
        wanted = dict(self._wanted)
        for measure in measures:
            found = self._table.samples(replace(measure, part="all"))
            if found is not None and measure.task in wanted:
                wanted[measure.task] &= found.units.ids
        if wanted == self._wanted:
            return self
        narrowed = Look(self._table, {})
        narrowed._wanted, narrowed.images = wanted, self.images
        return narrowed

    def undefined(self, measure: Measure) -> int:
        """On how many images a measure was tried and does not exist; 0 if it exists on any."""
        if measure in self:
            return 0
        return len(self._table.refused(measure, self._wanted.get(measure.task, frozenset())))

    def _part(self, measure: Measure) -> Curves | None:
        """The curves on a part of the images; None if none of its images is there."""
        whole = self.get(replace(measure, part="all"))
        if whole is None:
            return None
        try:
            locating, testing = split(whole)
        except ValueError:
            return None
        return locating if measure.part == "locating" else testing

    def _curves(self, measure: Measure) -> Curves | None:
        found = self._table.samples(measure)
        if found is None:
            return None
        if found.units not in self._rows:
            wanted = self._wanted.get(measure.task, frozenset())
            self._rows[found.units] = Rows.of(found.units, wanted)
        chosen = self._rows[found.units]
        if not chosen.images:
            return None
        return Curves(chosen.images, chosen.means(found.values), len(chosen.rows), anchors(measure))


class Joint(Mapping[Measure, Curves]):
    """A checkpoint's evidence at a look, and that of the run's other checkpoints.

    Args:
        own: the evidence of the checkpoint under study.
        others: that of the others at the same look, by name.
    """

    def __init__(self, own: Look, others: Mapping[str, Look]) -> None:
        self._own = own
        self._others = others

    def __getitem__(self, measure: Measure) -> Curves:
        look = self._others[measure.checkpoint] if measure.checkpoint else self._own
        return look[replace(measure, checkpoint="")]

    def __contains__(self, measure: object) -> bool:
        if not isinstance(measure, Measure) or measure.checkpoint not in {"", *self._others}:
            return False
        look = self._others[measure.checkpoint] if measure.checkpoint else self._own
        return replace(measure, checkpoint="") in look

    @property
    def images(self) -> tuple[str, ...]:
        """All images of the look: every checkpoint is shown the same."""
        return self._own.images

    def matched(self, measures: Iterable[Measure]) -> Joint:
        """Each checkpoint's evidence on the samples that have all its measures; see `Look.matched`."""
        by_name: dict[str, list[Measure]] = defaultdict(list)
        for measure in measures:
            by_name[measure.checkpoint].append(replace(measure, checkpoint=""))
        others = {name: look.matched(by_name[name]) for name, look in self._others.items()}
        return Joint(self._own.matched(by_name[""]), others)

    def __iter__(self) -> Iterator[Measure]:
        yield from self._own
        for name, look in self._others.items():
            yield from (replace(measure, checkpoint=name) for measure in look)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def anchors(measure: Measure) -> tuple[float, float] | None:
    """The bounds of a reading, where the statistics put their pseudo-images."""
    if measure.reading in {"p_c", "foil", "flip", "per_token"}:
        return EFFECT
    return PROBABILITY if isinstance(measure.probe, Lens) or measure.reading == RIGHT else None
