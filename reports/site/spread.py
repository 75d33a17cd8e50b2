"""How far the effects of checkpoints lie apart, as replication projects report it. No verdict rests on it.

Cochran's Q, I² and tau (DerSimonian and Laird, 1986) of the estimates of one quantity, each weighted by the
inverse of its squared standard error. A run's limits are standard errors times critical values, of which the
nearer one is that of a single one-sided limit; its distance over the normal quantile is the standard error.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.statistics.verdict import Part, Verdict
from harness.verdicts.record import ClaimRecord, RunRecord
from reports.summary import deciding
from reports.words import claim_order

_FEWEST = 2


@dataclass(frozen=True)
class Effect:
    """A claim's quantity on one checkpoint.

    Attributes:
        claim: what was judged.
        part: the quantity there; None where it was not measured, or does not apply.
        error: standard error of its estimate; NaN where the limits do not tell it.
    """

    claim: ClaimRecord
    part: Part | None
    error: float


@dataclass(frozen=True)
class Heterogeneity:
    """How much estimates differ beyond what their standard errors explain.

    Attributes:
        count: estimates it is of.
        q: Cochran's Q.
        p: its tail probability, of chi-squared with ``count - 1`` degrees of freedom.
        i2: share of the variation that is not noise, from 0 to 1.
        tau: standard deviation of the true effects, in the unit of the estimates.
    """

    count: int
    q: float
    p: float
    i2: float
    tau: float


@dataclass(frozen=True)
class Spread:
    """One claim, and task where it is judged by task, over checkpoints.

    Attributes:
        claim: the claim's id.
        task: the task, or None.
        quantity: what is compared: what decided the claim on most of the checkpoints.
        effects: by checkpoint, in the order of the runs; None where the claim was not judged.
        heterogeneity: of the effects with a standard error; None where there are fewer than two.
    """

    claim: str
    task: str | None
    quantity: str
    effects: tuple[Effect | None, ...]
    heterogeneity: Heterogeneity | None


def spreads(runs: Sequence[RunRecord]) -> tuple[Spread, ...]:
    """Every claim and task over some runs of one checkpoint each, in the order of the claims' ids."""
    found: dict[tuple[str, str | None], list[ClaimRecord | None]] = {}
    for place, run in enumerate(runs):
        for claim in run.claims:
            found.setdefault((claim.id, claim.task), [None] * len(runs))[place] = claim
    windows = [{one.window for one in run.checkpoints} for run in runs]
    order = sorted(found, key=lambda key: claim_order(key[0]))
    return tuple(_spread(*key, found[key], windows) for key in order)


def heterogeneity(estimates: Iterable[float], errors: Iterable[float]) -> Heterogeneity | None:
    """Cochran's Q, I² and tau; None of fewer than two estimates with a standard error.

    Args:
        estimates: one a checkpoint, all in one unit.
        errors: their standard errors; what has none, or zero, is left out.
    """
    pairs = [(y, se) for y, se in zip(estimates, errors, strict=True) if math.isfinite(y + se) and se > 0]
    if len(pairs) < _FEWEST:
        return None
    y, se = np.array(pairs).T
    weights = (se / se.min()) ** -2.0  # relative: squares of tiny errors would overflow
    q = float((weights * (y - np.average(y, weights=weights)) ** 2).sum() / se.min() ** 2)
    freedom = len(pairs) - 1
    excess = max(0.0, q - freedom)
    scale = (weights.sum() - (weights**2).sum() / weights.sum()) / se.min() ** 2
    return Heterogeneity(
        len(pairs), q, float(stats.chi2.sf(q, freedom)), excess / q if q else 0.0, math.sqrt(excess / scale)
    )


def standard_error(part: Part, alpha: float) -> float:
    """The standard error behind a part's limits; NaN where they do not tell it.

    Args:
        part: an estimate with limits, each one-sided.
        alpha: the level of either limit.
    """
    nearest = min(part.upper - part.estimate, part.estimate - part.lower)
    if not (0 < alpha < 1 / 2 and 0 <= nearest < math.inf):
        return math.nan
    return nearest / float(stats.norm.isf(alpha))


def _spread(
    identifier: str, task: str | None, claims: Sequence[ClaimRecord | None], windows: Sequence[set[int]]
) -> Spread:
    named = [_parts(claim, sizes) for claim, sizes in zip(claims, windows, strict=True)]
    decided = Counter(next(reversed(parts)) for parts in named if parts)
    quantity = max(decided, key=decided.__getitem__, default="")
    effects = tuple(
        _effect(claim, parts.get(quantity)) if claim else None
        for claim, parts in zip(claims, named, strict=True)
    )
    known = [one for one in effects if one and one.part]
    return Spread(
        identifier,
        task,
        quantity,
        effects,
        heterogeneity((one.part.estimate for one in known if one.part), (one.error for one in known)),
    )


def _effect(claim: ClaimRecord, part: Part | None) -> Effect:
    return Effect(claim, part, standard_error(part, claim.judgement.alpha) if part else math.nan)


def _parts(claim: ClaimRecord | None, windows: set[int]) -> dict[str, Part]:
    """A claim's quantities by name, the deciding one last."""
    if claim is None or claim.judgement.verdict is Verdict.NOT_APPLICABLE or not deciding(claim):
        return {}
    return {_at_the_rule(part.label, windows): part for part in reversed(claim.judgement.parts)}


def _at_the_rule(label: str, windows: set[int]) -> str:
    """A quantity's name with the checkpoint's own window size as such: rules give each depth another one."""
    for window in windows:
        label = label.replace(f"k = {window},", "k = rule,")
    return label
