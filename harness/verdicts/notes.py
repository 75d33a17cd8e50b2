"""Notes: facts shown beside a verdict. They decide nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harness.statistics.curves import CurveSource
from harness.statistics.judge import judge
from harness.statistics.trees import Tree
from harness.statistics.verdict import Judgement


@dataclass(frozen=True)
class Note:
    """A fact shown beside a verdict.

    Attributes:
        label: what it is about, e.g. ``"unclipped windows only"``.
        fact: a statement, whose verdict is shown; or what says the fact, given the evidence of a look.
    """

    label: str
    fact: Tree | Callable[[CurveSource], str]


def with_notes(
    judgement: Judgement,
    notes: Sequence[Note],
    looks: Sequence[CurveSource],
    *,
    alpha: float,
    planned: int,
    skipped: int = 0,
) -> Judgement:
    """A judgement with its facts as notes, each ``label: fact``.

    Args:
        judgement: the claim's.
        notes: the facts.
        looks: the evidence up to the deciding look.
        alpha: largest error of a verdict.
        planned: how many looks are planned.
        skipped: how many of them came before these, without any data.
    """

    def said(note: Note) -> str:
        if callable(note.fact):
            return note.fact(looks[-1])
        judged = judge(note.fact, looks, alpha=alpha, planned=planned, skipped=skipped, plan=False)
        return f"{judged.verdict.value} on {judged.n_images} images"

    texts = (f"{note.label}: {said(note)}" for note in notes)
    return replace(judgement, notes=(*judgement.notes, *texts))
