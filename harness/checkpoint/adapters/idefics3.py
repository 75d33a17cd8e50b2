"""Idefics3, SmolVLM and SmolVLM2: tiles with a mark before each, then the whole picture.

The longest edge is made ``size`` pixels, both sides are stretched to multiples of a tile; ``<row_i_col_j>``
stands before each tile's tokens, a line break behind each row of tiles. SmolVLM of 2024 calls itself
``idefics3``, SmolVLM2 ``smolvlm``; both are the same to us.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from harness.checkpoint.adapters.adapter import SQUARE, TILES, Adapter
from harness.checkpoint.adapters.squeezed import (
    MOST_TILES,
    Marks,
    Squeezed,
    demand_tokens,
    longest_edge,
    squeezed,
)
from harness.checkpoint.patches import TokenLayout
from harness.data.errors import CheckpointError
from harness.data.sample import Size

if TYPE_CHECKING:
    from torch import Tensor

AROUND = ("fake_image_token", "<fake_token_around_image>")
WHOLE = ("global_image_token", "<global-img>")
"""The marks around the image and before the whole picture: the tokenizer's name for each, else its text."""


@dataclass(frozen=True)
class MarkedTiles:
    """The processor's own pictures, split into tiles or not.

    Attributes:
        image_processor: transformers' image processor.
        geometry: tiles and what their tokens show.
        longest: pixels of the longest edge before it is stretched to tiles; None without tiles.
        around: the mark around the image.
        whole: the mark before the whole picture.
    """

    image_processor: Any
    geometry: Squeezed
    longest: int | None
    around: str
    whole: str

    def layout(self, size: Size) -> TokenLayout:
        """See `harness.checkpoint.adapters.Pictures`."""
        tiles = self._tiles(size)
        return self.geometry.layout(size, tiles, self._marks(tiles))

    def inputs(self, picture: Image.Image) -> dict[str, Tensor]:
        """``pixel_values`` ``[1, tiles + 1, 3, side, side]``; none of it is padding, so there is no mask."""
        made = self.image_processor(
            images=picture, do_image_splitting=self.longest is not None, return_tensors="pt"
        )
        return {"pixel_values": made["pixel_values"]}

    def _tiles(self, size: Size) -> tuple[int, int] | None:
        """Rows and columns of tiles; None where one holds the whole picture.

        The processor's ``get_number_of_image_patches`` rounds otherwise than the processor does.
        """
        if self.longest is None:
            return None
        # Its size utility lies beside transformers' processor; importing it loads torch.
        from transformers.models.idefics3 import image_processing_pil_idefics3 as own  # noqa: PLC0415

        width, height = size
        shape = np.broadcast_to(np.uint8(0), (3, height, width))
        height, width = own.get_resize_output_image_size(shape, resolution_max_side=self.longest)
        side, aspect = self.geometry.side, width / height
        if width >= height:
            across = math.ceil(width / side)
            down = math.ceil(int(across * side / aspect) / side)
        else:
            down = math.ceil(height / side)
            across = math.ceil(int(down * side * aspect) / side)
        return None if (down, across) == (1, 1) else (down, across)

    def _marks(self, tiles: tuple[int, int] | None) -> Marks:
        each = self.geometry.per_tile
        if tiles is None:
            return ((0, self.around + self.whole), (each, self.around))
        down, across = tiles
        places = [(row, column) for row in range(down) for column in range(across)]
        before = [
            ("\n" if row and not column else "") + f"{self.around}<row_{row + 1}_col_{column + 1}>"
            for row, column in places
        ]
        marks = [*before, f"\n\n{self.around}{self.whole}", self.around]
        return tuple((number * each, mark) for number, mark in enumerate(marks))


def _pictures(model: Any, processor: Any, handling: str) -> MarkedTiles:  # noqa: ANN401 - transformers' classes
    images, tokenizer = processor.image_processor, processor.tokenizer
    geometry = squeezed(
        model.config.vision_config, longest_edge(images, "max_image_size"), int(model.config.scale_factor)
    )
    around, whole = (str(getattr(tokenizer, name, None) or text) for name, text in (AROUND, WHOLE))
    demand_tokens(tokenizer, around, whole)
    if not getattr(images, "do_resize", True):
        raise CheckpointError("the processor does not resize (do_resize is false): not supported")
    longest = longest_edge(images, "size")
    if handling == SQUARE:
        return MarkedTiles(images, geometry, None, around, whole)
    if not images.do_image_splitting:
        raise CheckpointError(
            "its processor does not split pictures (do_image_splitting is false); ask for "
            "--image-handling=square"
        )
    if math.ceil(longest / geometry.side) ** 2 > MOST_TILES:
        raise CheckpointError(
            f"its processor makes pictures of {longest} pixels in tiles of {geometry.side}; a picture has at "
            f"most {MOST_TILES} tiles"
        )
    return MarkedTiles(images, geometry, longest, around, whole)


HANDLINGS = (TILES, SQUARE)
IDEFICS3 = Adapter("idefics3", "Idefics3ForConditionalGeneration", HANDLINGS, _pictures)
SMOLVLM = Adapter("smolvlm", "SmolVLMForConditionalGeneration", HANDLINGS, _pictures)
