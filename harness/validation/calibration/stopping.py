"""Counting verdicts with and without stopping for futility, on the same data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.statistics.curves import Bools, Floats
from harness.statistics.futility import FUTILE
from harness.statistics.looks import LookPlan
from harness.statistics.trees import Tree, negation
from harness.statistics.verdict import Verdict
from harness.validation.calibration.batch import Batch, Multipliers
from harness.validation.calibration.cases import Case
from harness.validation.calibration.futures import Futures
from harness.validation.calibration.populations import Population
from harness.validation.calibration.simulation import SETS, draws_for, planned, seeded


@dataclass(frozen=True)
class Stopped:
    """One verdict on data sets of one cell, without and with futility.

    Attributes:
        repetitions: data sets judged.
        without: how many get the verdict if all looks are taken.
        hits: how many get it with futility.
        stopped: how many are given up.
        images_without: images on average until the verdict or the last look.
        images: images on average until the verdict, the stop or the last look.

    """

    repetitions: int
    without: int
    hits: int
    stopped: int
    images_without: float
    images: float

    @property
    def bound(self) -> float:
        """Exact upper 95 % confidence bound of the rate with futility (Clopper and Pearson)."""
        if self.hits == self.repetitions:
            return 1.0
        return float(stats.beta.ppf(0.95, self.hits + 1, self.repetitions - self.hits))


@dataclass(eq=False)
class _Course:
    """How far a batch's data sets have come; all of shape [sets].

    Attributes:
        verdict: what the looks came to: 1 SUPPORTED, -1 REFUTED, 0 nothing yet.
        decided_at: images at the look that decided, or at the last one.
        stopped_at: images at the look after which it was given up; 0 if it was not.

    """

    verdict: Floats
    decided_at: Floats
    stopped_at: Floats


def stopped(
    case: Case, verdict: Verdict, shape: str, images: int, repetitions: int, plan: LookPlan, *, seed: int = 0
) -> Stopped:
    """Judge a case on many data sets with one question per image, and count a verdict both ways.

    Args:
        case: the case.
        verdict: what is counted.
        shape: of the population.
        images: at the last look.
        repetitions: data sets.
        plan: the looks.
        seed: equal arguments give equal counts.

    """
    random = seeded(case, shape, images, seed)
    population = Population(case.means, case.probabilities, shape, one_question=True)
    looks = planned(images, plan)
    courses = []
    for start in range(0, repetitions, SETS):
        sets = min(SETS, repetitions - start)
        data = population.averages(sets * images, random)
        points = {key: values.shape[1] for key, values in data.items()}
        multipliers = Multipliers.drawn(draws_for(case.tree), images, points, random)
        stacked = {key: values.reshape(sets, images, -1) for key, values in data.items()}
        batches = [
            Batch(
                {key: values[:, :size] for key, values in stacked.items()},
                {key: population.anchors(key) for key in stacked},
                multipliers,
            )
            for size, _ in looks
        ]
        courses.append(_course(case.tree, batches, looks))
    found, decided_at, stopped_at = (
        np.concatenate([getattr(course, name) for course in courses])
        for name in ("verdict", "decided_at", "stopped_at")
    )
    wanted = found == (1 if verdict is Verdict.SUPPORTED else -1)
    given_up = stopped_at > 0
    return Stopped(
        repetitions=repetitions,
        without=int(wanted.sum()),
        hits=int((wanted & ~given_up).sum()),
        stopped=int(given_up.sum()),
        images_without=float(decided_at.mean()),
        images=float(np.where(given_up, stopped_at, decided_at).mean()),
    )


def _course(tree: Tree, batches: Sequence[Batch], looks: Sequence[tuple[int, float]]) -> _Course:
    """Take all looks, and note after which of them futility would have ended it."""
    sets, (last, last_level) = len(batches[0].prove(tree)), looks[-1]
    course = _Course(np.zeros(sets), np.full(sets, float(last)), np.zeros(sets))
    for batch, (size, level) in zip(batches, looks, strict=True):
        open_ = course.verdict == 0
        supported = open_ & (batch.prove(tree) <= level)
        refuted = open_ & ~supported & (batch.prove(negation(tree)) <= level)
        course.verdict += supported.astype(float) - refuted
        course.decided_at[supported | refuted] = size
        if size < last:
            undecided = (course.verdict == 0) & (course.stopped_at == 0)
            course.stopped_at[undecided & _futile(tree, batch, size / last, last_level)] = size
    return course


def _futile(tree: Tree, batch: Batch, fraction: float, level: float) -> Bools:
    futures = Futures(batch, fraction)
    return np.asarray(futures.power(tree, level) + futures.power(negation(tree), level) < FUTILE)
