"""The statistics against closed forms, statsmodels, and slow independent implementations."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given as example, settings, strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from harness.statistics import (
    EFFECT,
    FEWEST_IMAGES,
    PROBABILITY,
    AllOf,
    AnyOf,
    AtLeast,
    Curves,
    Data,
    Everywhere,
    Floats,
    Leaf,
    MissingMeasureError,
    Pair,
    Panel,
    Prover,
    Somewhere,
    Tree,
    curve_band,
    every,
    false_discovery,
    given,
    judge,
    measures,
    negation,
    nodes,
    resolvable,
    some,
)
from harness.verdict import Judgement, Verdict

DRAWS = 4_000


def curves(values: Floats, anchors: tuple[float, float] | None = None, first: int = 0) -> Curves:
    names = tuple(f"{first + row:06d}" for row in range(len(values)))
    return Curves(names, np.asarray(values, dtype=np.float64), 3 * len(values), anchors)


def gaussian(images: int, mean: Sequence[float], spread: float = 10.0, seed: int = 0) -> Floats:
    return np.array(mean) + spread * np.random.default_rng(seed).standard_normal((images, len(mean)))


def leaf(key: Hashable, threshold: float, points: int = 1, asserts: str = ">") -> Leaf:
    names = tuple(f"point {point}" for point in range(points))
    return Leaf(f"{key}", (key,), lambda curve: curve, threshold, ">" if asserts == ">" else "<", names)


def prover(data: Data, tree: Tree, seed: int = 1) -> Prover:
    return Prover(Panel(data, measures(tree), DRAWS, seed=seed))


# ------------------------------------------------------------------------------------------- one atom


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
    assert atoms.error[0] == pytest.approx(np.sqrt((deviations**2).sum() / (82 * 81)), rel=0.05)


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


# ------------------------------------------------------------------------------------------- trees


def test_max_t_of_independent_points_is_sidak() -> None:
    tree = some(leaf("effect", 0.0, 30))
    data = {"effect": curves(gaussian(600, [0.0] * 30))}
    side = prover(data, tree)
    atoms = side.panel.atoms(tree.leaves[0])
    best = (atoms.estimate / atoms.error).max()
    expected = 1 - stats.norm.cdf(best) ** 30
    assert side.prove(tree) == pytest.approx(expected, abs=0.04)


def slow_atoms(side: Prover, node: Somewhere | Everywhere) -> list[tuple[float, Floats]]:
    found = []
    for part in node.leaves:
        atoms = side.panel.atoms(part)
        sign = 1.0 if part.asserts == ">" else -1.0
        for n, (estimate, error) in enumerate(zip(atoms.estimate, atoms.error, strict=True)):
            noise = sign * atoms.noise[n].astype(np.float64) + abs(float(atoms.bias[n]))
            found.append((float(sign * (estimate - part.threshold) / error), noise))
    return found


def slow_tail(value: float, noises: list[Floats]) -> float:
    draws = len(noises[0])
    reached = sum(max(float(noise[d]) for noise in noises) >= value for d in range(draws))
    return (1 + reached) / (1 + draws)


def slow_leaves(side: Prover, node: Somewhere | Everywhere) -> float:
    atoms = slow_atoms(side, node)
    if isinstance(node, Somewhere):
        best = max(min(atoms[a][0] for a in row) for row in node.rows)
        return slow_tail(best, [atoms[a][1] for a in sorted({int(a) for row in node.rows for a in row})])
    worst = 0.0
    for row in node.rows:
        alone = [slow_tail(atoms[a][0], [atoms[a][1]]) for a in row]
        together = slow_tail(max(atoms[a][0] for a in row), [atoms[a][1] for a in row])
        worst = max(worst, together if len(row) > 4 else min(1.0, len(row) * min(alone)))
    return worst


def slow(side: Prover, tree: Tree) -> float:
    """Prove a tree with plain loops over draws, rows and atoms: an independent implementation."""
    match tree:
        case Somewhere() | Everywhere():
            return slow_leaves(side, tree)
        case AllOf(children):
            return max(slow(side, child) for child in children)
        case AtLeast(count, children):
            # Brute force: every choice of n - m + 1 children must hold one that is true.
            size = len(children) - count + 1
            values = [slow(side, child) for child in children]
            return max(min(1.0, size * min(chosen)) for chosen in combinations(values, size))
        case AnyOf(children):
            return min(1.0, len(children) * min(slow(side, child) for child in children))
        case Pair(holds, _):
            return slow(side, holds)


def trees_for_oracle() -> dict[str, Tree]:
    a, b = leaf("a", 0.5, 4), leaf("b", 1.0, 4, "<")
    wide = leaf("c", 0.8, 6)
    return {
        "some": some(a),
        "every": every(b),
        "some of two": some(a, b),
        "every of two": every(a, b),
        "rows of pairs": Somewhere((a, b), np.array([(0, 5), (1, 6), (0, 7)])),
        "wide rows": Everywhere((wide,), np.arange(6, dtype=np.intp)[None, :].repeat(2, axis=0)),
        "all": AllOf((some(a), every(b))),
        "at least two of three": AtLeast(2, (some(a), every(b), some(wide))),
        "any": AnyOf((every(a), every(b))),
        "given": given([some(a)], every(b)),
    }


@pytest.mark.parametrize("name", trees_for_oracle())
def test_proofs_equal_the_slow_implementation(name: str) -> None:
    tree = trees_for_oracle()[name]
    data = {
        "a": curves(gaussian(60, [0.0, 1.0, 2.0, 3.0], seed=1), EFFECT),
        "b": curves(gaussian(60, [0.0, 1.0, -2.0, -1.0], seed=2), EFFECT),
        "c": curves(gaussian(60, [0.0, 1.0, 1.0, 1.0, 2.0, 2.0], seed=3), EFFECT),
    }
    side = Prover(Panel(data, measures(tree), seed=5, draws=300))
    for claim in (tree, negation(tree)):
        assert side.prove(claim) == pytest.approx(slow(side, claim))


def test_an_or_of_ors_shares_one_max_t() -> None:
    data = {"a": curves(gaussian(100, [0.0, 1.0])), "b": curves(gaussian(100, [1.0, 2.0], seed=4))}
    one, two = leaf("a", 0.0, 2), leaf("b", 0.0, 2)
    apart = AnyOf((some(one), AnyOf((some(two),))))
    joined = Somewhere((one, two), np.arange(4, dtype=np.intp)[:, None])
    side = prover(data, apart)
    assert side.prove(apart) == side.prove(joined)


def test_a_single_atom_joins_the_max_t_whichever_way_it_was_written() -> None:
    data = {"a": curves(gaussian(100, [0.0])), "b": curves(gaussian(100, [1.0], seed=4))}
    one, two = leaf("a", 0.0), leaf("b", 0.0)
    side = prover(data, AllOf((some(one), some(two))))
    assert side.prove(AnyOf((every(one), every(two)))) == side.prove(AnyOf((some(one), some(two))))


@st.composite
def random_trees(draw: st.DrawFn, depth: int = 2) -> Tree:
    kind = draw(st.sampled_from(["some", "every", "all", "any", "at least"] if depth else ["some", "every"]))
    if kind in {"some", "every"}:
        keys = draw(st.lists(st.sampled_from(["x", "y"]), min_size=1, max_size=2))
        parts = [
            leaf(key, draw(st.sampled_from([-0.5, 0.5, 1.5])), 3, draw(st.sampled_from("<>"))) for key in keys
        ]
        return some(*parts) if kind == "some" else every(*parts)
    children = tuple(draw(st.lists(random_trees(depth=depth - 1), min_size=1, max_size=3)))
    if kind == "at least":
        return AtLeast(draw(st.integers(1, len(children))), children)
    return AllOf(children) if kind == "all" else AnyOf(children)


def truth(tree: Tree, values: dict[str, Sequence[float]]) -> bool:
    """Evaluate a tree of statements about known numbers."""
    match tree:
        case Somewhere(leaves, rows) | Everywhere(leaves, rows):
            atoms = [
                (value > part.threshold) == (part.asserts == ">")
                for part in leaves
                for value in values[str(part.measures[0])]
            ]
            if isinstance(tree, Somewhere):
                return any(all(atoms[a] for a in row) for row in rows)
            return all(any(atoms[a] for a in row) for row in rows)
        case AllOf(children):
            return all(truth(child, values) for child in children)
        case AnyOf(children):
            return any(truth(child, values) for child in children)
        case AtLeast(count, children):
            return sum(truth(child, values) for child in children) >= count
        case Pair(holds, _):
            return truth(holds, values)


numbers = st.lists(st.sampled_from([-1.0, 0.0, 1.0, 2.0]), min_size=3, max_size=3)


@settings(max_examples=150, deadline=None)
@example(random_trees(), numbers, numbers)
def test_trees_without_noise_are_logic(tree: Tree, x: list[float], y: list[float]) -> None:
    """Constant curves leave no doubt: the tree or its negation is proven, whichever is true."""
    values = {"x": x, "y": y}
    data = {key: curves(np.tile(value, (60, 1))) for key, value in values.items()}
    side = Prover(Panel(data, measures(tree), seed=2, draws=2_000))
    holds = truth(tree, {key: tuple(value) for key, value in values.items()})
    assert truth(negation(tree), {key: tuple(value) for key, value in values.items()}) is not holds
    assert (side.prove(tree) <= 0.05) is holds
    assert (side.prove(negation(tree)) <= 0.05) is not holds


@settings(max_examples=50, deadline=None)
@example(random_trees())
def test_negating_twice_changes_no_p(tree: Tree) -> None:
    data = {"x": curves(gaussian(60, [0.0, 1.0, 2.0])), "y": curves(gaussian(60, [0.0, 0.0, 1.0], seed=9))}
    side = Prover(Panel(data, ("x", "y"), seed=2, draws=500))
    assert side.prove(negation(negation(tree))) == side.prove(tree)


@settings(max_examples=50, deadline=None)
@example(random_trees())
def test_a_claim_and_its_negation_are_never_both_shown(tree: Tree) -> None:
    data = {"x": curves(gaussian(60, [0.0, 1.0, 2.0])), "y": curves(gaussian(60, [0.0, 0.0, 1.0], seed=9))}
    side = Prover(Panel(data, ("x", "y"), seed=2, draws=500))
    assert max(side.prove(tree), side.prove(negation(tree))) > 0.05


# ------------------------------------------------------------------------------------------- gates


def gate_data(gate: float, claim: float) -> Data:
    return {
        "gate": curves(gaussian(200, [gate], 1.0, seed=1)),
        "claim": curves(gaussian(200, [claim], 1.0, seed=2)),
    }


@pytest.mark.parametrize(
    ("gate", "claim", "required", "verdict"),
    [
        (1, 1, True, Verdict.SUPPORTED),
        (1, -1, True, Verdict.REFUTED),
        (-1, 1, True, Verdict.REFUTED),
        (0, 1, True, Verdict.INCONCLUSIVE),
        (0, -1, True, Verdict.INCONCLUSIVE),
        (1, 1, False, Verdict.SUPPORTED),
        (1, -1, False, Verdict.REFUTED),
        (-1, 1, False, Verdict.INCONCLUSIVE),
        (-1, -1, False, Verdict.INCONCLUSIVE),
    ],
)
def test_a_claim_about_a_stage_needs_the_stage(
    gate: int,
    claim: int,
    required: bool,  # noqa: FBT001
    verdict: Verdict,
) -> None:
    tree = given([every(leaf("gate", 0.0))], every(leaf("claim", 0.0)), required=required)
    assert judge(tree, [gate_data(gate, claim)], planned=1, draws=DRAWS).verdict is verdict


@pytest.mark.parametrize(
    ("fine", "claim", "verdict"),
    [(1, -1, Verdict.REFUTED), (-1, -1, Verdict.INCONCLUSIVE), (-1, 1, Verdict.SUPPORTED)],
)
def test_refuting_needs_an_instrument_fine_enough(fine: int, claim: int, verdict: Verdict) -> None:
    tree = resolvable(every(leaf("claim", 0.0)), only_if=every(leaf("gate", 0.0)))
    assert judge(tree, [gate_data(fine, claim)], planned=1, draws=DRAWS).verdict is verdict


# ------------------------------------------------------------------------------------------- panels


def test_the_same_image_has_the_same_multiplier_in_every_measure() -> None:
    base = gaussian(100, [0.0], 30.0)
    shared = {"a": curves(base), "b": curves(base + 5.0)}
    apart = {"a": curves(base), "b": curves(base + 5.0, first=500)}
    tree = some(Leaf("difference", ("b", "a"), lambda b, a: b - a, 0.0, ">"))
    errors = [prover(data, tree).panel.atoms(tree.leaves[0]).error[0] for data in (shared, apart)]
    # Not zero: each measure has two pseudo-images of its own.
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
    first, again = (judge(tree, [data], planned=1) for _ in range(2))
    assert first == again
    other = Prover(Panel(data, measures(tree), seed=1)).prove(tree)
    assert first.p_support != other
    assert first.p_support == pytest.approx(other, abs=0.02)


def test_a_measure_has_the_same_noise_in_every_claim() -> None:
    """Beside other measures, in another order, with other images' curves: its own draws stay."""
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
    judged = judge(every(ratio_leaf()), [data], planned=1)
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
    judged = judge(every(ratio_leaf(asserts)), [data], planned=1)
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


