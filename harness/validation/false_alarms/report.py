"""How often a comparison with a baseline is wrong, counted and as Markdown."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from scipy import stats

from harness.validation.false_alarms.counting import Outcomes, Tally, count
from harness.validation.false_alarms.situations import Halved, Later, Pushed, Situation, Unchanged
from harness.validation.tables import Page, report_progress, table, today
from harness.verdicts.regression.baseline import About, Baseline, read_baseline
from harness.verdicts.regression.changes import Change

UNCHANGED = (Situation("unchanged, other samples", Unchanged(), None),)
EDGES = (
    Situation("10 points apart in every window", Pushed(everywhere=True), 240),
    Situation("10 points apart in one window", Pushed(everywhere=False), 240),
    Situation("half as deep", Halved(), 240),
    Situation("two layers later", Later(2), 240),
)
ROUND = 20
"""Repetitions of one job of a process; the counts do not depend on it."""
POWER = tuple(Situation("unchanged", Unchanged(), images) for images in (240, 480, 960))

_RUNS = (
    "truth | images a side: | runs: | runs with a false alarm: | curves: | equivalent: | undecided: | moved:"
)
_ERRORS = (
    "truth | images a side: | called moved, though it differs by 10 points at most: "
    "| called equivalent, though it differs by 10 or more: | wrong name:"
)


def run(options: argparse.Namespace) -> Page:
    """Outcomes, on the baseline's stored effects.

    Raises:
        HarnessError: if the baseline cannot be read.

    """
    baseline = read_baseline(options.baseline)
    asked = {
        **dict.fromkeys(UNCHANGED, options.repetitions),
        **dict.fromkeys(EDGES, options.edges),
        **dict.fromkeys(POWER, options.power),
    }
    work = partial(_counted, baseline, options.alpha, options.draws)
    jobs = [
        (situation, range(start, min(start + ROUND, repetitions)))
        for situation, repetitions in asked.items()
        for start in range(0, repetitions, ROUND)
    ]
    counts: dict[Situation, Outcomes] = {}
    with ProcessPoolExecutor(options.processes) as pool:
        for done, (situation, found) in enumerate(pool.map(work, jobs), start=1):
            counts[situation] = counts.get(situation, Outcomes()) + found
            report_progress(f"{done} of {len(jobs)}: {situation.name}")
    return Page("regression", markdown(counts, baseline.about, alpha=options.alpha, draws=options.draws))


def _counted(
    baseline: Baseline, alpha: float, draws: int, job: tuple[Situation, range]
) -> tuple[Situation, Outcomes]:
    situation, repetitions = job
    return situation, count(baseline, situation, repetitions, alpha=alpha, draws=draws)


def markdown(counts: Mapping[Situation, Outcomes], about: About, *, alpha: float, draws: int) -> str:
    """The tables, with what one must know to read them."""
    return (
        f"# False alarms against a baseline, {today()}\n\n"
        f"`python -m harness.validation false-alarms`: the per-image effects of the baseline "
        f"{about.checkpoint} ({about.date}; {about.dataset}) are the population; alpha = {alpha:g}, "
        f"{draws:,} draws. A run compares every curve of the baseline.\n\n"
        f"{table(_RUNS, (_run(*one) for one in counts.items()))}\n"
        "*Unchanged, other samples*: a random half of the images against the other half; else images are "
        "drawn with\nreplacement. Undecided is what too few images leave open, never an alarm.\n\n"
        "## Errors by curve\n\nEach should be at most "
        f"{100 * alpha:g} %; 95 % Wilson intervals, which treat curves as independent.\n\n"
        f"{table(_ERRORS, (_error(*one) for one in counts.items()))}\n"
        f"{_flows(*next(iter(counts.items())))}"
    )


def _run(situation: Situation, count: Outcomes) -> Iterator[str]:
    changes = count.changes
    alarms = f"{count.runs.wrong:,}" if count.unmoved.of else "–"
    yield from (situation.name, _images(situation), f"{count.runs.of:,}", alarms, f"{changes.total():,}")
    yield from _shares(changes)


def _error(situation: Situation, count: Outcomes) -> Iterator[str]:
    yield from (situation.name, _images(situation))
    yield from map(_rate, (count.unmoved, count.unlike, count.moved))


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


def _flows(situation: Situation, count: Outcomes) -> str:
    rows = ((flow, *_shares(changes)) for flow, changes in count.by_flow.items())
    return (
        f"## {situation.name[0].upper()}{situation.name[1:]}, by flow\n\n"
        f"{table('flow | equivalent: | undecided: | moved:', rows)}"
    )


def _shares(changes: Counter[Change]) -> tuple[str, ...]:
    moved = sum(number for change, number in changes.items() if change.moved)
    cells = (changes[Change.EQUIVALENT], changes[Change.UNDECIDED], moved)
    return tuple(f"{100 * number / changes.total():.1f} %" for number in cells)
