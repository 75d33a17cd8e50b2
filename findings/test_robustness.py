"""Part F: what the findings hang on, and what they can be used for."""

import pytest

from harness.data.depth import MID, WHOLE
from harness.data.sample import CHOOSE_TASKS
from harness.statistics.forms import (
    at_one_depth,
    drops_somewhere,
    exists_and_is_stronger_than,
    in_all,
    in_order,
    more_than_controls,
    retains,
)
from harness.verdicts.study import Study

STAGES = ("other_patches->question", "related_patches->question", "question->last")


@pytest.mark.claim("F1")
def test_the_shape_does_not_hang_on_the_window_size(study: Study, task: str) -> None:
    """Image→Question lies at the same depths at every odd window size up to half the decoder."""
    effects = {study.effect("image->question", task, on=grid): grid for grid in study.odd_windows()}
    study.judge(at_one_depth(effects, required=False))


@pytest.mark.claim("F2", tasks=CHOOSE_TASKS)
def test_the_true_option_reaches_the_last_position_most(study: Study, task: str) -> None:
    """Of the two options in the question, Last reads the true one more than the false one."""
    compared = study.grid.every_second()
    true = study.effect("true_option->last", task)
    false = study.effect("false_option->last", task, on=compared)
    study.judge(exists_and_is_stronger_than(true, false, study.grid, exists=true, at=compared))


@pytest.mark.claim("F2-token")
def test_token_for_token_the_object_reaches_the_last_position_most(study: Study, task: str) -> None:
    """Token for token, Last reads the question's object more than its remaining words."""
    compared = study.grid.every_second()
    named = study.effect("central_object->last", task, reading="per_token")
    rest = study.effect("question_rest->last", task, reading="per_token", on=compared)
    exists = study.effect("central_object->last", task)
    study.judge(
        exists_and_is_stronger_than(named, rest, study.grid, exists=exists, at=compared), threshold=None
    )


@pytest.mark.claim("F3")
def test_the_image_reaches_the_object_s_words(study: Study, task: str) -> None:
    """The words that name the object read the image more than the remaining words of the question do."""
    compared = study.grid.every_second()
    named = study.effect("image->central_object", task)
    rest = study.effect("image->question_rest", task, on=compared)
    study.judge(exists_and_is_stronger_than(named, rest, study.grid, exists=named, at=compared))


@pytest.mark.claim("F4")
def test_the_question_needs_its_mlps_more_than_its_attention(study: Study, task: str) -> None:
    """At the question's positions MLP outputs matter more than attention outputs.

    They also matter more than MLP outputs of equal norm taken from as many random other positions.
    """
    compared = study.grid.every_second()
    mlp = study.module("mlp", "question", task)
    others = [
        study.module("attention", "question", task, on=compared),
        study.module("mlp", "question", task, control=True, on=compared),
    ]
    study.judge(more_than_controls(mlp, others, study.grid, within=WHOLE, at=compared))


@pytest.mark.claim("F5")
def test_base_image_and_tiles_both_reach_the_question(study: Study, task: str) -> None:
    """The question reads both the base image and the high-resolution tiles."""
    tiles = study.effect("tile_patches->question", task)
    base = study.effect("base_patches->question", task)
    if study.undefined(tiles):
        return study.not_applicable("the checkpoint sees its images without high-resolution tiles")
    return study.judge(in_all([drops_somewhere(base, study.grid), drops_somewhere(tiles, study.grid)]))


@pytest.mark.claim("F6")
def test_across_checkpoints_the_order_holds(study: Study, task: str) -> None:
    """On every checkpoint the three stages come in order; Question→Last lies at the same relative depths."""
    if not study.peers:
        return study.not_applicable("needs a run on several checkpoints")
    own = [study.effect(flow, task) for flow in STAGES]
    order = [in_order(own, study.grid)]
    alike = []
    for peer in study.peers:
        theirs = [study.effect(flow, task, of=peer) for flow in STAGES]
        order.append(in_order(theirs, peer.grid))
        alike.append(at_one_depth({own[-1]: study.grid, theirs[-1]: peer.grid}, required=False))
    return study.judge(in_all([*order, *alike]))


@pytest.mark.claim("F7")
def test_image_tokens_can_be_dropped_above_the_second_stage(study: Study, task: str) -> None:
    """With image tokens unreadable in every layer above the second stage, most of the accuracy survives."""
    above = study.layer_at(MID.end)
    dropped = study.accuracy_by_start("image->after_image", task, start=above)
    study.judge(retains(dropped, study.accuracy(task), study.chance(task)), bands=(MID,), threshold=None)
