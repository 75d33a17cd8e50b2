"""The record as one self-contained HTML page.

The page is complete without its script, which only filters, sorts and switches the theme. Its content
policy allows nothing but its own style, its own script (by hash) and no network: even a text that got
past escaping could not run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from harness.verdicts.catalogue import Catalogue, Entry
from harness.verdicts.record import CheckpointRecord, ClaimRecord, RunRecord
from reports import citation, flowmap_art, panel_art, summary, words
from reports.adjust import Adjusted, adjusted
from reports.calibrated import calibration
from reports.catalogue import catalogue_of, made_in, stated
from reports.ceilings import ceilings_of
from reports.controls import Baseline, Control, baselines, controls
from reports.figures import Figure, at_the_rule, curves_of, figures
from reports.flowmap import FlowMap, flow_map
from reports.panels import Panel, Plot, claim_curves, legend, plots
from reports.planned import decided_at
from reports.sensitivity import sensitivity
from reports.shown import REGIONS, cards
from reports.since import since
from reports.styles import stub
from reports.usage import Usage, usage

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Share:
    """One checkpoint's part of a claim's section.

    Attributes:
        cell: the verdicts.
        plots: their curves.
        usage: what became of the samples, or None where the record does not say.
        adjusted: the verdicts' p-values, adjusted over all claims of the checkpoint.
    """

    cell: summary.Cell
    plots: tuple[Plot, ...]
    usage: Usage | None
    adjusted: tuple[Adjusted, ...]


@dataclass(frozen=True)
class Against:
    """A claim that pulls the other way.

    Attributes:
        id: its id.
        statement: what it says.
        source: where it was made, for a rival finding; else empty.
        cells: its verdicts in this run.
    """

    id: str
    statement: str
    source: str
    cells: tuple[summary.Cell, ...]


@dataclass(frozen=True)
class Section:
    """The section of a claim.

    Attributes:
        row: the claim and its verdicts.
        part: the heading it opens: a part of the catalogue; empty for all claims but a part's first.
        entry: the claim in plain words, or None for one that the catalogue does not know.
        hypotheses: the hypothesis exactly; several where tasks or checkpoints differ.
        absent: why the claim does not apply, where that is so everywhere.
        against: claims that pull the other way.
        shares: per checkpoint, verdicts and curves.
    """

    row: summary.Row
    part: str
    entry: Entry | None
    hypotheses: tuple[str, ...]
    absent: tuple[str, ...]
    against: tuple[Against, ...]
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class Portrait:
    """What is shown of a checkpoint beside the claims.

    Attributes:
        name: its name.
        record: how it was run, or None where the record does not say.
        picture: the flow through it, or None where it was not measured.
        figures: the paper's figures.
        adjusted: its p-values, adjusted for the number of claims.
        controls: random-source controls and controls that were measured on it.
        baselines: per task, what stands beside its effects.
    """

    name: str
    record: CheckpointRecord | None
    picture: FlowMap | None
    figures: tuple[Figure, ...]
    adjusted: tuple[Adjusted, ...]
    controls: tuple[Control, ...]
    baselines: tuple[Baseline, ...]


def render(record: RunRecord) -> str:
    """Return the page for ``record``."""
    environment = _environment()
    matrix = summary.rows(record)
    catalogue = catalogue_of(record)
    seen = portraits(record)
    script = (TEMPLATES / "script.js").read_text(encoding="utf-8")
    return environment.get_template("report.html.j2").render(
        record=record,
        rows=matrix,
        names=summary.checkpoint_names(record),
        headlines=summary.headlines(matrix),
        totals=summary.count_verdicts(record.claims),
        unexpected=summary.unexpected(record),
        unknown=summary.without_expectation(record),
        seconds=summary.seconds_spent(record.provenance),
        sections=tuple(_sections(record, catalogue, matrix, seen)),
        parts=catalogue.parts,
        shown_parts=tuple(dict.fromkeys(filter(None, (catalogue.part_of(row.id) for row in matrix)))),
        metric=any(map(summary.metric_dependent, record.claims)),
        part_of=catalogue.part_of,
        since=since(record),
        fragile=summary.fragile(record),
        cards=cards(record),
        regions=REGIONS,
        calibration=calibration(),
        sensitivity=sensitivity(),
        portraits=seen,
        looks=tuple(words.LOOKS.values()),
        looks_of_cells=(*words.LOOKS.values(), words.MIXED),
        sources=words.SOURCES,
        readings=words.READINGS,
        citation=citation.entries(record.suite),
        decided_at=decided_at(record.protocol),
        claim_id=claim_ids(tuple(row.id for row in matrix)).__getitem__,
        draw_panel=_Numbered(panel_art.draw, "p"),
        draw_map=_Numbered(flowmap_art.draw, "m"),
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def portraits(record: RunRecord) -> tuple[Portrait, ...]:
    """What is shown of each checkpoint."""
    return tuple(_portrait(record, name) for name in summary.checkpoint_names(record))


def _portrait(record: RunRecord, name: str) -> Portrait:
    known = next((item for item in record.checkpoints if item.name == name), None)
    curves = curves_of(record, name)
    usual = at_the_rule(record, name, curves)
    layers = known.layers if known else max((max(c.points, default=0) + 1 for c in curves), default=0)
    claims = [claim for claim in record.claims if claim.checkpoint == name]
    return Portrait(
        name,
        known,
        flow_map(usual, layers),
        figures(record, name),
        adjusted(claims, _alpha(record)),
        controls(curves),
        baselines(known, usual) if known else (),
    )


def _alpha(record: RunRecord) -> float:
    try:
        alpha = float(record.protocol.get("alpha", 0.05))
    except (TypeError, ValueError):
        return 0.05
    return alpha if 0 < alpha < 1 else 0.05


def _sections(
    record: RunRecord, catalogue: Catalogue, matrix: tuple[summary.Row, ...], seen: tuple[Portrait, ...]
) -> Iterator[Section]:
    rows = {row.id: row for row in matrix}
    before = ""
    for row in matrix:
        part = catalogue.part_of(row.id)
        entry = catalogue.claims.get(row.id)
        tested = [claim for claim in row.claims if not summary.inapplicable(claim)]
        yield Section(
            row=row,
            part=part if part != before else "",
            entry=entry,
            hypotheses=tuple(dict.fromkeys(claim.hypothesis for claim in tested)),
            absent=() if tested else tuple(dict.fromkeys(claim.hypothesis for claim in row.claims)),
            against=tuple(_against(one, catalogue, rows) for one in entry.rivals) if entry else (),
            shares=tuple(
                _share(record, cell, one) for cell, one in zip(row.cells, seen, strict=True) if cell.claims
            ),
        )
        before = part


def _against(claim: str, catalogue: Catalogue, rows: Mapping[str, summary.Row]) -> Against:
    row, entry = rows.get(claim), catalogue.claims.get(claim)
    statement = row.statement if row else stated(entry) if entry else ""
    return Against(claim, statement, made_in(entry) if entry else "", row.cells if row else ())


def _share(record: RunRecord, cell: summary.Cell, portrait: Portrait) -> Share:
    bands = tuple(dict.fromkeys(band for claim in cell.claims for band in claim.bands))
    threshold = next((claim.threshold for claim in cell.claims if claim.threshold is not None), None)
    return Share(
        cell=cell,
        plots=plots(claim_curves(cell.claims), bands, threshold, ceilings_of(portrait.record)),
        usage=usage(record, cell),
        adjusted=tuple(one for one in portrait.adjusted if any(one.claim is claim for claim in cell.claims)),
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., object]] = {
        "clean": words.clean,
        "quantities": words.quantities,
        "number": words.number,
        "plain": words.plain_number,
        "p": words.p_value,
        "count": words.count,
        "duration": words.duration,
        "flow": words.flow_name,
        "anchor": words.anchor,
        "scope": words.scope,
        "source": words.source_in_words,
        "look": words.look,
        "deciding": summary.deciding,
        "reread": summary.reread,
        "metric": summary.metric_dependent,
        "quantity": words.quantity,
        "percent": words.percent,
        "facts": facts,
        "notes": notes,
    }
    environment.filters.update(filters)
    environment.globals.update(
        interval=words.interval,
        lens_legend=lambda picture: legend([stub(form, "lens") for form in picture.lens]),
    )
    return environment


def claim_ids(claims: tuple[str, ...]) -> dict[str, str]:
    """Give every claim the id of its section; two that look alike as ids get different ones."""
    chosen: dict[str, str] = {}
    for claim in claims:
        wanted = "claim-" + words.anchor(claim)
        taken = set(chosen.values())
        spare = (f"{wanted}-{number}" for number in range(2, len(claims) + 2))
        chosen[claim] = next(one for one in (wanted, *spare) if one not in taken)
    return chosen


def notes(claims: tuple[ClaimRecord, ...]) -> dict[str, list[tuple[str, str]]]:
    """Notes of verdicts, each ``label: fact``: by label, for which task and what."""
    found: dict[str, list[tuple[str, str]]] = {}
    for claim in claims:
        for note in claim.judgement.notes:
            label, told, fact = note.partition(": ")
            if told:
                found.setdefault(words.clean(label, 80), []).append(
                    (words.scope(claim), words.quantity(fact))
                )
    return found


class _Numbered:
    """A drawing function that gives every drawing of a page a name of its own."""

    def __init__(
        self, draw: Callable[[Panel, str], str] | Callable[[FlowMap, str], str], prefix: str
    ) -> None:
        self._draw: Callable[..., str] = draw
        self._prefix = prefix
        self._drawn = 0

    def __call__(self, subject: Panel | FlowMap) -> Markup:
        self._drawn += 1
        return Markup(self._draw(subject, f"{self._prefix}{self._drawn}"))  # noqa: S704 - labels are escaped


def facts(tree: object, path: str = "") -> tuple[tuple[str, str], ...]:
    """Flatten nested settings into names and values, for a table."""
    if isinstance(tree, Mapping):
        inner = [facts(value, f"{path} {key}".strip()) for key, value in tree.items()]
        return tuple(pair for pairs in inner for pair in pairs)
    if isinstance(tree, list | tuple):
        return ((words.clean(path, 80), words.clean(", ".join(str(item) for item in tree))),)
    return ((words.clean(path, 80), "not set" if tree is None else words.clean(tree)),)
