"""Curves and claims with known numbers, for the tests of the statistics."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from harness.statistics.curves import Curves, Floats
from harness.statistics.inference import Data, Panel, Prover
from harness.statistics.trees import Leaf, Tree, quantities

DRAWS = 4_000


def curves(values: Floats, anchors: tuple[float, float] | None = None, first: int = 0) -> Curves:
    names = tuple(f"{first + row:06d}" for row in range(len(values)))
    return Curves(names, np.asarray(values, dtype=np.float64), 3 * len(values), anchors)


def gaussian(images: int, mean: Sequence[float], spread: float = 10.0, seed: int = 0) -> Floats:
    return np.array(mean) + spread * np.random.default_rng(seed).standard_normal((images, len(mean)))


def leaf(key: Hashable, threshold: float, points: int = 1, asserts: str = ">") -> Leaf:
    names = tuple(f"point {point}" for point in range(points))
    return Leaf(f"{key}", (key,), lambda curve: curve, threshold, ">" if asserts == ">" else "<", names)


def prover(data: Data, tree: Tree, seed: int = 1) -> Prover:
    return Prover(Panel(data, quantities(tree), DRAWS, seed=seed))
