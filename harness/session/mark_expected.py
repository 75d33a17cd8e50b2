"""Mark the claim tests whose verdict is known, or is not asked for."""

from __future__ import annotations

import pytest

from harness.session.claim_items import claim_of
from harness.session.conclude import ClaimRefutedError, ClaimUndecidedError
from harness.session.run import Run
from harness.statistics.verdict import Verdict, goes_to_or_from_undecided
from harness.verdicts.claims import Claim
from harness.verdicts.expectations import Expectations

MEASURED_ONLY = "measured only, nothing judged"
RAISES = {Verdict.REFUTED: ClaimRefutedError, Verdict.INCONCLUSIVE: ClaimUndecidedError}
"""What a claim test raises, by verdict."""


def skip_measured_only(run: Run, item: pytest.Item) -> None:
    """Judge nothing; a claim whose evidence could not be measured still fails, with the reason."""
    claim = claim_of(item)
    if claim is not None and claim.checkpoint not in run.errors:
        item.add_marker(pytest.mark.skip(reason=MEASURED_ONLY))


def mark_expected(run: Run, item: pytest.Item) -> None:
    """Mark a claim whose verdict is known: only the opposite verdict fails the run then.

    Where the expectations hold for this very checkpoint, data and protocol, a verdict that goes to or
    from INCONCLUSIVE is named at the end (`terminal.warn_inconclusive_changes`) and fails nothing.
    """
    claim = claim_of(item)
    expected = run.expectations.get(claim.checkpoint) if claim else None
    if claim is None or expected is None:
        return
    known, found = expected.verdicts.get(claim.key), run.verdict(claim)
    if known is None:
        return
    enforced = run.enforced(claim.checkpoint)
    if enforced and found is not None and goes_to_or_from_undecided(known, found):
        if found in RAISES:
            reason = f"{found.value}, known as {known.value}"
            item.add_marker(pytest.mark.xfail(raises=RAISES[found], strict=False, reason=reason))
    elif known in RAISES:
        reason = _known(expected, claim)
        item.add_marker(pytest.mark.xfail(raises=RAISES[known], strict=enforced, reason=reason))


def _known(expected: Expectations, claim: Claim) -> str:
    reason = expected.reasons.get(claim.key)
    return f"{expected.verdicts[claim.key].value}, as known" + (f": {reason}" if reason else "")
