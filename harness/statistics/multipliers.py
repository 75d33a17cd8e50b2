"""The random numbers of panels: each image's and each quantity's own, whatever claim asks for them.

An image's multipliers depend on its id alone, and those of a quantity's pseudo-images on the quantity's
name and length. So no verdict depends on which claims are judged, in which order, or beside which; and
what one claim has drawn serves the others, its readings and its looks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from harness.data.depth import Points
from harness.statistics.curves import Bools, Singles

BLOCK_IMAGES = 1_024
"""Images whose multipliers stand in one array: 20 MiB for 5,000 draws."""


@dataclass(frozen=True, eq=False)
class Pseudo:
    """The random numbers of a quantity's two pseudo-images.

    Attributes:
        pair: one for every draw and pseudo-image, shape [2, draws].
        patched: at which points the two change places, shape [points, draws].

    """

    pair: Singles
    patched: Bools

    def at(self, points: Points) -> Pseudo:
        """The same at some points."""
        return Pseudo(self.pair, self.patched[list(points.places)])


class Source(Protocol):
    """Where a panel's multipliers come from."""

    def images(self, ids: Sequence[str], seed: int, draws: int) -> Iterator[tuple[slice, Singles]]:
        """Yield the multipliers of a run of the images at a time: which ones, and theirs [images, draws]."""

    def pseudo(self, quantity: str, points: int, seed: int, draws: int) -> Pseudo:
        """Return those of a quantity's pseudo-images."""


class Drawn:
    """Multipliers drawn from what names them, the latest kept; their number bounds the memory kept."""

    def images(self, ids: Sequence[str], seed: int, draws: int) -> Iterator[tuple[slice, Singles]]:
        """Yield those of at most `BLOCK_IMAGES` images at a time: 1 - Exp(1), with a third moment of -2."""
        for start in range(0, len(ids), BLOCK_IMAGES):
            run = slice(start, min(start + BLOCK_IMAGES, len(ids)))
            yield run, _block(tuple(ids[run]), seed, draws)

    def pseudo(self, quantity: str, points: int, seed: int, draws: int) -> Pseudo:
        """Return those of a quantity's pseudo-images: two thirds 1 - Exp(1), one third Exp(1) - 1.

        Skewed like those of images they would correct, in full, for a skewness that was not seen: with 60
        images, small probabilities were then falsely called large in 6.5 % of runs. Not skewed at all they
        protect less where effects pile up out of sight: with 150 images, probabilities were falsely called
        small in 5 % of runs. So it is 3.9 and 3.7 % (`validation.calibration`). In each draw the two change
        places over a random stretch of points.
        """
        return _pseudo(quantity, points, seed, draws)


@lru_cache(maxsize=6)  # the looks of a claim, and those of its readings, which take fewer draws
def _block(ids: tuple[str, ...], seed: int, draws: int) -> Singles:
    return np.stack([_image(image, seed, draws) for image in ids])


@lru_cache(maxsize=2 * BLOCK_IMAGES)
def _image(image: str, seed: int, draws: int) -> Singles:
    weights = _random("image", image, seed).standard_exponential(draws, dtype=np.float32)
    return np.subtract(1, weights, out=weights)


@lru_cache(maxsize=512)
def _pseudo(quantity: str, points: int, seed: int, draws: int) -> Pseudo:
    random = _random("measure", quantity, seed)
    weights = random.standard_exponential((2, draws), dtype=np.float32)
    turned = random.integers(0, 3, (2, draws), dtype=np.int8) == 0
    start, end = random.integers(0, points + 1, (2, draws))
    place = np.arange(points)[:, None]
    return Pseudo(np.where(turned, weights - 1, 1 - weights), (place >= start) != (place >= end))


def _random(kind: str, name: str, seed: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{kind} {name} {seed}".encode()).digest()
    return np.random.Generator(np.random.SFC64(int.from_bytes(digest[:8], "big")))


drawn = Drawn()
"""What panels draw from."""
