"""From a tree and the data to a judgement that people can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.statistics.futility import predictive_power
from harness.statistics.grounds import ground_of, tally
from harness.statistics.inference import FEWEST_IMAGES, Data, Panel, Prover
from harness.statistics.looks import NOTHING_KNOWN, PLAN, Decision, EarlierLooks, LookPlan, decide
from harness.statistics.trees import Everywhere, Leaf, Somewhere, Tree, negation, nodes, quantities
from harness.statistics.verdict import Fact, Ground, Judgement, Part, Verdict


def judge(
    tree: Tree, looks: Sequence[Data], plan: LookPlan = PLAN, earlier: EarlierLooks = NOTHING_KNOWN
) -> Judgement:
    """Judge a claim on the evidence of the looks so far; the first decision stands.

    A look with fewer than `FEWEST_IMAGES` images, or none at all, decides nothing and hands its share of
    alpha to the next (allowed, since the number of images says nothing about the effects).

    Args:
        tree: the statement.
        looks: the data at each look that had any, each look's images containing those of the one before.
        plan: the looks.
        earlier: what is known of them.

    Raises:
        MissingQuantityError: if a quantity of the tree is not in the data.
        ValueError: if a value is not finite, or there are no looks, more than planned or none left to take.

    """
    if not 1 <= len(looks) <= len(plan) - earlier.without_data:
        raise ValueError(f"{len(looks)} looks of {len(plan)} planned")
    if earlier.undecided >= len(looks):
        raise ValueError(f"all {len(looks)} looks are known to decide nothing")
    keys = quantities(tree)
    panels = (Panel(data, keys, plan.draws) for data in looks)
    return _judgement(tree, decide(tree, panels, plan, earlier), plan)


def judge_beside(judgement: Judgement, tree: Tree, looks: Sequence[Data], plan: LookPlan) -> Judgement:
    """Judge another statement on the looks that a judgement took, with as much of alpha for each.

    Args:
        judgement: the judgement.
        tree: the other statement.
        looks: the data at each look that had any, up to the one that decided.
        plan: the looks.

    Raises:
        MissingQuantityError: if a quantity of the tree is not in the data.

    """
    earlier = EarlierLooks(without_data=judgement.look + 1 - len(looks))
    return judge(tree, looks, replace(plan, suggest_images=False, foresee=False), earlier)


def _judgement(tree: Tree, decision: Decision, plan: LookPlan) -> Judgement:
    """Describe a decision for people."""
    panel, prover, enough = decision.panel, Prover(decision.panel), decision.panel.images >= FEWEST_IMAGES
    refuted = decision.verdict is Verdict.REFUTED
    ground = ground_of(negation(tree), prover, decision.level) if refuted else None
    needed, chance, reason = None, None, ""
    if not enough:
        needed, reason = FEWEST_IMAGES, f"{panel.images} images; fewer than {FEWEST_IMAGES} decide nothing"
    elif decision.verdict is Verdict.INCONCLUSIVE:
        needed = needed_images(tree, prover, plan.last_level) if plan.suggest_images else None
        chance = _chance(tree, decision, prover, plan) if plan.foresee else None
        reason = (
            f"neither the claim (p = {decision.support:.2g}) nor its negation (p = {decision.refute:.2g}) "
            f"is shown at {decision.level:.3g}"
        )
        reason += f"; about {needed} images would decide" if needed else ""
    return Judgement(
        verdict=decision.verdict,
        p_support=decision.support,
        p_refute=decision.refute,
        alpha=decision.level,
        look=decision.look,
        n_images=panel.images,
        n_samples=panel.samples,
        parts=_parts(tree, prover, decision.level, decision.verdict, ground) if enough else (),
        reason=reason,
        needed_images=needed,
        notes=_constant(tree, panel) if enough else (),
        ground=ground,
        tally=tally(tree, prover, decision.level) if enough else None,
        chance=chance,
    )


def _chance(tree: Tree, decision: Decision, prover: Prover, plan: LookPlan) -> float | None:
    """How likely the last look is to decide what an earlier one left open; None at the last."""
    if decision.look == len(plan) - 1:
        return None
    fraction = plan.images[decision.look] / plan.images[-1]
    return predictive_power(tree, prover, level=plan.last_level, fraction=fraction).decided


def _parts(
    tree: Tree, prover: Prover, level: float, verdict: Verdict, ground: Ground | None
) -> tuple[Part, ...]:
    """Describe every leaf once, the deciding one first: the weakest link, the broken or the missing one."""
    parts: dict[tuple[str, float], tuple[Part, bool]] = {}
    for node in nodes(tree):
        if not all((leaf.label, leaf.threshold) in parts for leaf in node.leaves):
            for leaf, part in zip(node.leaves, _described(prover, node, level), strict=True):
                parts.setdefault((part.label, part.threshold), (part, bool(leaf.presence)))

    def order(found: tuple[Part, bool]) -> tuple[bool, float]:
        part, asks_presence = found
        if verdict is not Verdict.REFUTED:
            return False, -part.p_support
        return asks_presence is not (ground is Ground.MISSING), part.p_refute

    return tuple(part for part, _ in sorted(parts.values(), key=order))


def _described(prover: Prover, node: Somewhere | Everywhere, level: float) -> list[Part]:
    """Describe each leaf of a node at the atom that decides the node.

    The limit on the side that supports is simultaneous where the node is an OR; the limit on the
    side that refutes is simultaneous where it is an AND.
    """
    against = negation(node)
    assert isinstance(against, Somewhere | Everywhere)  # noqa: S101  (tells the type checker)
    rows = prover.rows(node)
    row = node.rows[int(rows.argmax() if isinstance(node, Somewhere) else rows.argmin())]
    support, refute = prover.prove(node), prover.prove(against)
    parts, start = [], 0
    for leaf, opposite in zip(node.leaves, against.leaves, strict=True):
        inside = row[(row >= start) & (row < start + len(leaf.points))] - start
        start += len(leaf.points)
        atom = int(max(inside, key=prover.distance(leaf).__getitem__, default=0))
        for_it = _critical(prover, node, leaf, atom, level)
        against_it = _critical(prover, against, opposite, atom, level)
        parts.append(_part(prover, leaf, atom, (for_it, against_it), (support, refute)))
    return parts


def _part(
    prover: Prover, leaf: Leaf, atom: int, critical: tuple[float, float], values: tuple[float, float]
) -> Part:
    atoms = prover.panel.atoms(leaf)
    estimate, error = float(atoms.estimate[atom]), float(atoms.error[atom])
    below, above = critical if leaf.sign > 0 else critical[::-1]
    return Part(
        label=leaf.label,
        estimate=estimate,
        lower=estimate - error * below if error else estimate,
        upper=estimate + error * above if error else estimate,
        threshold=float(leaf.threshold),
        asserts=leaf.asserts,
        p_support=values[0],
        p_refute=values[1],
        where=leaf.points[atom] or None,
        what=leaf.what,
        scale=leaf.scale or prover.panel.curves[leaf.quantities[0]].scale,
        contrast=leaf.contrast,
    )


def _critical(prover: Prover, node: Somewhere | Everywhere, leaf: Leaf, atom: int, level: float) -> float:
    """How many standard errors away a threshold must be for p <= level."""
    noise = prover.largest_noise(node) if isinstance(node, Somewhere) else prover.noise(leaf)[atom]
    rank = int(level * (1 + prover.panel.draws))
    if rank < 1 or np.isnan(noise).any():
        return float("inf")
    return float(np.partition(noise, -rank)[-rank])


def _constant(tree: Tree, panel: Panel) -> tuple[Fact, ...]:
    """Name the quantities that do not vary over images at all: their p-values rest on that alone."""
    leaves = {leaf.label: leaf for node in nodes(tree) for leaf in node.leaves}
    flat = [label for label, leaf in leaves.items() if not panel.atoms(leaf).error.all()]
    return tuple(Fact("no variation over images", label) for label in flat)


def needed_images(tree: Tree, prover: Prover, level: float, most: int = 100) -> int | None:
    """Estimate how many images would decide, if all estimates stay and errors shrink as 1/sqrt(n).

    Returns:
        The number, or ``None`` if ``most`` times the present images would not do: the estimates are too
        near their thresholds.

    """
    against = negation(tree)

    def decided(factor: float) -> bool:
        root = float(np.sqrt(factor))
        return any(prover.prove(side, root) <= level for side in (tree, against))

    if not decided(most):
        return None
    low, high = 0.0, float(most)
    while high / max(low, 1.0) > 1.05:  # noqa: PLR2004  five per cent is near enough
        middle = (max(low, 1.0) * high) ** 0.5
        low, high = (low, middle) if decided(middle) else (middle, high)
    return int(np.ceil(high * prover.panel.images))
