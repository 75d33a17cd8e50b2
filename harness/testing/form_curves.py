"""Curves whose truth is known, and how a statement about them is judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.data.depth import Grid
from harness.statistics.curves import EFFECT, PROBABILITY, Curves, Floats
from harness.statistics.judge import judge
from harness.statistics.looks import ONE_LOOK
from harness.statistics.trees import Tree
from harness.statistics.verdict import Verdict

SUPPORTED, REFUTED, OPEN = Verdict.SUPPORTED, Verdict.REFUTED, Verdict.INCONCLUSIVE
IMAGES = 150
NAMES = tuple(f"{image:04d}" for image in range(IMAGES))


def dip(grid: Grid, *centres: float, depth: float = 50.0, width: float = 0.1) -> Floats:
    """A curve with a drop of the given depth at each relative depth."""
    curve = np.zeros(grid.points)
    for centre in centres:
        curve -= depth * np.exp(-(((grid.depths - centre) / width) ** 2))
    return curve


def effect(mean: Floats, *, seed: int, spread: float = 6.0) -> Curves:
    """Per-image curves: every image responds with a strength of its own, plus noise."""
    random = np.random.default_rng(seed)
    strength = random.gamma(4.0, 0.25, (IMAGES, 1))
    values = strength * mean + spread * random.standard_normal((IMAGES, len(mean)))
    return Curves(NAMES, np.clip(values, -100, None), IMAGES, EFFECT)


def lens(mean: Floats, *, seed: int, spread: float = 0.02) -> Curves:
    random = np.random.default_rng(seed)
    values = mean + spread * random.standard_normal((IMAGES, len(mean)))
    return Curves(NAMES, np.clip(np.abs(values), 0, 1), IMAGES, PROBABILITY)


def verdict(tree: Tree, **curves: Curves) -> Verdict:
    return judge(tree, [curves], replace(ONE_LOOK, draws=3_000)).verdict


def curves_of(**means: Floats) -> dict[str, Curves]:
    return {name: effect(mean, seed=seed) for seed, (name, mean) in enumerate(means.items())}
