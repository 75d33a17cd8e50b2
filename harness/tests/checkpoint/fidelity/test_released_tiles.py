"""The paper's NeXT checkpoints cut pictures as the release did, others as their processor does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings, strategies as st
from PIL import Image

from harness.checkpoint.adapters.tiling import Tiling
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import encode
from harness.checkpoint.loading import load
from harness.data.errors import CheckpointError
from harness.data.sample import Size
from harness.testing import realistic_checkpoints as realistic
from harness.testing.fidelity_samples import NEXT, RELEASED_NEXT, SIZES, sample
from harness.tests.checkpoint.fidelity import released
from harness.tests.checkpoint.fidelity.test_order import same_order

SWAPPED: list[Size] = [(320, 240), (240, 320), (176, 144), (240, 166)]
"""Sizes in GQA of which the released code takes another canvas than the processor."""


@pytest.fixture(scope="module")
def checkpoint(folders: Callable[[str], Path]) -> Checkpoint:
    return load(folders("llava_next"), image_handling="released-tiles", prompt="vicuna_v1")


def canvas_of(tiling: Tiling, size: Size) -> Size:
    height, width = tiling.canvas(size)
    return width, height


@settings(max_examples=500, deadline=None)
@given(size=st.tuples(st.integers(1, 3000), st.integers(1, 3000)))
@example(size=(336, 336))
@example(size=(500, 375))
def test_the_canvas_is_the_released_one(size: Size) -> None:
    canvas = released.chosen_canvas(size, realistic.NEXT_PINPOINTS)
    assert canvas_of(RELEASED_NEXT, size) == canvas
    if min(size) > 336:  # the processor's choice differs only where two canvases show all of a picture
        assert canvas_of(NEXT, size) == canvas


@pytest.mark.parametrize("size", SWAPPED)
def test_small_pictures_get_another_canvas_than_the_processor_s(size: Size) -> None:
    assert canvas_of(RELEASED_NEXT, size) == tuple(reversed(canvas_of(NEXT, size)))


@pytest.mark.parametrize("size", [*SWAPPED, (640, 480), (333, 500), (100, 1000), (1, 1)])
def test_the_pixels_are_the_released_ones(size: Size, checkpoint: Checkpoint, tmp_path: Path) -> None:
    """Through the model's real processor, and the model packs as many features as there are image tokens."""
    encoded = encode(checkpoint, sample(tmp_path, size))
    with Image.open(encoded.sample.image_path) as file:
        squares = np.stack(released.tiles(file.convert("RGB"), realistic.NEXT_PINPOINTS))
    processor = checkpoint.processor.image_processor
    mean, std = np.array(processor.image_mean), np.array(processor.image_std)
    expected = torch.tensor((squares / 255.0 - mean) / std, dtype=torch.float32).permute(0, 3, 1, 2)
    torch.testing.assert_close(encoded.pixels[0], expected, rtol=0, atol=1e-6)
    with torch.inference_mode():
        output = checkpoint.model(input_ids=encoded.ids[None], **encoded.visual, logits_to_keep=1)
    assert output.logits.isfinite().all()


@pytest.mark.parametrize("size", [*SWAPPED, *SIZES])
def test_its_tokens_are_in_the_order_of_the_model_s_own_packing(size: Size, checkpoint: Checkpoint) -> None:
    assert checkpoint.pictures.layout(size) == RELEASED_NEXT.layout(size)
    same_order(checkpoint, RELEASED_NEXT, size)


def test_unpadding_is_the_released_one_but_for_sizes_that_are_known() -> None:
    """How transformers rounds differs for ten of the sizes up to 700 pixels; no usual one is among them."""
    odd = {
        *((55, 176), (88, 55), (88, 99), (110, 352), (176, 110)),
        *((176, 198), (205, 656), (328, 205), (352, 110), (656, 205)),
    }
    tried = {*odd, *SWAPPED, *((width, height) for width in range(50, 701, 25) for height in range(50, 701))}
    for size in tried:
        canvas = released.chosen_canvas(size, realistic.NEXT_PINPOINTS)
        assert released.unpadding_differs(size, canvas) == (size in odd)
        whole = np.ones((canvas[1] // 14, canvas[0] // 14), dtype=np.bool_)
        grid = RELEASED_NEXT.layout(size).tiles
        assert grid is not None
        shown = len(grid.rows.shown), len(grid.columns.shown)
        assert (shown == released.unpadded(whole, size).shape) == (size not in odd)


def test_who_does_not_ask_for_it_gets_the_processor_s(
    folders: Callable[[str], Path], checkpoints: Callable[[str], Checkpoint]
) -> None:
    assert checkpoints("llava_next").pictures.layout((320, 240)) == NEXT.layout((320, 240))
    assert NEXT.layout((320, 240)) != RELEASED_NEXT.layout((320, 240))
    refused = "handles pictures as tiles or square, not 'released-tiles'"
    with pytest.raises(CheckpointError, match=refused):
        load(folders("llava_onevision"), image_handling="released-tiles")
