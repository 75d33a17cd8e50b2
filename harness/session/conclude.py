"""From a judgement to pytest: which exception a verdict is, and what it says."""

from __future__ import annotations

import pytest

from harness.session.run import Run
from harness.statistics.verdict import Judgement, Part, Verdict
from harness.verdicts.claim_record import claim_record
from harness.verdicts.claims import Claim
from harness.verdicts.expectations import Expectations
from harness.verdicts.record import plain
from harness.verdicts.wording import tally_in_words

PROPERTY = "findings"
"""Name of the user property under which a test hands its record to the main process."""


class ClaimRefutedError(AssertionError):
    """The evidence shows the opposite of the claim."""


class ClaimUndecidedError(AssertionError):
    """The evidence shows neither the claim nor its opposite."""


def message(claim: Claim, judgement: Judgement, command: str) -> str:
    """The failure message: estimate, interval, threshold, sample size, and how to reproduce it."""
    where = f" on {claim.task}" if claim.task else ""
    lines = [f"{judgement.verdict.value}: {claim.id}{where}, {claim.checkpoint}: {claim.statement}"]
    lines += [f"  {judgement.ground}"] if judgement.ground else []
    lines += [f"  {tally_in_words(judgement.tally)}"] if judgement.tally else []
    lines += [_part(part) for part in judgement.parts[:1]]
    lines.append(
        f"  n = {judgement.n_images} images, {judgement.n_samples} samples, look {judgement.look + 1}; "
        f"p(claim) = {judgement.p_support:.2g}, p(opposite) = {judgement.p_refute:.2g}"
    )
    if judgement.reason:
        lines.append(f"  {judgement.reason}")
    lines.append(f"  reproduce: {command}")
    return "\n".join(lines)


def _part(part: Part) -> str:
    where = f" at {part.where}" if part.where else ""
    interval = f"{part.estimate:.3g} [{part.lower:.3g}, {part.upper:.3g}]"
    return f"  {part.label}{where}: {interval}, claimed {part.asserts} {part.threshold:g}"


def conclude_claim(run: Run, claim: Claim, item: pytest.Item) -> None:
    """Hand the claim's record to the main process and turn its verdict into a test result.

    Raises:
        ClaimRefutedError: if the evidence shows the opposite.
        ClaimUndecidedError: if it shows neither.
    """
    __tracebackhide__ = True
    examination = run.examinations[claim.checkpoint]
    expected = run.expectations[claim.checkpoint]
    enforced = run.enforced(claim.checkpoint)
    record = claim_record(examination, claim, expected, enforced=enforced)
    payload = {
        "claim": plain(record),
        "checkpoint": plain(examination.record()),
        "key": claim.key,
        "dataset": [run.dataset.name, run.dataset.sha256],
    }
    # A test that is run again hands over its last record alone.
    item.user_properties[:] = [one for one in item.user_properties if one[0] != PROPERTY]
    item.user_properties.append((PROPERTY, payload))
    judgement = record.judgement
    text = message(claim, judgement, record.command)
    if judgement.verdict is Verdict.REFUTED:
        raise ClaimRefutedError(text)
    if judgement.verdict is Verdict.INCONCLUSIVE:
        if not run.settings.default_protocol:
            pytest.xfail(text.splitlines()[0] + f" ({judgement.reason})")
        raise ClaimUndecidedError(text)
    if judgement.verdict is Verdict.NOT_MEASURED:
        pytest.skip(judgement.reason)
    if judgement.verdict is Verdict.NOT_APPLICABLE:
        _not_applicable(expected if enforced else None, claim, judgement.reason)


def _not_applicable(expected: Expectations | None, claim: Claim, reason: str) -> None:
    """Skip if that was to be expected, or nothing is known of such a run; otherwise fail."""
    __tracebackhide__ = True
    known = expected.verdicts.get(claim.key) if expected else None
    if known not in {None, Verdict.NOT_APPLICABLE}:
        pytest.fail(f"{claim.key}: NOT APPLICABLE ({reason}), expected {known}", pytrace=False)
    pytest.skip(reason)
