"""From a judgement to pytest: which exception a verdict is, and what it says."""

from __future__ import annotations

from harness.statistics.verdict import Judgement, Part
from harness.verdicts.claims import Claim


class ClaimRefutedError(AssertionError):
    """The evidence shows the opposite of the claim."""


class ClaimUndecidedError(AssertionError):
    """The evidence shows neither the claim nor its opposite."""


def message(claim: Claim, judgement: Judgement, command: str) -> str:
    """The failure message: estimate, interval, threshold, sample size, and how to reproduce it."""
    where = f" on {claim.task}" if claim.task else ""
    lines = [f"{judgement.verdict.value}: {claim.id}{where}, {claim.checkpoint}: {claim.statement}"]
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
