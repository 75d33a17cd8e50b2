"""What a checkpoint does, in one sentence: from the headline claims that are SUPPORTED, and never more.

Each clause says what its claim's SUPPORTED means, in how many of the tasks, and what limits it; a claim
that is shown in half of the tasks or fewer adds none. Layers are named where in every one of these tasks the
whole 95 % band lies below the claim's threshold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.statistics.verdict import Verdict
from harness.verdicts.record import ClaimRecord, Curve, MeasurementRecord
from reports.drawing.styles import IMAGE_QUESTION, QUESTION_LAST, RELATED
from reports.summary import Cell
from reports.words import clean, count


@dataclass(frozen=True)
class Headline:
    """A claim of the paper's main story.

    Attributes:
        claim: its id.
        title: what it says, as short as it can be said.
        clause: what a checkpoint does of which it is shown; the checkpoint is its subject.
        flow: the flow whose layers may be named, or None.
    """

    claim: str
    title: str
    clause: str
    flow: MeasurementRecord | None = None


HEADLINES = (
    Headline(
        "B1",
        "Image → question, in lower layers",
        "reads the image into the question",
        IMAGE_QUESTION,
    ),
    Headline(
        "C2",
        "Related patches in the middle layers",
        "reads the patches of the object asked about mainly in the middle layers",
        RELATED,
    ),
    Headline(
        "A1",
        "Question → last position, in all tasks",
        "passes the question on to the last position",
        QUESTION_LAST,
    ),
    Headline(
        "A2", "Hardly any image → last position", "hardly lets the last position read the image directly"
    ),
    Headline(
        "D1",
        "In order: other patches, then related, then last",
        "takes these steps in order: other patches, related patches, last position",
    ),
    Headline(
        "E3",
        "Lower case first, then capitalised",
        "forms its answer in lower case before the capitalised form",
    ),
)
"""In the order of the flow."""

_Key = tuple[str, str, str | None]
_NO_NORM = "only without the final norm"
_DECIDED = frozenset({Verdict.SUPPORTED, Verdict.REFUTED})


@dataclass(frozen=True)
class Clause:
    """What a supported claim adds to the sentence.

    Attributes:
        text: what the checkpoint does.
        limits: in how many of the tasks, and what limits it; empty where it is shown without limits.
    """

    text: str
    limits: str


@dataclass(frozen=True)
class Story:
    """The sentence.

    Attributes:
        checkpoint: the checkpoint's name, its subject.
        clauses: what is shown of it; none where nothing is.
        judged: how many of the headline claims were judged.
        decided: whether any of them was decided, if not supported.
    """

    checkpoint: str
    clauses: tuple[Clause, ...]
    judged: int
    decided: bool

    @property
    def pieces(self) -> tuple[tuple[str, str], ...]:
        """The sentence in pieces: (text, limits that stand in brackets behind it or nothing)."""
        model = f"model “{self.checkpoint}”"
        if not self.clauses:
            claims = count(self.judged, "headline claim")
            verdict = "shown in most tasks" if self.decided else "decided"
            return ((f"On the {model} none of {claims} is {verdict}.", ""),)
        *first, last = self.clauses
        listed = [(one.text, one.limits) for one in first]
        joined = f"{'and ' if first else ''}{last.text}"
        return ((f"The {model}", ""), *listed, (joined, last.limits))

    @property
    def in_words(self) -> str:
        """The sentence."""
        if not self.clauses:
            return self.pieces[0][0]
        subject, *told = (f"{text} ({limits})" if limits else text for text, limits in self.pieces)
        return f"{subject} {(', ' if len(told) > 2 else ' ').join(told)}."  # noqa: PLR2004 - a, b, and c; a and b


def story(
    checkpoint: str, cells: Mapping[str, Cell], layers: int, fragile: Iterable[_Key] = ()
) -> Story | None:
    """Say what is shown of a checkpoint; None where none of the headline claims was judged on it.

    Args:
        checkpoint: its name.
        cells: its verdicts by claim.
        layers: how many it has.
        fragile: (id, checkpoint, task) of what is supported only without the model's final norm.
    """
    known = [(one, cells[one.claim]) for one in HEADLINES if one.claim in cells and cells[one.claim].claims]
    found = (_clause(one, cell, layers, frozenset(fragile)) for one, cell in known)
    clauses = tuple(clause for clause in found if clause)
    decided = any(claim.judgement.verdict in _DECIDED for _, cell in known for claim in cell.claims)
    return Story(clean(checkpoint, 80), clauses, len(known), decided) if known else None


def _clause(headline: Headline, cell: Cell, layers: int, fragile: frozenset[_Key]) -> Clause | None:
    shown = [claim for claim in cell.claims if claim.judgement.verdict is Verdict.SUPPORTED]
    holds, every = _extent(cell, shown)
    if 2 * holds <= every and (cell.per_task or not shown):
        return None
    told = shown or list(cell.claims)
    where = _at(dropping(headline.flow, told), layers) if headline.flow else ""
    extent = "" if holds == every else f"in {holds} of {count(every, 'task')}"
    limits = filter(None, (extent, _doubt(told, fragile)))
    return Clause(headline.clause + where, ", ".join(limits))


def _extent(cell: Cell, shown: Sequence[ClaimRecord]) -> tuple[int, int]:
    """In how many of how many tasks it is shown; of a claim over all tasks without a tally 1 or 0 of 1.

    A claim over all tasks that fails on one holds on others all the same: its tally is corrected for them.
    """
    if cell.per_task:
        return len(shown), len(cell.claims)
    tally = cell.claims[0].judgement.tally
    if tally is None:
        return len(shown), 1
    return len(tally.holds), len((*tally.holds, *tally.fails, *tally.undecided))


def _doubt(shown: Sequence[ClaimRecord], fragile: frozenset[_Key]) -> str:
    """Whether it hangs on a missing norm; that metrics disagree is said beside each verdict."""
    n = sum((claim.id, claim.checkpoint, claim.task) in fragile for claim in shown)
    return "" if not n else _NO_NORM if n == len(shown) else f"{_NO_NORM} in {n}"


def dropping(flow: MeasurementRecord, shown: Sequence[ClaimRecord]) -> tuple[int, ...]:
    """Centre layers where a flow's whole band lies below the threshold, in every task for which it is shown.

    Of several window sizes those of the widest count; inside the claim's bands alone, where it names some.
    """
    sets = [
        _below(curve, claim)
        for claim in shown
        for curve in _widest(curve for curve in claim.curves if _is_effect(curve, flow, claim))
    ]
    return tuple(sorted(frozenset.intersection(*sets))) if sets else ()


def _is_effect(curve: Curve, flow: MeasurementRecord, claim: ClaimRecord) -> bool:
    """Whether it is a curve of the flow, on a task where the claim holds."""
    tally = claim.judgement.tally
    holds = tally is None or curve.task in tally.holds
    return holds and (curve.measurement, curve.role, curve.reading) == (flow, "effect", "p_c")


def _widest(curves: Iterable[Curve]) -> list[Curve]:
    found = list(curves)
    widest = max((curve.window or 0 for curve in found), default=0)
    return [curve for curve in found if (curve.window or 0) == widest]


def _below(curve: Curve, claim: ClaimRecord) -> frozenset[int]:
    threshold = math.nan if claim.threshold is None else claim.threshold
    return frozenset(
        point
        for point, u, upper in zip(curve.points, curve.depth, curve.upper, strict=True)
        if upper < threshold and (not claim.bands or any(start <= u <= end for _, start, end in claim.bands))
    )


def _at(points: tuple[int, ...], layers: int) -> str:
    """Name layers, runs of them as such; empty where there is none."""
    if not points:
        return ""
    runs = [
        [point for _, point in run] for _, run in groupby(enumerate(points), lambda pair: pair[1] - pair[0])
    ]
    told = [f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    return f" around layer{'s' if len(points) > 1 else ''} {_joined(told)} of\u00a0{layers}"


def _joined(told: Sequence[str]) -> str:
    """Write a list: a, b and c."""
    *first, last = told
    return f"{', '.join(first)} and {last}" if first else last
