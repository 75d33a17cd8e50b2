"""Made-up populations with exactly known mean curves, as awkward as knockout effects are.

An image has one to three questions, or one. A question's response at a point comes from a latent normal
number that images, questions and points share in part, so that a curve's points, an image's questions and the
measures on one image are all correlated. A *shape* turns the latent number into a response with the
wanted mean:

``piled``
    all or nothing: the bound with just the right frequency, else zero.
``skewed``
    most responses near zero, a few near the bound (a power of a uniform number).
``rebound``
    the mean plus a log-normal tail upwards, up to +100: knockouts that raise a probability.
``gaussian``
    the mean plus normal noise of 30 points: a sanity check.
``unlike``
    measures and neighbouring points take turns between ``piled`` and ``gaussian``, so that contrasts
    are skewed although nothing differs on average.
``surging``
    all alike but one in a hundred, which is at +100, as far as a rise counts; one question per image.
``two-ended``
    at least a fifth at either bound where the mean allows; one question per image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import optimize, special

from harness.statistics.curves import EFFECT, PROBABILITY, Curves, Floats, Ints, Singles

SHAPES = ("piled", "skewed", "rebound", "gaussian", "unlike", "surging", "two-ended")
_ONE_QUESTION = frozenset({"surging", "two-ended"})

_IMAGE, _QUESTION = 0.7, 0.5  # loadings of the latent number; the rest is the point's own
_POINT = float(np.sqrt(1 - _IMAGE**2 - _QUESTION**2))
_SPREAD = 30.0  # points of p_c
_TAIL = 0.8  # log-normal shape
_SURGES = 0.01  # share of surging responses
_NARROW = 1.0  # points of p_c by which all other responses spread
_ENDS = 0.2  # share of two-ended responses at either bound


@dataclass(frozen=True)
class Population:
    """Mean curves of some quantities, and the shape of the responses around them.

    Attributes:
        means: the true mean curve of each quantity, in points of p_c, or as probabilities.
        probabilities: which quantities are probabilities.
        shape: one of `SHAPES`; probabilities are ``piled`` unless it is ``skewed``.
        one_question: whether every image has one question, whatever the shape.

    """

    means: Mapping[str, Floats]
    probabilities: frozenset[str]
    shape: str
    one_question: bool = False

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
        one = self.one_question or self.shape in _ONE_QUESTION
        questions = np.ones(images, np.intp) if one else random.integers(1, 4, images)
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
        if self.shape == "rebound":
            return _rebounding(latent, mean)
        if self.shape == "surging":
            return _surging(latent, mean)
        if self.shape == "two-ended":
            return _two_ended(latent, mean)
        values: Singles = mean + np.float32(_SPREAD) * latent
        if self.shape == "unlike":
            turns = (np.arange(len(mean)) + place) % 2 == 0
            values[turns] = _bounded(latent, mean, _piled)[turns]
        return values


def _rebounding(latent: Singles, mean: Singles) -> Singles:
    """Return a log-normal tail that ends at the upper bound, around a start that keeps the mean."""
    start = np.array([[_start(float(one))] for one in mean[:, 0]], dtype=np.float32)
    tail = np.float32(_SPREAD) * np.exp(_TAIL * latent - _TAIL**2 / 2)
    values: Singles = np.minimum(start + tail, np.float32(EFFECT[1]))
    return values


@cache
def _start(mean: float) -> float:
    """Where a tail must start for the mean of what is left of it below the upper bound."""

    def excess(start: float) -> float:
        room = EFFECT[1] - start
        at = (np.log(room / _SPREAD) + _TAIL**2 / 2) / _TAIL
        return float(start + _SPREAD * special.ndtr(at - _TAIL) + room * special.ndtr(-at) - mean)

    return float(optimize.brentq(excess, mean - 2 * _SPREAD, mean))


def _surging(latent: Singles, mean: Singles) -> Singles:
    """Return the upper bound for a few, and for all others one value with a spread of a point."""
    edge = special.ndtri(1 - _SURGES)
    lost = np.exp(-(edge**2) / 2) / np.sqrt(2 * np.pi)  # what the spread loses on average without its top
    start = (mean - np.float32(_SURGES * EFFECT[1] - _NARROW * lost)) / np.float32(1 - _SURGES)
    rest = start + np.float32(_NARROW) * latent
    values: Singles = np.where(latent > np.float32(edge), np.float32(EFFECT[1]), rest)
    return values


def _two_ended(latent: Singles, mean: Singles) -> Singles:
    """Return a bound, or nothing between."""
    share = np.abs(mean) / 100
    both = np.minimum(_ENDS, (1 - share) / 2)
    low, high = both + np.where(mean < 0, share, 0), both + np.where(mean > 0, share, 0)
    down, up = latent < special.ndtri(low), latent > special.ndtri(1 - high)
    values: Singles = 100 * (up.astype(np.float32) - down.astype(np.float32))
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
