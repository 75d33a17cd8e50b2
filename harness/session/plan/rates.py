"""How fast a device multiplies: measured where it is here, stated where it is not.

Three numbers below were fitted, on two cores, to runs of the embedded checkpoint and to the benchmark of
the sweep; see `harness/validation/README.md`. They are rough, and a prediction has a range.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # importing it loads torch
    from harness.checkpoint.checkpoint import Checkpoint

STATED = {
    "h100": 989.0,
    "h200": 989.0,
    "a100": 312.0,
    "l40s": 362.0,
    "l4": 121.0,
    "v100": 125.0,
    "t4": 65.0,
    "rtx4090": 165.0,
    "rtx3090": 71.0,
}
"""Dense 16-bit operations per second, in tera, that vendors state."""
DEFAULT = "h100"
"""The device that is assumed where a GPU is asked for and none is here."""
STATED_SHARE = 0.4
"""The share of a stated rate that is assumed to be reached."""
MEASURED_SHARE = 0.5
"""The share of the rate of a product of the checkpoint's own widths that a sweep reaches."""
PASS_SECONDS, SAMPLE_SECONDS, LOAD_SECONDS = 0.0004, 0.03, 10.0
"""What a knocked-out pass, a sample and loading take beside their operations, of one process."""
LOW, HIGH = 0.6, 1.7
"""Factors on a predicted time: the range in which it is expected."""
ROWS, LONG = 2048, 0.3
"""Rows of the product that is timed, and seconds for which it is repeated."""


@dataclass(frozen=True)
class Rate:
    """Operations per second of one process in a sweep, and where the number comes from."""

    operations: float
    source: str


def stated(text: str) -> Rate:
    """The rate of ``--plan-rate``: a device's name, or tera operations per second as they are reached.

    Raises:
        ValueError: if it is neither.
    """
    name = text.lower()
    if name in STATED:
        rate = STATED[name] * 1e12 * STATED_SHARE
        told = f"{name}, {STATED[name]:g} TFLOP/s in 16 bits stated by its vendor"
        return Rate(rate, f"{told}, {STATED_SHARE:.0%} of it assumed")
    rate = float(text)
    if not 0 < rate < float("inf"):
        raise ValueError(f"{text}: a rate is a number above 0")
    return Rate(rate * 1e12, f"{rate:g} TFLOP/s, as --plan-rate says")


def measured(checkpoint: Checkpoint, device: str, dtype: str, threads: int) -> Rate:
    """Time a product of the sizes of the checkpoint's MLP on a device that is here.

    Args:
        checkpoint: its sizes count.
        device: torch device.
        dtype: name of a torch dtype.
        threads: cores of one process.
    """
    import torch  # noqa: PLC0415 - takes seconds

    config = checkpoint.model.config.text_config
    width, inner = int(config.hidden_size), int(getattr(config, "intermediate_size", 4 * config.hidden_size))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        kind = getattr(torch, dtype)
        rows = torch.ones(ROWS, width, dtype=kind, device=device)
        weights = torch.ones(width, inner, dtype=kind, device=device)
        seconds = _seconds(lambda: float((rows @ weights)[0, 0]))
    finally:
        torch.set_num_threads(before)
    rate = 2.0 * ROWS * width * inner / seconds
    ran = f"a product of {ROWS}×{width}×{inner} ran at {rate / 1e9:,.0f} GFLOP/s here"
    return Rate(rate * MEASURED_SHARE, f"{ran}, {MEASURED_SHARE:.0%} of it assumed")


def _seconds(work: Callable[[], object]) -> float:
    """The median time of some work, repeated for a moment."""
    times: list[float] = []
    began = time.perf_counter()
    while time.perf_counter() - began < LONG or len(times) < 3:  # noqa: PLR2004 - a first one is slow
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
