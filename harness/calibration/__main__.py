"""Run the benchmark: ``python -m harness.calibration [--repetitions N] [--processes N]``."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib import metadata
from itertools import product
from pathlib import Path
from typing import Any

from harness.calibration import report
from harness.calibration.cases import Case, edges, powers
from harness.calibration.simulation import DRAWS, Count, Pool, count, count_singly
from harness.statistics import DRAWS as REAL_DRAWS

SEARCHED_IMAGES = (60, 240)
PLANNED_IMAGES = (60, 100, 200, 400)
POWER_SHAPES = ("skewed", "gaussian")
MANY_IMAGES = 1_000
ROUND = 500  # final cells grow by so many repetitions in turn
AFTER_ROUND = 3  # then come the two other tables, whose place in the queue matters only if it is cut short
COMPARED = ("drops somewhere", "negligible everywhere", "in order")


Mapped = Callable[[Callable[["Job"], list[Count]], Sequence["Job"]], Iterator[list[Count]]]


@dataclass(frozen=True)
class Job:
    """One cell to count: a case by its place in its family, a population, a size, and how carefully."""

    stage: str
    family: str
    place: int
    shape: str
    images: int
    repetitions: int
    pooled: bool = True
    seed: int = 0

    @property
    def case(self) -> Case:
        """The case (trees hold functions, which do not travel between processes)."""
        return _families()[self.family][self.place]


def main(arguments: Sequence[str] | None = None) -> None:
    """Search for the worst cells, plan, measure the worst cells afresh, compare, write."""
    options = _options(arguments)
    start = time.monotonic()
    results = _earlier(options.folder) if options.resume else {}
    results = {"seconds": 0.0, "errors": [], "powers": [], "equivalence": [], **results}
    results |= {"version": _version(), "draws": DRAWS, "processes": options.processes}
    results["date"] = dt.datetime.now(tz=dt.UTC).date().isoformat()
    before = results["seconds"]

    with _mapping(options.processes) as mapped:

        def run(part: str, jobs: Sequence[Job]) -> None:
            for job, counts in zip(jobs, mapped(_run, jobs), strict=True):
                rows = report.as_json(counts)
                draws = DRAWS if job.pooled else REAL_DRAWS
                for row in rows:
                    _add(results[part], {**row, "stage": job.stage, "draws": draws})
                results["seconds"] = round(before + time.monotonic() - start, 1)
                # After every cell: a run that is stopped keeps what it has.
                report.write(results, options.folder)

        if not results["errors"]:
            run("errors", _search(options.search))
        if not results["powers"]:
            run("powers", _plans(options.plan))
        worst = _worst([row for row in results["errors"] if row["stage"] == "search"])
        for number in range(options.repetitions // ROUND):
            if time.monotonic() - start > 60 * options.minutes:
                break
            run(
                "errors",
                [replace(job, seed=number) for job in worst if _done(job, results) <= number * ROUND],
            )
            if number == AFTER_ROUND and not results["equivalence"]:
                run("errors", [_at_many(job, options.many) for job in worst])
                run("equivalence", list(_comparison(worst, options.comparison)))


def _at_many(job: Job, repetitions: int) -> Job:
    return replace(job, stage="many", images=MANY_IMAGES, repetitions=repetitions)


def _comparison(jobs: Sequence[Job], repetitions: int) -> Iterator[Job]:
    for job in jobs:
        if job.case.form in COMPARED and job.images == min(SEARCHED_IMAGES):
            for pooled in (True, False):
                yield replace(job, stage="compared", repetitions=repetitions, pooled=pooled)


@contextmanager
def _mapping(processes: int) -> Iterator[Mapped]:
    """Yield a `map` over processes; with one process, the ordinary one, so that stopping it leaves none."""
    if processes == 1:
        yield map
    else:
        with ProcessPoolExecutor(processes) as executor:
            yield executor.map


def _earlier(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return found


def _add(rows: list[dict[str, Any]], row: dict[str, Any]) -> None:
    """Add a count to those of the same cell."""
    cell = ("form", "truth", "verdict", "shape", "images", "stage", "draws")
    for place, old in enumerate(rows):
        if all(old[name] == row[name] for name in cell):
            sums = {name: old[name] + row[name] for name in ("repetitions", "hits", "early")}
            count_fields = {field.name: row[field.name] for field in fields(Count)} | sums
            (new,) = report.as_json([Count(**count_fields)])
            rows[place] = {**row, **new}
            return
    rows.append(row)


def _done(job: Job, results: Mapping[str, Any]) -> int:
    """Return how many repetitions of a final cell there are."""
    cell = (job.stage, job.case.form, job.case.truth, job.shape, job.images)
    names = ("stage", "form", "truth", "shape", "images")
    rows = [row for row in results["errors"] if tuple(row[name] for name in names) == cell]
    return min((row["repetitions"] for row in rows), default=0)


def _search(repetitions: int) -> list[Job]:
    return [
        Job("search", "edges", place, shape, images, repetitions)
        for place, case in enumerate(_families()["edges"])
        for shape, images in product(case.shapes, SEARCHED_IMAGES)
    ]


def _worst(rows: Sequence[Mapping[str, Any]]) -> list[Job]:
    """Return the cell of the search in which each form gave each false verdict most often."""
    worst: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in rows:
        key = (row["form"], row["verdict"])
        if key not in worst or row["hits"] > worst[key]["hits"]:
            worst[key] = row
    places = {(case.form, case.truth): place for place, case in enumerate(_families()["edges"])}
    cells = {(places[row["form"], row["truth"]], row["shape"], row["images"]) for row in worst.values()}
    return [Job("final", "edges", place, shape, images, ROUND) for place, shape, images in sorted(cells)]


def _plans(repetitions: int) -> list[Job]:
    return [
        Job("plan", "powers", place, shape, images, repetitions)
        for place, _ in enumerate(_families()["powers"])
        for shape, images in product(POWER_SHAPES, PLANNED_IMAGES)
    ]


@cache
def _families() -> dict[str, list[Case]]:
    return {"edges": edges(), "powers": powers()}


@cache
def _pool(images: int) -> Pool:
    return Pool(images, seed=images)


def _run(job: Job) -> list[Count]:
    seed = zlib.crc32(f"{job.stage} {job.seed}".encode())
    cell = (job.case, job.shape, job.images, job.repetitions)
    return count(*cell, _pool(job.images), seed=seed) if job.pooled else count_singly(*cell, seed=seed)


def _version() -> str:
    try:
        return metadata.version("crossmodal-flow-findings")
    except metadata.PackageNotFoundError:
        return "not installed"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m harness.calibration", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=10_000, help="of each final cell")
    parser.add_argument("--search", type=int, default=200, help="of each cell of the search")
    parser.add_argument("--plan", type=int, default=300, help="of each cell of the power table")
    parser.add_argument("--many", type=int, default=1_000, help="of each final cell at 1,000 images")
    parser.add_argument("--comparison", type=int, default=1_000, help="with as many draws as a judgement")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="start no round after so many")
    parser.add_argument("--resume", action="store_true", help="go on from the results in the folder")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=report.FOLDER)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
