"""Compare the two sides of a situation again and again, and count what was wrong."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from harness.data.depth import Grid
from harness.statistics.curves import Floats
from harness.statistics.forms import DROP
from harness.validation.false_alarms.situations import Situation, side, true_names
from harness.verdicts.regression.baseline import Baseline
from harness.verdicts.regression.changes import Change, Sides, compare

_ROUNDING = 1e-9


@dataclass
class Tally:
    """How often something could be wrong, and how often it was."""

    of: int = 0
    wrong: int = 0

    def add(self, *, wrong: bool) -> None:
        """Outcomes one more."""
        self.of += 1
        self.wrong += wrong

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.of + other.of, self.wrong + other.wrong)


@dataclass
class Outcomes:
    """What came out of a situation.

    Attributes:
        by_flow: how many curves of a flow came out how.
        runs: repetitions, each of every curve of the baseline; wrong if a curve is wrongly called moved.
        unmoved: curves that differ by no more than 10 points; wrong if called moved.
        unlike: curves that differ by 10 points or more; wrong if called equivalent.
        moved: curves that differ by more than 10 points; wrong if given a name that is not true.
    """

    by_flow: dict[str, Counter[Change]] = field(default_factory=dict)
    runs: Tally = field(default_factory=Tally)
    unmoved: Tally = field(default_factory=Tally)
    unlike: Tally = field(default_factory=Tally)
    moved: Tally = field(default_factory=Tally)

    @property
    def changes(self) -> Counter[Change]:
        """How many curves came out how."""
        return sum(self.by_flow.values(), Counter[Change]())

    def __add__(self, other: Outcomes) -> Outcomes:
        flows = dict.fromkeys((*self.by_flow, *other.by_flow))
        none = Counter[Change]()
        return Outcomes(
            {flow: self.by_flow.get(flow, none) + other.by_flow.get(flow, none) for flow in flows},
            self.runs + other.runs,
            self.unmoved + other.unmoved,
            self.unlike + other.unlike,
            self.moved + other.moved,
        )

    def add(self, flow: str, change: Change, old: Floats, new: Floats, depths: Floats) -> bool:
        """Outcomes one curve; says whether it was wrongly called moved."""
        self.by_flow.setdefault(flow, Counter())[change] += 1
        apart = float(np.abs(new - old).max())
        if apart <= DROP + _ROUNDING:
            self.unmoved.add(wrong=change.moved)
        else:
            self.moved.add(wrong=change.moved and change not in true_names(old, new, depths))
        if apart >= DROP - _ROUNDING:
            self.unlike.add(wrong=change is Change.EQUIVALENT)
        return change.moved and apart <= DROP + _ROUNDING


def count(
    baseline: Baseline, situation: Situation, repetitions: Iterable[int], *, alpha: float, draws: int
) -> Outcomes:
    """Repeat a comparison of all the baseline's curves.

    Args:
        baseline: whose stored effects are the population.
        situation: what is true.
        repetitions: their numbers; each has random numbers of its own.
        alpha: largest error asked for.
        draws: perturbed replicates of each judgement.
    """
    found = Outcomes()
    everyone = sorted({image for curves in baseline.curves.values() for image in curves.images})
    for repetition in repetitions:
        random = np.random.default_rng([zlib.crc32(situation.name.encode()), repetition])
        chosen = situation.draw(everyone, random)
        chance = random.uniform(size=(max(map(len, chosen)), 1))
        alarms = list(_compared(found, baseline, situation, chosen, chance, alpha, draws))
        found.runs.add(wrong=any(alarms))
    return found


def _compared(
    found: Outcomes,
    baseline: Baseline,
    situation: Situation,
    chosen: tuple[list[str], list[str]],
    chance: Floats,
    alpha: float,
    draws: int,
) -> Iterable[bool]:
    grid = Grid(baseline.about.layers, baseline.about.window)
    for quantity, curves in baseline.curves.items():
        old, drawn = side(curves, chosen[0], "old"), side(curves, chosen[1], "new")
        mean = curves.values.mean(axis=0)
        values = situation.shift.values(drawn.values, mean, chance[: len(drawn.values)])
        new = replace(drawn, values=values)
        change = compare(Sides(quantity, old, grid, new, grid), alpha, draws).change
        flow = str(quantity.measurement).partition("@")[0]
        yield found.add(flow, change, mean, situation.shift.mean(mean), grid.depths)
