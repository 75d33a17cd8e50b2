"""Measure what a store lacks, together with any number of other processes.

Work is cut into blocks of images. Whoever has a block's lock measures what the block lacks and publishes
it; everybody goes on until every block is complete. Nothing else is shared, so it does not matter how
many processes there are, where they run, or when one of them dies.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

from harness.dataset import Dataset
from harness.evidence import BASE, Evidence, Pair, rows_to_frame
from harness.facts import Facts
from harness.helper import Helper
from harness.probes import Probe, is_unfiltered
from harness.request import Request

WAIT = 0.05
"""Seconds to wait when every open block is in another worker's hands."""
PUBLISH_EVERY = 60.0
"""Seconds of measuring after which a worker publishes what it has of a block: so much a killed one loses.

A block of a large checkpoint on a CPU takes half an hour.
"""
COUNT_EVERY = 10.0
"""Seconds between two looks at how much all workers have stored."""

Requests: TypeAlias = "Mapping[int, Sequence[Request]]"
"""By block: what a run wants to know of its samples."""


class Measurer(Protocol):
    """What answers requests: a loaded checkpoint with an engine, or a stand-in in tests."""

    passes: int
    """Knocked-out passes run so far."""

    def image(self, requests: Sequence[Request]) -> Sequence[Mapping[str, object]]:
        """Rows with the columns of `harness.evidence.SCHEMA`, for samples that share an image."""


Load: TypeAlias = "Callable[[], Measurer]"
"""Loads a measurer; called once by a process, and only if there is something to measure."""


def load_sweep(
    facts: Facts, dataset: Dataset, device: str, dtype: str, threads: int, memory: int | None
) -> Measurer:
    """Load a checkpoint and the fast sweep; see `harness.engine.load_measurer`."""
    from harness.engine import load_measurer  # noqa: PLC0415 - loads torch; only measuring needs it

    return load_measurer(facts, dataset, device, dtype, threads, memory)


class Worker:
    """One process's part in measuring.

    Args:
        evidence: the store.
        load: loads what measures.
    """

    def __init__(self, evidence: Evidence, load: Load) -> None:
        self._evidence = evidence
        self._load = load
        self._measurer: Measurer | None = None

    @property
    def passes(self) -> int:
        """Knocked-out passes that this process has run."""
        return 0 if self._measurer is None else self._measurer.passes

    def lacking(self, requests: Requests) -> list[int]:
        """The blocks in which something is still to be measured."""
        return [block for block, wanted in requests.items() if missing(wanted, self._evidence.stored(block))]

    def complete(self, requests: Requests, tell: Callable[[int, int], None]) -> None:
        """Measure until every block is complete, whoever measured it.

        Args:
            requests: what is wanted, by block.
            tell: called with the number of complete samples and the number of samples.

        Raises:
            HarnessError: if a sample or the store cannot be used; what was published is kept.
        """
        count = _Count(self._evidence, requests, tell)
        still_open = dict.fromkeys(requests)
        while still_open:
            before = len(still_open)
            for block in list(still_open):
                if self._complete(block, requests[block], count):
                    del still_open[block]
            if len(still_open) == before:
                time.sleep(WAIT)
            count()
        count.end()

    def _complete(self, block: int, requests: Sequence[Request], published: Callable[[], None]) -> bool:
        """Measure what a block lacks, unless another worker has it; say whether it is complete."""
        if not missing(requests, self._evidence.stored(block)):
            return True
        with self._evidence.claim(block) as free:
            if not free:
                return False
            wanted = missing(requests, self._evidence.stored(block))
            for rows in self._measured(wanted):
                self._evidence.publish(block, rows_to_frame(rows))
                published()
        return True

    def _measured(self, requests: Sequence[Request]) -> Iterator[list[Mapping[str, object]]]:
        """Rows, image by image; each part the work of about `PUBLISH_EVERY` seconds."""
        if not requests:
            return
        self._measurer = measurer = self._measurer or self._load()
        by_image: dict[str, list[Request]] = defaultdict(list)
        for request in requests:
            by_image[request.sample.image_id].append(request)
        rows: list[Mapping[str, object]] = []
        began = time.monotonic()
        for group in by_image.values():
            try:
                rows += measurer.image(group)
            except BaseException:  # an interrupt, too: what is measured is kept
                if rows:
                    yield rows
                raise
            if time.monotonic() - began >= PUBLISH_EVERY:
                yield rows
                rows, began = [], time.monotonic()
        if rows:
            yield rows


