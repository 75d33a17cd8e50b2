"""What a processor's configuration makes of a square: known exactly, or refused by the setting's name."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

from harness.checkpoint.adapters import ADAPTERS
from harness.checkpoint.adapters.adapter import sides
from harness.data.errors import CheckpointError

SQUARE = {"height": 84, "width": 84}
VISION = SimpleNamespace(image_size=84, patch_size=14, model_type="clip_vision_model")
MODEL: Any = SimpleNamespace(
    config=SimpleNamespace(vision_config=VISION, vision_feature_select_strategy="default")
)


def clip(**options: Any) -> Any:
    return CLIPImageProcessorPil(**options)


@pytest.mark.parametrize(
    "processor",
    [
        clip(size={"shortest_edge": 84}, crop_size=SQUARE),
        clip(size=SQUARE, do_center_crop=False),
        clip(size={"shortest_edge": 84}, do_center_crop=False),
    ],
)
def test_a_square_of_the_tower_s_side_is_used_cropped_or_not(processor: Any) -> None:
    assert sides(MODEL, processor) == (84, 14)
    cropped = clip(size={"shortest_edge": 84}, crop_size=SQUARE)
    picture = Image.effect_noise((100, 60), 90).convert("RGB")
    made = [
        ADAPTERS["llava"].pictures(MODEL, SimpleNamespace(image_processor=one), "square").inputs(picture)
        for one in (processor, cropped)
    ]
    assert np.array_equal(made[0]["pixel_values"], made[1]["pixel_values"])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"size": SQUARE, "do_center_crop": False, "do_resize": False}, "does not resize"),
        ({"size": {"shortest_edge": 112}, "crop_size": SQUARE}, "makes 112-pixel pictures, the vision tower"),
        ({"size": SQUARE, "crop_size": {"height": 56, "width": 56}}, "makes 56-pixel pictures"),
        ({"size": {"height": 84, "width": 98}, "do_center_crop": False}, r"size \(height 84, width 98\)"),
        ({"size": SQUARE, "crop_size": {"height": 84, "width": 70}}, r"crop_size \(height 84, width 70\)"),
        (
            {"size": {"shortest_edge": 84, "longest_edge": 168}, "do_center_crop": False},
            r"size \(shortest_edge 84, longest_edge 168\) makes no square of a fixed side",
        ),
    ],
)
def test_what_has_no_fixed_square_or_loses_margins_is_refused_by_name(
    options: dict[str, Any], told: str
) -> None:
    with pytest.raises(CheckpointError, match=told):
        sides(MODEL, clip(**options))


def test_tiles_have_the_crop_s_side_even_where_nothing_is_cropped() -> None:
    made = LlavaNextImageProcessorPil(size=SQUARE, crop_size=SQUARE, do_center_crop=False, do_resize=False)
    assert sides(MODEL, made, in_tiles=True) == (84, 14)
    other = LlavaNextImageProcessorPil(size=SQUARE, do_center_crop=False)
    with pytest.raises(CheckpointError, match="makes 224-pixel pictures"):
        sides(MODEL, other, in_tiles=True)
