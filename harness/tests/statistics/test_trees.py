"""Trees of claims against logic and a slow independent implementation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given as example, settings, strategies as st
from scipy import stats

from harness.statistics.curves import EFFECT, Floats
from harness.statistics.inference import Data, Panel, Prover
from harness.statistics.judge import judge
from harness.statistics.looks import ONE_LOOK
from harness.statistics.trees import (
    AllOf,
    AnyOf,
    AtLeast,
    Everywhere,
    Pair,
    Somewhere,
    Tree,
    every,
    given,
    negation,
    quantities,
    resolvable,
    some,
)
from harness.statistics.verdict import Verdict
from harness.testing.known_curves import DRAWS, curves, gaussian, leaf, prover

# ----------------------------------------------------------------------------------------------- trees


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
    side = Prover(Panel(data, quantities(tree), seed=5, draws=300))
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
                for value in values[str(part.quantities[0])]
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
    side = Prover(Panel(data, quantities(tree), seed=2, draws=2_000))
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


# ----------------------------------------------------------------------------------------------- gates


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
    assert judge(tree, [gate_data(gate, claim)], replace(ONE_LOOK, draws=DRAWS)).verdict is verdict


@pytest.mark.parametrize(
    ("fine", "claim", "verdict"),
    [(1, -1, Verdict.REFUTED), (-1, -1, Verdict.INCONCLUSIVE), (-1, 1, Verdict.SUPPORTED)],
)
def test_refuting_needs_an_instrument_fine_enough(fine: int, claim: int, verdict: Verdict) -> None:
    tree = resolvable(every(leaf("claim", 0.0)), only_if=every(leaf("gate", 0.0)))
    assert judge(tree, [gate_data(fine, claim)], replace(ONE_LOOK, draws=DRAWS)).verdict is verdict
