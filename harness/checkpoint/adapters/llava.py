"""LLaVA-1.5: a picture is padded to a square with the processor's mean colour (released code).

The hub's processor centre-crops instead, which loses the sides and moves every box.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image

from harness.checkpoint.adapters.adapter import (
    ANALYTIC_BOXES,
    RELEASED_BOXES,
    SQUARE,
    UNSCALED,
    Adapter,
    sides,
)
from harness.checkpoint.patches import SquarePadding, TokenLayout, pad_to_square
from harness.data.sample import Size

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class SquarePictures:
    """Padded to a square, then processed.

    Attributes:
        image_processor: transformers' image processor.
        geometry: the square and its patches.
    """

    image_processor: Any
    geometry: SquarePadding

    def layout(self, size: Size) -> TokenLayout:
        """See `harness.checkpoint.adapters.Pictures`."""
        return self.geometry.layout(size)

    def inputs(self, picture: Image.Image) -> dict[str, Tensor]:
        """``pixel_values`` of shape ``[1, 3, side, side]``."""
        return {"pixel_values": self._processed(picture)}

    def painted(self, picture: Image.Image) -> Tensor:
        """See `harness.checkpoint.adapters.PaintedPictures`."""
        return self._processed(picture, **UNSCALED)

    def _processed(self, picture: Image.Image, **options: bool) -> Tensor:
        square = pad_to_square(picture, tuple(self.image_processor.image_mean))
        made: Tensor = self.image_processor(images=square, return_tensors="pt", **options)["pixel_values"]
        return made


def _pictures(model: Any, processor: Any, _: str) -> SquarePictures:  # noqa: ANN401 - transformers' classes
    images = processor.image_processor
    return SquarePictures(images, SquarePadding(*sides(model, images)))


BOXES = (ANALYTIC_BOXES, RELEASED_BOXES)
ADAPTER = Adapter("llava", "LlavaForConditionalGeneration", (SQUARE,), _pictures, BOXES)
