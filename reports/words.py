"""Words and numbers as the report writes them: verdicts, source tags, estimates, p-values, durations.

Whatever comes from outside (questions, answers, paths, labels) passes through `clean` before it is
shown; templates escape it as well.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

from harness.statistics.verdict import Verdict
from harness.verdicts import wording
from harness.verdicts.record import ClaimRecord, CostRecord, MeasurementRecord

LONGEST = 1500
"""Characters of one outside text that the report shows; the JSON holds the whole."""

NOTHING = "–"
"""Stands where there is no number."""


@dataclass(frozen=True)
class Badge:
    """How a verdict is shown.

    Attributes:
        slug: its name in CSS classes and ids.
        word: its name in the table.
        symbol: a sign that can be told apart without colour.
        order: for sorting.
        meaning: one sentence for the reader.
    """

    slug: str
    word: str
    symbol: str
    order: int
    meaning: str


_SHOWN = "is shown to hold for this checkpoint, with an error of at most 5 %."
_MISSING = "Where it says “stage missing”: only that something the statement speaks of is too small."
_LACKING = "The checkpoint or the data lacks what the statement is about."
_OPEN = "These samples show neither; the reason is given with the verdict."
_ELSEWHERE = "Whoever measured this checkpoint elsewhere did not measure what the statement is about."
BADGES = {
    Verdict.SUPPORTED: Badge("supported", "SUPPORTED", "✓", 0, f"The statement {_SHOWN}"),
    Verdict.REFUTED: Badge("refuted", "REFUTED", "✗", 2, f"The opposite {_SHOWN} {_MISSING}"),
    Verdict.INCONCLUSIVE: Badge("inconclusive", "INCONCLUSIVE", "?", 3, _OPEN),
    Verdict.NOT_APPLICABLE: Badge("not-applicable", "NOT APPLICABLE", "○", 4, _LACKING),
    Verdict.NOT_MEASURED: Badge("not-measured", "NOT MEASURED", "∅", 5, _ELSEWHERE),
}
MIXED = Badge("mixed", "MIXED BY TASK", "◐", 1, "Verdicts differ between tasks; open the row to see them.")

SOURCES = {
    "ABS": "the paper's abstract or Figure 1 caption",
    "CODE": "the authors' released code or files",
    "DATA": "counted in the released data files",
    "3P": "a third party's summary of the paper",
    "MEM": "as recalled; not checked against the paper",
    "OURS": "this suite's own addition, not the paper's",
}

READINGS = {
    "p_c": "probability (p_c)",
    "distractor": wording.READINGS["distractor"],
    "flip": wording.READINGS["flip"],
}
"""The three ways in which an effect is read."""

_ARXIV = re.compile(r"arXiv \d{4}\.\d{5}", re.ASCII)
_TAG = re.compile(r"(?<!\w)(ABS|CODE|DATA|3P|MEM|OURS)(?!\w)")
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_SMALLEST_P = 0.001
_MANY = 1000
_MINUTE = 60.0
_HOUR = 3600.0


def source_in_words(source: str) -> str:
    """Say where a statement comes from; unknown tags are repeated as they are."""
    tags = [SOURCES[tag] for tag in dict.fromkeys(_TAG.findall(source))]
    others = [f"another paper, {paper}" for paper in dict.fromkeys(_ARXIV.findall(source))]
    known = tags if "OURS" in source else [*tags, *others]
    return "; ".join(known) or clean(source)


def clean(text: object, longest: int = LONGEST) -> str:
    """Return ``text`` without characters that change how its surroundings are read, cut to ``longest``.

    Control characters and lone surrogates become the replacement character; marks that turn the
    writing direction go, so that a right-to-left answer cannot reorder the sentence around it.
    """
    written = str(text)
    kept = "".join(
        _harmless(character) for character in written[: longest + 1] if character not in _DIRECTION
    )
    return kept if len(written) <= longest else kept[: longest - 1] + "…"


def _harmless(character: str) -> str:
    if character in "\n\t":
        return " "
    return "\ufffd" if unicodedata.category(character) in {"Cc", "Cs"} else character


def number(value: float | None) -> str:
    """Write an estimate: three digits, a real minus sign, a dash for what is not a number."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if abs(value) >= _MANY:
        text = f"{value:,.0f}"
    elif abs(value) >= 1:
        text = f"{value:.1f}"
    else:
        text = f"{value:.3f}".rstrip("0").rstrip(".") or "0"
    return "0" if text in {"-0", "0.0", "-0.0"} else text.replace("-", "−")