# ------------------------------------------------------------------------------------------- looks


def looks(mean: float, sizes: Sequence[int], spread: float = 10.0) -> list[Data]:
    values = gaussian(max(sizes), [mean], spread)
    return [{"effect": curves(values[:size], EFFECT)} for size in sizes]


def test_the_first_decision_stands() -> None:
    data = looks(20.0, [100, 200, 400])
    spoiled = {"effect": curves(gaussian(400, [-50.0]), EFFECT)}
    judged = judge(some(leaf("effect", 0.0)), [data[0], spoiled, spoiled])
    assert (judged.verdict, judged.look, judged.n_images) == (Verdict.SUPPORTED, 0, 100)
    assert judged.alpha == pytest.approx(0.005)


def test_each_look_has_its_share_of_alpha() -> None:
    tree = some(leaf("effect", 0.0))
    levels = [judge(tree, looks(0.0, [100, 200, 400])[: count + 1]).alpha for count in range(3)]
    assert levels == pytest.approx([0.005, 0.010, 0.035])
    assert judge(tree, looks(0.0, [100, 200, 400]), alpha=0.10).alpha == pytest.approx(0.07)
    assert judge(tree, looks(0.0, [100]), planned=1).alpha == pytest.approx(0.05)


def test_a_look_with_too_few_images_hands_its_share_on() -> None:
    tree = some(leaf("effect", 0.0))
    assert judge(tree, looks(0.0, [50, 100, 200])).alpha == pytest.approx(0.035)
    judged = judge(tree, looks(20.0, [50, 100, 200]))
    assert judged.look == 1
    assert judged.alpha == pytest.approx(0.015)


