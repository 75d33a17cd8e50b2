"""Two sides of a comparison whose truth is known, drawn from the stored effects of an accepted baseline.

The images of the baseline are the population. A side is a half of them, or as many as one likes drawn
with replacement; the new side may then be changed by a known amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from harness.statistics.curves import Curves, Floats
from harness.statistics.forms import DROP
from harness.verdicts.regression.changes import Change

LOST, KEPT = -100.0, 0.0


class Shift(Protocol):
    """What happens to a curve on the new side."""

    def mean(self, old: Floats) -> Floats:
        """The population's mean curve on the new side, shape [points]."""

    def values(self, values: Floats, old: Floats, chance: Floats) -> Floats:
        """Per-image curves on the new side.

        Args:
            values: the images' curves, shape [images, points].
            old: the population's mean curve on the old side.
            chance: a uniform random number for each image, shape [images, 1].
        """


@dataclass(frozen=True)
class Unchanged:
    """Nothing happens."""

    def mean(self, old: Floats) -> Floats:
        """See `Shift`."""
        return old

    def values(self, values: Floats, old: Floats, chance: Floats) -> Floats:
        """See `Shift`."""
        del old, chance
        return values


@dataclass(frozen=True)
class Pushed:
    """The mean moves by exactly 10 points: some images lose their answer altogether, or keep it.

    Attributes:
        everywhere: whether it moves in every window, or only in the deepest one.
    """

    everywhere: bool

    def mean(self, old: Floats) -> Floats:
        """See `Shift`."""
        return old + self._wanted(old) * np.where(_room_below(old), -DROP, DROP)

    def values(self, values: Floats, old: Floats, chance: Floats) -> Floats:
        """See `Shift`."""
        share = self._wanted(old) * DROP / np.where(_room_below(old), old - LOST, KEPT - old)
        return np.where(chance < share, np.where(_room_below(old), LOST, KEPT), values)

    def _wanted(self, old: Floats) -> Floats:
        wanted: Floats = np.ones(len(old)) if self.everywhere else np.eye(len(old))[old.argmin()]
        return wanted


@dataclass(frozen=True)
class Halved:
    """Every effect is half as deep."""

    def mean(self, old: Floats) -> Floats:
        """See `Shift`."""
        return old / 2

    def values(self, values: Floats, old: Floats, chance: Floats) -> Floats:
        """See `Shift`."""
        del old, chance
        return values / 2


@dataclass(frozen=True)
class Later:
    """Every effect comes some layers later."""

    layers: int

    def mean(self, old: Floats) -> Floats:
        """See `Shift`."""
        return self._later(old)

    def values(self, values: Floats, old: Floats, chance: Floats) -> Floats:
        """See `Shift`."""
        del old, chance
        return self._later(values)

    def _later(self, curves: Floats) -> Floats:
        return curves[..., np.maximum(np.arange(curves.shape[-1]) - self.layers, 0)]


@dataclass(frozen=True)
class Situation:
    """One thing that may be true of a new checkpoint.

    Attributes:
        name: in words.
        shift: what happens to every curve.
        images: images a side, drawn with replacement; None for the two halves of those there are.
    """

    name: str
    shift: Shift
    images: int | None

    def draw(self, images: Sequence[str], random: np.random.Generator) -> tuple[list[str], list[str]]:
        """The images of the old and of the new side."""
        if self.images is None:
            mixed = random.permutation(np.array(images)).tolist()
            return mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :]
        old, new = (random.choice(np.array(images), self.images).tolist() for _ in range(2))
        return old, new


def side(curves: Curves, images: Sequence[str], prefix: str) -> Curves:
    """A curve on some images, each under a name of its own, so that the sides share none."""
    place = {image: row for row, image in enumerate(curves.images)}
    rows = [place[image] for image in images if image in place]
    names = tuple(f"{prefix}{number:06}" for number in range(len(rows)))
    samples = round(curves.samples * len(rows) / len(curves.images))
    return Curves(names, curves.values[rows], samples, curves.anchors)


def true_names(old: Floats, new: Floats, depths: Floats) -> set[Change]:
    """The names that are true of a curve that has moved, given both mean curves of the population."""
    existed, exists = bool(old.min() < -DROP), bool(new.min() < -DROP)
    names = {Change.CHANGED}
    names |= {Change.NEW} if exists and not existed else set()
    names |= {Change.GONE} if existed and not exists else set()
    names |= {Change.WEAKENED} if new.mean() > old.mean() else set()
    names |= {Change.STRENGTHENED} if new.mean() < old.mean() else set()
    if existed and exists:
        higher = (new @ depths) / new.sum() - (old @ depths) / old.sum()
        names |= {Change.SHIFTED_UP} if higher > 1 / len(depths) else set()
        names |= {Change.SHIFTED_DOWN} if higher < -1 / len(depths) else set()
    return names


def _room_below(old: Floats) -> Floats:
    """Where there is more room for losing answers than for keeping them."""
    return np.asarray(old > (LOST + KEPT) / 2)
