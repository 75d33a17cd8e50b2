"""What one process of a run has done; xdist's workers hand it to the main process when they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Work:
    """What one process, or several, have done.

    Attributes:
        passes: knocked-out passes measured, by checkpoint name.
        measuring: seconds spent measuring; of several processes, the longest.
        quarantined: files of the stores that were no evidence.
        lost_subprocesses: subprocess workers that died.
        processes: how many processes this is the work of.
        device_seconds: seconds spent measuring, summed over processes.
        lost_workers: xdist's workers that died; what they measured is stored, and counted nowhere.
    """

    passes: Mapping[str, int] = field(default_factory=dict)
    measuring: float = 0.0
    quarantined: tuple[str, ...] = ()
    lost_subprocesses: int = 0
    processes: int = 1
    device_seconds: float = 0.0
    lost_workers: int = 0


def together(parts: Iterable[Work]) -> Work:
    """The work of several processes as one."""
    passes: Counter[str] = Counter()
    works = list(parts)
    for work in works:
        passes.update(work.passes)
    return Work(
        passes=dict(passes),
        measuring=max((work.measuring for work in works), default=0.0),
        quarantined=tuple(sorted({name for work in works for name in work.quarantined})),
        lost_subprocesses=sum(work.lost_subprocesses for work in works),
        lost_workers=sum(work.lost_workers for work in works),
        processes=sum(work.processes for work in works),
        device_seconds=sum(work.device_seconds for work in works),
    )
