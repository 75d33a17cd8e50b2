"""Measure what a store lacks, together with any number of other processes.

Work is cut into blocks of images. Whoever has a block's lock measures what the block lacks and publishes
it; who finds every open block taken helps with one, from its end on; everybody goes on until every block
is complete. A sample is locked while it is measured, until its rows are published. Nothing else is shared,
so it does not matter how many processes there are, where they run, or when one of them dies.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Protocol, Self, TypeAlias

from harness.evidence.shards import CLEAN, rows_to_frame
from harness.evidence.store import Evidence, Pair
from harness.interventions.measurements import Measurement, is_unfiltered
from harness.interventions.some_points import serving
from harness.measuring.progress import LOADING, Tally
from harness.measuring.request import Request

WAIT = 0.05
"""Seconds to wait when everything is in other workers' hands."""
PATIENCE = 5.0
"""Seconds of a look before a checkpoint is loaded to help with others' blocks: about what loading costs."""
PUBLISH_EVERY = 60.0
"""Seconds of measuring after which a worker publishes what it has of a block: so much a killed one loses.

A block of a large checkpoint on a CPU takes half an hour.
"""
FEW = 8
"""Images for each subprocess worker: with fewer, the questions on an image are shared out, too."""
COUNT_EVERY = 10.0
"""Seconds between two looks at how much all workers have stored."""

Requests: TypeAlias = "Mapping[int, Sequence[Request]]"
"""By block: what a run wants to know of its samples."""
OnProgress: TypeAlias = "Callable[[int, int], None]"
"""Called with the number of complete samples and the number of samples."""
Cut: TypeAlias = "Callable[[Sequence[Request]], list[list[Request]]]"
"""Divides what a block lacks into parts that are measured together."""


class Measurer(Protocol):
    """What answers requests: a loaded checkpoint with an engine, or a stand-in in tests."""

    passes: int
    """Knocked-out passes run so far."""

    def tally(self) -> Tally:
        """What was done so far, the image in hand included; asked by other threads."""

    def image(self, requests: Sequence[Request]) -> Sequence[Mapping[str, object]]:
        """Rows with the columns of `harness.evidence.SCHEMA`, for samples that share an image.

        Whatever is asked of a sample has one, a first answer too; what has none is asked for again.
        """


Load: TypeAlias = "Callable[[], Measurer]"
"""Loads a measurer; called once by a process, and only if there is something to measure."""


class Worker:
    """One process's part in measuring.

    Args:
        evidence: the store.
        load: loads what measures.
        patience: seconds of a look before it is loaded only to help with others' blocks.
    """

    def __init__(self, evidence: Evidence, load: Load, patience: float = PATIENCE) -> None:
        self._evidence = evidence
        self._load = load
        self._patience = patience
        self._measurer: Measurer | None = None
        self._samples = 0
        self._loading = False
        self.on_measured: Callable[[], None] = lambda: None
        """Called after every image, before its rows can be published."""

    @property
    def passes(self) -> int:
        """Knocked-out passes that this process has run."""
        return 0 if self._measurer is None else self._measurer.passes

    def tally(self) -> Tally:
        """What this process has done so far; asked by other threads."""
        found = Tally(LOADING) if self._loading else Tally()
        if self._measurer is not None:
            found = self._measurer.tally()
        return replace(found, samples=self._samples)

    def lacking(self, requests: Requests) -> list[int]:
        """The blocks in which something is still to be measured."""
        return [block for block, wanted in requests.items() if missing(wanted, self._evidence.stored(block))]

    def complete(self, requests: Requests, on_progress: OnProgress, *, apart: bool = False) -> None:
        """Measure until every block is complete, whoever measured it.

        Args:
            requests: what is wanted, by block.
            on_progress: called every few seconds.
            apart: take the questions on an image one by one, so that others can have some of them; else
                together, which saves passes over the image.

        Raises:
            HarnessError: if a sample or the store cannot be used; what was published is kept.
        """
        count = _Count(self._evidence, requests, on_progress)
        cut = _by_sample if apart else _by_image
        still_open = dict(requests)
        began = time.monotonic()
        while still_open:
            before = len(still_open)
            for block, wanted in requests.items():
                if block in still_open and self._complete(block, wanted, cut, count):
                    del still_open[block]
            if len(still_open) == before:
                ready = self._measurer is not None or time.monotonic() - began >= self._patience
                if not (ready and self._help(still_open, cut, count)):
                    time.sleep(WAIT)
            count()
        count.end()

    def _complete(
        self, block: int, requests: Sequence[Request], cut: Cut, published: Callable[[], None]
    ) -> bool:
        """Measure what a block lacks, unless another worker has it; say whether it is complete."""
        if not missing(requests, self._evidence.stored(block)):
            return True
        with self._evidence.reserve(block) as free:
            return free and self._measure(block, requests, cut, published)

    def _measure(
        self, block: int, requests: Sequence[Request], cut: Cut, published: Callable[[], None]
    ) -> bool:
        """Measure the samples of a block that no other worker has in hand; say whether it is complete.

        Rows are published about every `PUBLISH_EVERY` seconds; until then their samples stay locked.
        """
        complete = True
        with _Parcel(self._evidence, block, published) as parcel:
            for part in cut(missing(requests, self._evidence.stored(block))):
                taken = parcel.reserve(part)
                complete = complete and len(taken) == len(part)
                if taken:
                    parcel.add(self._measured(taken))
        return complete

    def _help(self, requests: dict[int, Sequence[Request]], cut: Cut, published: Callable[[], None]) -> bool:
        """Measure one part of a block that another worker has; say whether there was one."""
        for block in reversed(requests):
            for part in reversed(cut(missing(requests[block], self._evidence.stored(block)))):
                with _Parcel(self._evidence, block, published) as parcel:
                    taken = parcel.reserve(part)
                    if taken:
                        parcel.add(self._measured(taken))
                        return True
        return False

    def _measured(self, requests: Sequence[Request]) -> Sequence[Mapping[str, object]]:
        """Rows of samples on one image; loads the measurer if it was not needed before."""
        if self._measurer is None:
            self._loading = True
            self._measurer = self._load()
        rows = self._measurer.image(requests)
        self._samples += len(requests)
        self.on_measured()
        return rows


