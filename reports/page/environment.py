"""The templates, and what all of them may use to write numbers and names."""

from __future__ import annotations

from pathlib import Path

import jinja2

from harness.verdicts import wording
from reports import summary, words

TEMPLATES = Path(__file__).parent / "templates"


def environment(*, html: bool) -> jinja2.Environment:
    """An environment for the page, which escapes every text, or for Markdown, whose templates must."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=html,  # noqa: S701 - in Markdown the filter `md` escapes
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=not html,
    )
    made.filters.update(
        clean=words.clean,
        number=words.number,
        plain=words.plain_number,
        p=words.p_value,
        count=words.count,
        cost_rows=words.cost_rows,
        duration=words.duration,
        measurement=words.measurement_name,
        scope=words.scope,
        source=words.source_in_words,
        deciding=summary.deciding,
        tally=wording.tally_in_words,
    )
    made.globals.update(interval=words.interval, readings=words.READINGS)
    return made
