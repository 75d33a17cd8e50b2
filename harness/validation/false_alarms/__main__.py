"""``python -m harness.validation.false_alarms BASELINE.parquet``: how often a comparison is wrong."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from harness.data.errors import HarnessError
from harness.validation.false_alarms.counting import Count, count
from harness.validation.false_alarms.report import markdown
from harness.validation.false_alarms.situations import Halved, Later, Pushed, Situation, Unchanged
from harness.verdicts.regression.baseline import Baseline, read_baseline

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


def main(words: Sequence[str] | None = None) -> int:
    """Count, print, and write a table; returns 0, or 2 after one line on what was wrong with the input."""
    parser = argparse.ArgumentParser(prog="python -m harness.validation.false_alarms", description=__doc__)
    parser.add_argument("baseline", type=Path, help="a baseline, e.g. reports/baselines/embedded.parquet")
    parser.add_argument("--repetitions", type=int, default=1000, help="runs of the unchanged (default 1000)")
    parser.add_argument("--edges", type=int, default=100, help="runs of each other truth (default 100)")
    parser.add_argument("--power", type=int, default=10, help="runs for each number of images (default 10)")
    parser.add_argument("--draws", type=int, default=1000, help="replicates of a judgement (default 1000)")
    parser.add_argument("--processes", type=int, default=1, help="processes (default 1)")
    parser.add_argument("--alpha", type=float, default=0.05)
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write (default: only print)")
    options = parser.parse_args(words)
    try:
        baseline = read_baseline(options.baseline)
    except HarnessError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 2
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
    counts: dict[Situation, Count] = {}
    with ProcessPoolExecutor(options.processes) as pool:
        for done, (situation, found) in enumerate(pool.map(work, jobs), start=1):
            counts[situation] = counts.get(situation, Count()) + found
            print(f"{done} of {len(jobs)}: {situation.name}", file=sys.stderr, flush=True)
    text = markdown(
        counts,
        baseline.about,
        alpha=options.alpha,
        draws=options.draws,
        date=dt.datetime.now(dt.UTC).date().isoformat(),
    )
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    return 0


def _counted(
    baseline: Baseline, alpha: float, draws: int, job: tuple[Situation, range]
) -> tuple[Situation, Count]:
    situation, repetitions = job
    return situation, count(baseline, situation, repetitions, alpha=alpha, draws=draws)


if __name__ == "__main__":
    sys.exit(main())
