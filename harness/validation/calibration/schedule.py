"""Which cells are counted, how often and in which order: search for the worst, then measure them afresh."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib import metadata
from itertools import pairwise, product
from pathlib import Path
from typing import Any, TypeAlias

from harness.data.errors import HarnessError
from harness.statistics.looks import PLAN, LookPlan
from harness.validation.calibration import report
from harness.validation.calibration.cases import edges, powers
from harness.validation.calibration.ledger import Job, Ledger, Mapped
from harness.validation.calibration.simulation import DRAWS
from harness.validation.tables import today

SEARCHED_IMAGES = (60, 240)
PLANNED_IMAGES = (60, 100, 200, 400)
MANY_IMAGES = 1_000
SEARCH_ROUND = 40
ROUND = 500  # final cells grow by so many repetitions in turn
FIRST_ROUNDS = 4  # of all final cells; then come power, many images, and the comparison of draws
MOST = 100_000
"""Repetitions at most, for a cell whose rate keeps the promise and whose bound does not yet."""
SHORTLISTED = 3  # cells of each form and false verdict
DOUBTED = 12  # final cells that are counted at many images, too
SUSPECTED = (
    ("near zero", "all layers are at 0.05", "piled", 60),
    ("near zero", "one layer is at 0.05", "piled", 150),
    ("peaks above", "all layers are at 0.05", "piled", 60),
    ("never leads", "the other form peaks at 0.05 in all layers", "piled", 60),
    ("in order", "two far apart, two one layer apart", "piled", 60),
    ("in order, two effects", "one layer apart, two windows of 40 each", "gaussian", 60),
)
"""Cells that are measured at length because a reason, and not the search, points to them."""
GROWING = (
    ("in order, two effects", "exactly one layer apart", "gaussian", 1_000),
    ("in order, two effects", "one layer apart, drops of 15", "unlike", 1_000),
)
"""The same, with many images."""
COMPARED = ("drops somewhere", "negligible at", "at one depth, two effects", "mediates most, of two")
COMPARED_IMAGES = 60

Row: TypeAlias = Mapping[str, Any]


def run(options: argparse.Namespace) -> None:
    """Search for the worst cells, measure them afresh, plan, compare; write all into a folder."""
    options.folder.mkdir(parents=True, exist_ok=True)
    plan = plan_of(options.looks, options.shares)
    looks = {"looks": list(plan.images), "shares": list(plan.spending)}
    results = _earlier(options.folder, looks) if options.resume else {}
    results = {"seconds": 0.0, "errors": [], "powers": [], "equivalence": [], **results}
    results |= {
        "version": _version(),
        "draws": DRAWS,
        "processes": options.processes,
        "date": today(),
        **looks,
    }
    with _mapping(options.processes) as mapped:
        ledger = Ledger(results, options.folder, mapped, plan)
        for number in range(options.search // SEARCH_ROUND):
            ledger.count([replace(job, seed=number) for job in _search()])
        ledger.count(_shortlist(results["errors"], options.shortlist))
        worst = _worst(results["errors"])
        rounds = range(options.repetitions // ROUND)
        for number in rounds[:FIRST_ROUNDS]:
            ledger.count([replace(job, seed=number) for job in worst])
        ledger.count(_plans(options.plan))
        at_many = [_at_many(job) for job in _in_doubt(worst, results["errors"])[:DOUBTED]]
        at_many += [Job("many", *cell, ROUND) for cell in _places(GROWING)]
        for number in range(options.many // ROUND):
            ledger.count([replace(job, seed=number) for job in dict.fromkeys(at_many)])
        ledger.count(list(_comparison(options.comparison)))
        # The cells whose bound matters most come first, should the run be cut short.
        for job in _in_doubt(worst, results["errors"]):
            if ledger.minutes < options.minutes:
                ledger.count([replace(job, seed=number) for number in rounds[FIRST_ROUNDS:]])
        ledger.count(unsettled(results["errors"], len(rounds)))


def plan_of(images: Sequence[float], shares: Sequence[float]) -> LookPlan:
    """Return the plan of a run, or one with other looks.

    Args:
        images: how many each look sees; only their ratio to the last counts. Empty: the plan's.
        shares: what each may spend of alpha. Empty: the plan's.

    Raises:
        HarnessError: if that is no plan.

    """
    if any(one <= before for before, one in pairwise([0.0, *images])):
        raise HarnessError("the numbers of --looks are above 0 and grow")
    looks = tuple(one / images[-1] for one in images) or PLAN.images
    try:
        return replace(PLAN, images=looks, spending=tuple(shares) or PLAN.spending)
    except ValueError as error:
        raise HarnessError(f"{error}; give --looks and --shares together, one share for each look") from error


def unsettled(rows: Sequence[Row], rounds: int) -> list[Job]:
    """Return all further rounds of final cells whose rate keeps the promise and whose bound does not, yet.

    Up to `MOST` at once, whatever comes out on the way: who stops when a bound is low enough finds one.
    """
    found = (
        replace(job, seed=number)
        for row in rows
        if row["stage"] == "final" and rounds * ROUND <= row["repetitions"] < MOST
        if row["rate"] <= report.PROMISED < row["bound"] or row["repetitions"] > rounds * ROUND
        for job in _jobs("final", [row], ROUND)
        for number in range(row["repetitions"] // ROUND, MOST // ROUND)
    )
    return list(dict.fromkeys(found))


def _at_many(job: Job) -> Job:
    return replace(job, stage="many", images=MANY_IMAGES, repetitions=ROUND)


def _comparison(repetitions: int) -> Iterator[Job]:
    for place, case in enumerate(edges()):
        if case.form in COMPARED:
            for single in (False, True):
                cell = (case.shapes[0], COMPARED_IMAGES, repetitions)
                yield Job("compared", place, *cell, single=single)


@contextmanager
def _mapping(processes: int) -> Iterator[Mapped]:
    """Yield a `map` over processes; with one process, the ordinary one, so that stopping it leaves none."""
    if processes == 1:
        yield map
    else:
        with ProcessPoolExecutor(processes) as executor:
            yield executor.map


def _earlier(folder: Path, looks: Mapping[str, list[float]]) -> dict[str, Any]:
    path = folder / "results.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if found and {name: found[name] for name in looks} != looks:
        raise HarnessError(
            f"{path} was counted with other looks; leave --resume out, or give another --folder"
        )
    return found


def _search() -> list[Job]:
    return [
        Job("search", place, shape, images, SEARCH_ROUND)
        for place, case in enumerate(edges())
        for shape, images in product(case.shapes, SEARCHED_IMAGES)
    ]


def _shortlist(rows: Sequence[Row], repetitions: int) -> list[Job]:
    """Return, for each form and false verdict, the cells of the search in which it was most frequent."""
    kept = [row for group in _ranked(rows, "search") for row in group[:SHORTLISTED]]
    return _jobs("shortlist", kept, repetitions)


def _worst(rows: Sequence[Row]) -> list[Job]:
    """Return, for each form and false verdict, the worst cell of the shortlist; and the suspected ones."""
    found = _jobs("final", [group[0] for group in _ranked(rows, "shortlist")], ROUND)
    suspected = [Job("final", *cell, ROUND) for cell in _places(SUSPECTED)]
    return list(dict.fromkeys([*found, *suspected]))


def _places(cells: Sequence[tuple[str, str, str, int]]) -> list[tuple[int, str, int]]:
    places = {(case.form, case.truth): place for place, case in enumerate(edges())}
    return [(places[form, truth], shape, images) for form, truth, shape, images in cells]


def _ranked(rows: Sequence[Row], stage: str) -> list[list[Row]]:
    """Return the cells of a stage, those of one form (however used) and verdict together, worst first."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["stage"] == stage:
            groups[row["form"].split(",")[0], row["verdict"]].append(row)
    return [sorted(group, key=lambda row: -row["rate"]) for group in groups.values()]


def _jobs(stage: str, rows: Sequence[Row], repetitions: int) -> list[Job]:
    names = [(row["form"], row["truth"], row["shape"], row["images"]) for row in rows]
    return [Job(stage, *cell, repetitions) for cell in sorted(set(_places(names)))]


def _in_doubt(jobs: Sequence[Job], rows: Sequence[Row]) -> list[Job]:
    """Return final cells, the ones with the highest rates after the first rounds first."""
    rates: dict[tuple[str, str, str, int], float] = defaultdict(float)
    for row in rows:
        if row["stage"] == "final":
            cell = (row["form"], row["truth"], row["shape"], row["images"])
            rates[cell] = max(rates[cell], row["rate"])
    return sorted(jobs, key=lambda job: -rates[job.case.form, job.case.truth, job.shape, job.images])


def _plans(repetitions: int) -> list[Job]:
    return [
        Job("plan", place, shape, images, repetitions)
        for place, case in enumerate(powers())
        for shape, images in product(case.shapes, PLANNED_IMAGES)
    ]


def _version() -> str:
    try:
        return metadata.version("crossmodal-flow-findings")
    except metadata.PackageNotFoundError:
        return "not installed"
