"""This process and its subprocesses, measuring into one store."""

from __future__ import annotations

from collections.abc import Callable
from threading import Timer

from harness.evidence.store import Evidence
from harness.measuring.subprocess_worker import Helper
from harness.measuring.worker import FEW, PATIENCE, Load, Requests, Worker, _by_image


class Workforce:
    """This process and its helpers: other processes of this machine that measure into the same store.

    A helper that dies costs time and nothing else: what it had in hand is free again, and others take it.

    Args:
        evidence: the store.
        load: loads what measures; pickled, so that helpers can load it too.
        helpers: how many helpers to start, once there is work enough.
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
        """See `Worker.complete`; helpers take part at once if there are blocks for them, else later."""
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
            tell(stored, samples)
            self._worker.complete(lacking, lambda done, _: tell(stored + done, samples), apart=apart)
        finally:
            late.cancel()
            late.join()

    def _call(self, requests: Requests, most: int, *, apart: bool) -> None:
        """Set so many helpers to work, as far as they are wanted; those that are at it go on."""
        for number in range(min(self._wanted, most)):
            if number == len(self._helpers):
                self._helpers.append(Helper(self._evidence.folder, self._load))
            self._helpers[number].begin(requests, apart=apart)

    def close(self) -> None:
        """Let the helpers go."""
        for helper in self._helpers:
            helper.close()
