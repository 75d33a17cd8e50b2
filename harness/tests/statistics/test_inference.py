"""Atoms and panels against closed forms and slow independent implementations."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as example, settings, strategies as st
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from harness.data.depth import Points
from harness.statistics.curves import EFFECT, PROBABILITY
from harness.statistics.inference import Panel, Prover, students_deviation
from harness.statistics.judge import judge
from harness.statistics.looks import ONE_LOOK
from harness.statistics.trees import Leaf, every, quantities, some
from harness.statistics.verdict import Verdict
from harness.testing.known_curves import DRAWS, curves, gaussian, leaf, prover

# -------------------------------------------------------------------------------------------- one atom


@pytest.mark.parametrize("gap", [-1.5, -0.5, 0.0, 0.5, 1.2, 2.0])
def test_p_of_a_gaussian_mean_is_students(gap: float) -> None:
    values = gaussian(400, [0.0])
    threshold = values.mean() - gap * values.std() / 20
    tree = some(leaf("effect", threshold))
    expected = DescrStatsW(values[:, 0]).ttest_mean(threshold, alternative="larger")[1]
    assert prover({"effect": curves(values)}, tree).prove(tree) == pytest.approx(expected, abs=0.02)


def test_error_of_a_mean_has_the_pseudo_images_in_it() -> None:
    values = gaussian(80, [-30.0])
    tree = some(leaf("effect", 0.0))
    atoms = prover({"effect": curves(values, EFFECT)}, tree).panel.atoms(tree.leaves[0])
    deviations = np.append(values[:, 0], EFFECT) - values.mean()
    assert atoms.estimate[0] == pytest.approx(values.mean())
    assert atoms.error[0] == pytest.approx(np.sqrt((deviations**2).sum() / (82 * 81) * 79 / 77), rel=0.05)


@pytest.mark.parametrize("images", [60, 64, 240])
def test_noise_is_as_wide_as_students_t(images: int) -> None:
    assert students_deviation(images) == pytest.approx(stats.t(images - 1).std())
    # At 5 % its normal quantile is that of t, too.
    assert stats.norm.ppf(0.95, scale=students_deviation(images)) == pytest.approx(
        stats.t(images - 1).ppf(0.95), rel=0.002
    )


@pytest.mark.parametrize("images", [1, 2, 3, 4])
def test_fewer_images_than_students_t_has_a_variance_for_count_as_four(images: int) -> None:
    assert students_deviation(images) == pytest.approx(np.sqrt(3))
    replicates = Panel({"effect": curves(gaussian(images, [1.0]))}, ("effect",), 50).replicates("effect")
    assert np.isfinite(replicates).all()


def test_skewed_noise_follows_the_edgeworth_expansion_of_students_t() -> None:
    """P(T <= x) = Phi(x) + g / (6 sqrt(n)) (2 x^2 + 1) phi(x), g the skewness of the data."""
    images = 80
    values = np.random.default_rng(3).exponential(size=(images, 1))
    tree = some(leaf("effect", 0.0))
    panel = Panel({"effect": curves(values)}, ("effect",), draws=40_000)
    noise = panel.atoms(tree.leaves[0]).noise[0]
    deviations = np.append(values, [values.min(), values.max()]) - values.mean()
    skewness = (deviations**3).mean() / (deviations**2).mean() ** 1.5
    for x in (-2.0, -1.0, 0.0, 1.0, 2.0):
        shift = skewness / (6 * np.sqrt(images + 2)) * (2 * x**2 + 1) * stats.norm.pdf(x)
        # The distance of estimate from truth is T; noise stands for it.
        assert np.mean(noise <= x) == pytest.approx(stats.norm.cdf(x) + shift, abs=0.02)


def test_pseudo_images_keep_zero_events_from_being_certain() -> None:
    """With no response in 60 images, the exact upper limit of the rate is about 3 / 60."""
    quiet = curves(np.zeros((60, 1)), PROBABILITY)
    certain = some(leaf("rate", 0.02, asserts="<"))
    likely = some(leaf("rate", 0.10, asserts="<"))
    assert prover({"rate": quiet}, certain).prove(certain) > 0.05
    assert prover({"rate": quiet}, likely).prove(likely) < 0.05


@settings(max_examples=25, deadline=None)
@example(st.lists(st.floats(-30, 30), min_size=2, max_size=2), st.sampled_from(["<", ">"]))
def test_harder_thresholds_never_have_smaller_p(thresholds: list[float], asserts: str) -> None:
    data = {"effect": curves(gaussian(60, [1.0, 2.0, -4.0]), EFFECT)}
    easy, hard = sorted(thresholds, reverse=asserts == "<")
    for quantifier in (some, every):
        trees = [quantifier(leaf("effect", threshold, 3, asserts)) for threshold in (easy, hard)]
        first, second = (prover(data, tree).prove(tree) for tree in trees)
        assert first <= second


# ---------------------------------------------------------------------------------------------- panels


def test_the_same_image_has_the_same_multiplier_in_every_measure() -> None:
    base = gaussian(100, [0.0], 30.0)
    shared = {"a": curves(base), "b": curves(base + 5.0)}
    apart = {"a": curves(base), "b": curves(base + 5.0, first=500)}
    tree = some(Leaf("difference", ("b", "a"), lambda b, a: b - a, 0.0, ">"))
    errors = [prover(data, tree).panel.atoms(tree.leaves[0]).error[0] for data in (shared, apart)]
    # Not zero: each quantity has two pseudo-images of its own.
    assert errors[0] < errors[1] / 3
    assert errors[1] == pytest.approx(np.sqrt(2) * base.std(ddof=1) / 10, rel=0.12)


def test_a_missing_image_moves_only_the_measures_that_lack_it() -> None:
    values = gaussian(90, [0.0], 30.0)
    data = {"a": curves(values), "b": curves(values[:60])}
    tree = some(Leaf("difference", ("a", "b"), lambda a, b: a - b, 0.0, ">"))
    side = prover(data, tree)
    assert side.panel.images == 60
    means = values.mean() - values[:60].mean()
    assert side.panel.atoms(tree.leaves[0]).estimate[0] == pytest.approx(means)


def test_naming_the_images_otherwise_changes_only_the_luck_of_the_draws() -> None:
    values = gaussian(100, [1.0, 0.0])
    shuffled = values[np.random.default_rng(5).permutation(100)]
    tree = some(leaf("effect", 0.0, 2))
    first, second = (prover({"effect": curves(v)}, tree).prove(tree) for v in (values, shuffled))
    assert first == pytest.approx(second, abs=0.03)


def test_the_same_statement_has_the_same_numbers_and_another_seed_other_draws() -> None:
    data = {"effect": curves(gaussian(100, [1.0, 0.0]))}
    tree = some(leaf("effect", 0.0, 2))
    first, again = (judge(tree, [data], ONE_LOOK) for _ in range(2))
    assert first == again
    other = Prover(Panel(data, quantities(tree), seed=1)).prove(tree)
    assert first.p_support != other
    assert first.p_support == pytest.approx(other, abs=0.02)


def test_a_measure_has_the_same_noise_in_every_claim() -> None:
    """Beside other quantities, in another order, with other images' curves: its own draws stay."""
    alone = {"a": curves(gaussian(100, [1.0, 0.0]))}
    beside = {**alone, "b": curves(gaussian(80, [1.0], seed=3), first=50)}
    one, other = Panel(alone, ("a",), DRAWS), Panel(beside, ("b", "a"), DRAWS)
    assert np.allclose(one.replicates("a"), other.replicates("a"), atol=1e-5)


