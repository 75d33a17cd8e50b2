"""The released rule from boxes to patches: paint, transform, look for exactly red pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings, strategies as st

from harness.checkpoint.adapters import ANALYTIC_BOXES, RELEASED_BOXES
from harness.checkpoint.adapters.llava import SquarePictures
from harness.checkpoint.adapters.tiling import TiledPictures
from harness.checkpoint.boxes import tokens_under
from harness.checkpoint.encode import encode
from harness.checkpoint.loading import load
from harness.checkpoint.patches import SquarePadding
from harness.data.dataset import make_dataset
from harness.data.errors import CheckpointError, RegionError
from harness.data.sample import Box, Size
from harness.interventions.control_regions import with_controls
from harness.testing import building_blocks as blocks, realistic_checkpoints as realistic
from harness.testing.fidelity_samples import RELEASED_NEXT, sample
from harness.tests.checkpoint.fidelity import released

SPECK = Box("jar", 100, 100, 1, 1)


@cache
def pictures_of(name: str) -> Any:
    """Pictures through the real processors, normalisation and all."""
    if name == "llava":
        return SquarePictures(blocks.image_processor("llava", 336, None), SquarePadding(336, 14))
    pinpoints = [[height, width] for width, height in realistic.NEXT_PINPOINTS]
    return TiledPictures(blocks.image_processor("llava_next", 336, pinpoints), RELEASED_NEXT)


def released_tokens(name: str, size: Size, boxes: list[Box]) -> list[int]:
    mask = released.painted(size, boxes)
    if name == "llava":
        red, green, blue = (int(255 * channel) for channel in pictures_of(name).image_processor.image_mean)
        return released.red_tokens(released.padded_square(mask, (red, green, blue)), size)
    canvas = released.chosen_canvas(size, realistic.NEXT_PINPOINTS)
    return released.red_tokens(released.tiles(mask, realistic.NEXT_PINPOINTS), size, canvas)


EXTENT = st.tuples(st.integers(1, 300), st.integers(1, 300))
CORNER = st.tuples(st.integers(-20, 600), st.integers(-20, 600))


@pytest.mark.parametrize("name", ["llava", "llava_next"])
@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(20, 700), st.integers(20, 700)),
    boxes=st.lists(st.tuples(CORNER, EXTENT), min_size=1, max_size=2),
)
@example(size=(320, 240), boxes=[((10, 10), (50, 40)), ((60, 10), (50, 40))])
@example(size=(500, 375), boxes=[((253, 291), (60, 105))])
@example(size=(500, 333), boxes=[((503, 0), (20, 20))])
@example(size=(640, 480), boxes=[((100, 100), (1, 1))])
def test_it_is_the_released_rule(
    name: str, size: Size, boxes: list[tuple[tuple[int, int], tuple[int, int]]]
) -> None:
    canvas = released.chosen_canvas(size, realistic.NEXT_PINPOINTS)
    assume(name == "llava" or not released.unpadding_differs(size, canvas))
    placed = [Box("object", *corner, *extent) for corner, extent in boxes]
    found = tokens_under(pictures_of(name), RELEASED_BOXES, size, placed)
    assert list(found) == released_tokens(name, size, placed)


@pytest.mark.parametrize("name", ["llava", "llava_next"])
@pytest.mark.parametrize("extent", [(1, 1), (2, 2), (60, 105), (500, 375)])
def test_paint_never_goes_beyond_the_box_by_more_than_its_one_pixel(name: str, extent: Size) -> None:
    """Red stays red only where all that is mixed was red: inside the rectangle that was painted."""
    pictures, box = pictures_of(name), Box("jar", 0, 100, *extent)
    paint = tokens_under(pictures, RELEASED_BOXES, (500, 375), [box])
    larger = replace(box, width=box.width + 1, height=box.height + 1)
    assert set(paint) <= set(tokens_under(pictures, ANALYTIC_BOXES, (500, 375), [larger]))


@pytest.mark.parametrize("name", ["llava", "llava_next"])
def test_the_rule_is_asked_for_by_name_and_decides_the_regions(
    name: str, folders: Callable[[str], Path], tmp_path: Path
) -> None:
    checkpoint = load(folders(name), prompt="vicuna_v1", boxes="released")
    asked = sample(tmp_path, (500, 375), Box("jar", 253, 91, 60, 105))
    encoded = encode(checkpoint, asked)
    image = encoded.regions["image"]
    related = checkpoint.tokens_under((500, 375), asked.objects)
    assert encoded.regions["related_patches"] == tuple(image[token] for token in related)
    by_hand = encode(replace(checkpoint, boxes="analytic"), asked).regions["related_patches"]
    assert by_hand != encoded.regions["related_patches"]
    assert encode(load(folders(name), prompt="vicuna_v1"), asked).regions["related_patches"] == by_hand


def test_controls_follow_the_same_rule(folders: Callable[[str], Path], tmp_path: Path) -> None:
    checkpoint = load(folders("llava"), prompt="vicuna_v1", boxes="released")
    asked = sample(tmp_path, (500, 375), Box("jar", 253, 91, 60, 105))
    other = replace(asked, id="008", image_id="2", objects=(Box("jar", 31, 62, 90, 45),))
    encoded = encode(checkpoint, asked)
    regions = with_controls(checkpoint, make_dataset("two", "", [asked, other]), encoded)
    image = regions["image"]
    foreign = tuple(image[token] for token in released_tokens("llava", (500, 375), list(other.objects)))
    assert regions["foreign_patches"] == foreign
    assert regions["shifted_patches"] and regions["centre_patch"]


def test_a_speck_that_leaves_no_red_pixel_has_no_related_patches(
    folders: Callable[[str], Path], tmp_path: Path
) -> None:
    """What is measured on them is undefined for the sample, and said so: never a silent zero."""
    checkpoint = load(folders("llava"), prompt="vicuna_v1", boxes="released")
    encoded = encode(checkpoint, sample(tmp_path, (640, 480), SPECK))
    for region in ("related_patches", "other_patches"):
        with pytest.raises(RegionError, match=f"region '{region}' is empty"):
            encoded.regions[region]
    assert encoded.regions["question"] and encoded.regions["image"]


def test_other_model_types_have_no_released_rule(folders: Callable[[str], Path]) -> None:
    refused = "'llava_onevision' knows boxes by analytic, not 'released': the released code has no rule"
    with pytest.raises(CheckpointError, match=refused):
        load(folders("llava_onevision"), boxes="released")