def test_a_look_without_any_data_hands_its_share_on() -> None:
    tree = some(leaf("effect", 0.0))
    judged = judge(tree, looks(20.0, [100, 200]), skipped=1)
    assert judged.look == 1
    assert judged.alpha == pytest.approx(0.015)
    assert judge(tree, looks(0.0, [100]), skipped=2).alpha == pytest.approx(0.05)
    with pytest.raises(ValueError, match="planned"):
        judge(tree, looks(0.0, [100, 200]), skipped=2)


def test_too_few_images_decide_nothing() -> None:
    judged = judge(some(leaf("effect", 0.0)), looks(50.0, [10, 20, FEWEST_IMAGES - 1]))
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.needed_images == FEWEST_IMAGES
    assert "59 images" in judged.reason
    enough = judge(some(leaf("effect", 0.0)), looks(50.0, [10, 20, FEWEST_IMAGES]))
    assert enough.verdict is Verdict.SUPPORTED


def test_looks_that_were_not_planned_are_refused() -> None:
    tree = some(leaf("effect", 0.0))
    with pytest.raises(ValueError, match="planned"):
        judge(tree, looks(0.0, [100, 200]), planned=1)
    with pytest.raises(ValueError, match="planned"):
        judge(tree, [])


def test_an_undecided_claim_says_how_many_images_would_decide() -> None:
    """Classical planning: n = (z s / gap)^2 for one mean."""
    values = gaussian(100, [0.0], 40.0)
    values += 4.0 - values.mean()
    judged = judge(some(leaf("effect", 0.0)), [{"effect": curves(values)}], planned=1)
    assert judged.verdict is Verdict.INCONCLUSIVE
    expected = (stats.norm.isf(0.05) * values.std(ddof=1) / 4.0) ** 2
    assert judged.needed_images == pytest.approx(expected, rel=0.15)
    assert str(judged.needed_images) in judged.reason
    hopeless = judge(some(leaf("effect", values.mean())), [{"effect": curves(values)}], planned=1)
    assert hopeless.needed_images is None


