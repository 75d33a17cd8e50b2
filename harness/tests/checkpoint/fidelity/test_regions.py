"""Every region of a prompt by hand, and the released code's names for the flows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import encode
from harness.checkpoint.regions import RELEASED_NAMES
from harness.data.errors import RegionError
from harness.data.flow import Flow
from harness.data.sample import Sample
from harness.testing.fidelity_samples import sample


def test_every_region_of_a_next_prompt_by_hand(
    checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    encoded = encode(checkpoints("llava_next"), sample(tmp_path))
    regions, tokens = encoded.regions, 2340
    start = regions["image"][0]
    text = start + tokens
    assert regions["image"] == tuple(range(start, text))
    assert regions["separator"] == (text, text + 1)  # the word-start mark and the line break
    assert regions["question"] == tuple(range(text + 2, text + 9))  # Is the jar full or empty ?
    assert regions["false_option"] == (text + 5,)
    assert regions["true_option"] == (text + 7,)
    assert regions["central_object"] == regions["object1"] == (text + 4,)
    assert regions["question_without_options"] == tuple(text + at for at in (2, 3, 4, 6, 8))
    assert regions["question_rest"] == tuple(text + at for at in (2, 3, 6, 8))
    assert regions["last"] == (encoded.length - 1,)
    assert regions["base_patches"] == tuple(range(start, start + 576))
    assert regions["newline"] == tuple(start + 576 + 49 * row + 48 for row in range(36))
    assert len(regions["tile_patches"]) == 36 * 48
    assert regions["related_patches"] == tuple(start + at for at in (0, 1, 576, 577, 578))
    assert regions["related_base_patches"] == (start, start + 1)
    assert regions["related_tile_patches"] == tuple(start + at for at in (576, 577, 578))
    every = set(regions["image"])
    assert set(regions["other_patches"]) == every - set(regions["related_patches+newline"])
    assert set(regions["other_base_patches"]) == set(regions["base_patches"]) - every.intersection(
        regions["related_patches"]
    )
    assert len(regions["other_tile_patches"]) == 36 * 48 - 3
    assert regions["after_image"] == tuple(range(text, encoded.length))


def test_every_released_block_name_is_a_flow(
    checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    encoded = encode(checkpoints("llava_next"), sample(tmp_path))
    for region in RELEASED_NAMES.values():
        flow = Flow.parse(f"{region}->last")
        assert encoded.regions[flow.source]
    one = {name: set(encoded.regions[region]) for name, region in RELEASED_NAMES.items()}
    assert one["Image"] == one["Image Original Patch"] | one["Image HD Patch"]
    assert one["Image"] - one["Image Central Object"] == one["Image Without Central Object with pad"]
    assert one["Image HD Patch"] - one["Image Central Object in HD"] == one["Image HD Without Central Object"]


def test_a_picture_of_another_size_than_annotated_is_excluded(
    checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    wrong = sample(tmp_path, (64, 48))
    with pytest.raises(RegionError, match="the picture is 64×48 pixels, its row says 48×64"):
        encode(checkpoints("llava"), Sample(**{**vars(wrong), "image_size": (48, 64)}))
