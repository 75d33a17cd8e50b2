"""Idefics3, SmolVLM and InternVL against transformers' own: prompts, tiles, the order of tokens, boxes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings, strategies as st
from PIL import Image

from harness.checkpoint.adapters import ADAPTERS, SQUARE, TILES
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

NAMES = ("smolvlm_256m", "smolvlm2", "internvl")
SPLIT = {
    "smolvlm_256m": "do_image_splitting",
    "smolvlm2": "do_image_splitting",
    "internvl": "crop_to_patches",
}
"""The option of each processor that makes tiles."""


@pytest.fixture(scope="session")
def bare(folders: Callable[[str], Path]) -> Callable[[str, str], Checkpoint]:
    """A checkpoint without its weights, by name and handling, made once."""
    made: dict[tuple[str, str], Checkpoint] = {}

    def checkpoint(name: str, handling: str) -> Checkpoint:
        if (name, handling) not in made:
            info = replace(directory_info(folders(name)), image_handling=handling)
            made[name, handling] = bare_checkpoint(info)
        return made[name, handling]

    return checkpoint


Bare = Callable[[str, str], Checkpoint]
by_name = pytest.mark.parametrize("name", NAMES)
by_handling = pytest.mark.parametrize("handling", [TILES, SQUARE])
drawn = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
sizes = st.tuples(st.integers(1, 1600), st.integers(1, 1600))
SHAPES: list[Size] = [(640, 480), (333, 500), (84, 84), (1, 1), (1000, 100), (3, 2000), (513, 1025)]


@by_name
@by_handling
@pytest.mark.parametrize("size", SHAPES)
def test_ids_and_pixels_are_those_of_the_models_own_processor(
    name: str, handling: str, size: Size, bare: Bare, tmp_path: Path
) -> None:
    checkpoint = bare(name, handling)
    encoded = encode(checkpoint, sample(tmp_path, size))
    start, stop = encoded.picture_span
    made = own_processor(checkpoint)(
        text=encoded.text[:start] + checkpoint.processor.image_token + encoded.text[stop:],
        images=read_picture(encoded.sample.image_path),
        return_tensors="pt",
        add_special_tokens=False,
        **{SPLIT[name]: handling == TILES},
    )
    assert torch.equal(made["input_ids"][0], encoded.ids)
    assert torch.equal(made["pixel_values"], encoded.pixels)
    assert torch.all(made.get("pixel_attention_mask", torch.ones(1)) == 1)  # so that none need be given


@by_name
@drawn
@given(size=sizes)
@example(size=(2048, 1))
@example(size=(1, 4000))
def test_a_picture_of_any_size_has_as_many_tokens_as_its_tiles_make(
    name: str, size: Size, bare: Bare
) -> None:
    checkpoint = bare(name, TILES)
    pictures: Any = checkpoint.pictures
    pixels = pictures.inputs(Image.new("RGB", size))["pixel_values"]
    layout = pictures.layout(size)
    assert layout.count == math.prod(pixels.shape[:-3]) * pictures.geometry.per_tile
    assert sorted(layout.patches) == list(range(layout.count))
    assert layout.padding == ()


@by_name
def test_what_a_region_says_is_what_the_prompt_says_there(name: str, bare: Bare, tmp_path: Path) -> None:
    checkpoint = bare(name, TILES)
    encoded = encode(checkpoint, sample(tmp_path, (640, 480)))
    regions = encoded.regions
    image, marks = set(regions["image"]), set(regions["separators"])
    assert not image & marks
    assert image | marks == set(range(min(image | marks), max(image | marks) + 1))
    assert {int(encoded.ids[at]) for at in image} == {checkpoint.model.config.image_token_id}
    said = "".join(encoded.text[slice(*encoded.offsets[at])] for at in sorted(marks))
    around = ("<img>", "</img>") if name == "internvl" else ("<fake_token_around_image><row_1_col_1>", "")
    assert said.startswith(around[0])
    assert said.endswith(around[1])
    if name != "internvl":
        assert said.count("<row_") == 12
        assert said.endswith("\n\n<fake_token_around_image><global-img><fake_token_around_image>")
    assert set(regions["tile_patches"]) | set(regions["base_patches"]) == image
    assert max(regions["tile_patches"]) < min(regions["base_patches"])
    later = range(min(image), encoded.length)
    assert regions["after_image"] == tuple(at for at in later if at not in image)


# ----------------------------------------------------------------------------------- order of tokens


@pytest.mark.parametrize("kind", ["idefics3", "smolvlm", "internvl"])
@pytest.mark.parametrize("per_side", [1, 2, 3])
def test_the_pixel_shuffle_makes_tokens_of_the_patches_that_the_layout_says(kind: str, per_side: int) -> None:
    """Features that say (row, column): each token holds those of its own two by two patches, row by row."""
    model = tiny_checkpoint(kind=kind, per_side=per_side).model
    side = 2 * per_side
    inside = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij"), -1).float()
    if kind == "internvl":
        shuffled = model.model.pixel_shuffle(inside[None], scale_factor=0.5).flatten(1, 2)
    else:
        shuffled = model.model.connector.pixel_shuffle(inside.flatten(0, 1)[None], 2)
    seen = shuffled[0].unflatten(1, (4, 2))
    for token in range(per_side**2):
        row, column = divmod(token, per_side)
        expected = {(2 * row + down, 2 * column + across) for down in (0, 1) for across in (0, 1)}
        assert {(int(down), int(across)) for down, across in seen[token]} == expected


@pytest.mark.parametrize("kind", ["idefics3", "smolvlm", "internvl"])
def test_features_come_tile_by_tile_the_whole_picture_last(kind: str) -> None:
    """Of pictures in an order of their own, each one's features stand where it stood."""
    model = tiny_checkpoint(kind=kind, per_side=2, dtype=torch.float64).model
    side = model.config.vision_config.image_size
    side = side if isinstance(side, int) else side[0]
    pixels = torch.rand(5, 3, side, side, dtype=torch.float64)
    lead = (None,) if kind != "internvl" else ()
    with torch.inference_mode():
        whole = model.model.get_image_features(pixels[lead], return_dict=True).pooler_output
        whole = torch.cat(list(whole)).view(5, 4, -1)
        for at in range(5):
            one = model.model.get_image_features(pixels[at : at + 1][lead], return_dict=True).pooler_output
            torch.testing.assert_close(torch.cat(list(one)).view(4, -1), whole[at], rtol=0, atol=1e-12)


