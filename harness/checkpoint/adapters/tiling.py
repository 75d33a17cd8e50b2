"""Any-resolution pictures: the whole picture on one square, then the picture again on tiles.

Shared by LLaVA-NeXT and LLaVA-OneVision. The picture is resized to fit the best of several canvases,
centred on it, and the canvas is cut into tiles of the vision tower's side. The tiles' patches, put
together again, are *unpadded*: rows or columns that show nothing but padding go, up to rounding. Each
row that is left ends in a newline token. The base image comes first: squeezed to a square, unpadded.
Rounding is transformers' own, tested against its models.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image

from harness.checkpoint.adapters.adapter import RELEASED_TILES, SQUARE, UNSCALED, Pictures, sides
from harness.checkpoint.patches import (
    SquarePadding,
    TokenAxis,
    TokenGrid,
    TokenLayout,
    one_each,
    pad_to_square,
    patch_starts,
)
from harness.data.errors import CheckpointError
from harness.data.sample import Size

if TYPE_CHECKING:
    from torch import Tensor

MOST_CANVASES, MOST_TILES = 1000, 100
"""More than LLaVA-OneVision's, which has 36 canvases of at most 36 tiles."""
SHRINK_ABOVE = 1.1
"""LLaVA-OneVision shrinks a grid whose side is more than this times what is allowed (its model code)."""


