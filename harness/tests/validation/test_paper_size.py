"""Made-up truths of the paper's size: what they are, and that the claims' tests can be asked of them."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pytest

from harness.data.depth import window_layers
from harness.data.flow import Flow
from harness.interventions.measurements import BlockFromLayer, Quantity, Sweep
from harness.statistics.trees import nodes
from harness.validation.calibration.simulation import count
from harness.validation.paper_size.attacks import attacks
from harness.validation.paper_size.report import BEFORE, FALSE_OF_THE_STORY, rates_of
from harness.validation.paper_size.statements import ask, claim_functions
from harness.validation.paper_size.story import PAPER, Story

LAYERS = 40
ONE = Story(flows={"image->question": ((0.2, 0.3, -60.0),)})


def curve(window: int, story: Story = ONE) -> np.ndarray:
    flow = Flow.parse("image->question")
    return story.mean(Quantity("ChooseAttr", Sweep(flow, window), "p_c"), LAYERS)


@pytest.mark.parametrize("window", [1, 3, 9, 19])
def test_a_window_costs_the_share_of_the_stretch_that_it_holds(window: int) -> None:
    stretch = range(8, 12)  # layers whose middle lies at 0.2 to 0.3 of 40
    for centre, found in enumerate(curve(window)):
        held = len(set(window_layers(centre, window, LAYERS)) & set(stretch))
        assert found == pytest.approx(100 * (0.4 ** (held / len(stretch)) - 1))


def test_a_drift_is_added_above_alone() -> None:
    drifting = replace(ONE, drift={"image->question": 1.5})
    apart = curve(9, drifting) - curve(9)
    assert apart[:22] == pytest.approx(0) and apart[22:] == pytest.approx(1.5)


def test_blocking_from_a_layer_on_holds_what_lies_above() -> None:
    blocked = BlockFromLayer(Flow.parse("image->question"), (0, 10, 12))
    found = ONE.mean(Quantity("ChooseAttr", blocked, "p_c"), LAYERS)
    assert found == pytest.approx([-60, 100 * (0.4**0.5 - 1), 0])


def test_every_claim_can_be_asked_but_those_that_do_not_apply() -> None:
    asked = {claim for claim in claim_functions() if ask(claim, PAPER, LAYERS) is not None}
    assert claim_functions().keys() - asked == {"F5", "F6"}
    assert asked > FALSE_OF_THE_STORY


def test_every_claim_says_what_its_numbers_are() -> None:
    asked = {claim: ask(claim, PAPER, LAYERS) for claim in claim_functions()}
    silent = {
        (claim, leaf.label)
        for claim, one in asked.items()
        if one is not None
        for node in nodes(one.tree)
        for leaf in node.leaves
        if not leaf.what
    }
    assert not silent


@pytest.mark.parametrize(("claim", "holds"), [("C1", True), ("D1", True), ("R3", False)])
def test_what_is_true_comes_out(claim: str, holds: bool) -> None:  # noqa: FBT001
    asked = ask(claim, PAPER, LAYERS)
    assert asked is not None
    supported, refuted = count(asked.case("as told"), "skewed", 200, 10)
    assert (supported.hits, refuted.hits) == ((10, 0) if holds else (0, 10))


def test_every_attack_was_counted_before() -> None:
    before = tomllib.loads(BEFORE.read_text(encoding="utf-8"))["rates"]
    assert {f"{one.claim}, {one.images} images: {one.truth}" for one in attacks()} == before.keys()


def test_a_refutation_of_many_parts_has_draws_enough_to_come_out() -> None:
    """A1's multiplies its p-value by thirteen: few draws never reach the last look's level."""
    small = next(one for one in attacks() if one.claim == "A1")
    asked = ask(small.claim, small.story, 40)
    assert asked is not None
    assert rates_of(asked, small.images, 10, small.shape).refuted > 0.5
