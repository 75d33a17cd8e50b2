"""Facts told beside a verdict, as notes of it. They decide nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from harness.interventions.measurements import Measure
from harness.statistics.curves import Curves
from harness.statistics.judge import judge
from harness.statistics.trees import Tree
from harness.statistics.verdict import Judgement

Evidence: TypeAlias = Mapping[Measure, Curves]


@dataclass(frozen=True)
class Aside:
    """A fact told beside a verdict.

    Attributes:
        label: what it is about, e.g. ``"unclipped windows only"``.
        told: a statement, whose verdict is told; or what says the fact, given the evidence of a look.
    """

    label: str
    told: Tree | Callable[[Evidence], str]


def with_asides(
    judgement: Judgement,
    asides: Sequence[Aside],
    looks: Sequence[Evidence],
    *,
    alpha: float,
    planned: int,
    skipped: int = 0,
) -> Judgement:
    """A judgement with its facts as notes, each ``label: fact``.

    Args:
        judgement: the claim's.
        asides: the facts.
        looks: the evidence up to the deciding look.
        alpha: largest error of a verdict.
        planned: how many looks are planned.
        skipped: how many of them came before these, without any data.
    """

    def said(aside: Aside) -> str:
        if callable(aside.told):
            return aside.told(looks[-1])
        judged = judge(aside.told, looks, alpha=alpha, planned=planned, skipped=skipped, plan=False)
        return f"{judged.verdict.value} on {judged.n_images} images"

    notes = (f"{aside.label}: {said(aside)}" for aside in asides)
    return replace(judgement, notes=(*judgement.notes, *notes))
