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

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.statistics.curves import EFFECT, PROBABILITY, Curves, Floats, Ints, Singles

SHAPES = ("piled", "skewed", "rebound", "gaussian", "unlike")

_IMAGE, _QUESTION = 0.7, 0.5  # loadings of the latent number; the rest is the point's own
_POINT = float(np.sqrt(1 - _IMAGE**2 - _QUESTION**2))
_SPREAD = 30.0  # points of p_c
_TAIL = 0.8  # log-normal shape


@dataclass(frozen=True)
class Population:
    """Mean curves of some quantities, and the shape of the responses around them.

    Attributes:
        means: the true mean curve of each quantity, in points of p_c, or as probabilities.
        probabilities: which quantities are probabilities.
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
        """Return the bounds of a quantity."""
        return PROBABILITY if key in self.probabilities else EFFECT

    def averages(self, images: int, random: np.random.Generator) -> dict[str, Floats]:
        """Draw images and return their curves, questions averaged, shape [images, points].

        In memory a point's values lie side by side: that is the order in which batches need them.
        """
        first = np.arange(images)
        questions = random.integers(1, 4, images)
        image = np.concatenate([first, *(np.flatnonzero(questions >= number) for number in (2, 3))])
        shared = _IMAGE * random.standard_normal(images, dtype=np.float32)[image]
        shared += _QUESTION * random.standard_normal(len(image), dtype=np.float32)
        data: dict[str, Floats] = {}
        for place, (key, mean) in enumerate(self.means.items()):
            latent = random.standard_normal((len(mean), len(image)), dtype=np.float32)
            latent *= np.float32(_POINT)
            latent += shared
            values = self._responses(key, latent, mean.astype(np.float32)[:, None], place)
            data[key] = (_summed(values, image, questions) / questions).T
        return data

    def _responses(self, key: str, latent: Singles, mean: Singles, place: int) -> Singles:
        if key in self.probabilities:
            return _skewed(latent, mean) if self.shape == "skewed" else _piled(latent, mean)
        if self.shape in {"piled", "skewed"}:
            return _bounded(latent, mean, _piled if self.shape == "piled" else _skewed)
        values: Singles = mean + np.float32(_SPREAD) * latent
        if self.shape == "rebound":
            values = mean + np.float32(_SPREAD) * np.expm1(_TAIL * latent - _TAIL**2 / 2)
        if self.shape == "unlike":
            turns = (np.arange(len(mean)) + place) % 2 == 0
            values[turns] = _bounded(latent, mean, _piled)[turns]
        return values


def _bounded(latent: Singles, mean: Singles, response: Callable[[Singles, Singles], Singles]) -> Singles:
    """Return effects between zero and a bound, that of the mean's sign."""
    share = np.asarray(np.abs(mean) / 100, dtype=np.float32)
    bounded: Singles = 100 * np.sign(mean) * response(latent, share)
    return bounded


def _summed(values: Singles, image: Ints, questions: Ints) -> Floats:
    """Add up each image's questions: [points, questions of all images] to [points, images]."""
    images = len(questions)
    total = values[:, :images].astype(np.float64)
    seconds = images + np.count_nonzero(questions >= 2)  # noqa: PLR2004
    for later in (slice(images, seconds), slice(seconds, None)):
        total[:, image[later]] += values[:, later]
    return total


def _piled(latent: Singles, share: Singles) -> Singles:
    """Return 0 or 1, with mean ``share``."""
    piled: Singles = (latent < special.ndtri(share)).astype(np.float32)
    return piled


def _skewed(latent: Singles, share: Singles) -> Singles:
    """Return U ** ((1 - m) / m), whose mean is m, for uniform U."""
    skewed = np.zeros_like(latent)
    some = share[:, 0] > 0
    power = (1 - share[some]) / share[some]
    skewed[some] = special.ndtr(latent[some]) ** power
    return skewed
