"""What a claim test declares, and the evidence it may look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.data.depth import Band, Grid
from harness.interventions.measurements import (
    Quantity,
)
from harness.statistics.curves import CurveSource
from harness.statistics.trees import Tree
from harness.verdicts.notes import Note


@dataclass(frozen=True)
class Hypothesis:
    """What a claim test handed to `Study.judge`.

    Attributes:
        tree: the statement; None if the claim does not apply.
        quantities: everything the test named, in order: what must be measured, and what is drawn.
        located_on: what must be measured too, on the first look's images: a layer was located on it.
        needed: what the claim cannot be asked without: measured before the rest, which may then be spared.
        bands: the depth bands it speaks of.
        threshold: the horizontal line of its plot, or None.
        notes: facts shown beside its verdict.
        not_applicable: why the claim does not apply to this checkpoint or task; else empty.
    """

    tree: Tree | None
    quantities: tuple[Quantity, ...]
    located_on: tuple[Quantity, ...] = ()
    needed: tuple[Quantity, ...] = ()
    bands: tuple[Band, ...] = ()
    threshold: float | None = None
    notes: tuple[Note, ...] = ()
    not_applicable: str = ""


@dataclass(frozen=True)
class EvidenceView:
    """The evidence a claim test may look at while it states its claim.

    Attributes:
        now: the evidence of the look at hand.
        first: that of the first look: layers are located on it at every look, so that a statement
            does not change from one look to the next.
        undefined: on how many images of the look at hand a quantity was tried and does not exist; 0 if it
            exists on any.
        window_sizes: of evidence that was measured elsewhere the window sizes there are; None where any can
            be measured.
    """

    now: CurveSource
    first: CurveSource
    undefined: Callable[[Quantity], int] = lambda _: 0
    window_sizes: frozenset[int] | None = None


@dataclass(frozen=True)
class Peer:
    """Another checkpoint of the run.

    Attributes:
        name: its name.
        grid: its windows.
    """

    name: str
    grid: Grid
