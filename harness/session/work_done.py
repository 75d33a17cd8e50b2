"""What one process of a run has done; xdist's workers hand it to the main process when they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.verdicts.record import CostRecord, PredictedCost


@dataclass(frozen=True)
class Work:
    """What one process, or several, have done.

    Attributes:
        passes: knocked-out passes measured, by checkpoint name.
        measuring: seconds spent measuring; of several processes, the longest.
        damages: files of the stores that were no evidence, or are gone.
        lost_subprocesses: subprocess workers that died.
        processes: how many processes this is the work of.
        device_seconds: seconds spent measuring, summed over processes.
        lost_workers: xdist's workers that died; what they measured is stored, and counted nowhere.
        row_layers: rows times layers computed for knocked-out passes, by checkpoint name.
        seconds: seconds spent measuring, by checkpoint name; of several processes, the longest.
        predicted: what measuring was predicted to take, by checkpoint name, where that was asked.
    """

    passes: Mapping[str, int] = field(default_factory=dict)
    measuring: float = 0.0
    damages: tuple[str, ...] = ()
    lost_subprocesses: int = 0
    processes: int = 1
    device_seconds: float = 0.0
    lost_workers: int = 0
    row_layers: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    predicted: Mapping[str, PredictedCost] = field(default_factory=dict)

    def cost_of(self, name: str) -> CostRecord | None:
        """What a checkpoint was predicted to take and took; None if that was not asked, or work is lost."""
        if name not in self.predicted or self.lost_workers:
            return None
        passes, row_layers = self.passes.get(name, 0), self.row_layers.get(name, 0)
        return CostRecord(self.predicted[name], passes, row_layers, round(self.seconds.get(name, 0.0), 1))


def together(parts: Iterable[Work]) -> Work:
    """The work of several processes as one."""
    passes: Counter[str] = Counter()
    row_layers: Counter[str] = Counter()
    seconds: dict[str, float] = {}
    predicted: dict[str, PredictedCost] = {}
    works = list(parts)
    for work in works:
        passes.update(work.passes)
        row_layers.update(work.row_layers)
        predicted |= work.predicted
        seconds |= {name: max(took, seconds.get(name, 0.0)) for name, took in work.seconds.items()}
    return Work(
        passes=dict(passes),
        measuring=max((work.measuring for work in works), default=0.0),
        damages=tuple(sorted({damage for work in works for damage in work.damages})),
        lost_subprocesses=sum(work.lost_subprocesses for work in works),
        lost_workers=sum(work.lost_workers for work in works),
        processes=sum(work.processes for work in works),
        device_seconds=sum(work.device_seconds for work in works),
        row_layers=dict(row_layers),
        seconds=seconds,
        predicted=predicted,
    )
