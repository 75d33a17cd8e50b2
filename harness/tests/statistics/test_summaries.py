"""What is told beside the verdicts: bands, false discovery, parts of a claim."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from harness.statistics.summaries import curve_band, false_discovery
from harness.statistics.trees import AnyOf, AtLeast, every, given, negation, nodes, quantities, some
from harness.statistics.verdict import Judgement, Verdict
from harness.testing.known_curves import curves, gaussian, leaf


def test_a_curve_s_band_is_made_once_for_each_name_and_level() -> None:
    data, same = (curves(gaussian(60, [0.0, 1.0])) for _ in range(2))
    band = curve_band(data, "a", draws=200)
    assert curve_band(data, "a", draws=200) is band
    again = curve_band(same, "a", draws=200)
    assert again is not band and np.array_equal(again.lower, band.lower)
    for other in (
        curve_band(data, "b", draws=200),
        curve_band(data, "a", level=0.5, draws=200),
        curve_band(data, "a", draws=300),
    ):
        assert not np.array_equal(other.lower, band.lower)


def test_curve_band_is_simultaneous_and_wider_than_pointwise() -> None:
    values = gaussian(600, [0.0] * 20)
    band = curve_band(curves(values), "effect", level=0.95)
    half = (band.upper - band.lower) / 2 / (values.std(axis=0, ddof=1) / np.sqrt(600))
    expected = stats.norm.isf((1 - 0.95 ** (1 / 20)) / 2)
    assert half.mean() == pytest.approx(expected, rel=0.04)
    assert np.allclose(band.mean, values.mean(axis=0))


def judgement(support: float, refute: float, alpha: float) -> Judgement:
    return Judgement(Verdict.SUPPORTED, support, refute, alpha, 0, 100, 100)


def test_false_discovery_agrees_with_statsmodels() -> None:
    judged = {
        "A": (0.001, 0.9, 0.05),
        "B": (0.5, 0.02, 0.035),
        "C": (0.3, 0.4, 0.05),
        "D": (0.9, 1e-4, 0.005),
    }
    adjusted = false_discovery({name: judgement(*values) for name, values in judged.items()})
    raw = [0.001, 0.02 * 0.05 / 0.035, 0.3, 1e-4 * 10]
    assert list(adjusted.values()) == pytest.approx(multipletests(raw, method="fdr_by")[1])
    assert false_discovery({}) == {}


def test_nodes_and_measures_list_each_leaf_in_order() -> None:
    tree = given([some(leaf("a", 0.0))], AnyOf((every(leaf("b", 0.0)), some(leaf("a", 1.0)))))
    assert quantities(tree) == ("a", "b")
    assert [node.leaves[0].label for node in nodes(tree)][:3] == ["a", "b", "a"]


@pytest.mark.parametrize(("size", "count"), [(1, 1), (3, 1), (3, 2), (6, 4)])
def test_partial_conjunction_negates_into_partial_conjunction(size: int, count: int) -> None:
    tree = AtLeast(count, tuple(some(leaf(f"{place}", 0.0)) for place in range(size)))
    against = negation(tree)
    assert isinstance(against, AtLeast)
    assert against.count == size - count + 1
