"""Read a published curve, and say by how much one of ours differs from it, with the noise of both.

It is a description, and no verdict hangs on it: without samples nobody can tell what the spread is of,
questions of other images may behave otherwise, and prompts and precisions differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import norm

from harness.data.depth import Grid, rule_window
from harness.data.errors import HarnessError
from harness.data.flow import Flow
from harness.evidence.elsewhere.tables import LINE, TableFile, check_columns, read_table
from harness.statistics.curves import EFFECT, Floats
from harness.verdicts.record import CheckpointRecord, Curve, RunRecord
from reports.drawing.figures import at_the_rule, curves_of

COLUMNS = ("layer", "mean", "sd", "se", "n")
CONFIDENCE = 0.95
_FEWEST = 2


@dataclass(frozen=True, eq=False)
class Published:
    """A published curve of p_c.

    Attributes:
        file: where it stands.
        sha256: of the file.
        layers: decoder layers of their model.
        window: layers that their windows block.
        points: centre layers, ascending.
        depth: relative depth of each.
        mean: in points of p_c.
        half: half widths of a simultaneous 95 % band, each mean taken as normal.
        least: the smallest number behind a mean.
    """

    file: Path
    sha256: str
    layers: int
    window: int
    points: tuple[int, ...]
    depth: Floats
    mean: Floats
    half: Floats
    least: int


@dataclass(frozen=True)
class At:
    """Both curves at one of our windows; theirs lies between two of their windows.

    Attributes:
        point: our centre layer.
        depth: relative depth.
        ours: mean, and lower and upper end of its band.
        theirs: the same.
        difference: theirs less ours, with the noise of both.
    """

    point: int
    depth: float
    ours: tuple[float, float, float]
    theirs: tuple[float, float, float]
    difference: tuple[float, float, float]

    @property
    def apart(self) -> bool:
        """Whether the difference is more than the noise of both."""
        return self.difference[1] > 0 or self.difference[2] < 0


@dataclass(frozen=True, eq=False)
class Beside:
    """A published curve beside one of a report's.

    Attributes:
        theirs: theirs.
        ours: ours.
        checkpoint: how ours was run.
        at: both, at our windows whose depth theirs reaches.
    """

    theirs: Published
    ours: Curve
    checkpoint: CheckpointRecord
    at: tuple[At, ...]

    @property
    def largest(self) -> At:
        """Where they lie furthest apart."""
        return max(self.at, key=lambda one: abs(one.difference[0]))


def read_published(file: Path, layers: int | None, window: int | None) -> Published:
    """Read a curve: ``layer``, ``mean`` and ``se``, or ``sd`` and ``n``.

    Args:
        file: CSV or parquet.
        layers: decoder layers of their model; one more than the last layer of the file unless given.
        window: layers that their windows block; the rule's unless given.

    Raises:
        TableError: if the file, or a cell, cannot be used.
    """
    table = read_table(file)
    check_columns(table, COLUMNS[:2])
    unknown = [name for name in table.frame.columns if name not in {*COLUMNS, LINE}]
    if unknown:
        table.refuse(1, f"unknown column {unknown[0]!r}; a curve has layer, mean, and se, or sd and n")
    rows = pl.DataFrame(
        {LINE: table.frame[LINE], "layer": table.wholes("layer"), "mean": table.numbers("mean")}
    ).with_columns(se=_errors(table))
    depth = layers or int(str(rows["layer"].max())) + 1
    table.refuse_first(rows.filter(~pl.col("layer").is_between(0, depth - 1)), f"layer {{layer}} of {depth}")
    table.refuse_first(rows.filter(rows["layer"].is_duplicated()), "layer {layer} stands there twice")
    table.refuse_first(rows.filter(pl.col("mean") < EFFECT[0]), "a mean of {mean} %; p_c begins at -100")
    ordered = rows.sort("layer")
    size = window or rule_window(depth)
    if size > depth:
        table.refuse(None, f"windows of {size} of {depth} layers")
    points = tuple(ordered["layer"].to_list())
    critical = float(norm.isf((1 - CONFIDENCE) / 2 / len(points)))
    least = int(table.numbers("n").min() or 0) if "n" in table.frame.columns else 0  # type: ignore[arg-type]
    return Published(
        file=file,
        sha256=table.sha256,
        layers=depth,
        window=size,
        points=points,
        depth=Grid(depth, size).depths[list(points)],
        mean=ordered["mean"].to_numpy(),
        half=critical * ordered["se"].to_numpy(),
        least=least,
    )


def _errors(table: TableFile) -> pl.Series:
    """Standard errors: as they stand, or from the spread and how many there are."""
    if "se" not in table.frame.columns:
        check_columns(table, ("sd", "n"))
    column = "se" if "se" in table.frame.columns else "sd"
    spread = table.numbers(column)
    table.refuse_first(
        table.frame.select(LINE, cell=spread).filter(spread < 0),
        f"{column} is {{cell}}; a spread is not negative",
    )
    if "n" in table.frame.columns:
        count = table.wholes("n")
        few = table.frame.select(LINE, cell=count).filter(count < _FEWEST)
        table.refuse_first(few, "n is {cell}; a mean with a spread has at least two")
        return spread if column == "se" else spread / count.sqrt()
    return spread


def beside(theirs: Published, record: RunRecord, flow: str, task: str) -> Beside:
    """A published curve beside a report's curve of the same flow.

    Args:
        theirs: theirs.
        record: the record of one checkpoint's run.
        flow: the flow, e.g. ``"image->question"``.
        task: the task.

    Raises:
        HarnessError: if the report has not that curve, or the two have no depth in common.
    """
    if len(record.checkpoints) != 1:
        raise HarnessError(
            f"a curve is drawn over a report of one checkpoint, not of {len(record.checkpoints)}"
        )
    checkpoint, wanted = record.checkpoints[0], Flow.parse(flow)
    known = at_the_rule(record, checkpoint.name, curves_of(record, checkpoint.name))
    effects = [one for one in known if one.role == "effect" and one.reading == "p_c" and not _is_other(one)]
    ours = [one for one in effects if one.task == task and one.measurement.flow == str(wanted)]
    if not ours:
        there = sorted({f"{one.measurement.flow} on {one.task}" for one in effects})
        raise HarnessError(
            f"the report has no curve of {flow} on {task}; it has {', '.join(there) or 'none'}"
        )
    at = tuple(_at(theirs, ours[0]))
    if not at:
        raise HarnessError(f"{theirs.file}: no depth in common with the report's curve")
    return Beside(theirs, ours[0], checkpoint, at)


def _is_other(curve: Curve) -> bool:
    """Whether a curve shows anything but a plain effect of a flow on this checkpoint."""
    of = curve.measurement
    return of.kind != "sweep" or of.condition != "plain" or of.draw is not None or bool(of.checkpoint)


def _at(theirs: Published, ours: Curve) -> list[At]:
    found = []
    for point, depth, *own in zip(ours.points, ours.depth, ours.mean, ours.lower, ours.upper, strict=True):
        if not theirs.depth[0] <= depth <= theirs.depth[-1]:
            continue
        mean, half = (float(np.interp(depth, theirs.depth, values)) for values in (theirs.mean, theirs.half))
        difference = mean - own[0]
        below, above = float(np.hypot(half, own[2] - own[0])), float(np.hypot(half, own[0] - own[1]))
        ends = (difference - below, difference + above)
        found.append(
            At(point, depth, (own[0], own[1], own[2]), (mean, mean - half, mean + half), (difference, *ends))
        )
    return found


def mean_of(values: Sequence[float]) -> float:
    """The mean of some values."""
    return float(np.mean(values))
