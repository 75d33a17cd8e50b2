"""The clock of the benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import torch

Result = TypeVar("Result")


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Do some work; returns the seconds it took, see `clock_name`, and its result."""
    start = _clock()
    result = work()
    return _clock() - start, result


def clock_name() -> str:
    """Which clock is read, for the report."""
    return "CPU time of the one thread" if torch.get_num_threads() == 1 else "wall clock"


def _clock() -> float:
    """Seconds. One thread's own CPU time leaves out the time in which other work had the core."""
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()