class _Parcel:
    """Rows of a block on their way to the store, and the locks of their samples.

    Leaving it publishes what it holds, an error or an interrupt notwithstanding.
    """

    def __init__(self, evidence: Evidence, block: int, published: Callable[[], None]) -> None:
        self._evidence = evidence
        self._block = block
        self._published = published
        self._rows: list[Mapping[str, object]] = []
        self._first = ""
        self._locks = ExitStack()
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Publish the rest."""
        self._send()

    def reserve(self, requests: Sequence[Request]) -> list[Request]:
        """Lock samples until their rows are published; those that are free and still lack something."""
        free = []
        for request in requests:
            sample = f"{request.sample.task} {request.sample.id}"
            if self._locks.enter_context(self._evidence.reserve(sample)):
                self._first = self._first or sample
                free.append(request)
        return missing(free, self._evidence.stored(self._block)) if free else []

    def add(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Take rows in; publish them if it is time."""
        self._rows += rows
        if time.monotonic() - self._began >= PUBLISH_EVERY:
            self._send()

    def _send(self) -> None:
        with self._locks:
            if self._rows:
                self._evidence.publish(self._block, rows_to_frame(self._rows), self._first)
                self._published()
        self._rows, self._first, self._began = [], "", time.monotonic()


def _by_image(requests: Sequence[Request]) -> list[list[Request]]:
    by_image: dict[str, list[Request]] = defaultdict(list)
    for request in requests:
        by_image[request.sample.image_id].append(request)
    return list(by_image.values())


def _by_sample(requests: Sequence[Request]) -> list[list[Request]]:
    return [[request] for request in requests]


class _Count:
    """Tells how many samples have all that is wanted of them, by what the store holds."""

    def __init__(self, evidence: Evidence, requests: Requests, on_progress: OnProgress) -> None:
        self._evidence = evidence
        self._requests = requests
        self._on_progress = on_progress
        self._all = sum(map(len, requests.values()))
        self._counted = -COUNT_EVERY

    def __call__(self) -> None:
        """Count and report, unless that was done just now."""
        if time.monotonic() - self._counted < COUNT_EVERY:
            return
        lacking = sum(
            len(missing(wanted, self._evidence.stored(block))) for block, wanted in self._requests.items()
        )
        self._on_progress(self._all - lacking, self._all)
        self._counted = time.monotonic()

    def end(self) -> None:
        """Tell that nothing is lacking."""
        self._on_progress(self._all, self._all)


def missing(requests: Sequence[Request], stored: set[Pair]) -> list[Request]:
    """What is still to be measured; of a sample found unusable, only what needs no right answer.

    Args:
        requests: what is wanted of a block's samples.
        stored: what the block has.
    """
    wanted = []
    names = {name for _, _, name in stored}
    # Most samples ask for the very same measurements.
    named: dict[int, list[tuple[Measurement, tuple[str, ...], bool]]] = {}
    for request in requests:
        sample = request.sample
        unusable = (sample.task, sample.id, CLEAN) in stored
        if id(request.measurements) not in named:
            named[id(request.measurements)] = [
                (one, serving(one, names), is_unfiltered(one)) for one in request.measurements
            ]
        measurements = tuple(
            measurement
            for measurement, served, unfiltered in named[id(request.measurements)]
            if not any((sample.task, sample.id, name) in stored for name in served)
            and (unfiltered or not unusable)
        )
        if measurements:
            wanted.append(replace(request, measurements=measurements))
    return wanted
