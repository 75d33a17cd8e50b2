"""On what ground a claim is refuted, and where a claim over several tasks holds."""

from __future__ import annotations

import numpy as np

from harness.statistics.inference import Prover
from harness.statistics.trees import (
    AllOf,
    AnyOf,
    AtLeast,
    Everywhere,
    Pair,
    Tree,
    flattened,
    negation,
    nodes,
)
from harness.statistics.verdict import Ground, Tally

_UNPROVEN = 1.0


def ground_of(refutation: Tree, prover: Prover, level: float) -> Ground:
    """Tell a refutation that rests on a missing stage alone from one that shows the opposite.

    Where both can be shown, the opposite is what is said; and where it takes both, window by window.

    Args:
        refutation: the negation of the claim's tree, shown at the level.
        prover: of the look that decided.
        level: that of the look.
    """
    opposite, missing = (_restricted(refutation, prover, absent=absent) for absent in (False, True))
    return Ground.MISSING if missing <= level < opposite else Ground.OPPOSITE


def tally(tree: Tree, prover: Prover, level: float) -> Tally | None:
    """Return of which named parts a claim is shown, refuted or neither; None if its parts have no names.

    Each part is shown as it counts for the claim: enough parts hold where the claim is shown, and enough fail
    where a claim "in at least so many" is refuted.
    """
    if not isinstance(tree, AllOf | AtLeast) or not tree.names:
        return None
    size = len(tree.names)
    needed = tree.count if isinstance(tree, AtLeast) else size
    holds, fails, undecided = [], [], []
    for name, part in zip(tree.names, tree.children, strict=True):
        if (size - needed + 1) * prover.prove(part) <= level:
            holds.append(name)
        elif needed * prover.prove(negation(part)) <= level:
            fails.append(name)
        else:
            undecided.append(name)
    return Tally(tuple(holds), tuple(fails), tuple(undecided))


def _restricted(tree: Tree, prover: Prover, *, absent: bool) -> float:
    """Return the p-value of a proof that uses only leaves that say a stage is absent, or only others."""
    kinds = {leaf.absent for node in nodes(tree) for leaf in node.leaves}
    if kinds == {absent}:
        return prover.prove(tree)
    match tree:
        case AllOf(children):
            return max(_restricted(child, prover, absent=absent) for child in children)
        case AnyOf(children):
            members = tuple(flattened(children))
            proof = len(members) * min(_restricted(member, prover, absent=absent) for member in members)
        case AtLeast(count, children):
            ordered = sorted(_restricted(child, prover, absent=absent) for child in children)
            proof = (len(children) - count + 1) * ordered[count - 1]
        case Pair(holds, _):
            proof = _restricted(holds, prover, absent=absent)
        case Everywhere() if rest := _of_kind(tree, absent=absent):
            proof = prover.prove(rest)
        case _:
            proof = _UNPROVEN
    return min(1.0, proof)


def _of_kind(node: Everywhere, *, absent: bool) -> Everywhere | None:
    """Return the node with only the atoms in its rows that say a stage is absent, or only the others.

    Its rows are an OR of one atom of each leaf: the columns of a leaf stay or go with it. None if all go.
    """
    kind = np.concatenate([np.full(len(leaf.points), leaf.absent) for leaf in node.leaves])
    columns = [column for column in node.rows.T if (kind[column] == absent).all()]
    return Everywhere(node.leaves, np.stack(columns, axis=1)) if columns else None
