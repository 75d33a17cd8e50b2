"""Gemma 3 against transformers' own: prompt, token types, pooled tokens, boxes, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings, strategies as st

from harness.checkpoint.adapters import ADAPTERS, SQUARE
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded, encode
from harness.checkpoint.info import directory_info
from harness.checkpoint.loading import load
from harness.checkpoint.without_weights import bare_checkpoint
from harness.data.errors import CheckpointError
from harness.data.pictures import read_picture
from harness.data.sample import Box, Size
from harness.engine import reference
from harness.engine.selfcheck import own_inputs
from harness.engine.sweep.sweeper import Sweeper
from harness.testing import realistic_checkpoints as realistic
from harness.testing.fidelity_samples import sample, shrunk
from harness.testing.tiny_checkpoints import tiny_checkpoint
from harness.tests.checkpoint.fidelity.test_squeezed import SHAPES, marked


@pytest.fixture(scope="session")
def bare(folders: Callable[[str], Path]) -> Checkpoint:
    """The checkpoint without its weights."""
    return bare_checkpoint(directory_info(folders("gemma3")))


def own(checkpoint: Checkpoint, encoded: Encoded) -> Any:
    """What the model's own processor makes of the prompt as its template writes it, and of the picture."""
    content = [{"type": "image"}, {"type": "text", "text": _said(encoded)}]
    text = checkpoint.processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    return checkpoint.processor(
        text=text.removeprefix("<bos>"), images=read_picture(encoded.sample.image_path), return_tensors="pt"
    )


def _said(encoded: Encoded) -> str:
    """The user's text: question and instruction."""
    return encoded.text.partition("<end_of_image>\n\n")[2].partition("<end_of_turn>")[0]


@pytest.mark.parametrize("size", SHAPES)
def test_ids_types_and_pixels_are_those_of_the_models_own_processor(
    size: Size, bare: Checkpoint, tmp_path: Path
) -> None:
    encoded = encode(bare, sample(tmp_path, size))
    made = own(bare, encoded)
    assert torch.equal(made["input_ids"][0], encoded.ids)
    assert torch.equal(made["token_type_ids"], encoded.visual["token_type_ids"])
    assert torch.equal(made["pixel_values"], encoded.pixels)


def test_the_load_check_is_given_the_processors_own_types(bare: Checkpoint, tmp_path: Path) -> None:
    encoded = encode(bare, sample(tmp_path, (640, 480)))
    given = own_inputs(bare, encoded)
    assert torch.equal(given["token_type_ids"], encoded.visual["token_type_ids"])


def test_what_a_region_says_is_what_the_prompt_says_there(bare: Checkpoint, tmp_path: Path) -> None:
    """The line break before the mark grows together with the one that ends the role's line."""
    encoded = encode(bare, sample(tmp_path, (640, 480)))
    regions = encoded.regions
    assert encoded.text.startswith("<bos><start_of_turn>user\n\n\n<start_of_image><image_soft_token>")
    said = "".join(encoded.text[slice(*encoded.offsets[at])] for at in regions["separators"])
    assert said == "<start_of_image><end_of_image>\n\n"
    assert len(regions["image"]) == 256
    assert regions.two_way == ((min(regions["image"]), max(regions["image"]) + 1),)
    assert regions["base_patches"] == regions["image"]
    start, stop = encoded.picture_span
    assert encoded.text[start:stop].endswith("<end_of_image>\n\n")


def test_the_reference_and_the_sweep_say_what_the_model_says_of_its_own_processors_inputs(
    tmp_path: Path,
) -> None:
    checkpoint = load(realistic.gemma3(tmp_path / "gemma", side=224), dtype=torch.float64)
    encoded = encode(checkpoint, sample(tmp_path, (500, 375)))
    made = own(checkpoint, encoded)
    made["pixel_values"] = made["pixel_values"].double()
    with torch.inference_mode():
        plain = checkpoint.model(**made).logits[0, -1]
        said = checkpoint.model.generate(**made, max_new_tokens=4, do_sample=False)[0, encoded.length :]
    torch.testing.assert_close(reference.run(checkpoint, encoded).logits, plain, rtol=0, atol=1e-10)
    sweeper = Sweeper(checkpoint)
    clean = sweeper.clean_run([encoded])
    torch.testing.assert_close(clean.passes[0].logits, plain, rtol=0, atol=1e-10)
    assert sweeper.pixels is not None and not sweeper.pixels.blind
    ends = checkpoint.stop_tokens
    expected = tuple(token for token in said.tolist() if token not in ends)
    assert reference.answer(checkpoint, encoded, 4) == expected


