"""InternVL3 and 3.5 in transformers' format (``-hf``): tiles of the nearest aspect, then the whole picture.

Of all grids of at most ``max_patches`` tiles the one of the picture's aspect is taken, and the picture
squeezed onto it. The whole picture follows, unless one tile is all. A mark stands before the first token and
behind the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image

from harness.checkpoint.adapters.adapter import SQUARE, TILES, Adapter
from harness.checkpoint.adapters.squares import squares_made
from harness.checkpoint.adapters.squeezed import MOST_TILES, Squeezed, demand_tokens, squeezed
from harness.checkpoint.patches import TokenLayout
from harness.data.errors import CheckpointError
from harness.data.sample import Size

if TYPE_CHECKING:
    from torch import Tensor

TOWER = "internvl_vision"


@dataclass(frozen=True)
class AspectTiles:
    """The processor's own pictures, cropped to tiles or not.

    Attributes:
        image_processor: transformers' image processor.
        geometry: tiles and what their tokens show.
        tiles: the least and the most tiles of a grid; None where the whole picture is all there is.
        marks: what the prompt has before the first and behind the last visual token.
    """

    image_processor: Any
    geometry: Squeezed
    tiles: tuple[int, int] | None
    marks: tuple[str, str]

    def layout(self, size: Size) -> TokenLayout:
        """See `harness.checkpoint.adapters.Pictures`."""
        grid = self._grid(size)
        tokens = self.geometry.per_tile * (1 if grid is None else grid[0] * grid[1] + 1)
        before, behind = self.marks
        return self.geometry.layout(size, grid, ((0, before), (tokens, behind)))

    def inputs(self, picture: Image.Image) -> dict[str, Tensor]:
        """``pixel_values`` ``[tiles + 1, 3, side, side]``."""
        made = self.image_processor(
            images=picture, crop_to_patches=self.tiles is not None, return_tensors="pt"
        )
        return {"pixel_values": made["pixel_values"]}

    def _grid(self, size: Size) -> tuple[int, int] | None:
        """Rows and columns of tiles; None where one holds the whole picture."""
        # The choice is transformers' own; importing it loads torch.
        from transformers.models.got_ocr2 import image_processing_pil_got_ocr2 as own  # noqa: PLC0415

        if self.tiles is None or self.tiles[1] == 1:
            return None
        (width, height), side = size, self.geometry.side
        across, down = own.get_optimal_tiled_canvas((height, width), (side, side), *self.tiles)
        return None if (down, across) == (1, 1) else (down, across)


def _pictures(model: Any, processor: Any, handling: str) -> AspectTiles:  # noqa: ANN401 - transformers' classes
    images, tokenizer, config = processor.image_processor, processor.tokenizer, model.config
    _check_features(config)
    (made,) = squares_made(images, in_tiles=False)
    geometry = squeezed(config.vision_config, made, round(1 / config.downsample_ratio))
    marks = (str(tokenizer.start_image_token), str(tokenizer.end_image_token))
    demand_tokens(tokenizer, *marks)
    if handling == SQUARE:
        return AspectTiles(images, geometry, None, marks)
    tiles = (int(images.min_patches), int(images.max_patches))
    if not 1 <= tiles[0] <= tiles[1] <= MOST_TILES:
        raise CheckpointError(
            f"its processor cuts {tiles[0]} to {tiles[1]} tiles; a picture has 1 to {MOST_TILES}"
        )
    return AspectTiles(images, geometry, tiles, marks)


def _check_features(config: Any) -> None:  # noqa: ANN401 - transformers' configurations
    """Refuse a tower whose features are not one per patch, or an uneven merging of them."""
    strategy, kind = config.vision_feature_select_strategy, config.vision_config.model_type
    if strategy != "default" or kind != TOWER:
        raise CheckpointError(
            f"vision_feature_select_strategy is {strategy!r} on a {kind}; only 'default' on {TOWER} gives "
            "one feature per patch"
        )
    if 1 / config.downsample_ratio != round(1 / config.downsample_ratio):
        raise CheckpointError(f"downsample_ratio is {config.downsample_ratio}, not one over a whole number")


ADAPTER = Adapter("internvl", "InternVLForConditionalGeneration", (TILES, SQUARE), _pictures)