# --------------------------------------------------------------------------------------------- boxes


def marked(checkpoint: Checkpoint, size: Size, box: Box) -> set[int]:
    """Tokens that show a painted pixel: the box painted, the picture put through the processor itself."""
    canvas = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    canvas[max(box.y, 0) : max(box.y + box.height, 0), max(box.x, 0) : max(box.x + box.width, 0)] = 255
    pictures: Any = checkpoint.pictures
    processor, geometry = pictures.image_processor, pictures.geometry
    old = processor.resample
    processor.resample = 0  # the nearest pixel: paint stays paint
    try:
        pixels = pictures.inputs(Image.fromarray(canvas))["pixel_values"]
    finally:
        processor.resample = old
    tiles = pixels.flatten(0, -4)[:, 0] > pixels.min()
    kept, per_side = geometry.per_side * geometry.patch, geometry.per_side
    cut = tiles[:, :kept, :kept].reshape(-1, per_side, geometry.patch, per_side, geometry.patch)
    found: list[int] = cut.any(4).any(2).flatten().nonzero()[:, 0].tolist()
    return set(found)


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
    """What is painted must be found; what is found, but for a margin of the sampling, must be painted.

    The picture is resized twice or three times; each time a pixel may be taken half a pixel beside its place.
    """
    checkpoint, box = bare(name, handling), Box("object", *corner, *extent)
    layout = checkpoint.pictures.layout(size)
    paint = marked(checkpoint, size, box)
    side = checkpoint.pictures.geometry.side  # type: ignore[attr-defined]
    by = 1 + math.ceil(1.5 * max(size) / side)
    assert paint <= set(layout.holding(shrunk(box, size, -1 - math.ceil(max(size) / side))))
    assert set(layout.holding(shrunk(box, size, by))) <= paint


@pytest.mark.parametrize(("name", "per_side"), [("smolvlm_256m", 8), ("internvl", 16)])
def test_a_corner_by_hand(name: str, per_side: int, bare: Bare) -> None:
    """800x600 becomes three rows of four tiles: each pixel is in a tile, and in the whole picture."""
    layout = bare(name, TILES).pictures.layout((800, 600))
    each = per_side**2
    assert layout.count == 13 * each
    assert layout.holding(Box("corner", 0, 0, 1, 1)) == (0, 12 * each)
    assert layout.holding(Box("corner", 799, 599, 1, 1)) == (12 * each - 1, 13 * each - 1)
    # Pixel 200 is the first of the second tile in its row; 200 rows down begins the second row of tiles.
    tiles = layout.tiles
    assert tiles is not None
    assert tiles.holding(Box("edge", 200, 0, 1, 1)) == (each,)
    assert tiles.holding(Box("edge", 0, 200, 1, 1)) == (4 * each,)
    assert tiles.holding(Box("edge", 199, 199, 2, 2)) == (
        each - 1,
        2 * each - per_side,
        4 * each + per_side - 1,
        5 * each,
    )


