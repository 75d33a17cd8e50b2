"""The pages of a site: an overview, and one page a run; every link is relative."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import jinja2
from markupsafe import Markup

from harness.data.errors import HarnessError
from harness.verdicts.record import RunRecord
from reports.catalogue import catalogue_of
from reports.page.render import page_environment, render
from reports.page.shared_styles import with_shared_styles
from reports.site import forest_svg
from reports.site.overview import overview
from reports.site.runs import History, Run, histories
from reports.site.spread import Spread
from reports.words import BADGES, MIXED

LARGEST = 5_000_000
"""Bytes of a page: what a static host and a browser take without complaint."""
_UPRIGHT_FROM = 4
"""With more checkpoints than this, their names stand upright above the columns."""


def pages(records: Sequence[RunRecord], name: str) -> Iterator[tuple[str, str]]:
    """Every page as (link from the overview, HTML), the overview last.

    Args:
        records: the runs, of one checkpoint or several each.
        name: the overview's own file name.

    Raises:
        HarnessError: if no record has a checkpoint, or a page cannot be kept under `LARGEST`.
    """
    found = _shown(records)
    for history in found:
        for run in history.runs:
            yield run.page, _page(run, f"../{name}")
    yield name, _small(name, _overview(found))


def links(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """The pages that `pages` makes below the overview.

    Raises:
        HarnessError: if no record has a checkpoint.
    """
    return tuple(run.page for history in _shown(records) for run in history.runs)


def _shown(records: Sequence[RunRecord]) -> tuple[History, ...]:
    found = histories(records)
    if not found:
        raise HarnessError("these records have no checkpoint to show; `pytest findings` runs one")
    return found


def _page(run: Run, above: str) -> str:
    """A run's page, with as many example samples as leave it small enough."""
    html = render(run.record, above)
    kept = len(run.record.samples)
    while _size(html) > LARGEST and kept:
        kept //= 2
        html = render(replace(run.record, samples=run.record.samples[:kept]), above)
    return _small(run.name, html)


def _small(name: str, html: str) -> str:
    if _size(html) > LARGEST:
        raise HarnessError(
            f"the page of {name!r:.80} would have {_size(html) / 1e6:.1f} MB, the most is "
            f"{LARGEST / 1e6:.0f}; give fewer records"
        )
    return html


def _size(html: str) -> int:
    return len(html.encode("utf-8", errors="backslashreplace"))


def _overview(found: Sequence[History]) -> str:
    shown, catalogue = overview(found), catalogue_of(found[-1].latest.record)
    return with_shared_styles(
        _environment()
        .get_template("overview.html.j2")
        .render(
            shown=shown,
            columns=shown.columns,
            parts=catalogue.parts,
            part_of=catalogue.part_of,
            every_badge=sorted((*BADGES.values(), MIXED), key=lambda badge: badge.order),
            upright_from=_UPRIGHT_FROM,
            names=("overview",),
            site=True,
        )
    )


@cache
def _environment() -> jinja2.Environment:
    made = page_environment().overlay()
    made.globals = {**made.globals, "draw_forest": _draw_forest}
    return made


def _draw_forest(spread: Spread) -> Markup:
    return Markup(forest_svg.draw(spread))  # noqa: S704 - labels are escaped