@dataclass(frozen=True)
class Tiling:
    """The geometry of any-resolution pictures.

    Attributes:
        side: a tile's side in pixels.
        patch: a patch's side in pixels.
        canvases: the (height, width) pairs to choose from, in pixels (``image_grid_pinpoints``).
        most: a grid of more than so many tiles' patches is shrunk by bilinear interpolation; None: never.
    """

    side: int
    patch: int
    canvases: tuple[tuple[int, int], ...]
    most: int | None = None

    @property
    def per_side(self) -> int:
        """Patches in one row of a tile."""
        return self.side // self.patch

    def layout(self, size: Size) -> TokenLayout:
        """The visual tokens of a picture of this (width, height)."""
        width, height = size
        base = TokenGrid(0, self._squeezed(height), self._squeezed(width))
        canvas = self.canvas(size)
        resized = fitted(size, canvas)
        rows, columns = self._shown(size, canvas)
        tiles = TokenGrid(
            self.per_side**2,
            self._axis(height, resized[0], canvas[0], rows),
            self._axis(width, resized[1], canvas[1], columns),
            newline=True,
        )
        return TokenLayout(size, base, tiles)

    def canvas(self, size: Size) -> tuple[int, int]:
        """The (height, width) of the canvas that loses least of the picture, then wastes least."""
        from transformers.image_processing_utils import select_best_resolution  # noqa: PLC0415

        width, height = size
        best: tuple[int, int] = select_best_resolution((height, width), [list(one) for one in self.canvases])
        return best[0], best[1]

    def _shown(self, size: Size, canvas: tuple[int, int]) -> tuple[tuple[range, ...], tuple[range, ...]]:
        """The patch rows and patch columns that each row and column of tokens shows."""
        rows, columns = unpadded(size, [edge // self.side * self.per_side for edge in canvas])
        if self.most is not None:
            ratio = math.sqrt(len(rows) * len(columns) / (self.most * self.per_side**2))
            if ratio > SHRINK_ABOVE:
                return (
                    interpolated(rows, int(len(rows) // ratio)),
                    interpolated(columns, int(len(columns) // ratio)),
                )
        return one_each(rows), one_each(columns)

    def _squeezed(self, length: int) -> TokenAxis:
        starts = patch_starts(1, self.side, self.patch)
        return TokenAxis(length, self.side, 0, length, starts, self.patch, one_each(range(self.per_side)))

    def _axis(self, length: int, resized: int, canvas: int, shown: tuple[range, ...]) -> TokenAxis:
        before = (canvas - resized) // 2
        starts = patch_starts(canvas // self.side, self.side, self.patch)
        return TokenAxis(length, resized, before * length, length, starts, self.patch, shown)


def fitted(size: Size, canvas: tuple[int, int]) -> tuple[int, int]:
    """The (height, width) of a picture of this (width, height) when it fits a (height, width) canvas."""
    width, height = size
    across, down = canvas[1] / width, canvas[0] / height
    if across < down:
        return min(math.ceil(height * across), canvas[0]), canvas[1]
    return canvas[0], min(math.ceil(width * down), canvas[1])


def unpadded(size: Size, patches: Sequence[int]) -> tuple[range, range]:
    """The rows and columns of patches that are left of a grid of (rows, columns).

    Very thin pictures lose all of them: the model's own rounding.
    """
    width, height = size
    rows, columns = patches
    if width / height > columns / rows:
        cut = (rows - int(round(height * (columns / width), 7))) // 2
        return range(cut, rows - cut), range(columns)
    cut = (columns - int(round(width * (rows / height), 7))) // 2
    return range(rows), range(cut, columns - cut)


def interpolated(rows: range, count: int) -> tuple[range, ...]:
    """The rows that each of ``count`` rows is interpolated from (bilinear, corners not aligned)."""
    shown = []
    for number in range(count):
        # In units of 1 / (2 * count) rows: the middle of the new row, half a row back.
        middle = max((2 * number + 1) * len(rows) - count, 0)
        low, between = divmod(middle, 2 * count)
        high = min(low + (between > 0), len(rows) - 1)
        shown.append(range(rows[low], rows[high] + 1))
    return tuple(shown)


@dataclass(frozen=True)
class TiledPictures:
    """The processor's own any-resolution pictures."""

    image_processor: Any
    geometry: Tiling

    def layout(self, size: Size) -> TokenLayout:
        """See `harness.checkpoint.adapters.Pictures`."""
        return self.geometry.layout(size)

    def inputs(self, picture: Image.Image) -> dict[str, Tensor]:
        """``pixel_values`` ``[1, 1 + tiles, 3, side, side]``; ``image_sizes`` ``[1, 2]`` (height, width)."""
        made = self.image_processor(images=picture, return_tensors="pt")
        return {"pixel_values": made["pixel_values"], "image_sizes": made["image_sizes"]}

    def painted(self, picture: Image.Image) -> Tensor:
        """See `harness.checkpoint.adapters.PaintedPictures`."""
        made = self.image_processor(images=picture, return_tensors="pt", **UNSCALED)
        pixels: Tensor = made["pixel_values"][0]
        return pixels


@dataclass(frozen=True)
class OneSquare:
    """Any-resolution models without tiles: padded to a square, the base image only."""

    image_processor: Any
    geometry: SquarePadding

    def layout(self, size: Size) -> TokenLayout:
        """See `harness.checkpoint.adapters.Pictures`."""
        return self.geometry.layout(size)

    def inputs(self, picture: Image.Image) -> dict[str, Tensor]:
        """``pixel_values`` ``[1, 1, 3, side, side]``; ``image_sizes`` ``[1, 2]`` (height, width)."""
        made = self._processed(picture)
        return {"pixel_values": made["pixel_values"][:, :1], "image_sizes": made["image_sizes"]}

    def painted(self, picture: Image.Image) -> Tensor:
        """See `harness.checkpoint.adapters.PaintedPictures`."""
        pixels: Tensor = self._processed(picture, **UNSCALED)["pixel_values"][0, :1]
        return pixels

    def _processed(self, picture: Image.Image, **options: bool) -> Any:  # noqa: ANN401 - transformers' features
        square = pad_to_square(picture, tuple(self.image_processor.image_mean))
        return self.image_processor(images=square, return_tensors="pt", **options)


def tiled(model: Any, image_processor: Any, handling: str, most: int | None = None) -> Pictures:  # noqa: ANN401
    """Pictures of an any-resolution model.

    Args:
        model: the transformers model; its configuration is changed where the handling is not its own.
        image_processor: its image processor; the same.
        handling: `TILES`, `RELEASED_TILES` or `SQUARE`.
        most: see `Tiling`.

    Raises:
        CheckpointError: if the processor and the model do not choose among the same canvases.
    """
    side, patch = sides(model, image_processor, in_tiles=True)
    if handling == SQUARE:
        _without_tiles(model)
        return OneSquare(image_processor, SquarePadding(side, patch))
    canvases = tuple((int(height), int(width)) for height, width in model.config.image_grid_pinpoints)
    if not 0 < len(canvases) <= MOST_CANVASES or not all(_is_canvas(canvas, side) for canvas in canvases):
        raise CheckpointError(
            f"its image_grid_pinpoints are not 1 to {MOST_CANVASES} canvases of 1 to {MOST_TILES} tiles"
        )
    if canvases != tuple((int(height), int(width)) for height, width in image_processor.image_grid_pinpoints):
        raise CheckpointError("the processor's image_grid_pinpoints are not the model's")
    if handling == RELEASED_TILES:
        canvases = tuple((height, width) for width, height in canvases)
        for owner in (model.config, image_processor):
            owner.image_grid_pinpoints = [list(canvas) for canvas in canvases]
    return TiledPictures(image_processor, Tiling(side, patch, canvases, most))


def _is_canvas(canvas: tuple[int, int], side: int) -> bool:
    """Whether a (height, width) canvas holds at least one tile, and not more than any model has."""
    return min(canvas) >= side and (canvas[0] // side) * (canvas[1] // side) <= MOST_TILES


def _without_tiles(model: Any) -> None:  # noqa: ANN401
    """Let the model's own code see one picture and add no newline token.

    The released switch "no HD, no pad" does this by ``image_aspect_ratio = "pad"`` and
    ``mm_patch_merge_type = "spatial"``. transformers counts a picture's tiles by the canvas it chooses;
    a canvas of no size has none.
    """
    model.config.image_grid_pinpoints = [[0, 0]]
    model.model.image_newline = None
