"""Statements about rates and shares rather than curves."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given as example, strategies as st

from harness.statistics import forms
from harness.statistics.curves import PROBABILITY, Curves
from harness.testing.form_curves import IMAGES, NAMES, OPEN, REFUTED, SUPPORTED, effect, verdict


def rates(mean: float, seed: int) -> Curves:
    values = np.random.default_rng(seed).random((IMAGES, 1)) < mean
    return Curves(NAMES, values.astype(np.float64), IMAGES, PROBABILITY)


def test_retention() -> None:
    data = {"full": rates(0.97, 1), "kept": rates(0.95, 2), "lost": rates(0.55, 3)}
    data["chance"] = Curves(NAMES, np.full((IMAGES, 1), 0.25), IMAGES, None)
    assert verdict(forms.retains("kept", "full", "chance"), **data) is SUPPORTED
    assert verdict(forms.retains("lost", "full", "chance"), **data) is REFUTED
    data["full"] = rates(0.25, 4)
    assert verdict(forms.retains("lost", "full", "chance"), **data) is OPEN


def by_permutations(value: Callable[[frozenset[int]], float], mediators: int, which: int) -> float:
    """Shapley's definition: the mean contribution over all orders."""
    total = 0.0
    for order in permutations(range(mediators)):
        before = frozenset(order[: order.index(which)])
        total += value(before | {which}) - value(before)
    return total / math.factorial(mediators)


@example(st.lists(st.floats(-100, 100), min_size=16, max_size=16), st.integers(0, 3))
def test_shapley_weights_are_the_mean_over_all_orders(values: list[float], which: int) -> None:
    def value(subset: frozenset[int]) -> float:
        return values[sum(1 << mediator for mediator in subset)]

    weights = forms.shapley_weights(4, which)
    assert np.array(values) @ weights == pytest.approx(by_permutations(value, 4, which), abs=1e-9)


def test_one_mediator_has_most() -> None:
    mediators = ["separator", "question", "last"]
    subsets = range(2 ** len(mediators))
    through_question = np.array([-60.0 * bool(b & 2) - 8.0 * bool(b & 1) for b in subsets])
    direct = np.array([-60.0 * bool(b & 4) - 8.0 * bool(b & 2) for b in subsets])
    data = {"question": effect(through_question, seed=1), "direct": effect(direct, seed=2)}
    data["none"] = effect(np.zeros(8), seed=3)
    assert verdict(forms.mediates_most("question", mediators, "question"), **data) is SUPPORTED
    assert verdict(forms.mediates_most("direct", mediators, "question"), **data) is REFUTED
    assert verdict(forms.mediates_most("none", mediators, "question"), **data) is OPEN
