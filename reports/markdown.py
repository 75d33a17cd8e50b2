"""The record as a Markdown summary: the answer in a form that fits a pull request or a terminal."""

from __future__ import annotations

import re
from functools import cache

import jinja2

from harness.statistics.verdict import Ground, Part, Verdict
from harness.verdicts.record import ClaimRecord, RunRecord
from harness.verdicts.wording import tally_in_words
from reports import summary
from reports.catalogue import catalogue_of
from reports.drawing import styles
from reports.drawing.figures import at_the_rule, curves_of
from reports.estimates import whole
from reports.lost_margin import Lost, lost_margins, nats
from reports.page.environment import environment
from reports.sensitivity import sensitivity
from reports.words import BADGES, MIXED, clean, count, scope

_LOST = (
    styles.QUESTION_LAST,
    styles.IMAGE_LAST,
    styles.IMAGE_QUESTION,
    styles.RELATED,
    styles.OTHER,
)
"""The flows whose lost margins the summary tells; the page tells all."""
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$]|:(?=//))")
_LINK = re.compile(r"(?i)\b(www)\.")
_AT = re.compile(r"(?<!\w)@(?=\w)|@(?=[\w.-]+\.\w)")
"""Before a name that GitHub would notify, and inside an address that it would link; no backslash helps."""
_APART = "@\u200b"
"""The same sign, and a space of no width."""


def render(record: RunRecord) -> str:
    """Return the Markdown summary of ``record``."""
    template = _environment().get_template("summary.md.j2")
    found, entries = summary.summarize(record), catalogue_of(record).claims
    return template.render(
        record=record,
        found=found,
        asked=[(row.id, entries[row.id].asked) for row in found.rows if row.id in entries],
        decided_at=summary.decided_at(record.protocol),
        lost=[(name, _lost(record, name)) for name in found.names],
        sensitivity=sensitivity(),
    )


@cache
def _environment() -> jinja2.Environment:
    made = environment(html=False)
    made.filters.update(md=escape, estimate=_estimate, chip=_chip, cell=cell_in_words, nats=nats)
    made.globals.update(reasons=_reasons)
    return made


def escape(text: object, longest: int = 400) -> str:
    """Return outside text so that Markdown shows it as it is: no markup, link, mention or table cell."""
    marked = _LINK.sub(r"\1\\.", _SPECIAL.sub(r"\\\1", _AT.sub(_APART, clean(text, longest))))
    return marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cell_in_words(cell: summary.Cell) -> str:
    """Write a claim's verdicts on a checkpoint as a table's cell: one with its effect, or counts."""
    if cell.badge is None:
        return "not judged"
    if not cell.per_task:
        return verdict_in_words(cell.claims[0])
    if cell.badge is MIXED:
        counts = ", ".join(f"{n} {badge.word}" for badge, n in cell.counts)
        return f"{MIXED.symbol} {counts}{_if_missing(cell.missing)}"
    tasks = count(len(cell.claims), "task")
    return f"{_chip(cell.claims[0].judgement.verdict)}, {tasks}{_if_missing(cell.missing)}"


def verdict_in_words(claim: ClaimRecord) -> str:
    """Write a verdict with the effect that decided it as a table's cell."""
    part, judgement = summary.deciding(claim), claim.judgement
    told = [
        _chip(judgement.verdict) + _if_missing(int(judgement.ground is Ground.MISSING)),
        _estimate(part) if part else None,
        escape(tally_in_words(judgement.tally)) if judgement.tally else None,
    ]
    return "<br>".join(filter(None, told))


def _if_missing(verdicts: int) -> str:
    """Tell how many of several verdicts, or of one, are refuted by a missing stage alone."""
    return f" ({Ground.MISSING}{f' in {verdicts}' if verdicts > 1 else ''})" if verdicts else ""


def _estimate(part: Part) -> str:
    return escape(whole(part))


def _chip(verdict: Verdict) -> str:
    return f"{BADGES[verdict].symbol} {BADGES[verdict].word}"


def _lost(record: RunRecord, checkpoint: str) -> tuple[Lost, ...]:
    """Where the paper's flows take most of the margin, flow by flow."""
    known = at_the_rule(record, checkpoint, curves_of(record, checkpoint))
    effects = [curve for curve in known if curve.role == "effect" and curve.reading == "p_c"]
    return lost_margins(curve for flow in _LOST for curve in effects if curve.measurement == flow)


def _reasons(record: RunRecord, verdict: str) -> dict[tuple[str, str, str], list[str]]:
    """Tasks by claim, checkpoint and the reason why verdicts of one kind are what they are."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for claim in record.claims:
        if claim.judgement.verdict == verdict and claim.judgement.reason:
            key = (claim.id, claim.checkpoint, claim.judgement.reason)
            found.setdefault(key, []).append(scope(claim))
    return found


def table(head: list[str], body: list[list[str]]) -> str:
    """Write a Markdown table; its cells must already be escaped."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
