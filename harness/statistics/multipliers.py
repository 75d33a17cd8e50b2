"""The random numbers of a panel, kept for a while: a claim's readings and looks ask for the same ones again.

They depend on the seed and on how many draws, images and points there are, never on the data.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TypeAlias

import numpy as np

from harness.statistics.curves import Bools, Singles

KEPT_BYTES = 96 * 2**20
"""Memory for what is kept: three looks at a thousand images take 70 MiB."""


@dataclass(frozen=True, eq=False)
class Multipliers:
    """The random numbers of a panel.

    Attributes:
        images: one for every draw and image, shape [draws, images].
        pseudo: for each measure, those of its two pseudo-images, shape [2, draws].
        swapped: for each measure, at which points these change places, shape [points, draws].

    """

    images: Singles
    pseudo: tuple[Singles, ...]
    swapped: tuple[Bools, ...]

    @property
    def nbytes(self) -> int:
        """Their memory in bytes."""
        return sum(array.nbytes for array in (self.images, *self.pseudo, *self.swapped))


@dataclass(frozen=True)
class Shape:
    """What decides multipliers.

    Attributes:
        seed: of the random numbers.
        draws: how many replicates.
        images: how many images.
        points: for each measure, how many points its curve has.

    """

    seed: int
    draws: int
    images: int
    points: tuple[int, ...]


def draw(shape: Shape) -> Multipliers:
    """Draw multipliers: 1 - Exp(1), with mean 0, variance 1 and third moment -2.

    The two pseudo-images of a measure change places over a random stretch of points in each draw.
    """
    random = np.random.default_rng(shape.seed)
    images = _skewed(random, shape.draws, shape.images)
    pseudo, swapped = [], []
    for points in shape.points:
        start, end = random.integers(0, points + 1, (2, shape.draws))
        place = np.arange(points)[:, None]
        swapped.append((place >= start) != (place >= end))
        pseudo.append(np.ascontiguousarray(_skewed(random, shape.draws, 2).T))
    return Multipliers(images, tuple(pseudo), tuple(swapped))


def _skewed(random: np.random.Generator, draws: int, columns: int) -> Singles:
    weights = random.standard_exponential((draws, columns), dtype=np.float32)
    return np.subtract(1, weights, out=weights)


Source: TypeAlias = Callable[[Shape], Multipliers]


class Kept:
    """Multipliers drawn lately, the least recently used forgotten first; safe to share among threads.

    Args:
        limit: memory in bytes that is never exceeded by what is kept.
        source: draws what is not kept.

    """

    def __init__(self, limit: int = KEPT_BYTES, source: Source = draw) -> None:
        self._limit = limit
        self._source = source
        self._kept: OrderedDict[Shape, Multipliers] = OrderedDict()
        self._lock = Lock()

    def __call__(self, shape: Shape) -> Multipliers:
        """Return the multipliers of a shape, kept or drawn."""
        with self._lock:
            if shape in self._kept:
                self._kept.move_to_end(shape)
                return self._kept[shape]
        drawn = self._source(shape)
        with self._lock:
            self._kept[shape] = drawn
            while self.nbytes > self._limit:
                self._kept.popitem(last=False)
        return drawn

    @property
    def nbytes(self) -> int:
        """Memory in bytes of what is kept."""
        return sum(multipliers.nbytes for multipliers in self._kept.values())


kept = Kept()
"""What all panels of a process draw from."""
