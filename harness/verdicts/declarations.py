"""What claims say: each claim test is called once before anything is measured, and once a look.

A statement may depend on what was measured (on which layer was located, which control exists), so it is
declared anew at every look; whoever asks again is given what was declared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from harness.verdicts.claims import Claim
from harness.verdicts.hypothesis import EvidenceView, Hypothesis

UNMEASURED, LOCATED = "unmeasured", "located"
Stage: TypeAlias = "int | str"
"""A look's number; before anything was measured; or once it is known where layers lie and what exists."""


class Declarations:
    """The declarations of claims, by claim and stage.

    Args:
        declare: calls a claim test with what may be looked at, None before anything has been measured.
    """

    def __init__(self, declare: Callable[[Claim, EvidenceView | None], Hypothesis]) -> None:
        self._declare = declare
        self._known: dict[tuple[str, Stage], Hypothesis] = {}

    def unmeasured(self, claim: Claim) -> Hypothesis:
        """What a claim says before anything is measured: what it needs.

        Raises:
            HarnessError: if the test does not hand a statement to `Study.judge`.
        """
        return self._at(claim, UNMEASURED, lambda: None)

    def located(self, claim: Claim, view: Callable[[], EvidenceView]) -> Hypothesis:
        """What it says as soon as it is known where its layers lie and what exists."""
        return self._at(claim, LOCATED, view)

    def at(self, claim: Claim, look: int, view: Callable[[], EvidenceView]) -> Hypothesis:
        """What it says at a look whose evidence is complete, shown by ``view``."""
        return self._at(claim, look, view)

    def forget(self, claim: Claim, looks: Iterable[int]) -> None:
        """Declare anew at these looks when asked next: more evidence has come, of other checkpoints, say."""
        for look in looks:
            self._known.pop((claim.test, look), None)

    def _at(self, claim: Claim, stage: Stage, view: Callable[[], EvidenceView | None]) -> Hypothesis:
        key = claim.test, stage
        if key not in self._known:
            self._known[key] = self._declare(claim, view())
        return self._known[key]
