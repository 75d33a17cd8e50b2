"""What an effect does to the margin: how much is the true answer falling, how much the wrong one rising.

The margin is the true answer's log-odds against the wrong one, log p(true) - log p(false). Its change under a
knockout is the change of the first minus the change of the second, exactly; both follow from what is
stored anyway. It is told beside verdicts, and is part of none.

The parts are not causes. Probabilities sum to one: an answer that goes from 0.999 to 0.5 falls by 0.69 nats,
and if the wrong one takes what it loses, that one rises by 6.2. Of a sure answer most of a large lost margin
is therefore the wrong one's rise, whatever the knockout removed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.interventions.measurements import Quantity, is_unfiltered
from harness.statistics.curves import Bools, Curves, CurveSource, Floats
from harness.verdicts.record import Margin

LOG_TRUE, LOG_FALSE = "log_true", "log_false"
"""Readings made from stored ones: the change of either answer's log-probability, in nats."""
_DIGITS = 6
"""Decimals that the record keeps: a millionth of a nat, at half the size."""
_LEAST = np.finfo(np.float64).tiny
"""Below this a probability in float64 has lost digits, and its logarithm with them."""


def margin_parts(p1: Floats, p2: Floats, log_odds: Floats) -> tuple[Floats, Floats]:
    """Changes of the true and the wrong answer's log-probability; their difference is ``log_odds``.

    Args:
        p1: probability of the true answer without the knockout, ``[samples, 1]``; see `has_logarithms`.
        p2: the same under it, ``[samples, points]``.
        log_odds: change of the log-odds against the wrong answer in nats, ``[samples, points]``.
    """
    true: Floats = np.log(p2) - np.log(p1)
    return true, true - log_odds


def has_logarithms(p1: Floats, p2: Floats, log_odds: Floats) -> Bools:
    """Which samples have both parts at every point, ``[samples]``: none of their probabilities underflows."""
    known = np.isfinite(log_odds) & np.isfinite(p1) & np.isfinite(p2)
    usable: Bools = np.all(known & (p1 >= _LEAST) & (p2 >= _LEAST), axis=1)
    return usable


def margin_of(quantity: Quantity, look: CurveSource) -> Margin | None:
    """The mean parts of an effect's change of the margin, image by image as everywhere.

    Args:
        quantity: the effect.
        look: the evidence.

    Returns:
        None where there is no one wrong answer, and of wrongly answered samples, whose own answer is not the
        true one. Where every sample is left out the parts are not numbers.
    """
    if is_unfiltered(quantity.measurement):
        return None
    odds, true, false = (replace(quantity, reading=name) for name in ("log_odds", LOG_TRUE, LOG_FALSE))
    if odds not in look:
        return None
    whole = look[odds]
    if true not in look:
        nothing = (float("nan"),) * whole.values.shape[1]
        return Margin(nothing, nothing, 0, 0, whole.samples)
    kept = look[true]
    return Margin(
        true=_means(kept),
        false=_means(look[false]),
        n_images=len(kept.images),
        n_samples=kept.samples,
        left_out=whole.samples - kept.samples,
    )


def _means(part: Curves) -> tuple[float, ...]:
    return tuple(part.values.mean(axis=0).round(_DIGITS).tolist())