# ------------------------------------------------------------------------------------------- judgements


@pytest.mark.parametrize("quantifier", [some, every])
@pytest.mark.parametrize("asserts", ["<", ">"])
@pytest.mark.parametrize("mean", [-3.0, -2.0, 0.0, 2.0, 3.0])
def test_limits_and_p_values_say_the_same(
    quantifier: Callable[..., Somewhere | Everywhere], asserts: str, mean: float
) -> None:
    data = {"effect": curves(gaussian(100, [mean, mean / 2, mean]))}
    judged = judge(quantifier(leaf("effect", 0.0, 3, asserts)), [data], planned=1)
    (part,) = judged.parts
    assert part.lower < part.estimate < part.upper
    above, below = part.lower > 0, part.upper < 0
    shown, refuted = (above, below) if asserts == ">" else (below, above)
    assert shown is (judged.p_support <= judged.alpha) is (judged.verdict is Verdict.SUPPORTED)
    assert refuted is (judged.p_refute <= judged.alpha) is (judged.verdict is Verdict.REFUTED)


def test_the_deciding_part_comes_first_and_names_its_point() -> None:
    data = {
        "strong": curves(gaussian(100, [50.0, 60.0])),
        "weak": curves(gaussian(100, [-50.0, 1.0])),
    }
    tree = AllOf((some(leaf("strong", 0.0, 2)), every(leaf("weak", 0.0, 2))))
    judged = judge(tree, [data], planned=1)
    assert judged.verdict is Verdict.REFUTED
    assert [part.label for part in judged.parts] == ["weak", "strong"]
    assert [part.where for part in judged.parts] == ["point 0", "point 1"]


