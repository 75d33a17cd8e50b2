"""Qwen-VL against transformers' own: prompts, shapes, the order of tokens, positions, boxes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, example, given, settings, strategies as st
from PIL import Image
from torch import nn

from harness.checkpoint.adapters import ADAPTERS, LIMITED, NATIVE
from harness.checkpoint.adapters.adapter import LIMITED_TOKENS
from harness.checkpoint.adapters.qwen_vl import LONGEST_ASPECT
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import encode
from harness.checkpoint.encode_condition import encode_under
from harness.checkpoint.info import directory_info
from harness.checkpoint.positions import MODALITIES, as_inputs
from harness.checkpoint.without_weights import bare_checkpoint
from harness.data.errors import CheckpointError, RegionError
from harness.data.pictures import read_picture
from harness.data.sample import Box, Size
from harness.engine import reference
from harness.testing.building_blocks import QWEN
from harness.testing.cases import shape_for
from harness.testing.fidelity_samples import sample, shrunk
from harness.testing.own_processors import own_processor
from harness.testing.tiny_checkpoints import picture as tiny_picture, sample as tiny_sample, tiny_checkpoint

NAMES = ("qwen2_5_vl", "qwen3_vl")
Bare = Callable[[str, str], Checkpoint]
by_name = pytest.mark.parametrize("name", NAMES)
by_handling = pytest.mark.parametrize("handling", [NATIVE, LIMITED])
by_kind = pytest.mark.parametrize("kind", QWEN)
drawn = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
sizes = st.tuples(st.integers(1, 1600), st.integers(1, 1600))
SHAPES: list[Size] = [(640, 480), (333, 500), (84, 84), (1, 1), (1000, 100), (9, 1800), (513, 1025)]


@pytest.fixture(scope="session")
def bare(folders: Callable[[str], Path]) -> Bare:
    """A checkpoint without its weights, by name and handling, made once."""
    made: dict[tuple[str, str], Checkpoint] = {}

    def checkpoint(name: str, handling: str) -> Checkpoint:
        if (name, handling) not in made:
            info = replace(directory_info(folders(name)), image_handling=handling)
            made[name, handling] = bare_checkpoint(info)
        return made[name, handling]

    return checkpoint


def own_inputs(checkpoint: Checkpoint, tmp_path: Path, size: Size) -> tuple[Any, Any]:
    """A sample as we encode it, and as the model's own processor does."""
    encoded = encode(checkpoint, sample(tmp_path, size))
    pictures: Any = checkpoint.pictures
    start, stop = encoded.picture_span
    made = own_processor(checkpoint)(
        text=encoded.text[:start] + checkpoint.processor.image_token + encoded.text[stop:],
        images=read_picture(encoded.sample.image_path),
        return_tensors="pt",
        size=dict(zip(("shortest_edge", "longest_edge"), pictures.pixels, strict=True)),
    )
    return encoded, made


@by_name
@by_handling
@pytest.mark.parametrize("size", SHAPES)
def test_ids_and_pixels_are_those_of_the_models_own_processor(
    name: str, handling: str, size: Size, bare: Bare, tmp_path: Path
) -> None:
    checkpoint = bare(name, handling)
    encoded, made = own_inputs(checkpoint, tmp_path, size)
    assert torch.equal(made["input_ids"][0], encoded.ids)
    assert torch.equal(made["pixel_values"], encoded.pixels)
    assert torch.equal(made["image_grid_thw"], encoded.extra["image_grid_thw"])
    assert torch.equal(
        made[MODALITIES], encoded.modalities(checkpoint.model.config.image_token_id)[MODALITIES]
    )


