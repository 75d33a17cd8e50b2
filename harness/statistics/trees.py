"""Statements: trees of AND and OR over atoms, and what refutes them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from harness.statistics.curves import Floats, Ints

Theta: TypeAlias = Callable[..., Floats]


@dataclass(frozen=True, eq=False)
class Leaf:
    """A vector of atoms: ``theta(mean curves)`` compared with one threshold, point by point.

    Attributes:
        label: the quantity in words.
        quantities: the keys of the mean curves that theta takes, in order.
        theta: takes one array [..., points] per quantity, returns [..., atoms].
        threshold: what every atom is compared with.
        asserts: ``">"`` or ``"<"``.
        points: a name for each atom; their number is the number of atoms.
        presence: the side of the threshold on which a stage exists at all, where the leaf asks for that:
            what is refuted on the other side alone is a missing stage, and not the opposite of a claim.
        unit: divides theta, once, as a function of the unperturbed mean curves. A claim about a ratio
            a / b > t is tested as a - t b > 0 (Fieller): near b = 0 the perturbed ratio would explode.
            With b as the unit, it is still reported as a / b - t. Where the unit is not positive, the
            atom is undefined, and nothing is shown. Products of curves are perturbed to both sides and
            the difference halved: their curvature made false verdicts twice as frequent.
        what: the same in a few words that name no quantity, e.g. ``"deepest window"``; for the reader.
        scale: what theta counts, if not what its quantities count: ``"depth"``, ``"mass"`` or ``"ratio"``.
        contrast: whether theta is a drop or a difference of what is counted, not such a value itself.

    """

    label: str
    quantities: tuple[Hashable, ...]
    theta: Theta
    threshold: float
    asserts: Literal[">", "<"]
    points: tuple[str, ...] = ("",)
    unit: Theta | None = None
    presence: Literal[">", "<", ""] = ""
    what: str = ""
    scale: Literal["depth", "mass", "ratio", ""] = ""
    contrast: bool = False

    @property
    def absent(self) -> bool:
        """Whether it says that a stage does not exist."""
        return bool(self.presence) and self.presence != self.asserts

    @property
    def sign(self) -> int:
        """+1 if the atoms say "above", -1 if they say "below"."""
        return 1 if self.asserts == ">" else -1


@dataclass(frozen=True, eq=False)
class Somewhere:
    """OR over rows, AND within a row: at some row, all its atoms hold.

    Attributes:
        leaves: the leaves whose atoms, one leaf after the other, the rows number.
        rows: shape [rows, columns]: the atoms that must hold together.

    """

    leaves: tuple[Leaf, ...]
    rows: Ints


@dataclass(frozen=True, eq=False)
class Everywhere:
    """AND over rows, OR within a row: in every row, one of its atoms holds. Fields as `Somewhere`."""

    leaves: tuple[Leaf, ...]
    rows: Ints


@dataclass(frozen=True, eq=False)
class AllOf:
    """Every child holds; ``names`` says what each is about, a task say, where they are alike."""

    children: tuple[Tree, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class AnyOf:
    """At least one child holds."""

    children: tuple[Tree, ...]


@dataclass(frozen=True, eq=False)
class AtLeast:
    """At least ``count`` of the children hold; ``names`` as in `AllOf`."""

    count: int
    children: tuple[Tree, ...]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse counts that are always or never reached.

        Raises:
            ValueError: unless 1 <= count <= number of children.

        """
        if not 1 <= self.count <= len(self.children):
            raise ValueError(f"at least {self.count} of {len(self.children)} can never be tested")


@dataclass(frozen=True, eq=False)
class Pair:
    """A statement whose counter-statement is narrower than its plain negation.

    Some statements are meaningless where a stage is missing or too coarsely measured. Then refuting
    takes more than not supporting: both sides are spelt out. They must exclude each other.
    """

    holds: Tree
    fails: Tree


Tree: TypeAlias = Somewhere | Everywhere | AllOf | AnyOf | AtLeast | Pair


def some(*leaves: Leaf) -> Somewhere:
    """At some point all the leaves hold (at the same point); their points must correspond."""
    return Somewhere(leaves, _aligned(leaves))