def test_pseudo_images_respond_at_some_points_only() -> None:
    """A contrast of two windows that nobody responds to is not certain to be zero."""
    data = {"effect": curves(np.zeros((60, 8)), EFFECT)}
    contrast = Leaf("contrast", ("effect",), lambda curve: curve[..., [7]] - curve[..., [0]], 0.0, ">")
    error = prover(data, some(contrast)).panel.atoms(contrast).error[0]
    assert 0.5 < error < 200 * np.sqrt(2) / 62


def test_theta_is_recomputed_on_the_perturbed_curves() -> None:
    """A product of two means: its error follows from the delta method."""
    data = {"a": curves(gaussian(400, [50.0])), "b": curves(gaussian(400, [20.0], seed=7), first=1_000)}
    tree = some(Leaf("product", ("a", "b"), lambda a, b: a * b, 0.0, ">"))
    error = prover(data, tree).panel.atoms(tree.leaves[0]).error[0]
    assert error == pytest.approx(np.hypot(50 * 0.5, 20 * 0.5), rel=0.1)


def ratio_leaf(asserts: str = ">") -> Leaf:
    """Claim a / b > 2, as Fieller would test it."""
    return Leaf(
        "ratio minus 2",
        ("a", "b"),
        lambda a, b: a - 2 * b,
        0.0,
        ">" if asserts == ">" else "<",
        unit=lambda _, b: b,
    )


