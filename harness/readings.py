"""Every claim about effects, read three ways.

p_c depends on how sure the model was; the share against the foil only on the two answers; flips only on
which one wins. The same statement, with the same thresholds, is judged on each. Where verdicts differ,
the claim hangs on the metric, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from harness.probes import Measure
from harness.statistics import Curves, Tree, judge, measures
from harness.verdict import Judgement, Reading

OTHERS = ("foil", "flip")
"""The readings beside p_c, on its scale: per cent, negative where the answer loses."""
METRIC_DEPENDENT = "metric-dependent"

Evidence = Mapping[Measure, Curves]


class Reread(Mapping[Measure, Curves]):
    """Evidence in which every p_c is replaced by another reading of the same knockouts.

    Args:
        evidence: the evidence.
        reading: the other reading.
    """

    def __init__(self, evidence: Evidence, reading: str) -> None:
        self._evidence = evidence
        self._reading = reading

    def __getitem__(self, measure: Measure) -> Curves:
        return self._evidence[self._instead(measure)]

    def __contains__(self, measure: object) -> bool:
        return isinstance(measure, Measure) and self._instead(measure) in self._evidence

    def __iter__(self) -> Iterator[Measure]:
        return iter(self._evidence)

    def __len__(self) -> int:
        return len(self._evidence)

    def _instead(self, measure: Measure) -> Measure:
        return replace(measure, reading=self._reading) if measure.reading == "p_c" else measure


def with_other_readings(
    judgement: Judgement, claim: str, tree: Tree, looks: Sequence[Evidence], *, alpha: float, planned: int
) -> Judgement:
    """A judgement with what the other readings say of the claim; nothing is added to one without effects.

    Args:
        judgement: by p_c.
        claim: the claim's key.
        tree: the statement.
        looks: the evidence up to the deciding look.
        alpha: largest error of a verdict.
        planned: how many looks are planned.
    """
    named = [key for key in measures(tree) if isinstance(key, Measure)]
    if not any(measure.reading == "p_c" for measure in named):
        return judgement
    found = []
    for reading in OTHERS:
        again = [Reread(look, reading) for look in looks]
        # A task without a foil has no share against it.
        if all(measure in look for measure in named for look in again):
            other = judge(claim, tree, again, alpha=alpha, planned=planned, plan=False)
            found.append(Reading(reading, other.verdict, other.parts[0] if other.parts else None))
    differs = any(reading.verdict is not judgement.verdict for reading in found)
    notes = (*judgement.notes, METRIC_DEPENDENT) if differs else judgement.notes
    return replace(judgement, readings=tuple(found), notes=notes)
