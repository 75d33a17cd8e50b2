"""The record as one self-contained HTML page.

The page is complete without its scripts: one filters, sorts and switches the theme, one tells the numbers
behind a curve. Its content policy allows nothing but its own style, its own scripts (by hash) and no network:
even a text that got past escaping could not run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache

import jinja2
from markupsafe import Markup

from harness.verdicts.record import ClaimRecord, RunRecord
from reports import estimates, summary, words
from reports.catalogue import catalogue_of
from reports.drawing import flow_map_svg, margin_svg, panel_svg, sparkline_svg, stage_svg, styles, svg
from reports.drawing.flow_map import FlowMap
from reports.drawing.panels import Entry, Panel, legend
from reports.drawing.sparkline import Sparkline, sparklines
from reports.drawing.stages import Stage
from reports.drawing.styles import Series
from reports.lost_margin import Lost
from reports.page import citation
from reports.page.calibrated import calibration
from reports.page.checkpoints import checkpoint_views
from reports.page.curve_data import CurveData
from reports.page.environment import TEMPLATES, environment
from reports.page.extent import extent
from reports.page.needless_ends import without_needless_ends
from reports.page.opening import openings
from reports.page.samples import REGIONS, cards, lettered
from reports.page.sections import sections
from reports.page.shared_drawings import with_shared_drawings
from reports.page.shared_styles import with_shared_styles
from reports.page.since import since
from reports.sensitivity import sensitivity

SCRIPTS = ("script.js", "curves.js")
GENERATOR = "crossmodal-flow-findings, page of a site"
"""What the pages of a site name as their maker, so that they are known again; a report alone names none."""


def render(record: RunRecord, overview: str = "") -> str:
    """Return the page for ``record``.

    Args:
        record: the run.
        overview: link to a page above this one, if there is one.
    """
    found = summary.summarize(record)
    catalogue = catalogue_of(record)
    views = checkpoint_views(record)
    page = with_shared_styles(
        page_environment()
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
            overview=overview,
            site=bool(overview),
            openings=openings(record, found, views),
            curve_data=CurveData(),
        )
    )
    return without_needless_ends(with_shared_drawings(page))


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def page_environment() -> jinja2.Environment:
    """The templates of every page, with their scripts and these's hashes for the content policy."""
    scripts = [(TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS]
    made = environment(html=True)
    made.filters.update(
        lines=words.lines,
        badge=words.BADGES.__getitem__,
        reread=summary.reread,
        what=estimates.what,
        with_unit=estimates.with_unit,
        sparklines=sparklines,
        extent=extent,
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
        across_panel=panel_svg.across,
        draw_stage=_draw_stage,
        across_stage=stage_svg.ACROSS,
        draw_sparkline=_draw_sparkline,
        across_sparkline=sparkline_svg.ACROSS,
        reach=_reach,
        draw_map=_draw_map,
        draw_margin=_draw_margin,
        answers=((styles.TRUE_ANSWER, margin_svg.STRONG), (styles.FALSE_ANSWER, margin_svg.FAINT)),
        lens_legend=_lens_legend,
        generator=GENERATOR,
        scripts=tuple(map(Markup, scripts)),
        script_hashes=tuple(map(_hash, scripts)),
        markers=Markup(svg.marker_definitions(styles.MARKED)),  # noqa: S704 - our own shapes
        plot_style=svg.STYLE,
        palette={"light": styles.LIGHT, "dark": styles.DARK},
    )
    return made


def _draw_panel(panel: Panel) -> Markup:
    return Markup(panel_svg.draw(panel))  # noqa: S704 - labels are escaped


def _draw_stage(stage: Stage) -> Markup:
    return Markup(stage_svg.draw(stage))  # noqa: S704 - labels are escaped


def _draw_sparkline(shown: Sparkline) -> Markup:
    return Markup(sparkline_svg.draw(shown))  # noqa: S704 - labels are escaped


def _reach(cell: summary.Cell) -> tuple[str, str] | None:
    """What the deciding estimates of a cell's tasks are and how far they reach, if they are alike."""
    return estimates.reach([part for claim in cell.claims if (part := summary.deciding(claim))])


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
