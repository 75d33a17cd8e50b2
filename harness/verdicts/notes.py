"""Notes beside a verdict: facts that decide nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harness.statistics.curves import CurveSource
from harness.statistics.judge import judge_beside
from harness.statistics.looks import LookPlan
from harness.statistics.trees import Tree
from harness.statistics.verdict import Fact, Judgement


@dataclass(frozen=True)
class Note:
    """A fact to report beside a verdict.

    Attributes:
        label: what it is about, e.g. ``"unclipped windows only"``.
        fact: a statement, whose verdict is reported; or what gives the fact, from the evidence of a look.
    """

    label: str
    fact: Tree | Callable[[CurveSource], str]


def with_notes(
    judgement: Judgement, notes: Sequence[Note], looks: Sequence[CurveSource], plan: LookPlan
) -> Judgement:
    """A judgement with its facts as notes.

    Args:
        judgement: the claim's.
        notes: the facts.
        looks: the evidence of the looks that had any, up to the deciding one.
        plan: the looks.
    """

    def said(note: Note) -> str:
        if callable(note.fact):
            return note.fact(looks[-1])
        judged = judge_beside(judgement, note.fact, looks, plan)
        return f"{judged.verdict.value} on {judged.n_images} images"

    facts = (Fact(note.label, said(note)) for note in notes)
    return replace(judgement, notes=(*judgement.notes, *facts))
