"""How far a claim's verdict goes, in a few words: in which tasks, and what limits it."""

from __future__ import annotations

from harness.verdicts.wording import tally_in_words
from reports.summary import Cell
from reports.words import clean, count


def extent(cell: Cell) -> str:
    """Say in how many tasks a claim came out how; where a stage is missing, or the metric decides."""
    told = (
        _tasks(cell),
        _of(cell, "stage missing", cell.missing),
        _of(cell, "metric-dependent", cell.metric),
    )
    return "; ".join(filter(None, told))


def _tasks(cell: Cell) -> str:
    if not cell.per_task:
        tally = cell.claims[0].judgement.tally
        return clean(tally_in_words(tally), 200) if tally else ""
    if len(cell.counts) > 1:
        return ", ".join(f"{n} {badge.word.lower()}" for badge, n in cell.counts)
    return f"in {'all ' if len(cell.claims) > 1 else ''}{count(len(cell.claims), 'task')}"


def _of(cell: Cell, text: str, verdicts: int) -> str:
    """What is so of some verdicts; how many, where not of all."""
    if not verdicts:
        return ""
    return text if verdicts == len(cell.claims) else f"{text} in {count(verdicts, 'task')}"
