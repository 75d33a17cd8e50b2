"""When a verdict fell: which of the planned looks at the evidence decided it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.statistics.verdict import Verdict
from harness.verdicts.record import ClaimRecord
from reports.summary import undecided
from reports.words import count


def decided_at(protocol: Mapping[str, object]) -> Callable[[ClaimRecord], str]:
    """Return a function that says where a claim was decided, given the planned looks.

    ``protocol["looks"]`` is the share of the images at each look, e.g. ``"0.25, 0.5, 1"`` or a
    list; without it only the number of the look is said.
    """
    shares = _shares(protocol.get("looks"))

    def sentence(claim: ClaimRecord) -> str:
        judgement = claim.judgement
        images = count(judgement.n_images, "image")
        if judgement.verdict is Verdict.NOT_APPLICABLE:
            return "not judged"
        if undecided(claim):
            return f"undecided after {images}"
        if not 0 <= judgement.look < len(shares):
            return f"decided at look {judgement.look + 1}, with {images}"
        return f"decided at {_of_all(judgement.n_images, shares[judgement.look])} (look {judgement.look + 1})"

    return sentence


def _of_all(images: int, share: float) -> str:
    if share >= 1:
        return f"all {count(images, 'image')}"
    return f"{images:,} images, {share:.0%} of the plan"


def _shares(looks: object) -> tuple[float, ...]:
    listed = looks.split(",") if isinstance(looks, str) else looks
    if not isinstance(listed, list | tuple):
        return ()
    try:
        shares = tuple(float(look) for look in listed)
    except (TypeError, ValueError):
        return ()
    return shares if all(0 < share <= 1 for share in shares) else ()
