"""Where in a decoder something happens: windows of layers, their relative depth, depth bands.

Checkpoints differ in their number of layers, so depths are compared as fractions. Everything here is
arithmetic on layer numbers; nothing knows of a model.

Bands are named by their fraction of the depth. ``LOWER``, ``MIDDLE`` and ``HIGHER`` overlap on
purpose: a second dip at layer 10 of 40 is still low, and already middle. Where two bands are set
against each other, they are disjoint: ``LOW`` and ``MID``; and for what lies *mainly* low or in the middle
``FIRST`` and ``CENTRAL``, so that no flow lies mainly in both, and a dip at layer 10 of 40 lies in the
second. The limits are our own: the paper says "lower", "middle" and "higher" without numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

# Sums such as 0.15 * 40 are not exact in binary; a depth that lies on a band's edge belongs to it.
_EDGE = 1e-9


class TooShallowError(ValueError):
    """A decoder has no window or layer in a band: a claim about the band cannot be asked of it."""


@dataclass(frozen=True)
class Band:
    """A closed range of relative depth.

    Attributes:
        name: what reports call it.
        start: the smallest relative depth inside.
        end: the largest relative depth inside.

    """

    name: str
    start: float
    end: float

    def __post_init__(self) -> None:
        """Refuse a range that is empty or leaves the decoder.

        Raises:
            ValueError: unless 0 <= start < end <= 1.

        """
        if not 0 <= self.start < self.end <= 1:
            raise ValueError(f"band {self.name}: {self.start} to {self.end} is not a range inside 0 to 1")

    def contains(self, depths: Sequence[float] | Floats) -> Bools:
        """Say for each relative depth whether it lies in the band, edges included."""
        u = np.asarray(depths, dtype=np.float64)
        inside: Bools = (u >= self.start - _EDGE) & (u <= self.end + _EDGE)
        return inside


LOWER = Band("lower", 0.0, 0.40)
MIDDLE = Band("middle", 0.15, 0.75)
HIGHER = Band("higher", 0.35, 1.0)
FIRST = Band("first fifth", 0.0, 0.20)
LOW = Band("low", 0.0, 0.15)
MID = Band("mid", 0.20, 0.60)
LOWER_TO_MIDDLE = Band("lower to middle", 0.0, 0.75)
QUARTER = Band("middle quarter", 0.375, 0.625)
DEEP = Band("deep", 0.75, 1.0)
CENTRAL = Band("central three fifths", 0.2, 0.8)
WHOLE = Band("whole decoder", 0.0, 1.0)


def window_layers(centre: int, size: int, layers: int) -> range:
    """Return the layers of the window around ``centre``, clipped to the decoder.

    The same layers as in the paper's released code: ``max(0, l - k//2)`` up to, but without,
    ``min(L, l + ceil(k/2))``. An even window reaches one layer further down than up.

    Raises:
        ValueError: if the centre is not a layer, or the window has no layer.

    """
    if not 0 <= centre < layers:
        raise ValueError(f"centre {centre} is not one of the layers 0 to {layers - 1}")
    if size < 1:
        raise ValueError(f"a window of {size} layers blocks nothing")
    return range(max(0, centre - size // 2), min(layers, centre + (size + 1) // 2))


def relative_depth(centre: int, size: int, layers: int) -> float:
    """Return the depth of a window as a fraction: (mean of its actual layers + 1/2) / L.

    Clipping is taken into account: the first window of 9 layers holds layers 0 to 4, so its depth is
    that of layer 2.

    Raises:
        ValueError: as `window_layers`.

    """
    window = window_layers(centre, size, layers)
    return ((window[0] + window[-1]) / 2 + 0.5) / layers


def rule_window(layers: int) -> int:
    """Return the window size that belongs to a decoder of ``layers`` layers.

    The paper's released code uses 9 of 40 and 7 of 32, both about 0.22 L. For other decoders it is the
    odd number nearest to 0.22 L (the larger of two that are equally near), at least 1.

    Raises:
        ValueError: if there is no layer.

    """
    if layers < 1:
        raise ValueError(f"a decoder has at least one layer, not {layers}")
    # The odd number nearest to x is 2 * floor(x / 2) + 1; with x = 22 L / 100 this stays in integers.
    return 2 * (22 * layers // 200) + 1


@dataclass(frozen=True, order=True)
class Points:
    """Some points of a curve.

    Attributes:
        places: their numbers, ascending.
        of: how many points the whole curve has.

    """

    places: tuple[int, ...]
    of: int

    def __post_init__(self) -> None:
        """Refuse what are not some points of a curve.

        Raises:
            ValueError: unless there is one, all are distinct, ascending and of the curve.

        """
        if not self.places or list(self.places) != sorted(set(self.places)):
            raise ValueError(f"{self.places} are not some points in order")
        if not 0 <= self.places[0] <= self.places[-1] < self.of:
            raise ValueError(f"{self.places} are not points of a curve that has {self.of}")

    def __str__(self) -> str:
        return ",".join(map(str, self.places))


@dataclass(frozen=True)
class Grid:
    """The points of one knockout curve: a window around every layer of a decoder, or around some.

    Attributes:
        layers: decoder layers, L.
        size: layers per window before clipping, k.
        only: the windows that a curve has, by their centres; None: all.

    """

    layers: int
    size: int
    only: Points | None = None

    def __post_init__(self) -> None:
        """Refuse a geometry without layers or with an empty window.

        Raises:
            ValueError: as `window_layers`.

        """
        window_layers(0, self.size, self.layers)

    @property
    def points(self) -> int:
        """How many points a curve on this grid has."""
        return len(self.centres)

    @property
    def depths(self) -> Floats:
        """Relative depth of each window, shape [points]."""
        return np.array([relative_depth(centre, self.size, self.layers) for centre in self.centres])

    @property
    def unclipped(self) -> Bools:
        """Whether each window has all its k layers, shape [points]."""
        whole = [len(window_layers(centre, self.size, self.layers)) == self.size for centre in self.centres]
        return np.array(whole, dtype=np.bool_)

    @property
    def centres(self) -> Sequence[int]:
        """The centre layer of each window."""
        return range(self.layers) if self.only is None else self.only.places

    @property
    def labels(self) -> tuple[str, ...]:
        """Each window in words, e.g. ``"layers 2-8"``."""
        return tuple(_label(window_layers(centre, self.size, self.layers)) for centre in self.centres)

    def inside(self, band: Band) -> Bools:
        """Which windows have their depth in ``band``, shape [points].

        Raises:
            TooShallowError: if none has: a claim about that band cannot be tested on this decoder.

        """
        return _some(band.contains(self.depths), band, self.layers)

    def within(self, band: Band) -> Grid:
        """The grid of the windows that have their depth in ``band`` alone; itself, if all have.

        Raises:
            TooShallowError: as `inside`.

        """
        inside = self.inside(band)
        if inside.all():
            return self
        places = tuple(centre for centre, kept in zip(self.centres, inside, strict=True) if kept)
        return replace(self, only=Points(places, self.layers))

    def every_second(self) -> Grid:
        """The grid of the windows with an even centre; itself, if there is none.

        Neighbouring windows share all their layers but one: for a mean over a band every second one does.
        """
        places = tuple(centre for centre in self.centres if centre % 2 == 0)
        return replace(self, only=Points(places, self.layers)) if places else self

    def among(self, some: Grid) -> Bools:
        """Which windows are also those of ``some``, shape [points].

        Raises:
            ValueError: unless each of ``some`` is a window of this grid.

        """
        if (some.layers, some.size) != (self.layers, self.size) or not {*some.centres} <= {*self.centres}:
            raise ValueError(f"{some} are not some of the windows of {self}")
        return np.isin(self.centres, some.centres)

    def apart_from(self, band: Band) -> Bools:
        """Which windows have no layer in ``band``, shape [points].

        Raises:
            TooShallowError: if every window has one.

        """
        layers = band.contains((np.arange(self.layers) + 0.5) / self.layers)
        windows = (window_layers(centre, self.size, self.layers) for centre in self.centres)
        apart = np.array([not layers[window.start : window.stop].any() for window in windows], dtype=np.bool_)
        if not apart.any():
            raise TooShallowError(
                f"every window of {self.size} of {self.layers} layers meets the {band.name} band"
            )
        return apart


@dataclass(frozen=True)
class LensGrid:
    """The points of one logit-lens curve: before the first layer, then after each of L layers."""

    layers: int

    @property
    def points(self) -> int:
        """How many points a curve on this grid has: L + 1."""
        return self.layers + 1

    @property
    def depths(self) -> Floats:
        """Share of the decoder that has been passed at each point, from 0 to 1, shape [L + 1]."""
        return np.arange(self.layers + 1, dtype=np.float64) / self.layers

    @property
    def labels(self) -> tuple[str, ...]:
        """Each point in words, e.g. ``"after 3 layers"``."""
        return tuple(f"after {passed} layers" for passed in range(self.layers + 1))

    def inside(self, band: Band) -> Bools:
        """Which points lie in ``band``, shape [L + 1].

        Raises:
            ValueError: if none does.

        """
        return _some(band.contains(self.depths), band, self.layers)


def _label(window: range) -> str:
    return f"layer {window[0]}" if len(window) == 1 else f"layers {window[0]}-{window[-1]}"


def _some(inside: Bools, band: Band, layers: int) -> Bools:
    if not inside.any():
        raise TooShallowError(f"no window of a decoder with {layers} layers lies in the {band.name} band")
    return inside
