"""Mistral 3 against transformers' own: prompts, shapes, marks behind rows, the order of tokens, boxes."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, example, given, settings, strategies as st
from PIL import Image
from torch import nn

from harness.checkpoint.adapters import ADAPTERS, LIMITED, NATIVE
from harness.checkpoint.adapters.adapter import LIMITED_TOKENS
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import encode
from harness.checkpoint.encode_condition import encode_under
from harness.checkpoint.info import directory_info
from harness.checkpoint.without_weights import bare_checkpoint
from harness.data.errors import CheckpointError, RegionError
from harness.data.pictures import read_picture
from harness.data.sample import Box, Size
from harness.engine import reference
from harness.testing.fidelity_samples import sample, shrunk
from harness.testing.own_processors import own_processor
from harness.testing.tiny_checkpoints import picture as tiny_picture, sample as tiny_sample, tiny_checkpoint

TOKEN = 28
"""Pixels along a side of what a visual token shows."""
LONGEST = {NATIVE: 1540, LIMITED: 448}
Bare = Callable[[str], Checkpoint]
by_handling = pytest.mark.parametrize("handling", [NATIVE, LIMITED])
drawn = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
sizes = st.tuples(st.integers(1, 1800), st.integers(1, 1800))
SHAPES: list[Size] = [(640, 480), (333, 500), (84, 84), (1, 1), (1000, 100), (9, 1800), (1541, 1025)]


@pytest.fixture(scope="session")
def bare(folders: Callable[[str], Path]) -> Bare:
    """The checkpoint without its weights, by handling, made once."""
    made: dict[str, Checkpoint] = {}

    def checkpoint(handling: str) -> Checkpoint:
        if handling not in made:
            info = replace(directory_info(folders("mistral3")), image_handling=handling)
            made[handling] = bare_checkpoint(info)
        return made[handling]

    return checkpoint


def resized(size: Size, longest: int) -> Size | None:
    """(Width, height) as the processor's arithmetic has it, by hand; None if nothing is left of a side."""
    ratio = max(1.0, max(size) / longest)
    width, height = (math.ceil(int(side / ratio) / TOKEN) * TOKEN for side in size)
    return (width, height) if width and height else None


def own_inputs(checkpoint: Checkpoint, tmp_path: Path, size: Size) -> tuple[Any, Any]:
    """A sample as we encode it, and as the model's own processor does."""
    encoded = encode(checkpoint, sample(tmp_path, size))
    pictures: Any = checkpoint.pictures
    start, stop = encoded.picture_span
    made = own_processor(checkpoint)(
        text=encoded.text[:start] + checkpoint.processor.image_token + encoded.text[stop:],
        images=read_picture(encoded.sample.image_path),
        return_tensors="pt",
        add_special_tokens=False,
        size={"longest_edge": pictures.longest},
    )
    return encoded, made


@by_handling
@pytest.mark.parametrize("size", SHAPES)
def test_ids_and_pixels_are_those_of_the_models_own_processor(
    handling: str, size: Size, bare: Bare, tmp_path: Path
) -> None:
    encoded, made = own_inputs(bare(handling), tmp_path, size)
    assert torch.equal(made["input_ids"][0], encoded.ids)
    assert torch.equal(made["pixel_values"], encoded.pixels)
    assert torch.equal(made["image_sizes"], encoded.extra["image_sizes"])


