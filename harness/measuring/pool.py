"""This process and its subprocesses, measuring into one store."""

from __future__ import annotations

from threading import Timer

from harness.evidence.store import Evidence
from harness.measuring.subprocess_worker import SubprocessWorker
from harness.measuring.worker import FEW, PATIENCE, Load, OnProgress, Requests, Worker, _by_image


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
        return self._worker.passes + sum(one.passes for one in self._subprocesses)

    @property
    def lost(self) -> int:
        """How many subprocesses died."""
        return sum(one.died for one in self._subprocesses)

    def lacking(self, requests: Requests) -> list[int]:
        """See `Worker.lacking`."""
        return self._worker.lacking(requests)

    def complete(self, requests: Requests, on_progress: OnProgress) -> None:
        """See `Worker.complete`; subprocesses take part at once if there are blocks for them, else later."""
        lacking = {block: requests[block] for block in self._worker.lacking(requests)}
        lacking_samples = sum(map(len, lacking.values()))
        images = sum(len(_by_image(wanted)) for wanted in lacking.values())
        apart = images < FEW * self._wanted
        parts = lacking_samples if apart else images
        samples = sum(map(len, requests.values()))
        stored = samples - lacking_samples
        self._call(lacking, len(lacking) - 1, apart=apart)
        late = Timer(PATIENCE, self._call, (lacking, parts - 1), {"apart": apart})
        late.daemon = True
        late.start()
        try:
            on_progress(stored, samples)
            self._worker.complete(lacking, lambda done, _: on_progress(stored + done, samples), apart=apart)
        finally:
            late.cancel()
            late.join()

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
