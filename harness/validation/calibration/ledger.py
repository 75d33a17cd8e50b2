"""What has been counted so far, on disk: a run that is stopped can go on."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from harness.statistics.inference import DRAWS as REAL_DRAWS
from harness.statistics.looks import PLAN, LookPlan
from harness.validation.calibration import report
from harness.validation.calibration.cases import Case, edges, powers
from harness.validation.calibration.simulation import MANY_DRAWS, Count, count, count_singly, draws_for

REST = 10.0  # seconds between two writings
PARTS = {"plan": "powers", "compared": "equivalence"}
"""Where the counts of a stage are kept; those of all others are among the errors."""

Mapped: TypeAlias = Callable[[Callable[["Job"], list[Count]], Sequence["Job"]], Iterator[list[Count]]]


@dataclass(frozen=True)
class Job:
    """One cell to count: a case by its place, a population, a size, and how carefully."""

    stage: str
    place: int
    shape: str
    images: int
    repetitions: int
    single: bool = False
    seed: int = 0

    @property
    def case(self) -> Case:
        """The case (trees hold functions, which do not travel between processes)."""
        return (powers() if self.stage == "plan" else edges())[self.place]

    @property
    def part(self) -> str:
        """Where its counts are kept."""
        return PARTS.get(self.stage, "errors")

    @property
    def draws(self) -> int:
        """Draws per judgement."""
        if self.single:
            return REAL_DRAWS
        return MANY_DRAWS if self.stage == "many" else draws_for(self.case.tree)


@dataclass
class Ledger:
    """What has been counted so far, on disk.

    Attributes:
        results: what `report.write` takes.
        folder: where it is written.
        mapped: a `map`, perhaps over processes.
        plan: the looks.

    """

    results: dict[str, Any]
    folder: Path
    mapped: Mapped
    plan: LookPlan = PLAN

    def __post_init__(self) -> None:
        """Start the clock."""
        self._start = self._written = time.monotonic()
        self._before = self.results["seconds"]

    @property
    def minutes(self) -> float:
        """Since this run began."""
        return (time.monotonic() - self._start) / 60

    def count(self, jobs: Sequence[Job]) -> None:
        """Count what is not counted yet: a run that is stopped keeps what it has, and can go on."""
        wanted = [job for job in jobs if job.repetitions and self._done(job) <= job.seed * job.repetitions]
        for job, counts in zip(wanted, self.mapped(partial(_run, plan=self.plan), wanted), strict=True):
            for row in report.as_json(counts):
                self._add(job.part, {**row, "stage": job.stage, "draws": job.draws})
            self.results["seconds"] = round(self._before + 60 * self.minutes, 1)
            if time.monotonic() - self._written > REST:
                self.write()
        self.write()

    def write(self) -> None:
        """Write it down."""
        report.write(self.results, self.folder)
        self._written = time.monotonic()

    def _done(self, job: Job) -> int:
        """Return how many repetitions of a cell there are."""
        names = ("stage", "form", "truth", "shape", "images", "draws")
        cell = (job.stage, job.case.form, job.case.truth, job.shape, job.images, job.draws)
        rows = [row for row in self.results[job.part] if tuple(row[name] for name in names) == cell]
        return min((row["repetitions"] for row in rows), default=0)

    def _add(self, part: str, row: dict[str, Any]) -> None:
        """Add a count to those of the same cell."""
        cell = ("form", "truth", "verdict", "shape", "images", "stage", "draws")
        rows = self.results[part]
        for place, old in enumerate(rows):
            if all(old[name] == row[name] for name in cell):
                sums = {name: old[name] + row[name] for name in ("repetitions", "hits", "early")}
                (new,) = report.as_json([Count(**{f.name: row[f.name] for f in fields(Count)} | sums)])
                rows[place] = {**row, **new}
                return
        rows.append(row)


def _run(job: Job, plan: LookPlan) -> list[Count]:
    seed = zlib.crc32(f"{job.stage} {job.seed}".encode())
    if job.single:
        return count_singly(job.case, job.shape, job.images, job.repetitions, seed=seed, plan=plan)
    return count(job.case, job.shape, job.images, job.repetitions, seed=seed, draws=job.draws, plan=plan)
