"""This process and its subprocesses, measuring into one store."""

from __future__ import annotations

from collections.abc import Callable
from threading import Timer
from typing import TypeAlias

from harness.evidence.store import Evidence
from harness.measuring.progress import CHECKING, LOADING, MEASURING, WAITING, State, Tally
from harness.measuring.pulse import pulse
from harness.measuring.subprocess_worker import SubprocessWorker
from harness.measuring.worker import FEW, PATIENCE, Load, Requests, Worker, _by_image

OnState: TypeAlias = "Callable[[State], None]"
"""Called about twice a second, and from a thread of its own, with how far measuring has come."""


class MeasurementPool:
    """This process and its subprocesses: other processes of this machine that measure into the same store.

    One that dies costs time and nothing else: what it had in hand is free again, and others take it.

    Args:
        evidence: the store.
        load: loads what measures; pickled, so that subprocesses can load it too.
        subprocesses: how many subprocesses to start, once there is work enough.
    """

    def __init__(self, evidence: Evidence, load: Load, subprocesses: int = 0) -> None:
        self._evidence = evidence
        self._worker = Worker(evidence, load)
        self._load = load
        self._wanted = subprocesses
        self._subprocesses: list[SubprocessWorker] = []

    @property
    def passes(self) -> int:
        """Knocked-out passes run by this process and its subprocesses."""
        return self._worker.passes + sum(one.tally.passes for one in self._subprocesses)

    def tally(self) -> Tally:
        """What this process and its subprocesses have done so far."""
        parts = [self._worker.tally(), *(one.tally for one in list(self._subprocesses))]
        doing = max((one.doing for one in parts), key=(WAITING, LOADING, CHECKING, MEASURING).index)
        return Tally(
            doing,
            sum(one.samples for one in parts),
            sum(one.passes for one in parts),
            sum(one.row_layers for one in parts),
        )

    @property
    def lost(self) -> int:
        """How many subprocesses died."""
        return sum(one.died for one in self._subprocesses)

    def lacking(self, requests: Requests) -> list[int]:
        """See `Worker.lacking`."""
        return self._worker.lacking(requests)

    def complete(self, requests: Requests, on_state: OnState) -> None:
        """See `Worker.complete`; subprocesses take part at once if there are blocks for them, else later."""
        lacking = {block: requests[block] for block in self._worker.lacking(requests)}
        lacking_samples = sum(map(len, lacking.values()))
        images = sum(len(_by_image(wanted)) for wanted in lacking.values())
        apart = images < FEW * self._wanted
        parts = lacking_samples if apart else images
        samples = sum(map(len, requests.values()))
        before = samples - lacking_samples
        stored, measured = before, self.tally().samples

        def tell() -> None:
            now = self.tally()
            done = now.samples - measured
            on_state(State(now.doing, samples, before, stored, done, now.passes))

        def count(done: int, _: int) -> None:
            nonlocal stored
            stored = before + done

        self._call(lacking, len(lacking) - 1, apart=apart)
        late = Timer(PATIENCE, self._call, (lacking, parts - 1), {"apart": apart})
        late.daemon = True
        late.start()
        try:
            with pulse(tell):
                self._worker.complete(lacking, count, apart=apart)
        finally:
            late.cancel()
            late.join()
        on_state(State(MEASURING, samples, before, samples, 0, self.tally().passes))

    def _call(self, requests: Requests, most: int, *, apart: bool) -> None:
        """Set so many subprocesses to work, as far as they are wanted; those that are at it go on."""
        for number in range(min(self._wanted, most)):
            if number == len(self._subprocesses):
                self._subprocesses.append(SubprocessWorker(self._evidence.folder, self._load))
            self._subprocesses[number].begin(requests, apart=apart)

    def close(self) -> None:
        """End the subprocess workers."""
        for one in self._subprocesses:
            one.close()
