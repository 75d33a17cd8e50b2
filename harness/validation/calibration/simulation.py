"""Counting verdicts: many made-up data sets, each judged as a real one would be.

Two things are cheaper than in a real judgement: 399 draws instead of 5,000 (a p-value that counts the
observed value among the draws is as valid with few), and 25 data sets at a time, which share them
(`harness.validation.calibration.batch`). `count_singly` does neither, to show that the rates are the same.

Sharing makes the data sets of a batch a little alike: of 399 draws the critical value itself is known to
a quarter of its level, which adds about 5 % to the variance of a rate.

With many images a correlation or a ratio has a bias that 399 draws are too few to see, where 5,000 see it
and count it against the claim; `MANY_DRAWS` are taken there. So they are where p-values are multiplied by ten
or more (`corrections`): the smallest that 399 draws can have is then above what the last look may spend.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.data.dataset import share_of
from harness.statistics.curves import Curves, Floats
from harness.statistics.inference import FEWEST_IMAGES, Panel
from harness.statistics.looks import PLAN, LookPlan, decide
from harness.statistics.trees import (
    AllOf,
    AnyOf,
    AtLeast,
    Everywhere,
    Pair,
    Somewhere,
    Tree,
    negation,
    quantities,
)
from harness.statistics.verdict import Verdict
from harness.validation.calibration.batch import FEW, Batch, Multipliers, joined
from harness.validation.calibration.cases import Case
from harness.validation.calibration.populations import Population

DRAWS = 399
MANY_DRAWS = 1_999
_MANY_CORRECTIONS = 10
SETS = 25
"""Data sets of a batch."""


@dataclass(frozen=True)
class Count:
    """How often one verdict came up.

    Attributes:
        form: the form.
        truth: what was true, in words.
        verdict: the verdict counted.
        shape: shape of the population.
        images: images at the last look.
        repetitions: data sets judged.
        hits: how many got the verdict.
        early: how many of the hits came before the last look.

    """

    form: str
    truth: str
    verdict: str
    shape: str
    images: int
    repetitions: int
    hits: int
    early: int

    @property
    def rate(self) -> float:
        """Share of data sets with the verdict."""
        return self.hits / self.repetitions

    @property
    def bound(self) -> float:
        """Exact upper 95 % confidence bound of the rate (Clopper and Pearson)."""
        if self.hits == self.repetitions:
            return 1.0
        return float(stats.beta.ppf(0.95, self.hits + 1, self.repetitions - self.hits))


def count(
    case: Case,
    shape: str,
    images: int,
    repetitions: int,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    plan: LookPlan = PLAN,
) -> list[Count]:
    """Judge a case on many data sets, in batches; equal arguments give equal counts."""
    random = seeded(case, shape, images, seed)
    population = Population(case.means, case.probabilities, shape)
    against = negation(case.tree)
    tally: Counter[tuple[Verdict, int]] = Counter()
    for start in range(0, repetitions, SETS):
        sets = min(SETS, repetitions - start)
        data = population.averages(sets * images, random)
        points = {key: values.shape[1] for key, values in data.items()}
        multipliers = Multipliers.drawn(draws, images, points, random)
        taken: list[tuple[float, Floats, Floats]] = []
        for size, level in planned(images, plan):
            values = {key: v.reshape(sets, images, -1)[:, :size] for key, v in data.items()}
            batch = Batch(values, {key: population.anchors(key) for key in values}, multipliers)
            taken.append((level, batch.prove(case.tree), batch.prove(against)))
        for one in range(sets):
            tally[_first_decision([(level, s[one], r[one]) for level, s, r in taken], len(plan))] += 1
    return _counts(case, shape, images, repetitions, tally, last=len(plan) - 1)


def count_singly(
    case: Case, shape: str, images: int, repetitions: int, *, seed: int = 0, plan: LookPlan = PLAN
) -> list[Count]:
    """Judge a case on many data sets, each exactly as a real one: what `count` abbreviates."""
    random = seeded(case, shape, images, seed)
    population = Population(case.means, case.probabilities, shape)
    tally: Counter[tuple[Verdict, int]] = Counter()
    for repetition in range(repetitions):
        data = population.sample(images, random)
        panels = (Panel(part, quantities(case.tree), seed=repetition) for part in _looks(data, images, plan))
        decision = decide(case.tree, panels, plan)
        tally[decision.verdict, decision.look] += 1
    return _counts(case, shape, images, repetitions, tally, last=len(plan) - 1)


def corrections(tree: Tree) -> int:
    """Return by how much a proof of the tree multiplies a p-value, at most."""
    match tree:
        case Somewhere():
            return 1
        case Everywhere(_, rows):
            return rows.shape[1] if rows.shape[1] <= FEW else 1
        case AllOf(children):
            return max(map(corrections, children))
        case AnyOf(children):
            members = joined(children)
            return len(members) * max(map(corrections, members))
        case AtLeast(count, children):
            return (len(children) - count + 1) * max(map(corrections, children))
        case Pair(holds, _):
            return corrections(holds)


def draws_for(tree: Tree) -> int:
    """Return how many draws let the last look decide a tree."""
    most = max(corrections(tree), corrections(negation(tree)))
    return MANY_DRAWS if most >= _MANY_CORRECTIONS else DRAWS


def planned(images: int, plan: LookPlan = PLAN) -> list[tuple[int, float]]:
    """Return the looks that have enough images: how many, and at which level."""
    looks, level = [], 0.0
    for part, share in zip(plan.images, plan.spending, strict=True):
        level += plan.alpha * share
        if share_of(images, part) >= FEWEST_IMAGES:
            looks.append((share_of(images, part), level))
            level = 0.0
    return looks


def _first_decision(looks: Sequence[tuple[float, float, float]], planned: int) -> tuple[Verdict, int]:
    skipped = planned - len(looks)
    for look, (level, support, refute) in enumerate(looks):
        if support <= level:
            return Verdict.SUPPORTED, look + skipped
        if refute <= level:
            return Verdict.REFUTED, look + skipped
    return Verdict.INCONCLUSIVE, planned - 1


def seeded(case: Case, shape: str, images: int, seed: int) -> np.random.Generator:
    """Return the generator of a cell: equal arguments give equal data sets."""
    return np.random.default_rng(zlib.crc32(f"{case.name}/{shape}/{images}/{seed}".encode()))


def _counts(
    case: Case,
    shape: str,
    images: int,
    repetitions: int,
    tally: Counter[tuple[Verdict, int]],
    *,
    last: int,
) -> list[Count]:
    return [
        Count(
            form=case.form,
            truth=case.truth,
            verdict=verdict.value,
            shape=shape,
            images=images,
            repetitions=repetitions,
            hits=sum(tally[verdict, look] for look in range(last + 1)),
            early=sum(tally[verdict, look] for look in range(last)),
        )
        for verdict in case.counts
    ]


def _looks(data: Mapping[str, Curves], images: int, plan: LookPlan) -> Iterator[dict[str, Curves]]:
    """Yield what each look sees: so many of the images, the first ones."""
    for share in plan.images:
        size = round(share * images)
        yield {
            key: Curves(curves.images[:size], curves.values[:size], size, curves.anchors)
            for key, curves in data.items()
        }
