"""Part R: findings of other papers that speak of the same flows, tested the same way."""

import pytest

from harness.data.depth import DEEP, HIGHER, LOW, LOWER_TO_MIDDLE, QUARTER
from harness.statistics.forms import (
    confined_to,
    drops_somewhere,
    in_all,
    negligible_at,
    negligible_everywhere,
    two_dips,
)
from harness.verdicts.study import Study


@pytest.mark.claim("R1")
def test_shallow_image_tokens_are_passive(study: Study, task: str) -> None:
    """In the lowest layers nine tenths of the image tokens can be hidden with little effect."""
    low = study.windows_inside(LOW)
    effect = study.effect("most_patches->after_image", task, on=low)
    study.judge(negligible_everywhere(effect, low, within=LOW), bands=(LOW,))


@pytest.mark.claim("R2")
def test_cross_modal_flow_sits_in_the_middle_quarter(study: Study, task: str) -> None:
    """What comes after the image reads it in the middle quarter of the layers; the rest is marginal."""
    effect = study.effect("image->after_image", task)
    study.judge(confined_to(effect, QUARTER, study.grid), bands=(QUARTER,))


@pytest.mark.claim("R3")
def test_the_last_position_reads_the_object(study: Study, task: str) -> None:
    """The last position reads the object's patches itself, in middle to late layers."""
    effect = study.effect("related_patches->last", task)
    study.judge(drops_somewhere(effect, study.grid, within=HIGHER), bands=(HIGHER,))


@pytest.mark.claim("R4")
def test_a_deep_layer_re_reads_the_image(study: Study, task: str) -> None:
    """In the deepest quarter of the layers the image is read again: a second dip after a recovery."""
    effect = study.effect("image->after_image", task)
    study.judge(two_dips({study.grid: effect}, first=LOWER_TO_MIDDLE, second=DEEP), bands=(DEEP,))


@pytest.mark.claim("R5")
def test_no_single_image_token_is_a_gate(study: Study, task: str) -> None:
    """Hiding one image token, that at the object's centre, in all layers has little effect.

    Where the picture is also seen in tiles its centre is shown twice; each of the two is hidden alone.
    """
    tokens = [
        study.blocked_from("centre_patch->after_image", task),
        study.if_defined(study.blocked_from("centre_tile_patch->after_image", task)),
    ]
    study.judge(in_all([negligible_at(token) for token in tokens if token]))
