"""What this machine has: cores this process may use, and memory. Linux and macOS say so in different ways."""

from __future__ import annotations

import os

import psutil


def usable_cores() -> int:
    """Cores that this process may run on; all of the machine's where the system does not restrict it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def total_memory() -> int:
    """Bytes of memory the machine has."""
    return int(psutil.virtual_memory().total)


def available_memory() -> int:
    """Bytes that a process can take without others being swapped out."""
    return int(psutil.virtual_memory().available)
