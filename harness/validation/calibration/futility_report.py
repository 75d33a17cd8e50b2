"""What stopping for futility costs: error rates and power with and without it, as a page."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from harness.statistics.futility import FUTILE
from harness.statistics.looks import LookPlan
from harness.statistics.verdict import Verdict
from harness.validation.calibration import report
from harness.validation.calibration.cases import Case, edges, powers
from harness.validation.calibration.schedule import plan_of
from harness.validation.calibration.simulation import planned
from harness.validation.calibration.stopping import Stopped, stopped
from harness.validation.tables import Page, table, today

Row: TypeAlias = Mapping[str, Any]

_PAGE = """\
# Stopping for futility

{date}. Made by `python -m harness.validation futility` in {minutes:.0f} minutes. Looks at {looks}
images, one question each, with shares {shares} of alpha = 5 %. After a look that decides
nothing a claim is given up if the last look would decide it, either way, with a chance below {futile:.0%}
(predictive power, `harness/statistics/futility.py`). *Without* and *with* are counted on the same data
sets: what is given up can lose its verdict, and gains none.

## False verdicts

The {cells} forms and verdicts whose rates are highest in the [calibration](../calibration/results.md), at
their worst truths; {repetitions:,} data sets each. *Bound* is the exact upper 95 % confidence bound of the
rate with futility (Clopper and Pearson).

{errors}

## Right verdicts

The {cells} forms and verdicts of its power table that take the most images; {right:,} data sets each.
*Images* is how many were looked at on average, until the verdict, the stop, or the last look.

{powers}"""


def run(options: argparse.Namespace) -> Page:
    """Count the cells of the committed calibration that err most, and those that take the most images."""
    began = time.monotonic()
    plan, images = plan_of(options.looks, options.shares), options.images
    results = json.loads((report.FOLDER / "results.json").read_text(encoding="utf-8"))
    right = max(1, options.repetitions // 10)
    errors = list(_counted(worst(results, options.cells), edges(), images, options.repetitions, plan))
    power = list(_counted(slowest(results, options.cells), powers(), images, right, plan))
    text = _PAGE.format(
        date=today(),
        minutes=(time.monotonic() - began) / 60,
        looks=report.listed(f"{size}" for size, _ in planned(images, plan)),
        shares=report.listed(f"{share:g}" for share in plan.spending),
        futile=FUTILE,
        cells=options.cells,
        repetitions=options.repetitions,
        right=right,
        errors=table(
            "form | false verdict | where in truth | shape | given up: | without: | with: | bound:",
            ((*_cell(row, one), f"{one.bound:.2%}") for row, one in errors),
        ),
        powers=table(
            "form | right verdict | truth | shape | given up: | without: | with: | images without: | images:",
            ((*_cell(row, one), f"{one.images_without:.0f}", f"{one.images:.0f}") for row, one in power),
        ),
    )
    return Page("futility", text)


def worst(results: Mapping[str, Any], count: int) -> list[Row]:
    """Return the final cells with the highest rates, one of each form and verdict."""
    final = [row for row in results["errors"] if row["stage"] == "final"]
    return _first_of_each(sorted(final, key=lambda row: -row["rate"]), count)


def slowest(results: Mapping[str, Any], count: int) -> list[Row]:
    """Return the cells of the power table that take the most images, one of each form and verdict."""
    return _first_of_each(sorted(results["powers"], key=lambda row: (-row["images"], row["rate"])), count)


def _first_of_each(rows: Sequence[Row], count: int) -> list[Row]:
    firsts: dict[tuple[str, str], Row] = {}
    for row in rows:
        firsts.setdefault((row["form"].split(",")[0], row["verdict"]), row)
    return list(firsts.values())[:count]


def _counted(
    cells: Sequence[Row], cases: Sequence[Case], images: int, repetitions: int, plan: LookPlan
) -> Iterator[tuple[Row, Stopped]]:
    named = {(case.form, case.truth): case for case in cases}
    for row in cells:
        case, verdict = named[row["form"], row["truth"]], Verdict(row["verdict"])
        yield row, stopped(case, verdict, row["shape"], images, repetitions, plan)


def _cell(row: Row, one: Stopped) -> tuple[str, ...]:
    shares = (one.stopped / one.repetitions, one.without / one.repetitions, one.hits / one.repetitions)
    names = (row[name] for name in ("form", "verdict", "truth", "shape"))
    return (*names, f"{shares[0]:.0%}", *(f"{share:.2%}" for share in shares[1:]))
