"""Where a box lies among the visual tokens: painted, and counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings, strategies as st
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
    LlavaOnevisionImageProcessorPil,
)

from harness.checkpoint.adapters.llava import SquarePictures
from harness.checkpoint.adapters.tiling import TiledPictures
from harness.checkpoint.patches import SquarePadding, TokenGrid
from harness.data.sample import Box, Size
from harness.testing.fidelity_samples import NEXT, ONEVISION
from harness.testing.realistic_checkpoints import NEXT_PINPOINTS, ONEVISION_PINPOINTS


class Processor:
    """Real image processors that sample the nearest pixel and leave colours alone: paint stays paint."""

    def __init__(self, kind: type[Any], **options: Any) -> None:
        self.real = kind(resample=0, do_normalize=False, do_rescale=False, **options)
        self.image_mean = (0.0, 0.0, 0.0)

    def __call__(self, **words: Any) -> Any:
        return self.real(**words)


def pictures_of(name: str) -> Any:
    if name == "llava":
        size = {"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}}
        made = Processor(CLIPImageProcessorPil, **size)
        return SquarePictures(made, SquarePadding(336, 14))
    if name == "llava_uncropped":
        made = Processor(CLIPImageProcessorPil, size={"height": 336, "width": 336}, do_center_crop=False)
        return SquarePictures(made, SquarePadding(336, 14))
    if name == "llava_next":
        size = {"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}}
        made = Processor(LlavaNextImageProcessorPil, image_grid_pinpoints=NEXT_PINPOINTS, **size)
        return TiledPictures(made, NEXT)
    pinpoints = ONEVISION_PINPOINTS
    return TiledPictures(
        Processor(LlavaOnevisionImageProcessorPil, image_grid_pinpoints=pinpoints), ONEVISION
    )


def painted_tokens(pictures: Any, size: Size, box: Box) -> set[int]:
    """Paint a box, transform the picture, find the tokens that show a painted pixel."""
    canvas = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    canvas[max(box.y, 0) : max(box.y + box.height, 0), max(box.x, 0) : max(box.x + box.width, 0)] = 255
    values = pictures.inputs(Image.fromarray(canvas))["pixel_values"]
    layout = pictures.layout(size)
    tiles = values.reshape(-1, 3, *values.shape[-2:])[:, 0] > 0
    side, patch = tiles.shape[-1], pictures.geometry.patch
    per_side = side // patch
    kept = per_side * patch
    marked = tiles[:, :kept, :kept].reshape(-1, per_side, patch, per_side, patch).any(4).any(2)
    found = showing(layout.base, marked[0])
    if layout.tiles is not None:
        down, across = (edge // side for edge in pictures.geometry.canvas(size))
        grid = marked[1 : 1 + down * across].reshape(down, across, per_side, per_side)
        found |= showing(layout.tiles, grid.transpose(1, 2).flatten(0, 1).flatten(1, 2))
    return found


def showing(grid: TokenGrid, marked: torch.Tensor) -> set[int]:
    tokens = iter(grid.patches)
    return {
        token
        for rows in grid.rows.shown
        for columns in grid.columns.shown
        for token in [next(tokens)]
        if marked[rows.start : rows.stop, columns.start : columns.stop].any()
    }


def grown(box: Box, size: Size, by: int) -> Box:
    """A box without the pixels whose paint the nearest-pixel sampling may miss at its edges."""
    left, top = max(box.x, 0) + by, max(box.y, 0) + by
    right, bottom = min(box.x + box.width, size[0]) - by, min(box.y + box.height, size[1]) - by
    return Box(box.name, left, top, max(right - left, 0), max(bottom - top, 0))


@pytest.mark.parametrize("name", ["llava", "llava_uncropped", "llava_next", "llava_onevision"])
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    size=st.tuples(st.integers(2, 700), st.integers(2, 700)),
    corner=st.tuples(st.integers(-20, 600), st.integers(-20, 600)),
    extent=st.tuples(st.integers(1, 300), st.integers(1, 300)),
)
@example(size=(640, 480), corner=(0, 0), extent=(27, 1))
@example(size=(700, 40), corner=(0, 0), extent=(700, 40))
@example(size=(9, 700), corner=(0, 0), extent=(9, 1))
def test_a_box_is_where_its_paint_lands(
    name: str, size: Size, corner: tuple[int, int], extent: tuple[int, int]
) -> None:
    """Through the very transform that makes the pixels.

    Sampling the nearest pixel takes one picture pixel for each canvas pixel. What is painted must be
    found; what is found but not painted is a patch that the box enters by less than a picture pixel or
    a canvas pixel: the box without its outermost pixels must be painted there, wherever it is found.
    """
    pictures, box = pictures_of(name), Box("object", *corner, *extent)
    layout = pictures.layout(size)
    found, paint = set(layout.holding(box)), painted_tokens(pictures, size, box)
    assert paint <= found
    shrink = -(-max(size) // 336)  # picture pixels to a canvas pixel, where a picture is made smaller
    assert set(layout.holding(grown(box, size, shrink))) <= paint


def test_the_tokens_of_a_640_by_480_picture_by_hand() -> None:
    """It fills 672x504 of a 672x672 canvas: 84 rows of padding, six rows of patches, on both sides.

    Base: 24 rows of 24; then 36 rows of 48 and a newline: 576 + 36 * 49 = 2,340 tokens. A box of 27x1
    pixels at the corner covers 14.2 pixels of the base (patches 0 and 1), 28.4 of the tiles (0 to 2).
    """
    layout = NEXT.layout((640, 480))
    assert NEXT.canvas((640, 480)) == (672, 672)
    assert layout.count == 2340
    assert layout.base.patches == tuple(range(576))
    assert layout.newlines == tuple(576 + 49 * row + 48 for row in range(36))
    assert layout.holding(Box("jar", 0, 0, 27, 1)) == (0, 1, 576, 577, 578)
    assert layout.holding(Box("jar", 639, 479, 1, 1)) == (575, 576 + 35 * 49 + 47)
    assert layout.padding == ()


def test_the_tokens_of_tall_and_wide_pictures_by_hand() -> None:
    """1000x100 goes on 336x1008 scaled by 1.008: 100.8 rows, 7.2 patches of 24, of which 8 stay."""
    wide, tall = NEXT.layout((1000, 100)), NEXT.layout((100, 1000))
    assert NEXT.canvas((1000, 100)) == (336, 1008)
    assert wide.tiles is not None and tall.tiles is not None
    assert (len(wide.tiles.rows.shown), len(wide.tiles.columns.shown)) == (8, 72)
    assert (len(tall.tiles.rows.shown), len(tall.tiles.columns.shown)) == (72, 8)
    assert wide.count == 576 + 8 * 73
    assert tall.count == 576 + 72 * 9
    # So thin that unpadding leaves no column of patches: newline tokens alone.
    thin = NEXT.layout((3, 2000))
    assert thin.tiles is not None and thin.tiles.patches == ()
    assert thin.newlines == tuple(range(576, 576 + 72))


def test_unpadding_can_crop_a_box_away() -> None:
    """640x480 on OneVision's 768x768: the first 2 of 576 rows are in a patch row that unpadding drops."""
    layout = ONEVISION.layout((640, 480))
    assert layout.tiles is not None
    assert layout.tiles.rows.shown[0] == range(7, 8)
    assert layout.tiles.holding(Box("jar", 0, 0, 27, 1)) == ()
    assert layout.tiles.holding(Box("jar", 0, 0, 27, 2)) == (729, 730, 731)