def test_a_ratio_is_tested_without_dividing_and_reported_divided() -> None:
    data = {"a": curves(gaussian(100, [60.0])), "b": curves(gaussian(100, [20.0], seed=1))}
    judged = judge(every(ratio_leaf()), [data], ONE_LOOK)
    means = [data[key].values.mean() for key in "ab"]
    assert judged.verdict is Verdict.SUPPORTED
    assert judged.parts[0].estimate == pytest.approx(means[0] / means[1] - 2)
    # The p-value is that of the product form.
    product = some(Leaf("product", ("a", "b"), lambda a, b: a - 2 * b, 0.0, ">"))
    side = prover(data, product)
    assert side.prove(some(ratio_leaf())) == side.prove(product)


@pytest.mark.parametrize("asserts", ["<", ">"])
def test_a_ratio_to_nothing_shows_nothing(asserts: str) -> None:
    data = {"a": curves(gaussian(100, [60.0])), "b": curves(gaussian(100, [-5.0], 1.0))}
    judged = judge(every(ratio_leaf(asserts)), [data], ONE_LOOK)
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert math.isnan(judged.parts[0].estimate)


def test_a_bias_of_curvature_counts_against_every_proof() -> None:
    """theta = mean^2 is biased upwards: that hinders proving ">" (twice), and must not help proving "<"."""
    data = {"a": curves(gaussian(100, [0.0], 10.0))}
    more = Leaf("square", ("a",), lambda a: a**2, 0.0, ">")
    less = replace(more, asserts="<")
    side = prover(data, some(more))
    atoms = side.panel.atoms(more)
    bias, shift = atoms.bias[0], atoms.noise.mean() - atoms.bias[0]
    assert bias > 0.3
    assert side.noise(more).mean() == pytest.approx(2 * bias + shift, abs=1e-3)
    assert side.noise(less).mean() == pytest.approx(-shift, abs=1e-3)


def test_products_are_perturbed_to_both_sides() -> None:
    """The noise of a product form is its linear part: no bias, and the delta method's error."""
    data = {"a": curves(gaussian(100, [20.0], 60.0)), "b": curves(gaussian(100, [10.0], 60.0, 1), first=500)}
    product = Leaf("product", ("a", "b"), lambda a, b: a * b, 0.0, ">", unit=lambda a, _: np.ones_like(a))
    atoms = prover(data, some(product)).panel.atoms(product)
    means, errors = zip(*((v.values.mean(), v.values.std(ddof=1) / 10) for v in data.values()), strict=True)
    assert atoms.bias[0] == 0
    assert atoms.error[0] == pytest.approx(np.hypot(means[0] * errors[1], means[1] * errors[0]), rel=0.1)


def test_a_statement_about_some_points_hangs_on_no_others() -> None:
    """Measured alone or with all others, they have the same p-value, to the last draw."""
    values = gaussian(80, [-9.0, -12.0, -30.0, -11.0], 4)
    whole, only = curves(values, EFFECT), Points((1, 3), 4)
    some_ = replace(whole, values=values[:, [1, 3]], only=only)
    theta = Leaf("drop", ("effect",), lambda curve: curve[..., [1, 3]], -10.0, "<", ("1", "3"))
    alone = replace(theta, theta=lambda curve: curve)
    for tree, other in ((some(theta), some(alone)), (every(theta), every(alone))):
        found = [prover({"effect": data}, one).prove(one) for data, one in ((whole, tree), (some_, other))]
        assert found[0] == found[1]


def test_values_are_those_of_their_points() -> None:
    with pytest.raises(ValueError, match="for 2 points"):
        replace(curves(gaussian(80, [-9.0])), only=Points((1, 3), 4))
