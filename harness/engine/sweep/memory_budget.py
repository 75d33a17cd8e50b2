"""How many rows walk together: a memory budget, and what happens when it was too hopeful.

The results of a knockout do not depend on the company it keeps, up to the rounding of matrix
products whose shapes differ. So that even the rounding is the same from run to run, the size of a
chunk follows the free memory only where that is scarce; otherwise it is a constant.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch

from harness.checkpoint.checkpoint import Checkpoint
from harness.data.errors import MemoryLimitError
from harness.data.machine import available_memory

ROWS = {"cpu": 8192, "cuda": 32768}
"""Rows that walk together where memory is plenty, by device: more gains no speed."""
TOO_LITTLE = (
    "out of memory even with one question and one knockout at a time: use --dtype bfloat16, "
    "--device auto or fewer --processes; what was measured is kept"
)
SHARE = 0.5
"""The share of the free memory that a packed batch may take."""
KEPT = 1 << 29
"""Bytes of freed memory that a process keeps for its next allocations."""
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
"""The numbers by which glibc's ``mallopt`` knows its options."""
_LARGEST_MMAP = 1 << 25
"""The most that glibc takes for the last of them."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def keep_freed_memory() -> None:
    """Ask the C library to keep what is freed, up to `KEPT` bytes, instead of giving it back at once.

    A walk allocates and frees the same few megabytes over and over; fetching them from the kernel page by
    page took up to a tenth of a sweep's time. Only glibc is asked; elsewhere nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    for option, size in ((_TRIM_THRESHOLD, KEPT), (_TOP_PAD, KEPT // 8), (_MMAP_THRESHOLD, _LARGEST_MMAP)):
        mallopt(option, size)


def rows_within(checkpoint: Checkpoint, memory: int | None) -> int:
    """How many rows of a packed batch fit.

    Args:
        checkpoint: the checkpoint.
        memory: bytes for the packed batch; None for half of what is free.
    """
    each = row_bytes(checkpoint)
    if memory is not None:
        return max(1, memory // each)
    most = ROWS.get(checkpoint.device.type, ROWS["cuda"])
    free = min(free_memory(device) for device in checkpoint.devices)
    return max(1, min(most, int(free * SHARE) // each))


def row_bytes(checkpoint: Checkpoint) -> int:
    """Bytes that one row needs at the widest moment of a layer, counted generously."""
    config = checkpoint.model.config.text_config
    inner = int(getattr(config, "intermediate_size", 4 * config.hidden_size))
    precise = max(checkpoint.dtype.itemsize, 4)
    return precise * (8 * int(config.hidden_size) + 4 * inner)


def free_memory(device: torch.device) -> int:
    """Bytes free on a device, what torch keeps unused included; for a CPU, the machine's available memory."""
    if device.type != "cuda":
        return available_memory()
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(torch.cuda.mem_get_info(device)[0]) + kept


def chunks(items: Sequence[Item], size: Callable[[Item], int], most: int) -> Iterator[list[Item]]:
    """Consecutive items whose sizes add up to at most ``most``; at least one item each."""
    chunk: list[Item] = []
    total = 0
    for item in items:
        if chunk and total + size(item) > most:
            yield chunk
            chunk, total = [], 0
        chunk.append(item)
        total += size(item)
    if chunk:
        yield chunk


def halving(items: list[Item], work: Callable[[list[Item]], Result]) -> Iterator[tuple[list[Item], Result]]:
    """Do the work on all items at once; where memory does not suffice, on each half.

    Raises:
        MemoryLimitError: if a single item does not fit.
    """
    waiting = [items]
    while waiting:
        now = waiting.pop()
        try:
            result = work(now)
        except (RuntimeError, MemoryError, MemoryLimitError) as error:
            if not out_of_memory(error):
                raise
            if len(now) == 1:
                raise MemoryLimitError(TOO_LITTLE) from error
            waiting += [now[len(now) // 2 :], now[: len(now) // 2]]
            result = None
        if result is None:
            # Outside the handler: the traceback of a caught error keeps its tensors alive.
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            continue
        yield now, result


@contextmanager
def memory_limit_told() -> Iterator[None]:
    """Whatever runs out of memory here does so with one line.

    Raises:
        MemoryLimitError: if memory does not suffice.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise MemoryLimitError(TOO_LITTLE) from error


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out, on whichever device."""
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, (MemoryError, torch.OutOfMemoryError, MemoryLimitError)) or any(
        word in str(error).lower() for word in words
    )
