"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL: a picture in its own shape, one run of visual tokens, row by row.

Both sides are rounded to multiples of what a visual token shows (patches, two by two), within a budget of
pixels. The decoder's rotary positions are those of a token's row and column. That Qwen2.5's tower attends
in windows changes no token's place; nor that Qwen3's gives the decoder features for its first layers, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image

from harness.checkpoint.adapters.adapter import (
    LIMITED,
    LIMITED_TOKENS,
    MOST_PIXELS,
    NATIVE,
    Adapter,
)
from harness.checkpoint.patches import TokenGrid, TokenLayout, squeezed_axis
from harness.data.errors import CheckpointError, RegionError
from harness.data.sample import Size

if TYPE_CHECKING:
    from torch import Tensor

LONGEST_ASPECT = 200
"""How often a picture's short side may fit into its long one; the processor has the same limit."""
BUDGET = ("shortest_edge", "longest_edge")
"""What the processor calls the least and the most pixels of a picture."""


@dataclass(frozen=True)
class NativePictures:
    """The processor's own pictures.

    Attributes:
        image_processor: transformers' image processor.
        patch: side in pixels of what one visual token shows: several of the vision tower's patches.
        pixels: the least and the most pixels of a resized picture.
    """

    image_processor: Any
    patch: int
    pixels: tuple[int, int]

    def layout(self, size: Size) -> TokenLayout:
        """See `harness.checkpoint.adapters.Pictures`.

        Raises:
            RegionError: if the picture is too thin for the processor.
        """
        # The sides are transformers' own; importing it loads torch.
        from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize  # noqa: PLC0415

        (width, height), (least, most) = size, self.pixels
        if max(size) > LONGEST_ASPECT * min(size):
            raise RegionError(f"the picture is more than {LONGEST_ASPECT} times as long as it is wide")
        down, across = smart_resize(height, width, self.patch, least, most)
        rows, columns = (
            squeezed_axis(height, down, self.patch),
            squeezed_axis(width, across, self.patch),
        )
        return TokenLayout(size, TokenGrid(0, rows, columns))

    def inputs(self, picture: Image.Image) -> dict[str, Tensor]:
        """``pixel_values`` ``[patches, values]`` and ``image_grid_thw`` ``[1, 3]``, in patches."""
        size = dict(zip(BUDGET, self.pixels, strict=True))
        made = self.image_processor(images=picture, size=size, return_tensors="pt")
        return {name: made[name] for name in ("pixel_values", "image_grid_thw")}


def _pictures(model: Any, processor: Any, handling: str) -> NativePictures:  # noqa: ANN401 - transformers' classes
    images, vision = processor.image_processor, model.config.vision_config
    for name, theirs in (
        ("patch_size", vision.patch_size),
        ("merge_size", vision.spatial_merge_size),
        ("temporal_patch_size", vision.temporal_patch_size),
    ):
        if (own := getattr(images, name, None)) != theirs or not isinstance(own, int) or own < 1:
            raise CheckpointError(f"the processor's {name} is {own!r}, the vision tower's {theirs!r}")
    if not getattr(images, "do_resize", True):
        raise CheckpointError("the processor does not resize (do_resize is false): not supported")
    patch = images.patch_size * images.merge_size
    least, most = _budget(images)
    if handling == LIMITED:
        most = min(most, max(least, LIMITED_TOKENS * patch**2))
    return NativePictures(images, patch, (least, most))


def _budget(image_processor: Any) -> tuple[int, int]:  # noqa: ANN401 - transformers' classes
    """The least and the most pixels of a resized picture."""
    size = {name: value for name, value in dict(image_processor.size).items() if value is not None}
    budget = [value for name in BUDGET if isinstance(value := size.get(name), int)]
    if (
        set(size) != set(BUDGET)
        or len(budget) < len(size)
        or not 1 <= budget[0] <= budget[1] <= MOST_PIXELS**2
    ):
        raise CheckpointError(
            f"the processor's size ({size}) is not a shortest_edge and a longest_edge, the least and the "
            f"most pixels of a picture, from 1 to {MOST_PIXELS**2:,}"
        )
    return budget[0], budget[1]


def _positions(layout: TokenLayout, image: Sequence[int], length: int) -> Tensor:
    # torch takes seconds; planning a run must not pay
    from harness.checkpoint.positions import grid_positions  # noqa: PLC0415

    return grid_positions(layout, image, length)


def _adapter(model_type: str, model_class: str) -> Adapter:
    return Adapter(model_type, model_class, (NATIVE, LIMITED), _pictures, positions=_positions)


QWEN2_VL = _adapter("qwen2_vl", "Qwen2VLForConditionalGeneration")
QWEN2_5_VL = _adapter("qwen2_5_vl", "Qwen2_5_VLForConditionalGeneration")
QWEN3_VL = _adapter("qwen3_vl", "Qwen3VLForConditionalGeneration")