def every(*leaves: Leaf) -> Everywhere:
    """At every point one of the leaves holds; with one leaf: it holds at every point."""
    return Everywhere(leaves, _aligned(leaves))


def given(
    gates: Sequence[Tree], claim: Tree, *, required: bool = True, refuted_given: Sequence[Tree] | None = None
) -> Pair:
    """Return ``claim``, which means something only where every gate holds.

    Supporting takes the gates and the claim. Refuting takes the gates and the claim's negation; or, if
    the claim says that the gated stages exist (``required``), the negation of a gate. Otherwise a gate
    that is not shown leaves the claim INCONCLUSIVE. ``refuted_given``: other gates for the claim's
    negation, where less than the gates give it a meaning.
    """
    refuted = AllOf((*(gates if refuted_given is None else refuted_given), negation(claim)))
    missing = tuple(negation(gate) for gate in gates)
    return Pair(holds=AllOf((*gates, claim)), fails=AnyOf((*missing, refuted)) if required else refuted)


def resolvable(claim: Tree, only_if: Tree) -> Pair:
    """Return ``claim``, refuted only where ``only_if`` is shown too (an instrument fine enough)."""
    return Pair(holds=claim, fails=AllOf((only_if, negation(claim))))


def negation(tree: Tree) -> Tree:
    """Return the tree that holds exactly where ``tree`` does not (for a `Pair`: its other side)."""
    match tree:
        case Somewhere(leaves, rows):
            return Everywhere(tuple(map(_opposite, leaves)), rows)
        case Everywhere(leaves, rows):
            return Somewhere(tuple(map(_opposite, leaves)), rows)
        case AllOf(children):
            return AnyOf(tuple(map(negation, children)))
        case AnyOf(children):
            return AllOf(tuple(map(negation, children)))
        case AtLeast(count, children):
            return AtLeast(len(children) - count + 1, tuple(map(negation, children)))
        case Pair(holds, fails):
            return Pair(fails, holds)


def nodes(tree: Tree) -> Iterator[Somewhere | Everywhere]:
    """Yield the nodes that hold leaves, from left to right; of a `Pair`, the holding side first."""
    match tree:
        case Somewhere() | Everywhere():
            yield tree
        case AllOf(children) | AnyOf(children) | AtLeast(_, children):
            for child in children:
                yield from nodes(child)
        case Pair(holds, fails):
            yield from nodes(holds)
            yield from nodes(fails)


def quantities(tree: Tree) -> tuple[Hashable, ...]:
    """Return the quantities a tree needs, each once, in order of appearance."""
    return tuple(
        dict.fromkeys(key for node in nodes(tree) for leaf in node.leaves for key in leaf.quantities)
    )


def flattened(children: Sequence[Tree]) -> Iterator[Tree]:
    """Yield the members of an OR of ORs; a single atom is as good an OR as it is an AND."""
    for child in children:
        match child:
            case AnyOf(grandchildren):
                yield from flattened(grandchildren)
            case Everywhere(leaves, rows) if len(rows) == 1:
                yield Somewhere(leaves, rows.T)
            case Pair(holds, _):
                yield from flattened((holds,))
            case _:
                yield child


def merged(parts: Sequence[Somewhere]) -> Somewhere:
    """Join ORs into one, so that they share a max-T; short rows repeat their last atom."""
    if len(parts) == 1:
        return parts[0]
    width = max(part.rows.shape[1] for part in parts)
    starts = np.cumsum([0, *(sum(len(leaf.points) for leaf in part.leaves) for part in parts)])
    rows = [
        np.pad(part.rows, ((0, 0), (0, width - part.rows.shape[1])), mode="edge") + start
        for part, start in zip(parts, starts, strict=False)
    ]
    return Somewhere(tuple(leaf for part in parts for leaf in part.leaves), np.concatenate(rows))


def _opposite(leaf: Leaf) -> Leaf:
    return replace(leaf, asserts="<" if leaf.asserts == ">" else ">")


def _aligned(leaves: Sequence[Leaf]) -> Ints:
    sizes = {len(leaf.points) for leaf in leaves}
    if len(sizes) != 1:
        raise ValueError(f"leaves with {sorted(sizes)} points do not correspond")
    (size,) = sizes
    return np.arange(size * len(leaves), dtype=np.intp).reshape(len(leaves), size).T