@by_name
def test_the_reference_says_what_the_model_says_of_its_own_processors_inputs(
    name: str, checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    checkpoint = checkpoints(name)
    encoded, made = own_inputs(checkpoint, tmp_path, (300, 170))
    with torch.inference_mode():
        own = checkpoint.model(**made).logits[0, -1]
    torch.testing.assert_close(reference.run(checkpoint, encoded).logits, own, rtol=0, atol=1e-4)


@by_name
@by_handling
@drawn
@given(size=sizes)
@example(size=(1600, 8))
@example(size=(8, 1600))
def test_a_picture_of_any_shape_has_as_many_tokens_as_the_processor_makes(
    name: str, handling: str, size: Size, bare: Bare
) -> None:
    assume(max(size) <= LONGEST_ASPECT * min(size))
    pictures: Any = bare(name, handling).pictures
    made, layout = pictures.inputs(Image.new("RGB", size)), pictures.layout(size)
    grid = (1, 2 * len(layout.base.rows.shown), 2 * len(layout.base.columns.shown))
    assert made["image_grid_thw"].tolist() == [list(grid)]
    assert len(made["pixel_values"]) == 4 * layout.count
    assert layout.padding == ()
    assert handling == NATIVE or layout.count <= LIMITED_TOKENS


@pytest.mark.parametrize(
    ("name", "expected"), [("qwen2_5_vl", [[30, 40], [13, 18]]), ("qwen3_vl", [[26, 35], [13, 18]])]
)
def test_a_limited_picture_has_fewer_tokens_of_the_same_shape(
    name: str, expected: list[list[int]], bare: Bare
) -> None:
    sides = [
        [len(axis.shown) for axis in (layout.base.rows, layout.base.columns)]
        for layout in (bare(name, handling).pictures.layout((1120, 840)) for handling in (NATIVE, LIMITED))
    ]
    assert sides == expected


# ----------------------------------------------------------------------------- order and positions


@by_kind
def test_visual_tokens_are_the_grid_row_by_row(kind: str) -> None:
    """Without the tower's layers each feature is that of its own patches: a painted cell moves one token."""
    checkpoint = tiny_checkpoint(kind=kind, per_side=3, dtype=torch.float64, seed=3)
    tower, pictures = checkpoint.model.model.visual, checkpoint.pictures
    blocks, tower.blocks = tower.blocks, nn.ModuleList()
    try:
        plain = features(checkpoint, np.zeros((12, 20, 3), dtype=np.uint8))
        layout = pictures.layout((20, 12))
        assert layout.count == len(plain) == 15
        for token in range(layout.count):
            row, column = divmod(token, 5)
            canvas = np.zeros((12, 20, 3), dtype=np.uint8)
            canvas[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 255
            moved = (features(checkpoint, canvas) != plain).any(dim=1).nonzero()[:, 0].tolist()
            assert moved == [token] == list(layout.holding(Box("cell", 4 * column, 4 * row, 4, 4)))
    finally:
        tower.blocks = blocks


@torch.inference_mode()
def features(checkpoint: Checkpoint, canvas: np.ndarray) -> torch.Tensor:
    """What a picture's tokens become, ``[tokens, width]``."""
    made = dict(checkpoint.pictures.inputs(Image.fromarray(canvas)))
    made["pixel_values"] = made["pixel_values"].double()
    seen = checkpoint.model.model.get_image_features(**made, return_dict=True).pooler_output
    return torch.cat(list(seen))


@by_kind
@drawn
@given(size=st.tuples(st.integers(1, 90), st.integers(1, 90)))
def test_positions_are_those_that_the_model_finds(
    kind: str, size: Size, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checkpoint = tiny_checkpoint(kind=kind)
    encoded = encode(
        checkpoint, tiny_sample(tiny_picture(tmp_path_factory.getbasetemp(), 0, size), size=size)
    )
    told = encoded.modalities(checkpoint.model.config.image_token_id)
    own, delta = checkpoint.model.model.get_rope_index(encoded.ids[None], **told, **encoded.extra)
    assert torch.equal(as_inputs(encoded.rotary_positions), own)
    rows, columns = encoded.extra["image_grid_thw"][0, 1:] // 2
    assert int(delta) == max(rows, columns) - rows * columns
    assert int(encoded.rotary_positions.max()) == encoded.length - 1 + int(delta)


# --------------------------------------------------------------------------------------------- boxes


def marked(checkpoint: Checkpoint, size: Size, box: Box) -> set[int]:
    """Tokens that show a painted pixel: the box painted, the picture put through the processor itself."""
    canvas = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    canvas[max(box.y, 0) : max(box.y + box.height, 0), max(box.x, 0) : max(box.x + box.width, 0)] = 255
    pictures: Any = checkpoint.pictures
    processor = pictures.image_processor
    old = processor.resample
    processor.resample = 0  # the nearest pixel: paint stays paint
    try:
        pixels = pictures.inputs(Image.fromarray(canvas))["pixel_values"]
    finally:
        processor.resample = old
    values = pixels.unflatten(1, (3, -1))[:, 0]
    found: list[int] = (values > values.min()).any(1).unflatten(0, (-1, 4)).any(1).nonzero()[:, 0].tolist()
    return set(found) if bool(canvas.any()) else set()


@by_name
@by_handling
@drawn
@given(
    size=sizes,
    corner=st.tuples(st.integers(-20, 1500), st.integers(-20, 1500)),
    extent=st.tuples(st.integers(1, 700), st.integers(1, 700)),
)
@example(size=(640, 480), corner=(0, 0), extent=(27, 1))
@example(size=(1333, 41), corner=(700, 3), extent=(40, 20))
@example(size=(9, 900), corner=(2, 450), extent=(5, 3))
@example(size=(513, 511), corner=(255, 255), extent=(3, 3))
def test_a_box_is_where_its_paint_lands(
    name: str, handling: str, size: Size, corner: tuple[int, int], extent: tuple[int, int], bare: Bare
) -> None:
    """What is painted must be found; what is found, but for pixels that sampling skips, must be painted."""
    assume(max(size) <= LONGEST_ASPECT * min(size))
    checkpoint, box = bare(name, handling), Box("object", *corner, *extent)
    whole = (
        corner[0] <= 0,
        corner[1] <= 0,
        corner[0] + extent[0] >= size[0],
        corner[1] + extent[1] >= size[1],
    )
    assume(not all(whole))  # a picture of one colour has no darker pixel to tell paint by
    layout = checkpoint.pictures.layout(size)
    paint = marked(checkpoint, size, box)
    grid = layout.base
    by = 1 + math.ceil(max(axis.length / axis.scale for axis in (grid.rows, grid.columns)))
    assert paint <= set(layout.holding(box))
    assert set(layout.holding(shrunk(box, size, by))) <= paint


def test_a_corner_by_hand(bare: Bare) -> None:
    """640x480 becomes 644x476: 17 rows of 23 tokens, a token 27.8 by 28.2 pixels of the picture."""
    layout = bare("qwen2_5_vl", NATIVE).pictures.layout((640, 480))
    assert layout.count == 17 * 23
    assert layout.holding(Box("corner", 0, 0, 1, 1)) == (0,)
    assert layout.holding(Box("corner", 639, 479, 1, 1)) == (17 * 23 - 1,)
    assert layout.holding(Box("inside", 26, 27, 1, 1)) == (0,)
    assert layout.holding(Box("edge", 27, 27, 1, 1)) == (0, 1)
    assert layout.holding(Box("edge", 27, 28, 1, 1)) == (0, 1, 23, 24)


# ------------------------------------------------------------------------- the whole model, and refusals


def test_its_decoders_settings_may_lie_beside_the_towers(folders: Callable[[str], Path]) -> None:
    folder = folders("qwen2_5_vl")
    written = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert "text_config" not in written
    assert directory_info(folder).layers == written["num_hidden_layers"] == 4


@by_kind
def test_a_grey_picture_is_seen(kind: str, tmp_path: Path) -> None:
    checkpoint, size = tiny_checkpoint(kind=kind), shape_for(kind)
    asked = tiny_sample(tiny_picture(tmp_path, size=size), size=size)
    said = reference.run(checkpoint, encode_under(checkpoint, asked, "grey")).logits
    assert not torch.allclose(said, reference.run(checkpoint, encode(checkpoint, asked)).logits, atol=1e-3)


def test_a_picture_that_is_too_thin_is_a_sample_left_out(bare: Bare, tmp_path: Path) -> None:
    checkpoint = bare("qwen2_5_vl", NATIVE)
    encode(checkpoint, sample(tmp_path, (400, 2)))
    for size in ((401, 2), (2, 401)):
        with pytest.raises(RegionError, match="more than 200 times as long as it is wide"):
            encode(checkpoint, sample(tmp_path, size))


def refused(checkpoint: Checkpoint, **changed: Any) -> str:
    """What a checkpoint is refused with whose image processor has other settings."""
    images: Any = checkpoint.processor.image_processor
    old = {name: getattr(images, name) for name in changed}
    try:
        for name, value in changed.items():
            setattr(images, name, value)
        with pytest.raises(CheckpointError) as error:
            ADAPTERS[checkpoint.model.config.model_type].pictures(
                checkpoint.model, checkpoint.processor, NATIVE
            )
        return str(error.value)
    finally:
        for name, value in old.items():
            setattr(images, name, value)


def test_processors_that_go_with_no_layout_are_refused_by_the_setting(bare: Bare) -> None:
    checkpoint = bare("qwen2_5_vl", NATIVE)
    assert "the processor's patch_size is 16, the vision tower's 14" in refused(checkpoint, patch_size=16)
    assert "merge_size is 3, the vision tower's 2" in refused(checkpoint, merge_size=3)
    assert "temporal_patch_size is 1, the vision" in refused(checkpoint, temporal_patch_size=1)
    assert "do_resize is false" in refused(checkpoint, do_resize=False)
    for size in (
        {"height": 28, "width": 28},
        {"shortest_edge": 9, "longest_edge": 8},
        {"longest_edge": 10**9},
    ):
        assert "the least and the most pixels of a picture, from 1 to 16,777,216" in refused(
            checkpoint, size=size
        )


def test_a_square_is_not_asked_of_it(bare: Bare) -> None:
    with pytest.raises(CheckpointError, match="handles pictures as native or limited, not 'square'"):
        bare("qwen2_5_vl", "square")
