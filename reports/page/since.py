"""What changed since the baseline: the curves that moved, and how many did not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from harness.verdicts.record import ChangeRecord, RunRecord
from reports.drawing.panels import Plot, plots


@dataclass(frozen=True)
class Since:
    """One checkpoint against its baseline.

    Attributes:
        checkpoint: the checkpoint's name.
        baseline: the baseline's checkpoint and date.
        counts: how many curves came out how, the commonest first.
        moved: the curves shown to differ.
        others: all others.
        plots: the moved curves, before and now.
    """

    checkpoint: str
    baseline: str
    counts: tuple[tuple[str, int], ...]
    moved: tuple[ChangeRecord, ...]
    others: tuple[ChangeRecord, ...]
    plots: tuple[Plot, ...]


def since(record: RunRecord) -> tuple[Since, ...]:
    """Every checkpoint that was compared with a baseline."""
    pairs = dict.fromkeys((change.checkpoint, change.baseline) for change in record.changes)
    return tuple(
        _since(*pair, [one for one in record.changes if (one.checkpoint, one.baseline) == pair])
        for pair in pairs
    )


def _since(checkpoint: str, baseline: str, changes: list[ChangeRecord]) -> Since:
    moved = tuple(change for change in changes if change.moved)
    counts = Counter(change.change for change in changes).most_common()
    drawn = [curve for change in moved for curve in (change.old, change.new)]
    others = tuple(change for change in changes if not change.moved)
    return Since(checkpoint, baseline, tuple(counts), moved, others, plots(drawn))