def test_the_reference_says_what_the_model_says_of_its_own_processors_inputs(
    checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    checkpoint = checkpoints("mistral3")
    encoded, made = own_inputs(checkpoint, tmp_path, (300, 170))
    with torch.inference_mode():
        own = checkpoint.model(**made).logits[0, -1]
    torch.testing.assert_close(reference.run(checkpoint, encoded).logits, own, rtol=0, atol=1e-4)


@by_handling
@drawn
@given(size=sizes)
@example(size=(1800, 2))
@example(size=(449, 1))
def test_a_picture_of_any_shape_has_as_many_tokens_as_the_processor_makes(
    handling: str, size: Size, bare: Bare
) -> None:
    wanted = resized(size, LONGEST[handling])
    assume(wanted is not None)
    pictures: Any = bare(handling).pictures
    made, layout = pictures.inputs(Image.new("RGB", size)), pictures.layout(size)
    width, height = wanted or (0, 0)
    assert made["image_sizes"].tolist() == [[height, width]]
    assert tuple(made["pixel_values"].shape) == (1, 3, height, width)
    assert layout.count == (width // TOKEN) * (height // TOKEN)
    assert layout.padding == ()
    assert handling == NATIVE or layout.count <= LIMITED_TOKENS


def test_a_mark_stands_behind_every_row_and_another_behind_the_last(bare: Bare, tmp_path: Path) -> None:
    encoded = encode(bare(NATIVE), sample(tmp_path, (100, 60)))
    start, stop = encoded.picture_span
    row = "[IMG]" * 4
    assert encoded.text[start:stop] == f"{row}[IMG_BREAK]{row}[IMG_BREAK]{row}[IMG_END]"
    image = encoded.regions["image"]
    first = image[0]
    assert [at - first for at in encoded.regions["separators"]] == [4, 9, 14]
    assert [at - first for at in image] == [0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13]
    assert set(encoded.regions["separators"]) < set(encoded.regions["after_image"])
    assert encoded.regions["question"][0] == first + 15, "nothing between the image and the question"


def test_the_prompt_does_not_change_with_the_date(bare: Bare, tmp_path: Path) -> None:
    text = encode(bare(NATIVE), sample(tmp_path)).text
    assert text.startswith("<s>[SYSTEM_PROMPT]You are a helpful assistant. The current date is 2024-07-26.[/")
    assert text.endswith("single word or phrase.[/INST]")


# ------------------------------------------------------------------------------------- order of tokens


def test_visual_tokens_are_the_grid_row_by_row() -> None:
    """Of a tower whose layers add nothing each feature is that of its own patches: a cell moves one token."""
    checkpoint = tiny_checkpoint(kind="mistral3", per_side=3, dtype=torch.float64, seed=3)
    checkpoint = replace(checkpoint, model=copy.deepcopy(checkpoint.model))
    for layer in checkpoint.model.model.vision_tower.transformer.layers:
        nn.init.zeros_(layer.attention.o_proj.weight)
        nn.init.zeros_(layer.feed_forward.down_proj.weight)
    plain = features(checkpoint, np.zeros((12, 20, 3), dtype=np.uint8))
    layout = checkpoint.pictures.layout((20, 12))
    assert layout.count == len(plain) == 15
    for token in range(layout.count):
        row, column = divmod(token, 5)
        canvas = np.zeros((12, 20, 3), dtype=np.uint8)
        canvas[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 255
        moved = (features(checkpoint, canvas) != plain).any(dim=1).nonzero()[:, 0].tolist()
        assert moved == [token] == list(layout.holding(Box("cell", 4 * column, 4 * row, 4, 4)))


@torch.inference_mode()
def features(checkpoint: Checkpoint, canvas: np.ndarray) -> torch.Tensor:
    """What a picture's tokens become, ``[tokens, width]``."""
    made = dict(checkpoint.pictures.inputs(Image.fromarray(canvas)))
    made["pixel_values"] = made["pixel_values"].double()
    seen = checkpoint.model.model.get_image_features(**made, return_dict=True).pooler_output
    return torch.cat(list(seen))


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
        pixels = pictures.inputs(Image.fromarray(canvas))["pixel_values"][0, 0]
    finally:
        processor.resample = old
    dark = float(pictures.inputs(Image.new("RGB", (TOKEN, TOKEN)))["pixel_values"].min())
    cells = (pixels > dark).unflatten(1, (-1, TOKEN)).unflatten(0, (-1, TOKEN))
    return set(cells.any(3).any(1).flatten().nonzero()[:, 0].tolist())


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
@example(size=(1800, 1700), corner=(255, 255), extent=(30, 30))
def test_a_box_is_where_its_paint_lands(
    handling: str, size: Size, corner: tuple[int, int], extent: tuple[int, int], bare: Bare
) -> None:
    """What is painted must be found; what is found, but for pixels that sampling skips, must be painted."""
    assume(resized(size, LONGEST[handling]) is not None)
    checkpoint, box = bare(handling), Box("object", *corner, *extent)
    layout = checkpoint.pictures.layout(size)
    paint = marked(checkpoint, size, box)
    axes = (layout.base.rows, layout.base.columns)
    by = 1 + math.ceil(max(axis.length / axis.scale for axis in axes))
    assert paint <= set(layout.holding(box))
    assert set(layout.holding(shrunk(box, size, by))) <= paint


def test_a_corner_by_hand(bare: Bare) -> None:
    """640×480 becomes 644×504: 18 rows of 23 tokens, a token 27.8 by 26.7 pixels of the picture."""
    layout = bare(NATIVE).pictures.layout((640, 480))
    assert layout.count == 18 * 23
    assert layout.holding(Box("corner", 0, 0, 1, 1)) == (0,)
    assert layout.holding(Box("corner", 639, 479, 1, 1)) == (18 * 23 - 1,)
    assert layout.holding(Box("inside", 26, 25, 1, 1)) == (0,)
    assert layout.holding(Box("edge", 27, 25, 1, 1)) == (0, 1)
    assert layout.holding(Box("edge", 27, 26, 1, 1)) == (0, 1, 23, 24)
    assert [number for number, _ in layout.marks] == [23 * row for row in range(1, 19)]


# ------------------------------------------------------------------------- the whole model, and refusals


def test_a_grey_picture_is_seen(tmp_path: Path) -> None:
    checkpoint, size = tiny_checkpoint(kind="mistral3"), (16, 8)
    asked = tiny_sample(tiny_picture(tmp_path, size=size), size=size)
    said = reference.run(checkpoint, encode_under(checkpoint, asked, "grey")).logits
    assert not torch.allclose(said, reference.run(checkpoint, encode(checkpoint, asked)).logits, atol=1e-3)


@pytest.mark.parametrize("size", [(3100, 1), (1, 3100)])
def test_a_picture_of_which_nothing_is_left_is_a_sample_left_out(
    size: Size, bare: Bare, tmp_path: Path
) -> None:
    with pytest.raises(RegionError, match=f"a picture of {size[0]}×{size[1]} pixels is too thin"):
        encode(bare(NATIVE), sample(tmp_path, size))


@pytest.mark.parametrize(
    ("part", "changed", "told"),
    [
        ("vision_config", {"model_type": "clip_vision_model"}, "a vision tower 'clip_vision_model'"),
        ("vision_config", {"patch_size": [14, 14]}, r"in patches of \[14, 14\]"),
        ("vision_config", {"image_size": 1512}, "up to 1540 pixels in whole tokens of 28.* takes 1512"),
        ("vision_config", {"patch_size": 16}, "the processor's patch_size is 14, the model's 16"),
        ("config", {"spatial_merge_size": 3}, "the processor's spatial_merge_size is 2, the model's 3"),
        ("images", {"size": {"height": 9, "width": 9}}, "the processor's size is not a longest_edge of 1"),
        ("images", {"size": {"longest_edge": 5000}}, "the processor's size is not a longest_edge of 1"),
        ("images", {"do_resize": False}, "do_resize is false"),
        ("images", {"do_center_crop": True}, "do_center_crop is true"),
        ("processor", {"image_break_token": "[ROW]"}, r"its tokenizer has no token '\[ROW\]'"),
    ],
)
def test_what_goes_with_no_layout_is_refused_by_the_setting(
    part: str, changed: dict[str, Any], told: str, bare: Bare
) -> None:
    checkpoint = bare(NATIVE)
    parts = {
        "vision_config": SimpleNamespace(model_type="pixtral", patch_size=14, image_size=1540),
        "images": SimpleNamespace(size={"longest_edge": 1540}, do_resize=True, do_center_crop=None),
    }
    parts["config"] = SimpleNamespace(vision_config=parts["vision_config"], spatial_merge_size=2)
    parts["processor"] = SimpleNamespace(
        image_processor=parts["images"],
        tokenizer=checkpoint.processor.tokenizer,
        patch_size=14,
        spatial_merge_size=2,
    )
    ADAPTERS["mistral3"].pictures(SimpleNamespace(config=parts["config"]), parts["processor"], NATIVE)
    vars(parts[part]).update(changed)
    with pytest.raises(CheckpointError, match=told):
        ADAPTERS["mistral3"].pictures(SimpleNamespace(config=parts["config"]), parts["processor"], NATIVE)
