"""Kill a measuring process again and again, and check what it leaves behind.

A process measures into a store and is killed by SIGKILL at a random moment; another one goes on, and is
killed too, until the store is complete. After every kill: no file of the store is damaged, nothing that
was stored is lost or measured again, and at most one block, the one in flight, is. At the end the store
holds what an undisturbed process stores.
"""

from __future__ import annotations

import multiprocessing
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import polars as pl

from harness.data.dataset import BLOCK_IMAGES, Dataset
from harness.data.flow import Flow
from harness.evidence.store import Evidence
from harness.interventions.measurements import Measurement, Sweep
from harness.measuring.request import Request
from harness.measuring.worker import Worker
from harness.testing.fake import Fake, fake_dataset

KEY = {"checkpoint": "fake"}
IMAGES = 6 * BLOCK_IMAGES
DATASET = fake_dataset(IMAGES, ("ChooseAttr",))
MEASUREMENTS: tuple[Measurement, ...] = (Sweep(Flow("image", "question"), 3),)
Lines = frozenset[str]


class BrokenPromiseError(AssertionError):
    """The store did not keep what it promises."""


@dataclass
class Tally:
    """What was seen.

    Attributes:
        work: processor time in seconds that completing a store takes.
        kills: processes killed while they measured.
        progressed: how many of them had stored something new.
        repeated: how many of the kills lost measured samples: never more than a block, measured again.
        half_written: how many left a file behind that was not whole.
        lives: kills before each store was complete.
    """

    work: float = 0.0
    kills: int = 0
    progressed: int = 0
    repeated: int = 0
    half_written: int = 0
    lives: list[int] = field(default_factory=list)


def requests_of(dataset: Dataset, measurements: tuple[Measurement, ...]) -> dict[int, list[Request]]:
    """Ask for these measurements on every sample, by block."""
    wanted: dict[int, list[Request]] = {}
    for sample in dataset.samples:
        wanted.setdefault(dataset.blocks[sample.image_id], []).append(Request(sample, measurements))
    return dict(sorted(wanted.items()))


REQUESTS = requests_of(DATASET, MEASUREMENTS)


def measure(folder: Path, log: Path, ready: Connection | None = None) -> None:
    """Complete a store; the target of the processes that are killed."""
    worker = Worker(Evidence.existing(folder), partial(Fake, log))
    if ready is not None:
        ready.send(True)
    worker.complete(REQUESTS, lambda *_: None)


def undisturbed(root: Path) -> pl.DataFrame:
    """What one process stores that nobody kills."""
    store = Evidence.open(root, "undisturbed", KEY)
    measure(store.folder, root / "undisturbed.log")
    return store.read()


def until_complete(root: Path, random_: random.Random, tally: Tally, most: int) -> Iterator[int]:
    """Kill one process after another that measure into one store; yields after each kill.

    Args:
        root: an empty folder.
        random_: chooses the moments.
        tally: counts.
        most: leave it after so many kills, and complete the store undisturbed.

    Raises:
        BrokenPromiseError: if something is damaged, lost, or measured again that was stored.
    """
    store = Evidence.open(root, "killed", KEY)
    kills, before = 0, _stored(store.folder)
    while kills < most:
        log = root / f"life-{kills}.log"
        if not _kill(store.folder, log, after=random_.uniform(0, tally.work)):
            break
        kills += 1
        tally.kills += 1
        tally.half_written += any(store.folder.glob(".writing-block-*"))
        before = _check(store, before, log, tally)
        yield kills
    last = root / "last.log"
    before = _stored(store.folder)  # one that was not killed may have gone on
    measure(store.folder, last)
    _demand("what was stored was measured again", not _measured(last) & before)
    _demand("a half-written file stayed", not list(store.folder.glob(".writing-*")))
    tally.lives.append(kills)


def _check(store: Evidence, before: Lines, log: Path, tally: Tally) -> Lines:
    """What must be true after a kill; returns what is stored then."""
    after, measured = _stored(store.folder), _measured(log)
    _demand("a file is damaged", store.damaged() == [])
    _demand("what was stored is lost", before <= after)
    _demand("what was stored was measured again", not measured & before)
    blocks = {_block(line) for line in measured - after}
    _demand("more than the shard in flight was lost", len(blocks) <= 1)
    tally.repeated += bool(blocks)
    tally.progressed += after > before
    return after


def _demand(promise: str, kept: object) -> None:
    if not kept:
        raise BrokenPromiseError(promise)


def _kill(folder: Path, log: Path, after: float) -> bool:
    """Kill a process once it has worked so long; say whether it was still alive then.

    Work is processor time, so that moments are spread evenly over what it does, however busy the machine.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "harness.validation.store.kills"])
    here, there = context.Pipe(duplex=False)
    process: Any = context.Process(target=measure, args=(folder, log, there))
    process.start()
    there.close()
    try:
        here.recv()
    except EOFError as error:
        raise BrokenPromiseError("the process did not begin to measure") from error
    clock = (~process.pid << 3) | 2  # Linux's name for the processor time of a process
    with suppress(OSError):  # it has ended, and its clock with it
        begun = time.clock_gettime(clock)
        while time.clock_gettime(clock) - begun < after:
            time.sleep(0.0005)
    process.kill()
    process.join()
    return bool(process.exitcode == -signal.SIGKILL)


def _stored(folder: Path) -> Lines:
    evidence = Evidence.existing(folder)
    return frozenset(" ".join(pair) for block in REQUESTS for pair in evidence.stored(block))


def _measured(log: Path) -> Lines:
    return frozenset(log.read_text(encoding="utf-8").splitlines()) if log.exists() else frozenset()


def _block(line: str) -> int:
    name = line.split(" ")[1]
    return next(block for block, wanted in REQUESTS.items() if any(one.sample.id == name for one in wanted))


def run(kills: int, seed: int) -> Tally:
    """Kill until so many kills are done; see the module.

    Args:
        kills: how many.
        seed: chooses the moments.
    """
    tally, random_ = Tally(), random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        expected = undisturbed(Path(folder))
        tally.work = time.process_time() - began
        while tally.kills < kills:
            root = Path(folder) / f"store-{len(tally.lives)}"
            root.mkdir()
            for _ in until_complete(root, random_, tally, most=min(5, kills - tally.kills)):
                pass
            store = next(path for path in root.iterdir() if path.is_dir())
            _demand("the results differ", Evidence.existing(store).read().equals(expected))
    return tally


def report(kills: int, seed: int) -> str:
    """Kill so often, and say what was seen in a line."""
    began = time.monotonic()
    tally = run(kills, seed)
    return (
        f"{tally.kills} kills at random moments, {len(tally.lives)} stores: all complete and equal to an "
        f"undisturbed one; {tally.progressed} had stored something new, {tally.repeated} lost what was in "
        f"flight (never more than one block), "
        f"{tally.half_written} left a half-written file; {time.monotonic() - began:.0f} s"
    )
