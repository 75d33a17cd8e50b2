"""How far measuring has come: printed by the main process, written to a file by xdist's workers.

A worker has no terminal. It writes its progress to a small file that the main process named; a
thread there prints it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from harness.measuring.progress import Progress

PRINT_EVERY = 10.0
"""Seconds between two lines."""


def line(title: str, done: int, total: int, seconds: float, before: int = 0) -> str:
    """A line with the time left, judged by the samples measured since the title's first line.

    Args:
        title: what is measured.
        done: samples measured.
        total: samples in all.
        seconds: time since the first line.
        before: samples that were measured then, perhaps by an earlier run.
    """
    new = done - before
    left = f", about {_clock(seconds / new * (total - done))} left" if new > 0 else ""
    return f"measuring {title}: {done:,} of {total:,} samples{left}"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


class Printed:
    """Print progress, at most every `PRINT_EVERY` seconds, and when a title is complete."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._title = ""
        self._before = 0
        self._began = self._printed = time.monotonic()

    def __call__(self, title: str, done: int, total: int) -> None:
        """See `Progress`."""
        now = time.monotonic()
        if title != self._title:
            self._title, self._before = title, done
            self._began, self._printed = now, now - PRINT_EVERY
        if now - self._printed >= PRINT_EVERY or done == total:
            self._write(line(title, done, total, now - self._began, self._before))
            self._printed = now


class Written:
    """Write progress to a file that `Watch` reads."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, title: str, done: int, total: int) -> None:
        """See `Progress`."""
        self._path.write_text(f"{title}\n{done}\n{total}\n", encoding="utf-8")


class Watch:
    """A thread that passes on what a worker writes."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self.path, self._progress = path, progress
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        seen = ""
        while not self._stop.wait(0.5):
            text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
            parts = text.splitlines()
            if text != seen and len(parts) == 3:  # noqa: PLR2004 - title, done, total
                self._progress(parts[0], int(parts[1]), int(parts[2]))
                seen = text
