"""Every claim about effects, read three ways.

p_c depends on how sure the model was; the share against the distractor only on the two answers; flips only on
which one wins. The same statement, with the same thresholds, is judged on each. Where verdicts differ,
the claim depends on the metric, and a note says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from harness.interventions.measurements import Quantity
from harness.statistics.curves import Curves, CurveSource, OfImages
from harness.statistics.judge import judge_beside
from harness.statistics.looks import LookPlan
from harness.statistics.trees import Tree, quantities
from harness.statistics.verdict import Fact, Judgement, Reading

DRAWS = 1_000
"""Replicates for the other readings, fewer than for p_c: only their verdicts are reported."""
OTHERS = ("distractor", "flip")
"""The readings beside p_c, on its scale: per cent, negative where the answer loses."""
METRIC_DEPENDENT = "metric-dependent"
WITHOUT_A_DISTRACTOR = "no one wrong answer, so p_c stands for the share against it"


class Reread:
    """CurveSource in which every p_c is replaced by another reading of the same knockouts.

    Args:
        evidence: the evidence.
        reading: the other reading.
        but: tasks whose p_c stays.
    """

    def __init__(self, evidence: CurveSource, reading: str, but: Collection[str] = ()) -> None:
        self._evidence = evidence
        self._reading = reading
        self._but = but

    @property
    def images(self) -> tuple[str, ...] | None:
        """All images of the evidence, if it knows them."""
        return self._evidence.images if isinstance(self._evidence, OfImages) else None

    def __getitem__(self, quantity: Quantity) -> Curves:
        return self._evidence[self._instead(quantity)]

    def __contains__(self, quantity: object) -> bool:
        return isinstance(quantity, Quantity) and self._instead(quantity) in self._evidence

    def _instead(self, quantity: Quantity) -> Quantity:
        again = quantity.reading == "p_c" and quantity.task not in self._but
        return replace(quantity, reading=self._reading) if again else quantity


def with_other_readings(
    judgement: Judgement, tree: Tree, looks: Sequence[CurveSource], plan: LookPlan
) -> Judgement:
    """A judgement with what the other readings say of the claim; nothing is added to one without effects.

    A task without one wrong answer has no share against it. A claim about it alone has two readings; in a
    claim about several tasks its p_c stands among the others' shares, and a note says so.

    Args:
        judgement: by p_c.
        tree: the statement.
        looks: the evidence of the looks that had any, up to the deciding one.
        plan: the looks.
    """
    named = [key for key in quantities(tree) if isinstance(key, Quantity)]
    effects = [quantity for quantity in named if quantity.reading == "p_c"]
    if not effects:
        return judgement
    found, notes = [], list(judgement.notes)
    for reading in OTHERS:
        but = _tasks_without(reading, effects, looks[-1])
        again = [Reread(look, reading, but) for look in looks]
        if but >= {quantity.task for quantity in effects} or not _has_all(again, named):
            continue
        other = judge_beside(judgement, tree, again, replace(plan, draws=DRAWS))
        found.append(Reading(reading, other.verdict, other.parts[0] if other.parts else None))
        if but:
            notes.append(Fact(WITHOUT_A_DISTRACTOR, ", ".join(sorted(but))))
    if any(reading.verdict is not judgement.verdict for reading in found):
        notes.append(Fact(METRIC_DEPENDENT))
    return replace(judgement, readings=tuple(found), notes=tuple(notes))


def _tasks_without(reading: str, effects: Iterable[Quantity], look: CurveSource) -> set[str]:
    """The tasks whose effects have no such reading."""
    return {quantity.task for quantity in effects if replace(quantity, reading=reading) not in look}


def _has_all(looks: Iterable[CurveSource], named: Iterable[Quantity]) -> bool:
    return all(quantity in look for look in looks for quantity in named)
