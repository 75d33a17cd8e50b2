"""Edges of what is said of accuracies, and of the shares of mediators."""

from __future__ import annotations

import numpy as np

from harness.statistics import forms
from harness.statistics.curves import Floats
from harness.validation.calibration.cases import Case, Means, cases, curve, flat

CARRIERS = "qstuv"


def edges() -> list[Case]:
    """Return the cases."""
    return [*_retains(), *_mediators()]


def rates(kept: float, whole: float, chance: float) -> Means:
    """Return three accuracies, as `forms.retains` takes them."""
    return {"kept": flat(kept, 1), "whole": flat(whole, 1), "chance": flat(chance, 1)}


def blocks(**shares: float) -> Floats:
    """Return the effect of blocking every subset of `CARRIERS`, each with its own share of it."""
    subsets = np.arange(2 ** len(CARRIERS))
    effects = [shares.get(name, 0.0) * (subsets >> place & 1) for place, name in enumerate(CARRIERS)]
    total: Floats = np.sum(effects, axis=0, dtype=np.float64)
    return total


def _retains() -> list[Case]:
    chance, whole = 0.25, 0.9
    kept = rates(chance + forms.RETAINED * (whole - chance), whole, chance)
    retained = ("exactly 0.8 of the accuracy above chance is left", kept)
    return cases(
        "retains",
        "D3 F7",
        forms.retains("kept", "whole", "chance"),
        supported=[retained, ("the accuracy is 0.05 above chance", rates(0.3, 0.3, chance))],
        refuted=[retained, ("the accuracy is 0.05 above chance, nothing is left", rates(0.25, 0.3, chance))],
        shapes=("piled",),
        lens=("kept", "whole", "chance"),
    )


def _mediators() -> list[Case]:
    equal = ("the two mediators share equally", {"blocks": curve(0, -30, -30, -60)})
    half = (
        "one has half, the four others an eighth each",
        {"blocks": blocks(q=-30, s=-7.5, t=-7.5, u=-7.5, v=-7.5)},
    )
    whole = ("all mediators together are at -10", {"blocks": blocks(q=-10)})
    return [
        *cases(
            "mediates most, of two",
            "D2",
            forms.mediates_most("blocks", ["q", "s"], "q"),
            supported=[equal],
            refuted=[equal],
        ),
        *cases(
            "mediates most",
            "D2",
            forms.mediates_most("blocks", CARRIERS, "q"),
            supported=[half, whole],
            refuted=[half, ("all mediators together are at -10, another has it", {"blocks": blocks(s=-10)})],
        ),
    ]
