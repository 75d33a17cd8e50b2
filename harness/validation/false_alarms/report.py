"""The counts as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from scipy import stats

from harness.validation.false_alarms.counting import Count, Tally
from harness.validation.false_alarms.situations import Situation
from harness.verdicts.regression.baseline import About
from harness.verdicts.regression.changes import Change

_RUNS = (
    "| truth | images a side | runs | runs with a false alarm | curves | equivalent | undecided | moved |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
)
_ERRORS = (
    "| truth | images a side | called moved, though it differs by 10 points at most "
    "| called equivalent, though it differs by 10 or more | wrong name |\n"
    "| --- | ---: | ---: | ---: | ---: |\n"
)


def markdown(counts: Mapping[Situation, Count], about: About, *, alpha: float, draws: int, date: str) -> str:
    """The tables, with what one must know to read them."""
    runs = "".join(_run(situation, count) for situation, count in counts.items())
    errors = "".join(_error(situation, count) for situation, count in counts.items())
    return (
        f"# False alarms against a baseline, {date}\n\n"
        f"`python -m harness.validation.false_alarms`: the per-image effects of the baseline "
        f"{about.checkpoint} ({about.date}; {about.dataset}) are the population; alpha = {alpha:g}, "
        f"{draws:,} draws. A run compares every curve of the baseline.\n\n{_RUNS}{runs}\n"
        "*Unchanged, other samples*: a random half of the images against the other half; else images are "
        "drawn with\nreplacement. Undecided is what too few images leave open, never an alarm.\n\n"
        "## Errors by curve\n\nEach should be at most "
        f"{100 * alpha:g} %; 95 % Wilson intervals, which treat curves as independent.\n\n"
        f"{_ERRORS}{errors}\n"
        f"{_flows(next(iter(counts.items())))}"
    )


def _run(situation: Situation, count: Count) -> str:
    changes = count.changes
    alarms = f"{count.runs.wrong:,}" if count.unmoved.of else "–"
    where = f"{situation.name} | {_images(situation)}"
    return f"| {where} | {count.runs.of:,} | {alarms} | {changes.total():,} | {_shares(changes)} |\n"


def _error(situation: Situation, count: Count) -> str:
    cells = " | ".join(_rate(tally) for tally in (count.unmoved, count.unlike, count.moved))
    return f"| {situation.name} | {_images(situation)} | {cells} |\n"


def _rate(tally: Tally) -> str:
    if not tally.of:
        return "–"
    interval = stats.binomtest(tally.wrong, tally.of).proportion_ci(method="wilson")
    return (
        f"{100 * tally.wrong / tally.of:.2f} % ({100 * interval.low:.2f}–{100 * interval.high:.2f}) "
        f"of {tally.of:,}"
    )


def _images(situation: Situation) -> str:
    return f"{situation.images:,}" if situation.images else "half"


def _flows(first: tuple[Situation, Count]) -> str:
    situation, count = first
    lines = "".join(f"| {flow} | {_shares(changes)} |\n" for flow, changes in count.by_flow.items())
    return (
        f"## {situation.name[0].upper()}{situation.name[1:]}, by flow\n\n"
        f"| flow | equivalent | undecided | moved |\n| --- | ---: | ---: | ---: |\n{lines}"
    )


def _shares(changes: Counter[Change]) -> str:
    moved = sum(number for change, number in changes.items() if change.moved)
    cells = (changes[Change.EQUIVALENT], changes[Change.UNDECIDED], moved)
    return " | ".join(f"{100 * number / changes.total():.1f} %" for number in cells)