# ------------------------------------------------------------------------- the whole model, and refusals


@pytest.mark.parametrize("kind", ["idefics3", "smolvlm", "internvl"])
def test_a_grey_picture_is_seen(kind: str, tmp_path: Path) -> None:
    """Idefics3 drops tiles of exact zeros, and has then fewer features than its prompt has tokens."""
    checkpoint = tiny_checkpoint(kind=kind)
    asked = tiny_sample(tiny_picture(tmp_path))
    grey = encode_under(checkpoint, asked, "grey")
    assert float(grey.pixels.abs().max()) < 1e-30
    said = reference.run(checkpoint, grey).logits
    assert not torch.allclose(said, reference.run(checkpoint, encode(checkpoint, asked)).logits, atol=1e-3)


@pytest.mark.parametrize("name", ["smolvlm_256m", "smolvlm2"])
def test_the_reference_says_what_the_model_says_of_its_own_processors_inputs(
    name: str, checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    checkpoint = checkpoints(name)
    encoded = encode(checkpoint, sample(tmp_path, (500, 375)))
    start, stop = encoded.picture_span
    text = encoded.text[:start] + checkpoint.processor.image_token + encoded.text[stop:]
    made = own_processor(checkpoint)(
        text=text, images=read_picture(encoded.sample.image_path), return_tensors="pt"
    )
    with torch.inference_mode():
        own = checkpoint.model(**made).logits[0, -1]
    assert "pixel_attention_mask" in made
    torch.testing.assert_close(reference.run(checkpoint, encoded).logits, own, rtol=0, atol=1e-4)


def refused(checkpoint: Checkpoint, handling: str = TILES, **changed: Any) -> str:
    """What a checkpoint is refused with whose image processor has other settings."""
    kind = checkpoint.model.config.model_type
    images: Any = checkpoint.processor.image_processor
    old = {name: getattr(images, name) for name in changed}
    try:
        for name, value in changed.items():
            setattr(images, name, value)
        with pytest.raises(CheckpointError) as error:
            ADAPTERS[kind].pictures(checkpoint.model, checkpoint.processor, handling)
        return str(error.value)
    finally:
        for name, value in old.items():
            setattr(images, name, value)


def test_processors_that_go_with_no_layout_are_refused_by_the_setting(bare: Bare) -> None:
    smol, intern = bare("smolvlm_256m", TILES), bare("internvl", TILES)
    assert "do_image_splitting is false); ask for --image-handling=square" in refused(
        smol, do_image_splitting=False
    )
    assert "makes 500-pixel pictures, the vision tower wants 512" in refused(
        smol, max_image_size={"longest_edge": 500}
    )
    assert "size is not a longest_edge" in refused(smol, size={"height": 512, "width": 512})
    assert "do_resize is false" in refused(smol, do_resize=False)
    assert "does not resize" in refused(intern, do_resize=False)
    assert "cuts 3 to 2 tiles" in refused(intern, min_patches=3, max_patches=2)
    assert "makes 400-pixel pictures" in refused(intern, size={"height": 400, "width": 400})


def test_a_tokenizer_without_the_marks_is_refused(bare: Bare) -> None:
    checkpoint = bare("smolvlm_256m", TILES)
    other = bare("internvl", TILES).processor.tokenizer
    processor = type("Processor", (), {})()
    processor.image_processor, processor.tokenizer = checkpoint.processor.image_processor, other
    with pytest.raises(CheckpointError, match="has no token '<fake_token_around_image>'"):
        ADAPTERS["idefics3"].pictures(checkpoint.model, processor, TILES)


def test_a_prompt_that_says_something_else_between_its_tokens_is_an_error(
    bare: Bare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = bare("smolvlm_256m", TILES)
    monkeypatch.setattr("harness.checkpoint.encode._plain", lambda text: text.replace("<global-img>", ""))
    encode(checkpoint, sample(tmp_path, (640, 480)))  # as wrong on both sides
    monkeypatch.undo()
    monkeypatch.setattr(
        "harness.checkpoint.patches.TokenLayout.written",
        lambda self, token: "<fake_token_around_image>" + token * self.count,
    )
    with pytest.raises(
        RegionError, match="between its image tokens the prompt says '<fake_token_around_image>'"
    ):
        encode(checkpoint, sample(tmp_path, (640, 480)))
