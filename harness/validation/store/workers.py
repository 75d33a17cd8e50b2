"""How much faster several processes complete a store than one, on equal shards.

The fake measurer sleeps instead of computing, as a process does that waits for its GPU: what is measured
is what sharing costs, not how many cores there are.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from harness.data.dataset import BLOCK_IMAGES
from harness.evidence.store import Evidence
from harness.measuring.worker import Worker
from harness.testing.fake import Fake, fake_dataset
from harness.validation.store.kills import KEY, MEASUREMENTS, requests_of

BLOCKS = 16
REQUESTS = requests_of(fake_dataset(BLOCKS * BLOCK_IMAGES, ("ChooseAttr",)), MEASUREMENTS)


def measure(folder: Path, seconds: float, begin: Any, ready: Any) -> None:  # noqa: ANN401 - multiprocessing's
    """Complete a store together with the others, once all are there."""
    worker = Worker(Evidence.existing(folder), partial(Fake, None, seconds))
    ready.release()
    begin.wait()
    worker.complete(REQUESTS, lambda *_: None)


def seconds_with(processes: int, seconds: float) -> float:
    """Wall time of so many processes on one store, from the moment all have started."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "harness.validation.store.workers"])
    begin, ready = context.Event(), context.Semaphore(0)
    with tempfile.TemporaryDirectory() as folder:
        store = Evidence.open(Path(folder), "workers", KEY)
        team: list[Any] = [
            context.Process(target=measure, args=(store.folder, seconds, begin, ready))
            for _ in range(processes)
        ]
        for process in team:
            process.start()
        for _ in team:
            ready.acquire()
        began = time.monotonic()
        begin.set()
        for process in team:
            process.join()
        took = time.monotonic() - began
        if len(store.read().filter(measurement="clean")) != BLOCKS * BLOCK_IMAGES:
            raise RuntimeError("the store is not complete")
    return took


def report(seconds: float) -> str:
    """Measure with 1, 2, 4 and 8 processes; say how much faster each is."""
    alone = seconds_with(1, seconds)
    words = [f"1 process {alone:.1f} s"]
    for processes in (2, 4, 8):
        took = seconds_with(processes, seconds)
        words.append(f"{processes} processes {took:.1f} s ({alone / took:.2f} times faster)")
    return f"{BLOCKS} equal shards of {BLOCK_IMAGES} images, {seconds} s an image: " + ", ".join(words)
