"""Predictive power against its closed form, against verdicts, and against what then came out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as example, settings, strategies as st
from scipy import stats

from harness.statistics.curves import EFFECT, Curves
from harness.statistics.futility import FUTILE, FUTURES, PredictivePower, at_least, predictive_power
from harness.statistics.inference import Panel, Prover
from harness.statistics.looks import ONE_LOOK, decide
from harness.statistics.trees import AllOf, Leaf, every, negation, quantities, some
from harness.statistics.verdict import Verdict
from harness.testing.known_curves import curves, gaussian, leaf, prover
from harness.validation.calibration.cases import Case, edges, powers
from harness.validation.calibration.populations import Population

LEVEL = 0.025


@settings(max_examples=25, deadline=None)
@example(st.floats(-3, 3), st.floats(0.1, 0.7), st.sampled_from(["<", ">"]))
def test_of_a_single_mean_it_is_the_textbooks(distance: float, fraction: float, asserts: str) -> None:
    values = gaussian(400, [0.0])
    threshold = values.mean() - distance * values.std() / 20
    tree = some(leaf("effect", threshold, asserts=asserts))
    power = predictive_power(tree, prover({"effect": curves(values)}, tree), level=LEVEL, fraction=fraction)
    critical = stats.norm.ppf(1 - LEVEL) * np.sqrt(fraction)
    above, below = (
        stats.norm.cdf((side * distance - critical) / np.sqrt(1 - fraction)) for side in (1.0, -1.0)
    )
    support, refute = (above, below) if asserts == ">" else (below, above)
    assert power.support == pytest.approx(support, abs=0.12)
    assert power.refute == pytest.approx(refute, abs=0.12)


@pytest.mark.parametrize("case", [*edges(), *powers()], ids=lambda case: case.name)
def test_with_all_images_seen_it_is_the_verdict(case: Case) -> None:
    """Nothing is left to chance: the tree is decided as `Prover.prove` decides it."""
    data = Population(case.means, case.probabilities, case.shapes[0]).sample(80, np.random.default_rng(5))
    side = Prover(Panel(data, quantities(case.tree), 399))
    for level in (0.005, 0.025, 0.2):
        power = predictive_power(case.tree, side, level=level, fraction=1.0)
        assert power.support == float(side.prove(case.tree) <= level)
        assert power.refute == float(side.prove(negation(case.tree)) <= level)


def test_it_says_how_often_claims_come_out() -> None:
    """Truths from a wide prior, two correlated windows, one of which is to drop: as often as foretold."""
    random = np.random.default_rng(8)
    tree = some(leaf("effect", -10.0, 2, "<"))
    foretold, came = [], []
    for number in range(150):
        truth = random.uniform(-25, 5)
        shared = 30 * random.standard_normal((240, 1))
        values = truth + shared + 15 * random.standard_normal((240, 2))
        data = {"effect": curves(values)}
        now = {"effect": curves(values[:80])}
        side = Prover(Panel(now, ("effect",), 999, seed=number))
        foretold.append(predictive_power(tree, side, level=LEVEL, fraction=1 / 3).support)
        came.append(Prover(Panel(data, ("effect",), 999, seed=number)).prove(tree) <= LEVEL)
    error = np.sqrt(np.mean([chance * (1 - chance) for chance in foretold]) / len(came))
    assert np.mean(came) == pytest.approx(np.mean(foretold), abs=3 * error)
    assert np.corrcoef(foretold, came)[0, 1] > 0.6


def test_it_leans_as_the_data_do() -> None:
    """A mean of few large values is more easily far too small than far too large."""
    values = np.random.default_rng(3).exponential(size=(80, 1))
    error = values.std(ddof=1) / np.sqrt(80)
    up, down = (
        some(leaf("effect", values.mean() + side * 2 * error, asserts=asserts))
        for side, asserts in ((1, ">"), (-1, "<"))
    )
    chances = [
        predictive_power(tree, prover({"effect": curves(values)}, tree), level=0.45, fraction=0.1).support
        for tree in (up, down)
    ]
    assert chances[0] > 1.5 * chances[1]


@pytest.mark.parametrize(
    ("mean", "futile"), [(-30.0, False), (-10.0, True), (10.0, False)], ids=["proof", "neither", "refutation"]
)
def test_a_claim_is_futile_where_neither_side_is_likely(mean: float, *, futile: bool) -> None:
    values = gaussian(300, [mean], 40.0)
    values += mean - values.mean()
    tree = every(leaf("effect", -10.0, asserts="<"))
    power = predictive_power(tree, prover({"effect": curves(values)}, tree), level=0.001, fraction=0.5)
    assert power.futile is futile
    assert power.decided == pytest.approx(power.support + power.refute)


@pytest.mark.parametrize("asserts", ["<", ">"])
def test_what_must_hold_everywhere_has_the_chance_of_its_weakest_link(asserts: str) -> None:
    data = {"effect": curves(gaussian(100, [1.0, 0.0, 2.0, 1.5], 10.0))}
    side = prover(data, every(leaf("effect", 1.0, 4, asserts)))
    whole = leaf("effect", 1.0, 1, asserts)
    single = [every(replace(whole, theta=lambda curve, at=at: curve[..., [at]])) for at in range(4)]
    alone = [predictive_power(tree, side, level=LEVEL, fraction=0.3).support for tree in single]
    for together in (every(leaf("effect", 1.0, 4, asserts)), AllOf(tuple(single))):
        power = predictive_power(together, side, level=LEVEL, fraction=0.3)
        assert power.support == pytest.approx(min(alone))
    assert min(alone) < 0.6 * np.median(alone)


@example(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_no_dependence_makes_so_many_events_more_likely(seed: int, count: int) -> None:
    """Whatever happens together, the bound holds; and something reaches it where all or any must."""
    random = np.random.default_rng(seed)
    happens = random.random((200, 4)) < random.random(4) * random.random((200, 1))
    chances = happens.mean(axis=0).tolist()
    assert (happens.sum(axis=1) >= count).mean() <= at_least(count, chances) + 1e-12
    assert at_least(4, chances) == pytest.approx(min(chances))
    assert at_least(1, chances) == pytest.approx(min(1.0, sum(chances)))


def test_a_curved_theta_is_judged_with_the_last_looks_bias() -> None:
    """Squares of noisy means are biased; with four times the images a quarter of that is left."""
    data = {"a": curves(gaussian(100, [0.0, 0.0, 3.0], 10.0))}
    power_of_two = Leaf("square", ("a",), lambda a: (a**2).sum(axis=-1, keepdims=True), 0.0, ">")
    panel = Panel(data, ("a",), 2_000)
    now, later = (one.atoms(power_of_two) for one in (panel, panel.of_more_images(0.25)))
    assert later.bias[0] * later.error[0] == pytest.approx(now.bias[0] * now.error[0] / 4, rel=0.1)
    assert later.estimate[0] == now.estimate[0]
    assert panel.atoms(power_of_two) is now


def test_a_chance_at_the_limit_is_worth_measuring() -> None:
    assert not PredictivePower(FUTILE / 2, FUTILE / 2).futile
    assert PredictivePower(FUTILE / 2, FUTILE / 3).futile


def test_what_is_undefined_has_no_chance() -> None:
    """A ratio to a stage that is not there is shown to be neither large nor small."""
    data = {"a": curves(gaussian(100, [60.0])), "b": curves(gaussian(100, [-5.0], 1.0))}
    tree = every(Leaf("ratio", ("a", "b"), lambda a, b: a - 2 * b, 0.0, ">", unit=lambda _, b: b))
    power = predictive_power(tree, prover(data, tree), level=LEVEL, fraction=0.5)
    assert power == PredictivePower(0.0, 0.0)


def test_what_has_not_varied_is_certain_only_within_its_pseudo_images() -> None:
    quiet = {"effect": Curves(tuple(f"{i:03d}" for i in range(80)), np.zeros((80, 3)), 80, EFFECT)}
    tree = every(leaf("effect", -10.0, 3))
    assert predictive_power(tree, prover(quiet, tree), level=LEVEL, fraction=0.5).support > 0.95
    near = every(leaf("effect", -2.0, 3))
    assert predictive_power(near, prover(quiet, near), level=LEVEL, fraction=0.5).support < 0.7


def test_with_fewer_draws_than_futures_it_takes_what_there_are() -> None:
    data = {"effect": curves(gaussian(100, [0.0]))}
    tree = some(leaf("effect", 0.0))
    panel = Panel(data, ("effect",), FUTURES // 4)
    assert decide(tree, [panel], ONE_LOOK).verdict is Verdict.INCONCLUSIVE
    assert 0 < predictive_power(tree, Prover(panel), level=LEVEL, fraction=0.5).decided < 1


@pytest.mark.parametrize("fraction", [0.0, -0.5, 1.01])
def test_a_share_that_is_none_is_refused(fraction: float) -> None:
    data = {"effect": curves(gaussian(100, [0.0]))}
    tree = some(leaf("effect", 0.0))
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        predictive_power(tree, prover(data, tree), level=LEVEL, fraction=fraction)
