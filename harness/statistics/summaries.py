"""Beside single claims: limits of whole curves, and p-values adjusted for the number of claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from scipy import stats

from harness.statistics.curves import Curves, Floats
from harness.statistics.inference import DRAWS, Panel
from harness.statistics.trees import Leaf
from harness.statistics.verdict import Judgement


@dataclass(frozen=True, eq=False)
class CurveBand:
    """A mean curve with simultaneous limits, all of shape [points]."""

    mean: Floats
    lower: Floats
    upper: Floats


_BANDS: WeakKeyDictionary[Curves, dict[tuple[str, float, int], CurveBand]] = WeakKeyDictionary()


def curve_band(curves: Curves, name: str, *, level: float = 0.95, draws: int = DRAWS) -> CurveBand:
    """Return a curve's mean and limits that hold at all its points together, with chance ``level``.

    ``name`` names the quantity. Several claims draw the same curve: its band is kept as long as
    the curves are.
    """
    bands, asked = _BANDS.setdefault(curves, {}), (name, level, draws)
    if asked not in bands:
        bands[asked] = _band(curves, name, level, draws)
    return bands[asked]


def _band(curves: Curves, name: str, level: float, draws: int) -> CurveBand:
    count = curves.values.shape[1]
    leaf = Leaf(name, (name,), lambda curve: curve, 0.0, ">", ("",) * count)
    atoms = Panel({name: curves}, (name,), draws).atoms(leaf)
    tail = (1 + level) / 2
    down = np.quantile(atoms.noise.max(axis=0), tail)
    up = np.quantile((-atoms.noise).max(axis=0), tail)
    return CurveBand(atoms.estimate, atoms.estimate - down * atoms.error, atoms.estimate + up * atoms.error)


def false_discovery(judgements: Mapping[str, Judgement], alpha: float = 0.05) -> dict[str, float]:
    """Adjust the claims' p-values for their number (Benjamini and Yekutieli: any dependence).

    A claim's p-value is that of the direction it went, divided by its look's share of alpha.
    """
    if not judgements:
        return {}
    raw = [min(1.0, min(j.p_support, j.p_refute) * alpha / j.alpha) for j in judgements.values()]
    adjusted = stats.false_discovery_control(raw, method="by")
    return {claim: float(value) for claim, value in zip(judgements, adjusted, strict=True)}
