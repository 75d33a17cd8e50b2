"""The data: one curve per image."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from harness.data.depth import Points

Floats: TypeAlias = NDArray[np.float64]

Singles: TypeAlias = NDArray[np.float32]

Bools: TypeAlias = NDArray[np.bool_]

Ints: TypeAlias = NDArray[np.intp]

EFFECT = (-100.0, 100.0)
"""Bounds of p_c, and where its pseudo-images lie: all of the probability lost, or as much gained.

p_c itself has no upper end. One sample in a hundred that rises by 300 per cent hides a drop of three points
from a mean, and where a sample of images lacks it, nothing in them shows it. So a rise counts as 100 at most.
"""

PROBABILITY = (0.0, 1.0)
"""Bounds of a probability or a rate."""


@runtime_checkable
class OfImages(Protocol):
    """Data that know all the images their curves may be of, whichever of them a quantity has."""

    @property
    def images(self) -> tuple[str, ...] | None:
        """The images, sorted and distinct; None if they are not known after all."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Per-image curves of one quantity.

    Attributes:
        images: sorted, distinct ids of the images: the units.
        values: one row per image, one column per point (window or layer), shape [images, points].
        samples: how many samples were averaged in all.
        anchors: the bounds between which values lie, where two pseudo-images are put; ``None`` for
            quantities without bounds, such as log-odds (the most extreme images then stand for them).
        only: which points of the whole curve the values are of; None: all. The random numbers are those
            of the whole curve, so that a verdict does not depend on what else of it was measured.
        scale: what the values count, for the reader: a reading such as ``"p_c"``; empty if nobody asks.

    """

    images: tuple[str, ...]
    values: Floats
    samples: int
    anchors: tuple[float, float] | None
    only: Points | None = None
    scale: str = ""

    @property
    def extremes(self) -> tuple[Floats, Floats]:
        """Where the pseudo-images lie: at the anchors, or at the most extreme image if that is farther."""
        low, high = self.values.min(axis=0), self.values.max(axis=0)
        if self.anchors is None:
            return low, high
        return np.minimum(low, self.anchors[0]), np.maximum(high, self.anchors[1])

    def __post_init__(self) -> None:
        """Check the shapes.

        Raises:
            ValueError: if the rows do not fit the images, the columns not the points, or the images are not
                sorted and distinct.

        """
        if self.only is not None and self.values.shape[1:] != (len(self.only.places),):
            raise ValueError(f"values of shape {self.values.shape} for {len(self.only.places)} points")
        if self.values.ndim != 2 or len(self.images) != len(self.values) or not self.values.size:  # noqa: PLR2004
            raise ValueError(f"{len(self.images)} images with values of shape {self.values.shape}")
        if list(self.images) != sorted(set(self.images)):
            raise ValueError("images must be sorted and distinct: average the samples of an image first")


class CurveSource(Protocol):
    """What gives the curves of a quantity: a dictionary, or evidence that reads them when asked."""

    def __getitem__(self, quantity: Any, /) -> Curves:  # noqa: ANN401 - any hashable key
        """The curves of a quantity; KeyError if it was not measured."""

    def __contains__(self, quantity: object, /) -> bool:
        """Whether it was measured."""


def images_of(data: CurveSource, keys: Iterable[Hashable]) -> tuple[str, ...]:
    """Return the images that the quantities may have, sorted: all that the data know, if they know any."""
    if isinstance(data, OfImages) and data.images is not None:
        return data.images
    return tuple(sorted({image for key in keys for image in data[key].images}))
