"""The same claim by three readings of the same knockouts."""

from __future__ import annotations

import numpy as np

from harness.data.depth import Grid, LensGrid
from harness.data.flow import Flow
from harness.interventions.measurements import Lens, Quantity, Sweep
from harness.statistics.curves import EFFECT, PROBABILITY, Curves
from harness.statistics.forms import drops_somewhere, in_all, peaks_above
from harness.statistics.judge import judge
from harness.statistics.looks import ONE_LOOK
from harness.statistics.verdict import Fact, Verdict
from harness.verdicts.other_readings import (
    METRIC_DEPENDENT,
    WITHOUT_A_DISTRACTOR,
    Reread,
    with_other_readings,
)

GRID = Grid(4, 1)
SWEEP = Sweep(Flow("image", "question"), 1)
P_C, SHARE, FLIP = (Quantity("ChooseAttr", SWEEP, reading) for reading in ("p_c", "distractor", "flip"))
IMAGES = tuple(f"{number:03d}" for number in range(100))


def curves(depth: float, anchors: tuple[float, float] = EFFECT) -> Curves:
    """A hundred images around one depth at the second of four windows."""
    values = np.random.default_rng(1).normal(0.0, 1.0, (100, 4))
    values[:, 1] += depth
    return Curves(IMAGES, values, 100, anchors)


def judged(evidence: dict[Quantity, Curves]) -> tuple[Verdict, dict[str, Verdict], tuple[str, ...]]:
    tree = drops_somewhere(P_C, GRID)
    first = judge(tree, [evidence], ONE_LOOK)
    read = with_other_readings(first, tree, [evidence], ONE_LOOK)
    return (
        read.verdict,
        {reading.name: reading.verdict for reading in read.readings},
        tuple(note.about for note in read.notes),
    )


def test_readings_that_agree_are_shown_and_not_remarked_on() -> None:
    verdict, others, notes = judged({P_C: curves(-50), SHARE: curves(-40), FLIP: curves(-60)})
    assert verdict is Verdict.SUPPORTED
    assert others == {"distractor": Verdict.SUPPORTED, "flip": Verdict.SUPPORTED}
    assert METRIC_DEPENDENT not in notes


def test_a_verdict_that_hangs_on_the_metric_is_marked() -> None:
    """The answer becomes less sure and yet wins every time."""
    verdict, others, notes = judged({P_C: curves(-50), SHARE: curves(-40), FLIP: curves(0)})
    assert verdict is Verdict.SUPPORTED
    assert others["flip"] is Verdict.REFUTED
    assert METRIC_DEPENDENT in notes


def test_without_a_distractor_two_readings_remain() -> None:
    _, others, _ = judged({P_C: curves(-50), FLIP: curves(-60)})
    assert set(others) == {"flip"}


def test_in_a_claim_about_several_tasks_only_those_with_a_distractor_are_read_against_it() -> None:
    """The share says otherwise of the task that has one: the claim hangs on the metric."""
    other = [Quantity("QueryAttr", SWEEP, reading) for reading in ("p_c", "flip")]
    evidence = {
        P_C: curves(-50),
        SHARE: curves(0),
        FLIP: curves(-60),
        **{key: curves(-50) for key in other},
    }
    tree = in_all([drops_somewhere(P_C, GRID), drops_somewhere(other[0], GRID)])
    first = judge(tree, [evidence], ONE_LOOK)
    read = with_other_readings(first, tree, [evidence], ONE_LOOK)
    assert first.verdict is Verdict.SUPPORTED
    assert {reading.name: reading.verdict for reading in read.readings} == {
        "distractor": Verdict.REFUTED,
        "flip": Verdict.SUPPORTED,
    }
    assert read.notes == (Fact(WITHOUT_A_DISTRACTOR, "QueryAttr"), Fact(METRIC_DEPENDENT))


def test_a_claim_about_probabilities_has_one_reading() -> None:
    lens, grid = Quantity("ChooseAttr", Lens(norm=False), "lower"), LensGrid(3)
    evidence = {lens: curves(0.5, PROBABILITY)}
    tree = peaks_above(lens, grid)
    first = judge(tree, [evidence], ONE_LOOK)
    assert with_other_readings(first, tree, [evidence], ONE_LOOK) is first


def test_rereading_changes_effects_and_nothing_else() -> None:
    lens = Quantity("ChooseAttr", Lens(norm=False), "lower")
    evidence = {P_C: curves(-50), FLIP: curves(-60), lens: curves(0.5, PROBABILITY)}
    again = Reread(evidence, "flip")
    assert again[P_C] is evidence[FLIP]
    assert again[lens] is evidence[lens]
    assert P_C not in Reread(evidence, "distractor")
