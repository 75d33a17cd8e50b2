"""The page's sections, one for each claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.verdicts.catalogue import Catalogue, Entry
from harness.verdicts.record import RunRecord
from reports.catalogue import made_in, stated
from reports.drawing.ceilings import ceilings_of
from reports.drawing.margin_svg import limits_of
from reports.drawing.panels import Plot, plots
from reports.lost_margin import Lost, lost_margins
from reports.page.adjust import Adjusted
from reports.page.advice import Advice, advice
from reports.page.checkpoints import CheckpointView
from reports.page.usage import Usage, usage
from reports.summary import Cell, Row, inapplicable


@dataclass(frozen=True)
class Share:
    """One checkpoint's part of a claim's section.

    Attributes:
        cell: the verdicts.
        plots: their curves.
        usage: what became of the samples, or None where the record does not say.
        adjusted: the verdicts' p-values, adjusted over all claims of the checkpoint.
        lost: how the margin is lost, where there is one wrong answer.
        nats: the vertical range common to the drawings of that.
        advice: what would decide the verdicts that are undecided.
    """

    cell: Cell
    plots: tuple[Plot, ...]
    usage: Usage | None
    adjusted: tuple[Adjusted, ...]
    lost: tuple[Lost, ...]
    nats: tuple[float, float]
    advice: tuple[Advice, ...]

    @property
    def has_windows(self) -> bool:
        """Whether flows are shown at several window sizes, which must then be told."""
        return len({one.curve.window for one in self.lost}) > 1


@dataclass(frozen=True)
class Against:
    """A claim that contradicts another.

    Attributes:
        id: its id.
        statement: what it says.
        source: where it was made, for a rival finding; else empty.
        cells: its verdicts in this run.
    """

    id: str
    statement: str
    source: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Section:
    """The section of a claim.

    Attributes:
        row: the claim and its verdicts.
        part: the heading it opens: a part of the catalogue; empty for all claims but a part's first.
        entry: the claim in plain words, or None for one that the catalogue does not know.
        hypotheses: the hypothesis exactly; several where tasks or checkpoints differ.
        absent: why the claim does not apply, where that is so everywhere.
        against: claims that contradict it.
        shares: per checkpoint, verdicts and curves.
    """

    row: Row
    part: str
    entry: Entry | None
    hypotheses: tuple[str, ...]
    absent: tuple[str, ...]
    against: tuple[Against, ...]
    shares: tuple[Share, ...]


def sections(
    record: RunRecord, catalogue: Catalogue, matrix: tuple[Row, ...], views: tuple[CheckpointView, ...]
) -> Iterator[Section]:
    """The sections of all claims.

    Args:
        record: the run.
        catalogue: what is said of its claims.
        matrix: its claims and checkpoints.
        views: its checkpoints, in the matrix's order.
    """
    rows = {row.id: row for row in matrix}
    before = ""
    for row in matrix:
        part = catalogue.part_of(row.id)
        entry = catalogue.claims.get(row.id)
        tested = [claim for claim in row.claims if not inapplicable(claim)]
        yield Section(
            row=row,
            part=part if part != before else "",
            entry=entry,
            hypotheses=tuple(dict.fromkeys(claim.hypothesis for claim in tested)),
            absent=() if tested else tuple(dict.fromkeys(claim.hypothesis for claim in row.claims)),
            against=tuple(_against(one, catalogue, rows) for one in entry.rivals) if entry else (),
            shares=tuple(
                _share(record, cell, one) for cell, one in zip(row.cells, views, strict=True) if cell.claims
            ),
        )
        before = part


def _against(claim: str, catalogue: Catalogue, rows: Mapping[str, Row]) -> Against:
    row, entry = rows.get(claim), catalogue.claims.get(claim)
    statement = row.statement if row else stated(entry) if entry else ""
    return Against(claim, statement, made_in(entry) if entry else "", row.cells if row else ())


def _share(record: RunRecord, cell: Cell, view: CheckpointView) -> Share:
    bands = tuple(dict.fromkeys(band for claim in cell.claims for band in claim.bands))
    curves = [curve for claim in cell.claims for curve in claim.curves]
    threshold = next((claim.threshold for claim in cell.claims if claim.threshold is not None), None)
    lost = lost_margins(curves)
    return Share(
        cell=cell,
        plots=plots(curves, bands, threshold, ceilings_of(view.record)),
        usage=usage(record, cell),
        adjusted=tuple(one for one in view.adjusted if any(one.claim is claim for claim in cell.claims)),
        lost=lost,
        nats=limits_of(lost),
        advice=advice(record, cell),
    )