@pytest.mark.parametrize("per_side", [1, 2, 3])
def test_a_token_is_pooled_of_the_patches_that_the_layout_says(per_side: int) -> None:
    """Features that say (row, column): each token holds the mean of its own two by two patches."""
    projector = tiny_checkpoint(kind="gemma3", per_side=per_side).model.model.multi_modal_projector
    side = 2 * per_side
    inside = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij"), -1).float()
    pooled = projector.avg_pool(inside.permute(2, 0, 1)[None]).flatten(2)[0].T
    for token, (down, across) in enumerate(pooled.tolist()):
        row, column = divmod(token, per_side)
        assert (down, across) == (2 * row + 0.5, 2 * column + 0.5)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    size=st.tuples(st.integers(1, 1600), st.integers(1, 1600)),
    corner=st.tuples(st.integers(-20, 1500), st.integers(-20, 1500)),
    extent=st.tuples(st.integers(1, 700), st.integers(1, 700)),
)
@example(size=(640, 480), corner=(0, 0), extent=(27, 1))
@example(size=(1333, 41), corner=(700, 3), extent=(40, 20))
@example(size=(9, 900), corner=(2, 450), extent=(5, 3))
def test_a_box_is_where_its_paint_lands(
    size: Size, corner: tuple[int, int], extent: tuple[int, int], bare: Checkpoint
) -> None:
    """But for a pixel of the square, beside whose place sampling may look."""
    box, layout = Box("object", *corner, *extent), bare.pictures.layout(size)
    by = 1 + -(-max(size) // 896)
    paint = marked(bare, size, box)
    assert paint <= set(layout.holding(shrunk(box, size, -by)))
    assert set(layout.holding(shrunk(box, size, by))) <= paint
    assert layout.count == 256 and layout.padding == ()


def test_a_corner_by_hand(bare: Checkpoint) -> None:
    """640 by 480 is squeezed onto 16 by 16 tokens: each shows 40 by 30 pixels."""
    layout = bare.pictures.layout((640, 480))
    assert layout.holding(Box("first", 0, 0, 40, 30)) == (0,)
    assert layout.holding(Box("next", 40, 30, 1, 1)) == (17,)
    assert layout.holding(Box("last", 639, 479, 1, 1)) == (255,)


def refused(checkpoint: Checkpoint, owner: Any, **changed: Any) -> str:
    """What it is refused with where an object has other settings."""
    old = {name: getattr(owner, name) for name in changed}
    try:
        for name, value in changed.items():
            setattr(owner, name, value)
        with pytest.raises(CheckpointError) as error:
            ADAPTERS["gemma3"].pictures(checkpoint.model, checkpoint.processor, SQUARE)
        return str(error.value)
    finally:
        for name, value in old.items():
            setattr(owner, name, value)


def test_processors_that_go_with_no_layout_are_refused_by_the_setting(bare: Checkpoint) -> None:
    images, config = bare.processor.image_processor, bare.model.config
    assert "do_pan_and_scan is true" in refused(bare, images, do_pan_and_scan=True)
    assert "makes 448-pixel pictures" in refused(bare, images, size={"height": 448, "width": 448})
    assert "does not resize" in refused(bare, images, do_resize=False)
    assert "mm_tokens_per_image is 250" in refused(bare, config, mm_tokens_per_image=250)
    assert "mm_tokens_per_image is 225" in refused(bare, config, mm_tokens_per_image=225)


def test_another_token_than_the_models_is_refused(tmp_path: Path) -> None:
    folder = realistic.gemma3(tmp_path / "gemma", side=224)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"image_token_index": 9}), encoding="utf-8")
    with pytest.raises(
        CheckpointError, match=r"image token '<image_soft_token>' has id \d+, the model's image"
    ):
        load(folder)
