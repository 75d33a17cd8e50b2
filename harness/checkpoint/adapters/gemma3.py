"""Gemma 3: a picture squeezed onto one square, its patches pooled, two marks around them.

The visual tokens attend to each other both ways. Crops beside the picture (pan and scan) are refused: the
processor writes words between them, and by default it makes none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PIL import Image

from harness.checkpoint.adapters.adapter import SQUARE, Adapter
from harness.checkpoint.adapters.squares import squares_made
from harness.checkpoint.adapters.squeezed import Squeezed, demand_tokens, squeezed
from harness.checkpoint.patches import TokenLayout
from harness.data.errors import CheckpointError
from harness.data.sample import Size

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PooledSquare:
    """The processor's own pictures.

    Attributes:
        image_processor: transformers' image processor.
        geometry: the square and what its tokens show.
        marks: what the prompt has before the first and behind the last visual token.
    """

    image_processor: Any
    geometry: Squeezed
    marks: tuple[str, str]

    def layout(self, size: Size) -> TokenLayout:
        """See `harness.checkpoint.adapters.Pictures`."""
        before, behind = self.marks
        marks = ((0, before), (self.geometry.per_tile, behind))
        return replace(self.geometry.layout(size, None, marks), two_way=True)

    def inputs(self, picture: Image.Image) -> dict[str, Tensor]:
        """``pixel_values`` ``[1, 3, side, side]``."""
        made = self.image_processor(images=picture, do_pan_and_scan=False, return_tensors="pt")
        return {"pixel_values": made["pixel_values"]}


def _pictures(model: Any, processor: Any, _: str) -> PooledSquare:  # noqa: ANN401 - transformers' classes
    images, tokenizer, config = processor.image_processor, processor.tokenizer, model.config
    if getattr(images, "do_pan_and_scan", None):
        raise CheckpointError(
            "its processor adds crops to a picture (do_pan_and_scan is true): not supported; set it to false"
        )
    (made,) = squares_made(images, in_tiles=False)
    geometry = squeezed(config.vision_config, made, _pooled(config))
    begin, end = str(tokenizer.boi_token), str(tokenizer.eoi_token)
    demand_tokens(tokenizer, begin, end)
    return PooledSquare(images, geometry, (f"\n\n{begin}", f"{end}\n\n"))


def _pooled(config: Any) -> int:  # noqa: ANN401 - transformers' configurations
    """Patches along each side of what is pooled into one visual token.

    Raises:
        CheckpointError: if the visual tokens are no square, or the patches no whole number of them.
    """
    tokens, vision = int(config.mm_tokens_per_image), config.vision_config
    side, patches = math.isqrt(max(tokens, 0)), int(vision.image_size) // int(vision.patch_size)
    if side < 1 or side**2 != tokens or patches % side:
        raise CheckpointError(
            f"mm_tokens_per_image is {tokens}: {patches} patches along a side cannot be pooled into a square "
            "of so many visual tokens"
        )
    return patches // side


ADAPTER = Adapter("gemma3", "Gemma3ForConditionalGeneration", (SQUARE,), _pictures)
