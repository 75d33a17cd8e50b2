"""Which sheets are drawn for a paper: each panel by itself, and all panels of a plot side by side."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from harness.data.errors import HarnessError
from harness.verdicts.record import RunRecord
from reports.drawing.figures import figures
from reports.drawing.panels import Panel, Plot, plots
from reports.summary import Cell, Row, checkpoint_names, rows
from reports.words import anchor

COLUMN, TEXT = 3.25, 6.875
"""Widths in inches of a column and of the whole text of a CVPR paper."""
EVERY = "all"
"""In place of a claim's id: all claims."""


@dataclass(frozen=True)
class Sheet:
    """One picture.

    Attributes:
        name: of its files, with its folder, without a suffix.
        width: in inches.
        plot: what is read off, the legend, and the panels that are drawn.
    """

    name: str
    width: float
    plot: Plot


def sheets(record: RunRecord, claims: Collection[str] = ()) -> Iterator[Sheet]:
    """The paper's figures of every checkpoint, and the plots of the claims that are asked for.

    Args:
        record: the run.
        claims: ids of claims, or `EVERY`.

    Raises:
        HarnessError: if a claim was not judged in the run.
    """
    judged = rows(record)
    unknown = sorted(set(claims) - {row.id for row in judged} - {EVERY})
    if unknown:
        raise HarnessError(f"--claim {unknown[0]}: not judged in this run; it has {_listed(judged)}")
    taken: set[str] = set()
    for place, checkpoint in enumerate(checkpoint_names(record)):
        folder = _free(anchor(checkpoint), taken)
        for figure in figures(record, checkpoint):
            yield from _of_plots(figure.plots, f"{folder}/{figure.slug}", taken)
        for row in judged:
            if row.id in claims or EVERY in claims:
                yield from _of_plots(_plots(row.cells[place]), f"{folder}/claim-{anchor(row.id)}", taken)


def _listed(judged: tuple[Row, ...]) -> str:
    return ", ".join(row.id for row in judged[:50]) or "none"


def _plots(cell: Cell) -> tuple[Plot, ...]:
    """A claim's plots as on its page, without ceilings."""
    bands = tuple(dict.fromkeys(band for claim in cell.claims for band in claim.bands))
    threshold = next((claim.threshold for claim in cell.claims if claim.threshold is not None), None)
    return plots((curve for claim in cell.claims for curve in claim.curves), bands, threshold)


def _of_plots(several: tuple[Plot, ...], name: str, taken: set[str]) -> Iterator[Sheet]:
    for plot in several:
        for reading, panels in _by_reading(plot).items():
            norm = "-final-norm" if panels[0].curves[0].measurement.norm else ""
            stem = _free(f"{name}{norm}{f'-{anchor(reading)}' if reading else ''}", taken)
            told = replace(plot, panels=panels, reading=reading or plot.reading)
            if len(panels) > 1:
                yield Sheet(stem, TEXT, told)
            for panel in panels:
                single = _free(f"{stem}-{anchor(panel.title)}", taken)
                yield Sheet(single, COLUMN, replace(told, panels=(panel,)))


def _by_reading(plot: Plot) -> dict[str, tuple[Panel, ...]]:
    """A plot's panels, and those of the other readings that stand beside them."""
    readings = dict.fromkeys(one.reading for panel in plot.panels for one in (panel, *panel.beside))
    return {
        reading: tuple(
            one for panel in plot.panels for one in (panel, *panel.beside) if one.reading == reading
        )
        for reading in readings
    }


def _free(name: str, taken: set[str]) -> str:
    """The name, or with a number where another picture has it already."""
    spare = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    chosen = next(one for one in (name, *spare) if one not in taken)
    taken.add(chosen)
    return chosen
