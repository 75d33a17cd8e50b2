"""The record as one self-contained HTML page.

The page is complete without its script, which only filters, sorts and switches the theme. Its content
policy allows nothing but its own style, its own script (by hash) and no network: even a text that got
past escaping could not run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache

import jinja2
from markupsafe import Markup

from harness.verdicts.record import ClaimRecord, RunRecord
from reports import summary, words
from reports.catalogue import catalogue_of
from reports.drawing import flow_map_svg, margin_svg, panel_svg, styles
from reports.drawing.flow_map import FlowMap
from reports.drawing.panels import Entry, Panel, legend
from reports.drawing.styles import Series
from reports.lost_margin import Lost
from reports.page import citation
from reports.page.calibrated import calibration
from reports.page.checkpoints import checkpoint_views
from reports.page.environment import TEMPLATES, environment
from reports.page.samples import REGIONS, cards, lettered
from reports.page.sections import sections
from reports.page.since import since
from reports.sensitivity import sensitivity


def render(record: RunRecord) -> str:
    """Return the page for ``record``."""
    found = summary.summarize(record)
    catalogue = catalogue_of(record)
    views = checkpoint_views(record)
    script = (TEMPLATES / "script.js").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            record=record,
            found=found,
            rows=found.rows,
            names=found.names,
            sections=tuple(sections(record, catalogue, found.rows, views)),
            parts=catalogue.parts,
            part_of=catalogue.part_of,
            shown_parts=tuple(dict.fromkeys(filter(None, (catalogue.part_of(row.id) for row in found.rows)))),
            since=since(record),
            cards=cards(record),
            views=views,
            calibration=calibration(),
            sensitivity=sensitivity(),
            citation=citation.entries(record.suite),
            decided_at=summary.decided_at(record.protocol),
            claim_id=claim_ids(tuple(row.id for row in found.rows)).__getitem__,
            script=Markup(script),  # noqa: S704 - our own file
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


@cache
def _environment() -> jinja2.Environment:
    made = environment(html=True)
    made.filters.update(
        lines=words.lines,
        badge=words.BADGES.__getitem__,
        reread=summary.reread,
        percent=words.percent,
        settings=settings,
        files=files,
        facts=facts,
        lettered=lettered,
    )
    made.globals.update(
        badges=tuple(words.BADGES.values()),
        sources=words.SOURCES,
        regions=REGIONS,
        draw_panel=_draw_panel,
        draw_map=_draw_map,
        draw_margin=_draw_margin,
        answers=((styles.TRUE_ANSWER, margin_svg.STRONG), (styles.FALSE_ANSWER, margin_svg.FAINT)),
        lens_legend=_lens_legend,
        palette={"light": styles.LIGHT, "dark": styles.DARK},
    )
    return made


def _draw_panel(panel: Panel) -> Markup:
    return Markup(panel_svg.draw(panel))  # noqa: S704 - labels are escaped


def _draw_map(shown: FlowMap) -> Markup:
    return Markup(flow_map_svg.draw(shown))  # noqa: S704 - labels are escaped


def _draw_margin(lost: Lost, limits: tuple[float, float]) -> Markup:
    return Markup(margin_svg.draw(lost, limits))  # noqa: S704 - labels are escaped


def _lens_legend(shown: FlowMap) -> tuple[Entry, ...]:
    return legend(Series(form, "lens") for form in shown.lens)


def claim_ids(claims: tuple[str, ...]) -> dict[str, str]:
    """Give every claim the id of its section; two that look alike as ids get different ones."""
    chosen: dict[str, str] = {}
    for claim in claims:
        wanted = "claim-" + words.anchor(claim)
        taken = set(chosen.values())
        spare = (f"{wanted}-{number}" for number in range(2, len(claims) + 2))
        chosen[claim] = next(one for one in (wanted, *spare) if one not in taken)
    return chosen


def facts(claims: tuple[ClaimRecord, ...]) -> dict[str, list[tuple[str, str]]]:
    """The facts told beside verdicts: by what they are about, for which task and what was found."""
    found: dict[str, list[tuple[str, str]]] = {}
    for claim in claims:
        for fact in claim.judgement.notes:
            if fact.text:
                told = (words.scope(claim), words.clean(fact.text, 240))
                found.setdefault(words.clean(fact.about, 80), []).append(told)
    return found


def files(sources: tuple[tuple[str, str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Names of imported files, and for each what it holds and its hash, for a table."""
    return tuple(
        (words.clean(name, 200), f"{words.clean(holds, 200)}; SHA-256 {words.clean(digest, 80)}")
        for name, digest, holds in sources
    )


def settings(tree: object, path: str = "") -> tuple[tuple[str, str], ...]:
    """Flatten nested settings into names and values, for a table."""
    if isinstance(tree, Mapping):
        inner = [settings(value, f"{path} {key}".strip()) for key, value in tree.items()]
        return tuple(pair for pairs in inner for pair in pairs)
    if isinstance(tree, list | tuple):
        return ((words.clean(path, 80), words.clean(", ".join(str(item) for item in tree))),)
    return ((words.clean(path, 80), "not set" if tree is None else words.clean(tree)),)
