"""The plain means of effects, told beside verdicts on bounded ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from harness.interventions.measurements import Quantity, only_of
from harness.statistics.curves import Curves
from harness.statistics.verdict import Fact

RISES = "rises beyond +100"
TOLD = 0.1
"""Points by which a plain mean must differ from the bounded one to be told."""


class PlainAndBounded(Protocol):
    """Evidence that knows effects as they are judged, and as they are."""

    def __getitem__(self, quantity: Quantity, /) -> Curves:
        """The curves that are judged: a rise counts as 100 at most."""

    def plain(self, quantity: Quantity) -> Curves:
        """The same without a bound."""


def plain_means(look: PlainAndBounded, effects: Iterable[Quantity]) -> tuple[Fact, ...]:
    """Tell the plain mean where it differs most from the bounded one; nothing where no effect rises so far.

    Args:
        look: the evidence.
        effects: what a verdict is about; readings other than p_c have bounds of their own.
    """
    widest, told = TOLD, ""
    for effect in effects:
        if effect.reading != "p_c":
            continue
        bounded, plain = look[effect].values, look.plain(effect).values
        apart = plain.mean(axis=0) - bounded.mean(axis=0)
        at = int(apart.argmax())
        if apart[at] >= widest:
            widest = float(apart[at])
            share = np.mean(plain[:, at] > bounded[:, at])
            where = f" at centre layer {_centre(effect, at)}" if len(apart) > 1 else ""
            told = (
                f"count as 100: {bounded[:, at].mean():.1f}, without the bound {plain[:, at].mean():.1f} "
                f"({effect}{where}; {share:.1%} of images)"
            )
    return (Fact(RISES, told),) if told else ()


def _centre(effect: Quantity, at: int) -> int:
    only = only_of(effect.measurement)
    return at if only is None else only.places[at]
