"""From rows of evidence to per-image curves of p_c and other readings: the data that statistics judge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from harness.data.dataset import Dataset
from harness.data.effect import relative_change
from harness.data.sample import Sample
from harness.evidence.shards import CLEAN
from harness.interventions.measurements import RIGHT, Lens, Quantity, only_of
from harness.interventions.some_points import columns, serving
from harness.statistics.curves import EFFECT, PROBABILITY, Curves, Floats, Ints
from harness.statistics.forms import split
from harness.verdicts.margins import LOG_FALSE, LOG_TRUE, has_logarithms, margin_parts


@dataclass(frozen=True, eq=False)
class Units:
    """Which samples a quantity has; quantities of a task that have the same ones share them.

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
    """Which of a quantity's samples a look has, and on which images they are.

    Attributes:
        rows: places among the quantity's samples, one image's after the other.
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
    """The stored evidence of one checkpoint, by quantity.

    Args:
        frame: rows with the columns of `harness.evidence.SCHEMA`.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self._samples: dict[tuple[str, str, str], Samples] = {}
        self._units: dict[str, list[tuple[pl.Series, Units]]] = defaultdict(list)

    @cached_property
    def _groups(self) -> dict[tuple[str, str, str], pl.DataFrame]:
        """Measured rows by task, measurement and reading; task by task, since the rows are copied twice."""
        groups = {}
        for task in self.frame["task"].unique(maintain_order=True).to_list():
            measured = (
                self.frame.lazy()
                .filter(
                    (pl.col("task") == task) & (pl.col("reason") == "") & (pl.col("measurement") != CLEAN)
                )
                .select("measurement", "reading", "sample", "image", "p1", "values")
                .collect()
            )
            parts = measured.partition_by(["measurement", "reading"], as_dict=True, include_key=False)
            groups.update(
                {
                    (task, str(measurement), str(reading)): part
                    for (measurement, reading), part in parts.items()
                }
            )
        return groups

    def has(self, quantity: Quantity) -> bool:
        """Whether any sample has this quantity."""
        return self._group(quantity) is not None

    def samples(self, quantity: Quantity) -> Samples | None:
        """The quantity's values sample by sample; None if no sample has it."""
        key = self._key(quantity)
        if key not in self._samples and quantity.reading in {LOG_TRUE, LOG_FALSE}:
            self._add_margin(quantity)
            return self._samples.get(key)
        if key not in self._samples:
            group = self._group(quantity)
            if group is None:
                return None
            values = _points(group["values"])
            if quantity.reading == "p_c":
                p1 = group["p1"].to_numpy()[:, None]
                values = relative_change(values, p1)
            elif quantity.reading == "flip":
                values = -100.0 * values
            self._samples[key] = Samples(self._units_of(quantity.task, group), values)
        return self._samples[key]

    def _add_margin(self, quantity: Quantity) -> None:
        """Split a quantity's change of log-odds, on the samples that have it and whose logarithms exist."""
        p, odds = (self._group(replace(quantity, reading=one)) for one in ("p_c", "log_odds"))
        if p is None or odds is None:
            return
        odds = odds.select("sample", pl.col("values").alias("log_odds"))
        group = p.join(odds, on="sample", maintain_order="left")
        read = group["p1"].to_numpy()[:, None], _points(group["values"]), _points(group["log_odds"])
        usable = has_logarithms(*read)
        if not usable.any():
            return
        units = self._units_of(quantity.task, group.filter(usable))
        parts = margin_parts(*(values[usable] for values in read))
        for reading, values in zip((LOG_TRUE, LOG_FALSE), parts, strict=True):
            self._samples[self._key(replace(quantity, reading=reading))] = Samples(units, values)

    @cached_property
    def _names(self) -> frozenset[str]:
        """What was measured, by name."""
        return frozenset(self.frame["measurement"].unique().to_list())

    def _group(self, quantity: Quantity) -> pl.DataFrame | None:
        """The quantity's rows; of one of some points also those that hold more, read at its points."""
        task, name, reading = self._key(quantity)
        if only_of(quantity.measurement) is None:
            return self._groups.get((task, name, reading))
        parts = []
        for stored in serving(quantity.measurement, self._names):
            part, at = self._groups.get((task, stored, reading)), columns(quantity.measurement, stored)
            if part is not None:
                parts.append(part if at is None else part.with_columns(pl.col("values").list.gather(at)))
        return pl.concat(parts).unique("sample", keep="first", maintain_order=True) if parts else None

    def _units_of(self, task: str, group: pl.DataFrame) -> Units:
        """The samples of a group, made once for all groups of a task that have the same."""
        for samples, units in self._units[task]:
            if samples.equals(group["sample"]):
                return units
        units = Units(tuple(group["sample"].to_list()), tuple(group["image"].to_list()))
        self._units[task].append((group["sample"], units))
        return units

    def refused(self, quantity: Quantity, wanted: frozenset[str]) -> set[str]:
        """Images of samples for which a quantity's measurement was tried and is undefined."""
        rows = self.frame.filter(
            (pl.col("task") == quantity.task)
            & pl.col("measurement").is_in(serving(quantity.measurement, self._names))
            & (pl.col("reason") != "")
            & pl.col("sample").is_in(list(wanted))
        )
        return set(rows["image"].to_list())

    def at(self, dataset: Dataset, share: float) -> Look:
        """The evidence on the first ``share`` of each task's images."""
        return Look(self, {task: dataset.first(task, share) for task in dataset.tasks})

    @staticmethod
    def _key(quantity: Quantity) -> tuple[str, str, str]:
        reading = "p" if quantity.reading == "p_c" else quantity.reading
        return quantity.task, str(quantity.measurement), reading


