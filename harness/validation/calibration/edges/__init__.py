"""What is true of the populations where a verdict is most easily wrong: each form at its edge.

A form is falsely SUPPORTED most often where it just fails: its decisive quantity lies exactly on the
threshold, at as many points as possible where one would do (OR), at a single point where all are needed
(AND). It is falsely REFUTED most often the other way round; where several things could each refute it,
with all of them on their edge. These least favourable truths are written out here. Thresholds are
strict, so on the edge a claim and its negation count as both wrong to show; each case says which of the
two verdicts it counts. Where it is not plain which truth is the worst, several are given.
"""

from __future__ import annotations

from harness.validation.calibration.cases import Case
from harness.validation.calibration.edges import (
    checkpoints,
    contrasts,
    depths,
    dips,
    drops,
    lens,
    tasks,
    values,
)


def edges() -> list[Case]:
    """Return every form at its least favourable truths: each verdict counted is false."""
    families = (drops, tasks, contrasts, dips, depths, checkpoints, lens, values)
    return [case for family in families for case in family.edges()]
