"""Boxes to patches, against painting the box and looking where the paint lands."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from harness.checkpoint.patches import SquarePadding, pad_to_square
from harness.data.sample import Box

BLACK = (0.0, 0.0, 0.0)


def painted(box: Box, size: tuple[int, int], geometry: SquarePadding) -> set[int]:
    """Patches whose area overlaps the painted box after padding: by counting pixels at high resolution."""
    canvas = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    bottom, right = max(box.y + box.height, 0), max(box.x + box.width, 0)
    canvas[max(box.y, 0) : bottom, max(box.x, 0) : right] = 255
    square = pad_to_square(Image.fromarray(canvas), BLACK)
    # Every original pixel becomes side×side pixels, so that patch borders fall on pixel borders.
    big = square.resize(
        (square.width * geometry.side, square.height * geometry.side), Image.Resampling.NEAREST
    )
    pixels = np.asarray(big)[:, :, 0]
    step = square.width * geometry.patch
    return {
        row * geometry.per_side + column
        for row in range(geometry.per_side)
        for column in range(geometry.per_side)
        if pixels[row * step : (row + 1) * step, column * step : (column + 1) * step].any()
    }


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(3, 20),
    height=st.integers(3, 20),
    left=st.integers(-3, 19),
    top=st.integers(-3, 19),
    box_width=st.integers(1, 12),
    box_height=st.integers(1, 12),
    per_side=st.integers(1, 4),
    patch=st.integers(1, 3),
)
def test_a_box_belongs_to_the_patches_where_its_paint_lands(
    width: int, height: int, left: int, top: int, box_width: int, box_height: int, per_side: int, patch: int
) -> None:
    geometry = SquarePadding(per_side * patch, patch)
    box = Box("object", left, top, box_width, box_height)
    found = geometry.layout((width, height)).holding(box)
    assert set(found) == painted(box, (width, height), geometry)
    assert list(found) == sorted(set(found))


def test_a_box_at_llava_geometry_by_hand() -> None:
    """A 640×480 picture is padded by 80 rows above; a patch is 14·640/336 = 26⅔ original pixels."""
    geometry = SquarePadding(336, 14)
    box = Box("dog", 0, 0, 27, 1)
    assert geometry.layout((640, 480)).holding(box) == (3 * 24, 3 * 24 + 1)


def test_a_wide_picture_has_padding_above_and_below() -> None:
    geometry = SquarePadding(336, 14)
    assert geometry.layout((640, 320)).padding == (*range(6 * 24), *range(18 * 24, 24 * 24))
    assert geometry.layout((640, 640)).padding == ()


def test_padding_uses_the_mean_colour_and_keeps_the_picture_in_the_middle() -> None:
    picture = Image.new("RGB", (4, 2), (255, 0, 0))
    square = pad_to_square(picture, (0.5, 0.25, 1.0))
    assert square.size == (4, 4)
    assert square.getpixel((0, 0)) == (127, 63, 255)
    assert square.getpixel((0, 1)) == (255, 0, 0)


@pytest.mark.parametrize("box", [Box("gone", 30, 0, 5, 5), Box("gone", -9, 0, 5, 5)])
def test_a_box_outside_the_picture_has_no_patches(box: Box) -> None:
    assert SquarePadding(8, 2).layout((20, 20)).holding(box) == ()


@pytest.mark.parametrize("size", [(84, 84), (200, 100), (70, 140)])
def test_patches_are_drawn_where_they_lie_in_the_picture(size: tuple[int, int]) -> None:
    grid = SquarePadding(side=84, patch=14).layout(size).base
    box = Box("thing", size[0] // 3, size[1] // 3, 9, 7)
    shown = grid.places()
    places = [shown[token] for token in grid.holding(box)]
    left, top = min(x for x, *_ in places), min(y for _, y, *_ in places)
    right = max(x + width for x, _, width, _ in places)
    bottom = max(y + height for _, y, _, height in places)
    assert left <= box.x
    assert top <= box.y
    assert right >= box.x + box.width
    assert bottom >= box.y + box.height
    side = max(size) * 14 / 84
    assert right - left < box.width + 2 * side
    assert all(0 <= x <= x + width <= size[0] for x, _, width, _ in places)
    assert all(0 <= y <= y + height <= size[1] for _, y, _, height in places)