def _points(values: pl.Series) -> Floats:
    """Lists of equally many values as one array, ``[samples, points]``."""
    made: Floats = values.explode().to_numpy().reshape(len(values), -1)
    return made


class Look:
    """The evidence of one look: per-image curves by quantity, averaged over an image's samples.

    Args:
        table: the stored evidence.
        samples: the samples of this look, by task.
    """

    def __init__(self, table: Table, samples: Mapping[str, Collection[Sample]]) -> None:
        self._table = table
        self._wanted = {task: frozenset(sample.id for sample in taken) for task, taken in samples.items()}
        self.images = tuple(sorted({sample.image_id for taken in samples.values() for sample in taken}))
        """All images of the look, whether or not a sample on them was kept."""
        self._cache: dict[Quantity, Curves | None] = {}
        self._rows: dict[Units, Rows] = {}

    def get(self, quantity: Quantity) -> Curves | None:
        """The curves of a quantity; None if it was not measured."""
        if quantity not in self._cache:
            self._cache[quantity] = self._on_part(quantity)
        return self._cache[quantity]

    def __getitem__(self, quantity: Quantity) -> Curves:
        curves = self.get(quantity)
        if curves is None:
            raise KeyError(quantity)
        return curves

    def __contains__(self, quantity: object) -> bool:
        return isinstance(quantity, Quantity) and self.get(quantity) is not None

    def matched(self, quantities: Iterable[Quantity]) -> Look:
        """This look on the samples that have all the quantities of their task.

        Contrasts compare like with like: a control that is undefined for some samples would otherwise
        be compared with an effect on other samples, too.

        Args:
            quantities: what a claim is about; one without any values narrows nothing.
        """
        wanted = dict(self._wanted)
        for quantity in quantities:
            found = self._table.samples(replace(quantity, part="all"))
            if found is not None and quantity.task in wanted:
                wanted[quantity.task] &= found.units.ids
        if wanted == self._wanted:
            return self
        narrowed = Look(self._table, {})
        narrowed._wanted, narrowed.images = wanted, self.images
        return narrowed

    def undefined(self, quantity: Quantity) -> int:
        """On how many images a quantity was tried and does not exist; 0 if it exists on any."""
        if quantity in self:
            return 0
        return len(self._table.refused(quantity, self._wanted.get(quantity.task, frozenset())))

    def plain(self, quantity: Quantity) -> Curves:
        """The curves of a quantity that was measured, with rises as large as they are."""
        curves = self._on_part(quantity, bounded=False)
        if curves is None:
            raise KeyError(quantity)
        return curves

    def _on_part(self, quantity: Quantity, *, bounded: bool = True) -> Curves | None:
        """The curves on all of the images, or on a part; None if there are none."""
        whole = self._curves(replace(quantity, part="all"), bounded=bounded)
        if whole is None or quantity.part == "all":
            return whole
        try:
            locating, testing = split(whole)
        except ValueError:
            return None
        return locating if quantity.part == "locating" else testing

    def _curves(self, quantity: Quantity, *, bounded: bool) -> Curves | None:
        found = self._table.samples(quantity)
        if found is None:
            return None
        if found.units not in self._rows:
            wanted = self._wanted.get(quantity.task, frozenset())
            self._rows[found.units] = Rows.of(found.units, wanted)
        chosen = self._rows[found.units]
        if not chosen.images:
            return None
        bounds = anchors(quantity)
        most = bounds[1] if bounds is not None and bounded else np.inf
        values = chosen.means(np.minimum(found.values, most))
        only = only_of(quantity.measurement)
        return Curves(chosen.images, values, len(chosen.rows), bounds, only, scale_of(quantity))


class Joint:
    """A checkpoint's evidence at a look, and that of the run's other checkpoints.

    Args:
        own: the evidence of the checkpoint under study.
        others: that of the others at the same look, by name.
    """

    def __init__(self, own: Look, others: Mapping[str, Look]) -> None:
        self._own = own
        self._others = others

    def __getitem__(self, quantity: Quantity) -> Curves:
        look = self._others[quantity.checkpoint] if quantity.checkpoint else self._own
        return look[replace(quantity, checkpoint="")]

    def plain(self, quantity: Quantity) -> Curves:
        """See `Look.plain`."""
        look = self._others[quantity.checkpoint] if quantity.checkpoint else self._own
        return look.plain(replace(quantity, checkpoint=""))

    def __contains__(self, quantity: object) -> bool:
        if not isinstance(quantity, Quantity) or quantity.checkpoint not in {"", *self._others}:
            return False
        look = self._others[quantity.checkpoint] if quantity.checkpoint else self._own
        return replace(quantity, checkpoint="") in look

    @property
    def images(self) -> tuple[str, ...]:
        """All images of the look: every checkpoint is shown the same."""
        return self._own.images

    def matched(self, quantities: Iterable[Quantity]) -> Joint:
        """Each checkpoint's evidence on the samples that have all its quantities; see `Look.matched`."""
        by_name: dict[str, list[Quantity]] = defaultdict(list)
        for quantity in quantities:
            by_name[quantity.checkpoint].append(replace(quantity, checkpoint=""))
        others = {name: look.matched(by_name[name]) for name, look in self._others.items()}
        return Joint(self._own.matched(by_name[""]), others)


def scale_of(quantity: Quantity) -> str:
    """What a quantity's values count: its reading; of a lens, whose reading says whose, a probability."""
    return "probability" if isinstance(quantity.measurement, Lens) else quantity.reading


def anchors(quantity: Quantity) -> tuple[float, float] | None:
    """The bounds of a reading, where the statistics put their pseudo-images."""
    if quantity.reading in {"p_c", "distractor", "flip", "per_token"}:
        return EFFECT
    return PROBABILITY if isinstance(quantity.measurement, Lens) or quantity.reading == RIGHT else None