def test_judgements_are_plain_data() -> None:
    tree = AllOf((some(leaf("effect", 0.0)), every(leaf("other", 0.0))))
    data = {"effect": curves(gaussian(100, [5.0])), "other": curves(gaussian(80, [0.0]))}
    judged = judge(tree, [data], planned=1)
    written = json.loads(json.dumps(asdict(judged), allow_nan=False))
    assert written["n_images"] == 80
    assert written["n_samples"] == 540
    assert {type(value) for part in judged.parts for value in asdict(part).values()} <= {
        float,
        str,
        type(None),
    }


# ------------------------------------------------------------------------------------------- bad input


def test_a_missing_measure_is_named() -> None:
    with pytest.raises(MissingMeasureError, match="question->last"):
        judge(some(leaf("question->last", 0.0)), [{}])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_named(bad: float) -> None:
    values = gaussian(60, [0.0, 0.0])
    values[3, 1] = bad
    with pytest.raises(ValueError, match="effect holds values that are not finite"):
        judge(some(leaf("effect", 0.0, 2)), [{"effect": curves(values)}])


def test_shapes_and_order_of_images_are_checked() -> None:
    good = gaussian(2, [0.0])
    for images, values in [(("a",), good), (("b", "a"), good), (("a", "a"), good), ((), good[:0])]:
        with pytest.raises(ValueError, match="images"):
            Curves(images, values, 2, None)
    with pytest.raises(ValueError, match="images"):
        Curves(("a", "b"), good[:, 0], 2, None)


def test_theta_must_give_one_value_per_point() -> None:
    tree = some(Leaf("two for one", ("effect",), lambda curve: curve, 0.0, ">"))
    with pytest.raises(ValueError, match="two for one"):
        judge(tree, [{"effect": curves(gaussian(60, [0.0, 0.0]))}])


def test_leaves_of_different_length_do_not_correspond() -> None:
    with pytest.raises(ValueError, match="correspond"):
        some(leaf("a", 0.0, 2), leaf("b", 0.0, 3))


@pytest.mark.parametrize("count", [0, 3])
def test_counts_that_mean_nothing_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        AtLeast(count, (some(leaf("a", 0.0)), some(leaf("b", 0.0))))


def test_one_image_and_constant_curves_are_no_crash() -> None:
    one = judge(some(leaf("effect", 0.0)), [{"effect": curves(np.ones((1, 1)), EFFECT)}], planned=1)
    assert one.verdict is Verdict.INCONCLUSIVE
    flat = {"effect": curves(np.full((60, 2), 3.0))}
    sure = judge(some(leaf("effect", 0.0, 2)), [flat], planned=1)
    assert sure.verdict is Verdict.SUPPORTED
    assert sure.notes == ("no variation over images: effect",)
    tied = judge(some(leaf("effect", 3.0, 2)), [flat], planned=1)
    assert tied.verdict is Verdict.INCONCLUSIVE
    json.dumps(asdict(tied), allow_nan=False)


def test_an_undefined_quantity_shows_nothing() -> None:
    data = {"effect": curves(np.zeros((60, 2)))}
    tree = some(Leaf("share", ("effect",), lambda curve: curve[..., :1] / curve[..., 1:], 0.0, ">"))
    judged = judge(tree, [data], planned=1)
    assert (judged.verdict, judged.p_support, judged.p_refute) == (Verdict.INCONCLUSIVE, 1.0, 1.0)


# ------------------------------------------------------------------------------------------- reports


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
    assert measures(tree) == ("a", "b")
    assert [node.leaves[0].label for node in nodes(tree)][:3] == ["a", "b", "a"]


@pytest.mark.parametrize(("size", "count"), [(1, 1), (3, 1), (3, 2), (6, 4)])
def test_partial_conjunction_negates_into_partial_conjunction(size: int, count: int) -> None:
    tree = AtLeast(count, tuple(some(leaf(f"{place}", 0.0)) for place in range(size)))
    against = negation(tree)
    assert isinstance(against, AtLeast)
    assert against.count == size - count + 1
