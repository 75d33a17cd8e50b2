"""What the overview of a site shows: claims and checkpoints, histories, how far effects lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from harness.verdicts.record import ClaimRecord, RunRecord
from reports import compare
from reports.page.render import claim_ids
from reports.site.runs import History, Run
from reports.site.spread import Spread, spreads
from reports.summary import Headline, Row, rows


@dataclass(frozen=True)
class Column:
    """A checkpoint of the overview.

    Attributes:
        number: its place, from 1.
        run: its newest run.
        headline: its result in one sentence; None where no claim was judged.
        sections: link to each claim's section on the checkpoint's own page, by the claim's id.
    """

    number: int
    run: Run
    headline: Headline | None
    sections: dict[str, str]


@dataclass(frozen=True)
class Line:
    """A claim of the overview.

    Attributes:
        row: the claim and its verdicts.
        spreads: how far its effects lie apart, one for each task.
    """

    row: Row
    spreads: tuple[Spread, ...]

    @property
    def counted(self) -> tuple[Spread, ...]:
        """Those with a heterogeneity."""
        return tuple(one for one in self.spreads if one.heterogeneity)

    @property
    def i2(self) -> tuple[float, float] | None:
        """The smallest and the largest I² of its tasks; None where there is none."""
        shares = [one.heterogeneity.i2 for one in self.spreads if one.heterogeneity]
        return (min(shares), max(shares)) if shares else None


@dataclass(frozen=True)
class Step:
    """A run in the history of its checkpoint.

    Attributes:
        run: the run.
        headline: its result in one sentence; None where no claim was judged.
        new_weights: whether its files are others than those of the run before.
        new_data: whether its data set is another one than that of the run before.
        changed: (before, now) of each verdict that differs from the run before; None where one is missing.
    """

    run: Run
    headline: Headline | None
    new_weights: bool
    new_data: bool
    changed: tuple[tuple[ClaimRecord | None, ClaimRecord | None], ...]


@dataclass(frozen=True)
class Overview:
    """The overview of a site.

    Attributes:
        columns: its checkpoints.
        lines: its claims.
        histories: (name, runs) of each checkpoint with several runs, the oldest first.
        runs: every run.
        remarks: what readers of any of the newest runs must know.
        several_data: whether the newest runs are not all on one data set.
    """

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    histories: tuple[tuple[str, tuple[Step, ...]], ...]
    runs: tuple[Run, ...]
    remarks: tuple[str, ...]
    several_data: bool


def overview(found: Sequence[History]) -> Overview:
    """Count what the overview tells; verdicts and effects are those of each checkpoint's newest run."""
    newest = [history.latest for history in found]
    records = [run.record for run in newest]
    apart: dict[str, list[Spread]] = {}
    for spread in spreads(records):
        apart.setdefault(spread.claim, []).append(spread)
    return Overview(
        columns=tuple(_column(number, run) for number, run in enumerate(newest, start=1)),
        lines=tuple(Line(row, tuple(apart.get(row.id, ()))) for row in rows(together(records))),
        histories=tuple((one.name, _steps(one.runs)) for one in found if len(one.runs) > 1),
        runs=tuple(run for history in found for run in history.runs),
        remarks=tuple(dict.fromkeys(remark for record in records for remark in record.remarks)),
        several_data=len({record.dataset_sha256 for record in records}) > 1,
    )


def together(records: Sequence[RunRecord]) -> RunRecord:
    """Checkpoints and claims of several records as those of one, else as the first."""
    return replace(
        records[0],
        checkpoints=tuple(one for record in records for one in record.checkpoints),
        claims=tuple(one for record in records for one in record.claims),
    )


def _column(number: int, run: Run) -> Column:
    ids = claim_ids(tuple(row.id for row in rows(run.record)))
    sections = {claim: f"{run.page}#{section}" for claim, section in ids.items()}
    return Column(number, run, run.headline, sections)


def _steps(runs: Sequence[Run]) -> tuple[Step, ...]:
    first = Step(runs[0], runs[0].headline, new_weights=False, new_data=False, changed=())
    return (first, *(_step(before, now) for before, now in pairwise(runs)))


def _step(before: Run, now: Run) -> Step:
    pairs = compare.pairs(before.record, now.record)
    return Step(
        now,
        now.headline,
        new_weights=before.sha256 != now.sha256,
        new_data=before.record.dataset_sha256 != now.record.dataset_sha256,
        changed=tuple((pair.one, pair.other) for pair in pairs if pair.differs),
    )
