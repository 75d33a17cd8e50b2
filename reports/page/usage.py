"""What became of the samples that a claim could have used."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from harness.verdicts.record import RunRecord, TaskRecord
from reports.summary import Cell


@dataclass(frozen=True)
class Usage:
    """Samples of the tasks a claim speaks of, on one checkpoint.

    Attributes:
        samples: samples looked at.
        included: samples used.
        excluded: (reason, how many) of those left out, the commonest first.
    """

    samples: int
    included: int
    excluded: tuple[tuple[str, int], ...]

    @property
    def has_rows(self) -> bool:
        """Whether rows of the data files are among those left out: they never became samples."""
        return sum(n for _, n in self.excluded) > self.samples - self.included


def usage(record: RunRecord, cell: Cell) -> Usage | None:
    """Add up the samples of a cell's tasks; None where the record does not list them."""
    listed = [task for item in record.checkpoints if item.name == cell.checkpoint for task in item.tasks]
    named = {claim.task for claim in cell.claims}
    tasks = [task for task in listed if None in named or task.task in named]
    return _sum(tasks) if tasks else None


def _sum(tasks: list[TaskRecord]) -> Usage:
    excluded: Counter[str] = Counter()
    for task in tasks:
        excluded.update(task.excluded)
    commonest = tuple((reason, n) for reason, n in excluded.most_common() if n)
    return Usage(sum(task.samples for task in tasks), sum(task.included for task in tasks), commonest)
