"""The record as a Markdown summary: the answer in a form that fits a pull request or a terminal."""

from __future__ import annotations

import re

from harness.statistics.verdict import Part, Verdict
from harness.verdicts.record import CheckpointRecord, ClaimRecord, RunRecord
from reports import summary
from reports.catalogue import catalogue_of
from reports.planned import decided_at
from reports.sensitivity import Sensitivity, sensitivity
from reports.words import (
    LOOKS,
    MIXED,
    READINGS,
    Look,
    clean,
    count,
    duration,
    flow_name,
    interval,
    number,
    p_value,
    plain_number,
    quantity,
    scope,
    source_in_words,
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$]|:(?=//))")
_LINK = re.compile(r"(?i)\b(www)\.")


def render(record: RunRecord) -> str:
    """Return the Markdown summary of ``record``."""
    matrix = summary.rows(record)
    blocks = [
        "# Which claims hold",
        _opening(record),
        *(_headline(line) for line in summary.headlines(matrix)),
        *(f"> {escape(remark)}" for remark in record.remarks),
        _matrix(matrix, summary.checkpoint_names(record)),
        _since(record),
        _expected(record),
        _metric(record),
        _reasons(record, "Left open", Verdict.INCONCLUSIVE),
        _reasons(record, "Does not apply", Verdict.NOT_APPLICABLE),
        *(_samples(item) for item in record.checkpoints),
        _known_truths(sensitivity()),
        _asked(record, matrix),
        _every_number(record),
        _closing(record),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def escape(text: object, longest: int = 400) -> str:
    """Return outside text so that Markdown shows it as it is: no markup, no link, no table cell."""
    marked = _LINK.sub(r"\1\\.", _SPECIAL.sub(r"\\\1", clean(text, longest)))
    return marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _opening(record: RunRecord) -> str:
    what = f"Data set {escape(record.dataset)}, suite {escape(record.suite)}, {escape(record.created)}"
    seconds = summary.seconds_spent(record.provenance)
    passes = sum(item.passes for item in record.checkpoints)
    spent = "" if seconds is None else f", {duration(seconds)}"
    return f"{what}; {count(passes, 'knocked-out pass')}{spent}."


def _headline(line: summary.Headline) -> str:
    tally = ", ".join(f"{look.symbol} {n} {look.word.lower()}" for look, n in line.counts)
    return f"**{escape(line.checkpoint)}**: {count(line.claims, 'claim')}{': ' if tally else ''}{tally}."


def _matrix(matrix: tuple[summary.Row, ...], names: tuple[str, ...]) -> str:
    if not matrix:
        return "No claim was judged."
    body = [
        [f"**{escape(row.id)}**", escape(row.statement), *map(cell_in_words, row.cells)] for row in matrix
    ]
    return table(["claim", "statement", *(escape(name) for name in names)], body)


def cell_in_words(cell: summary.Cell) -> str:
    """Write a claim's verdicts on a checkpoint as a table's cell: one with its effect, or counts."""
    if cell.look is None:
        return "not judged"
    if not cell.per_task:
        return f"{_chip(cell.look)}{_effect(cell.claims[0])}"
    if cell.look is MIXED:
        return f"{MIXED.symbol} " + ", ".join(f"{n} {look.word}" for look, n in cell.counts)
    return f"{_chip(cell.look)}, {count(len(cell.claims), 'task')}"


def _chip(look: Look) -> str:
    return f"{look.symbol} {look.word}"


def _effect(claim: ClaimRecord) -> str:
    part = summary.deciding(claim)
    return f"<br>{number(part.estimate)} [{interval(part.lower, part.upper)}]" if part else ""


def _expected(record: RunRecord) -> str:
    different = summary.unexpected(record)
    if not record.claims:
        return ""
    if not different:
        known = len(record.claims) - summary.without_expectation(record)
        return f"All {count(known, 'expected verdict')} came out again." if known else ""
    lines = [
        f"- {escape(c.id)} on {escape(c.checkpoint)}, {escape(scope(c))}: "
        f"{_chip(LOOKS[c.judgement.verdict])}, expected {escape(c.expected)}"
        f"{'' if c.enforced else ' (not enforced)'}"
        for c in different
    ]
    return "## Not as expected\n\n" + "\n".join(lines)


def _since(record: RunRecord) -> str:
    lines = [
        f"- {escape(flow_name(one.flow))} on {escape(one.task)}, {escape(one.checkpoint)}: "
        f"{escape(one.change)}{_difference(one.difference)}"
        for one in record.changes
        if one.moved
    ]
    if not record.changes:
        return ""
    told = f"{len(lines)} of {count(len(record.changes), 'curve')} moved since the baseline."
    return "\n".join(["## Since the baseline", "", told, *([""] if lines else []), *lines])


def _difference(part: Part | None) -> str:
    return f", {number(part.estimate)} [{interval(part.lower, part.upper)}]" if part else ""


def _metric(record: RunRecord) -> str:
    lines = [
        f"- {escape(c.id)} on {escape(c.checkpoint)}, {escape(scope(c))}: {_three_ways(c)}"
        for c in record.claims
        if summary.metric_dependent(c)
    ]
    return "## Hanging on the metric\n\n" + "\n".join(lines) if lines else ""


def _three_ways(claim: ClaimRecord) -> str:
    told = [("p_c", claim.judgement.verdict), *((one.name, one.verdict) for one in claim.judgement.readings)]
    return "; ".join(
        f"by {READINGS.get(name) or escape(name)} {_chip(LOOKS[verdict])}" for name, verdict in told
    )


def _reasons(record: RunRecord, title: str, verdict: Verdict) -> str:
    """Why verdicts of one kind are what they are; tasks with the same reason in one line."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for claim in record.claims:
        if claim.judgement.verdict is verdict and claim.judgement.reason:
            key = (claim.id, claim.checkpoint, claim.judgement.reason)
            found.setdefault(key, []).append(scope(claim))
    lines = [
        f"- {escape(claim)} on {escape(checkpoint)}, {escape(', '.join(tasks))}: {escape(reason)}"
        for (claim, checkpoint, reason), tasks in found.items()
    ]
    return f"## {title}\n\n" + "\n".join(lines) if lines else ""


def _samples(item: CheckpointRecord) -> str:
    title = f"## Samples, {escape(item.name)}"
    if not item.tasks:
        return f"{title}\n\nNo task was run."
    body = [
        [
            escape(task.task),
            f"{task.samples:,}",
            f"{task.images:,}",
            f"{task.kept:,}",
            ", ".join(f"{n} {escape(reason)}" for reason, n in task.excluded.items()) or "none",
        ]
        for task in item.tasks
    ]
    listed = table(["task", "samples", "images", "used", "left out"], body)
    nothing = "" if any(task.kept for task in item.tasks) else "\n\nEvery sample was left out."
    return f"{title}\n\n{listed}{nothing}"


def _known_truths(score: Sensitivity | None) -> str:
    """How often claims of known truth came out right: of true ones, of false ones, by control."""
    if score is None:
        return ""
    body = [
        [
            escape(one.name),
            str(one.cases),
            f"{one.share:.1%}",
            f"{one.lower:.1%} to {one.upper:.1%}",
            str(one.undecided),
            str(one.wrong),
        ]
        for one in score.counts
    ]
    head = ["of", "cases", "truth returned", "95 % interval", "inconclusive", "wrong"]
    told = f"Claims true or false by construction on control checkpoints, judged {escape(score.date)}:"
    return f"## Where the truth is known\n\n{told}\n\n{table(head, body)}"


def _asked(record: RunRecord, matrix: tuple[summary.Row, ...]) -> str:
    entries = catalogue_of(record).claims
    lines = [f"- **{escape(row.id)}** {escape(entries[row.id].asked)}" for row in matrix if row.id in entries]
    listed = "\n".join(lines)
    return f"<details><summary>What each claim asks</summary>\n\n{listed}\n\n</details>" if lines else ""


def _every_number(record: RunRecord) -> str:
    decided = decided_at(record.protocol)
    body = [
        [
            escape(c.id),
            escape(scope(c)),
            escape(c.checkpoint),
            _chip(LOOKS[c.judgement.verdict]),
            *_quantity(summary.deciding(c)),
            decided(c),
        ]
        for c in record.claims
    ]
    if not body:
        return ""
    head = ["claim", "task", "checkpoint", "verdict", "quantity", "estimate", "interval", "the claim says"]
    listed = table([*head, "p (holds)", "p (fails)", "look"], body)
    return f"<details><summary>Every verdict and its numbers</summary>\n\n{listed}\n\n</details>"


def _quantity(part: Part | None) -> list[str]:
    if part is None:
        return ["", "", "", "", "", ""]
    return [
        escape(quantity(part.label), 160),
        number(part.estimate),
        interval(part.lower, part.upper),
        f"{escape(part.asserts)} {plain_number(part.threshold)}",
        escape(p_value(part.p_support)),
        escape(p_value(part.p_refute)),
    ]


def _closing(record: RunRecord) -> str:
    sources = source_in_words(", ".join(claim.source for claim in record.claims))
    where = f" Statements come from: {escape(sources, 900)}." if record.claims else ""
    return f"Each claim has its own error of at most 5 %; the catalogue as a whole has not.{where}"


def table(head: list[str], body: list[list[str]]) -> str:
    """Write a Markdown table; its cells must already be escaped."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
