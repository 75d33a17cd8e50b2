"""Made-up populations with exactly known mean curves, as awkward as knockout effects are.

An image has one to three questions. A question's response at a point comes from a latent normal number
that images, questions and points share in part, so that a curve's points, an image's questions and the
measures on one image are all correlated. A *shape* turns the latent number into a response with the
wanted mean:

``piled``
    all or nothing: the bound with just the right frequency, else zero.
``skewed``
    most responses near zero, a few near the bound (a power of a uniform number).
``rebound``
    the mean plus a log-normal tail upwards: knockouts that raise a probability.
``gaussian``
    the mean plus normal noise of 30 points: a sanity check.
``unlike``
    measures and neighbouring points take turns between ``piled`` and ``gaussian``, so that contrasts
    are skewed although nothing differs on average.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.statistics import EFFECT, PROBABILITY, Curves, Floats

SHAPES = ("piled", "skewed", "rebound", "gaussian", "unlike")

_IMAGE, _QUESTION = 0.7, 0.5  # loadings of the latent number; the rest is the point's own
_POINT = float(np.sqrt(1 - _IMAGE**2 - _QUESTION**2))
_SPREAD = 30.0  # points of p_c
_TAIL = 0.8  # log-normal shape


@dataclass(frozen=True)
class Population:
    """Mean curves of some measures, and the shape of the responses around them.

    Attributes:
        means: the true mean curve of each measure, in points of p_c, or as probabilities.
        probabilities: which measures are probabilities.
        shape: one of `SHAPES`; probabilities are ``piled`` unless it is ``skewed``.

    """

    means: Mapping[str, Floats]
    probabilities: frozenset[str]
    shape: str

    def sample(self, images: int, random: np.random.Generator) -> dict[str, Curves]:
        """Draw one data set, as a judgement takes it."""
        names = tuple(f"{number:05d}" for number in range(images))
        return {
            key: Curves(names, values, images, self.anchors(key))
            for key, values in self.averages(images, random).items()
        }

    def anchors(self, key: str) -> tuple[float, float]:
        """Return the bounds of a measure."""
        return PROBABILITY if key in self.probabilities else EFFECT

    def averages(self, images: int, random: np.random.Generator) -> dict[str, Floats]:
        """Draw images and return their curves, questions averaged, shape [images, points]."""
        questions = random.integers(1, 4, images)
        image = np.repeat(np.arange(images), questions)
        starts = np.concatenate([[0], np.cumsum(questions)[:-1]])
        shared = _IMAGE * random.standard_normal(images)[image]
        shared += _QUESTION * random.standard_normal(len(image))
        data: dict[str, Floats] = {}
        for place, (key, mean) in enumerate(self.means.items()):
            latent = shared[:, None] + _POINT * random.standard_normal((len(image), len(mean)))
            probability = key in self.probabilities
            values = self._probability(latent, mean) if probability else self._effect(latent, mean, place)
            data[key] = np.add.reduceat(values, starts, axis=0) / questions[:, None]
        return data

    def _probability(self, latent: Floats, mean: Floats) -> Floats:
        return _skewed(latent, mean) if self.shape == "skewed" else _piled(latent, mean)

    def _effect(self, latent: Floats, mean: Floats, place: int) -> Floats:
        share, sign = np.abs(mean) / 100, 100 * np.sign(mean)
        if self.shape == "piled":
            return sign * _piled(latent, share)
        if self.shape == "skewed":
            return sign * _skewed(latent, share)
        if self.shape == "rebound":
            return mean + _SPREAD * np.asarray(np.expm1(_TAIL * latent - _TAIL**2 / 2), dtype=np.float64)
        values: Floats = mean + _SPREAD * latent
        if self.shape == "unlike":
            turns = (np.arange(len(mean)) + place) % 2 == 0
            values[:, turns] = (sign * _piled(latent, share))[:, turns]
        return values


def _piled(latent: Floats, share: Floats) -> Floats:
    """Return 0 or 1, with mean ``share``."""
    piled: Floats = (latent < special.ndtri(share)).astype(np.float64)
    return piled


def _skewed(latent: Floats, share: Floats) -> Floats:
    """Return U ** ((1 - m) / m), whose mean is m, for uniform U."""
    with np.errstate(divide="ignore"):
        powers = (1 - share) / share
    skewed: Floats = np.where(share > 0, special.ndtr(latent) ** np.minimum(powers, 1e6), 0.0)
    return skewed
