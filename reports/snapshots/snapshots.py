"""Which stage of the flow appears when: the same curves on snapshots of one training, in order.

Made from the records of runs against one baseline, usually the finished checkpoint's. A stage is *there*
on a task where the whole band lies below -10 points in some window, *absent* where the band lies above
-10 in every window; else, or with fewer than 60 images, nobody can tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.data.errors import HarnessError
from harness.statistics.forms import DROP
from harness.statistics.inference import FEWEST_IMAGES
from harness.verdicts.record import ChangeRecord, Curve, MeasurementRecord, RunRecord, TaskRecord
from harness.verdicts.regression.baseline import FLOWS
from reports.words import measurement_name, number


@dataclass(frozen=True)
class Cell:
    """One flow on one snapshot.

    Attributes:
        curves: its effects, one curve a task.
        changes: how many tasks' curves came out how against the baseline.
    """

    curves: tuple[Curve, ...]
    changes: Counter[str]

    @property
    def depth(self) -> tuple[float, ...]:
        """Relative depth of each window."""
        return self.curves[0].depth

    @property
    def mean(self) -> tuple[float, ...]:
        """The mean over tasks, in points of p_c."""
        return tuple(np.mean([curve.mean for curve in self.curves], axis=0).tolist())

    @property
    def there(self) -> int:
        """On how many tasks the stage is shown to be there."""
        return sum(enough(curve) and min(curve.upper) < -DROP for curve in self.curves)

    @property
    def absent(self) -> int:
        """On how many tasks it is shown to be absent."""
        return sum(enough(curve) and min(curve.lower) > -DROP for curve in self.curves)

    @property
    def words(self) -> str:
        """Where the stage is there, and the deepest mean."""
        deepest = int(np.argmin(self.mean))
        return (
            f"there on {self.there} of {len(self.curves)}, absent on {self.absent}; "
            f"{number(self.mean[deepest])} at depth {self.depth[deepest]:.2f}"
        )


@dataclass(frozen=True)
class Snapshot:
    """One snapshot.

    Attributes:
        name: the checkpoint's name.
        baseline: what it is compared with.
        tasks: what became of each task's samples.
        cells: by flow.
    """

    name: str
    baseline: str
    tasks: tuple[TaskRecord, ...]
    cells: dict[MeasurementRecord, Cell]

    @property
    def images(self) -> str:
        """The fewest and the most images behind a curve."""
        numbers = [curve.n_images for cell in self.cells.values() for curve in cell.curves]
        return f"{min(numbers)}–{max(numbers)}" if min(numbers) < max(numbers) else str(min(numbers))

    @property
    def right(self) -> float:
        """The share of samples answered correctly."""
        return sum(task.included for task in self.tasks) / max(1, sum(task.samples for task in self.tasks))

    @property
    def changes(self) -> str:
        """How many curves came out how against the baseline, the commonest first."""
        found = sum((cell.changes for cell in self.cells.values()), Counter[str]())
        return ", ".join(f"{n} {change}" for change, n in found.most_common())


def snapshots(records: Sequence[RunRecord]) -> tuple[Snapshot, ...]:
    """The snapshots in the records, in their order.

    Raises:
        HarnessError: if a record was not compared with a baseline, or not with that of the others.
    """
    found = tuple(
        _snapshot(checkpoint.name, checkpoint.tasks, record)
        for record in records
        for checkpoint in record.checkpoints
    )
    others = sorted({one.baseline for one in found})
    if len(others) != 1:
        raise HarnessError(f"snapshots are compared with one baseline; these with {', '.join(others)}")
    return found


def _snapshot(name: str, tasks: tuple[TaskRecord, ...], record: RunRecord) -> Snapshot:
    changes = [change for change in record.changes if change.checkpoint == name]
    if not changes:
        raise HarnessError(f"the record of {name} has no baseline; run it with --baseline")
    flows = dict.fromkeys(change.new.measurement for change in changes)
    cells = {flow: _cell([one for one in changes if one.new.measurement == flow]) for flow in flows}
    return Snapshot(name, changes[0].baseline, tasks, cells)


def _cell(changes: Sequence[ChangeRecord]) -> Cell:
    return Cell(tuple(one.new for one in changes), Counter(one.change for one in changes))


def enough(curve: Curve) -> bool:
    """Whether a curve has images enough to decide anything."""
    return curve.n_images >= FEWEST_IMAGES


def flows_of(found: Sequence[Snapshot]) -> list[MeasurementRecord]:
    """All flows of some snapshots, the paper's first and in its order."""
    order = {flow: place for place, flow in enumerate(FLOWS)}
    flows = dict.fromkeys(flow for one in found for flow in one.cells)
    return sorted(flows, key=lambda flow: order.get(flow.flow, len(order)))


def in_words(found: Sequence[Snapshot]) -> str:
    """The picture in words, for those who do not see it."""
    return "; ".join(
        f"{one.name}, {100 * one.right:.0f} % right: "
        + ", ".join(f"{measurement_name(flow)} {cell.words}" for flow, cell in one.cells.items())
        for one in found
    )
