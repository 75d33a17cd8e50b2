"""Mistral 3 (Mistral Small 3.1, Ministral 3): a picture in its own shape, row by row, a mark behind each row.

A picture is never made larger but to whole tokens, and smaller only where its longer side exceeds the
processor's; a visual token shows several of the vision tower's patches. Behind the last row stands another
mark. Pixtral of 2024 is a LLaVA to transformers, on another tower: not this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from harness.checkpoint.adapters.adapter import (
    LIMITED,
    LIMITED_TOKENS,
    NATIVE,
    Adapter,
)
from harness.checkpoint.adapters.squeezed import Marks, demand_tokens, longest_edge
from harness.checkpoint.patches import TokenGrid, TokenLayout, squeezed_axis
from harness.data.errors import CheckpointError, RegionError
from harness.data.sample import Size

if TYPE_CHECKING:
    from torch import Tensor

TOWER = "pixtral"
BEHIND_ROW = ("image_break_token", "[IMG_BREAK]")
BEHIND_LAST = ("image_end_token", "[IMG_END]")
"""The marks: the processor's name for each, else its text."""


@dataclass(frozen=True)
class RowsWithMarks:
    """The processor's own pictures.

    Attributes:
        image_processor: transformers' image processor.
        patch: side in pixels of what one visual token shows: several of the vision tower's patches.
        longest: the most pixels of a side before it is made whole tokens.
        marks: what the prompt has behind every row of visual tokens, and behind the last.
    """

    image_processor: Any
    patch: int
    longest: int
    marks: tuple[str, str]

    def layout(self, size: Size) -> TokenLayout:
        """See `harness.checkpoint.adapters.Pictures`.

        Raises:
            RegionError: if the picture is so thin that resizing leaves nothing of its shorter side.
        """
        # The sides are transformers' own; importing it loads torch.
        from transformers.image_utils import ChannelDimension  # noqa: PLC0415
        from transformers.models.pixtral import image_processing_pil_pixtral as own  # noqa: PLC0415

        width, height = size
        shape = np.broadcast_to(np.uint8(0), (3, height, width))
        down, across = own.get_resize_output_image_size(
            shape, self.longest, self.patch, ChannelDimension.FIRST
        )
        if not (down and across):
            raise RegionError(f"a picture of {width}×{height} pixels is too thin for its processor")
        rows, columns = (
            squeezed_axis(height, down, self.patch),
            squeezed_axis(width, across, self.patch),
        )
        return TokenLayout(size, TokenGrid(0, rows, columns), marks=self._marks(rows.shown, columns.shown))

    def inputs(self, picture: Image.Image) -> dict[str, Tensor]:
        """``pixel_values`` ``[1, 3, height, width]`` and ``image_sizes`` ``[1, 2]``, height first."""
        made = self.image_processor(
            images=picture,
            size={"longest_edge": self.longest},
            patch_size={"height": self.patch, "width": self.patch},
            return_tensors="pt",
        )
        return {name: made[name] for name in ("pixel_values", "image_sizes")}

    def _marks(self, rows: tuple[range, ...], columns: tuple[range, ...]) -> Marks:
        behind, last = self.marks
        ends = [(row * len(columns), behind) for row in range(1, len(rows))]
        return (*ends, (len(rows) * len(columns), last))


def _pictures(model: Any, processor: Any, handling: str) -> RowsWithMarks:  # noqa: ANN401 - transformers' classes
    images, config = processor.image_processor, model.config
    patch, largest = _token_side(config, processor)
    _check_steps(images)
    longest = longest_edge(images, "size")
    if math.ceil(longest / patch) * patch > largest:
        raise CheckpointError(
            f"the processor makes pictures of up to {longest} pixels in whole tokens of {patch}, the vision "
            f"tower takes {largest}"
        )
    if handling == LIMITED:
        longest = min(longest, math.isqrt(LIMITED_TOKENS) * patch)
    row, last = (str(getattr(processor, name, None) or text) for name, text in (BEHIND_ROW, BEHIND_LAST))
    demand_tokens(processor.tokenizer, row, last)
    return RowsWithMarks(images, patch, longest, (row, last))


def _token_side(config: Any, processor: Any) -> tuple[int, int]:  # noqa: ANN401 - transformers' classes
    """Pixels along a side of what a visual token shows, and of the tower's largest picture.

    Raises:
        CheckpointError: if it is another tower, or tower, merger and processor do not agree.
    """
    vision, merged = config.vision_config, config.spatial_merge_size
    patch, largest = vision.patch_size, vision.image_size
    if vision.model_type != TOWER or not all(
        isinstance(number, int) and number > 0 for number in (patch, merged, largest)
    ):
        raise CheckpointError(
            f"a vision tower {vision.model_type!r} on pictures of {largest!r} pixels in patches of "
            f"{patch!r}, merged by {merged!r}; supported is {TOWER!r}, and whole numbers"
        )
    for name, theirs in (("patch_size", patch), ("spatial_merge_size", merged)):
        if (own := getattr(processor, name, theirs)) != theirs:
            raise CheckpointError(f"the processor's {name} is {own!r}, the model's {theirs!r}")
    return patch * merged, largest


def _check_steps(images: Any) -> None:  # noqa: ANN401 - transformers' classes
    """Refuse steps by which a picture's sides would not be what the layout says."""
    if not getattr(images, "do_resize", True):
        raise CheckpointError("the processor does not resize (do_resize is false): not supported")
    if getattr(images, "do_center_crop", None):
        raise CheckpointError("the processor crops pictures (do_center_crop is true): not supported")


ADAPTER = Adapter("mistral3", "Mistral3ForConditionalGeneration", (NATIVE, LIMITED), _pictures)