def plain_number(value: float | None) -> str:
    """Write a number that is not an estimate, a threshold say: 10, not 10.0."""
    return number(value).removesuffix(".0")


def interval(lower: float, upper: float) -> str:
    """Write an interval, or a dash where neither end is known."""
    if not math.isfinite(lower) and not math.isfinite(upper):
        return NOTHING
    return f"{_end(lower, '−∞')} to {_end(upper, '∞')}"


def _end(value: float, unbounded: str) -> str:
    return number(value) if math.isfinite(value) else unbounded


def p_value(value: float) -> str:
    """Write a p-value; nothing below 0.001 is spelt out."""
    if not math.isfinite(value):
        return NOTHING
    return "< 0.001" if value < _SMALLEST_P else f"{value:.3f}"


def count(value: int, thing: str) -> str:
    """Write ``1 image``, ``1,234 images`` or ``2 passes``."""
    plural = "es" if thing.endswith("s") else "s"
    return f"{value:,} {thing}" + ("" if value == 1 else plural)


def duration(seconds: float) -> str:
    """Write a time as a reader would say it."""
    if not math.isfinite(seconds):
        return NOTHING
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.1f} min"
    return f"{seconds / _HOUR:.1f} h"


def cost_rows(cost: CostRecord | None) -> list[tuple[str, str]]:
    """What measuring was predicted to take beside what it took, as names and values; nothing without one."""
    if cost is None:
        return []
    said = cost.predicted
    time = f"{duration(said.shortest)} to {duration(said.longest)}"
    return [
        ("predicted passes", f"{said.passes:,}, at most {said.most_passes:,}; measured {cost.passes:,}"),
        (
            "predicted rows × layers",
            f"{said.row_layers:,}, at most {said.most_row_layers:,}; computed {cost.row_layers:,}",
        ),
        ("predicted time of measuring", f"{time}; took {duration(cost.seconds)}"),
        ("predicted from", clean(f"{said.derived}; {said.rate}", 400)),
    ]


def lines(text: str) -> str:
    """Write an outside text as `clean` does, but keep its lines."""
    return "\n".join(clean(line) for line in text[: LONGEST + 1].split("\n"))


def measurement_name(measurement: MeasurementRecord) -> str:
    """Write what a curve shows, e.g. ``related patches → question``."""
    return clean(wording.measurement_name(measurement), 160)


def percent(share: float | None) -> str:
    """Write a share as per cent."""
    return NOTHING if share is None or not math.isfinite(share) else f"{share:.0%}".replace("-", "−")


def anchor(identifier: str) -> str:
    """Return an id for a link: letters, digits and hyphens only."""
    return re.sub(r"[^a-z0-9]+", "-", identifier.lower()).strip("-")[:60] or "x"


def claim_order(identifier: str) -> tuple[str, int, str]:
    """Sort key of a claim's id: A2 before A10, C3 before C3b."""
    match = re.fullmatch(r"([A-Za-z]+)(\d{1,9})(.*)", identifier, re.DOTALL | re.ASCII)
    return (match[1], int(match[2]), match[3]) if match else (identifier, 0, "")


def scope(claim: ClaimRecord) -> str:
    """Name what a verdict is about beside the claim: a task, or all of them."""
    return clean(claim.task, 80) if claim.task else "all tasks"
