"""Do something regularly while something else goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 0.5
"""Seconds between two beats."""


@contextmanager
def pulse(beat: Callable[[], None], every: float = EVERY) -> Iterator[None]:
    """Call ``beat`` in a thread of its own, regularly, until the block is left.

    Args:
        beat: called; must bear being called beside what the block does.
        every: seconds between two calls.
    """
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(every):
            beat()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
