"""What the model is given: tiles, or one padded square."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import encode
from harness.checkpoint.loading import load
from harness.data.errors import CheckpointError
from harness.engine.sweep.first_layer_rows import entering
from harness.testing import realistic_checkpoints as realistic
from harness.testing.fidelity_samples import sample


@pytest.mark.parametrize(("name", "count"), [("llava_next", 576), ("llava_onevision", 729)])
def test_without_tiles_the_model_reads_one_padded_square(
    name: str, count: int, folders: Callable[[str], Path], tmp_path: Path
) -> None:
    """The released switch "no HD, no pad": 1.5's picture, no newline token, through the model's own code."""
    checkpoint = load(folders(name), image_handling="square", prompt=realistic.PROMPTS.get(name))
    encoded = encode(checkpoint, sample(tmp_path))
    assert len(encoded.regions["image"]) == count
    assert encoded.regions["base_patches"] == encoded.regions["image"]
    assert not {"newline", "tile_patches"} & set(encoded.regions.positions)
    assert encoded.pixels.shape[:2] == (1, 1)
    (rows,) = entering(checkpoint, [encoded]).rows
    with torch.inference_mode():
        tower = checkpoint.model.model.vision_tower(encoded.pixels[0], output_hidden_states=True)
        layer = checkpoint.model.config.vision_feature_layer
        features = tower.hidden_states[layer][:, -count:]
        expected = checkpoint.model.model.multi_modal_projector(features)[0]
    torch.testing.assert_close(rows[list(encoded.regions["image"])], expected)


def test_what_is_not_one_token_per_patch_is_refused(folders: Callable[[str], Path]) -> None:
    with pytest.raises(CheckpointError, match="'llava' handles pictures as square, not 'tiles'"):
        load(folders("llava"), image_handling="tiles")


def test_the_model_is_given_what_its_processor_makes(
    checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    """Pixels and image sizes are those of the real processor, the tokens as many as it counts."""
    checkpoint = checkpoints("llava_next")
    for size in [(640, 480), (100, 1000)]:
        encoded = encode(checkpoint, sample(tmp_path, size))
        with Image.open(encoded.sample.image_path) as image:
            made = checkpoint.processor(text="<image>", images=image.convert("RGB"), return_tensors="pt")
        assert torch.equal(made["pixel_values"], encoded.pixels)
        assert torch.equal(made["image_sizes"], encoded.extra["image_sizes"])
        image_tokens = made["input_ids"][0] == checkpoint.model.config.image_token_id
        assert int(image_tokens.sum()) == len(encoded.regions["image"])
        assert set(encoded.visual) == {"pixel_values", "image_sizes"}