class _Count:
    """Tells how many samples have all that is wanted of them, by what the store holds."""

    def __init__(self, evidence: Evidence, requests: Requests, tell: Callable[[int, int], None]) -> None:
        self._evidence = evidence
        self._requests = requests
        self._tell = tell
        self._all = sum(map(len, requests.values()))
        self._counted = -COUNT_EVERY

    def __call__(self) -> None:
        """Count and tell, unless that was done just now."""
        if time.monotonic() - self._counted < COUNT_EVERY:
            return
        lacking = sum(
            len(missing(wanted, self._evidence.stored(block))) for block, wanted in self._requests.items()
        )
        self._tell(self._all - lacking, self._all)
        self._counted = time.monotonic()

    def end(self) -> None:
        """Tell that nothing is lacking."""
        self._tell(self._all, self._all)


class Workforce:
    """This process and its helpers: other processes of this machine that measure into the same store.

    A helper that dies costs time and nothing else: its block is free again, and others take it.

    Args:
        evidence: the store.
        load: loads what measures; pickled, so that helpers can load it too.
        helpers: how many helpers to start, once there are blocks enough.
    """

    def __init__(self, evidence: Evidence, load: Load, helpers: int = 0) -> None:
        self._evidence = evidence
        self._worker = Worker(evidence, load)
        self._load = load
        self._wanted = helpers
        self._helpers: list[Helper] = []

    @property
    def passes(self) -> int:
        """Knocked-out passes run by this process and its helpers."""
        return self._worker.passes + sum(helper.passes for helper in self._helpers)

    @property
    def lost(self) -> int:
        """How many helpers died."""
        return sum(helper.died for helper in self._helpers)

    def lacking(self, requests: Requests) -> list[int]:
        """See `Worker.lacking`."""
        return self._worker.lacking(requests)

    def complete(self, requests: Requests, tell: Callable[[int, int], None]) -> None:
        """See `Worker.complete`; helpers take part if more than one block lacks something."""
        lacking = {block: requests[block] for block in self._worker.lacking(requests)}
        if len(lacking) > 1:
            while len(self._helpers) < min(self._wanted, len(lacking) - 1):
                self._helpers.append(Helper(self._evidence.folder, self._load))
            for helper in self._helpers:
                helper.begin(lacking)
        samples = sum(map(len, requests.values()))
        stored = samples - sum(map(len, lacking.values()))
        tell(stored, samples)
        self._worker.complete(lacking, lambda done, _: tell(stored + done, samples))

    def close(self) -> None:
        """Let the helpers go."""
        for helper in self._helpers:
            helper.close()


def missing(requests: Sequence[Request], stored: set[Pair]) -> list[Request]:
    """What is still to be measured; of a sample found unusable, only what needs no right answer.

    Args:
        requests: what is wanted of a block's samples.
        stored: what the block has.
    """
    wanted = []
    named: dict[int, list[tuple[Probe, str, bool]]] = {}  # most samples ask for the very same probes
    for request in requests:
        sample = request.sample
        unusable = (sample.task, sample.id, BASE) in stored
        if id(request.probes) not in named:
            named[id(request.probes)] = [(one, str(one), is_unfiltered(one)) for one in request.probes]
        probes = tuple(
            probe
            for probe, name, unfiltered in named[id(request.probes)]
            if (sample.task, sample.id, name) not in stored and (unfiltered or not unusable)
        )
        if probes:
            wanted.append(Request(sample, probes))
    return wanted
