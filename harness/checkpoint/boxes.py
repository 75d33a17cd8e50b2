"""Which visual tokens show the annotated objects of a picture: by arithmetic, or by paint as in the release.

``analytic``, the quick default: the patches that hold at least one pixel of a box after the model's image
transform. ``released``: boxes are painted pure red on green, the painted picture goes through the model's own
transform (bicubic resizing), and the patches that hold an *exactly* red pixel count (released code of arXiv
2411.18620). Pillow's rectangle includes its far edges, so a box is painted one pixel larger; resizing mixes
the pixels at its edges with green, so it loses them again, and a tiny box may leave no red pixel at all. How
often the two differ on the paper's boxes is counted by ``python -m harness.validation boxes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from PIL import Image, ImageDraw

from harness.checkpoint.adapters import ANALYTIC_BOXES, PaintedPictures, Pictures
from harness.checkpoint.patches import TokenGrid
from harness.data.sample import Box, Size

if TYPE_CHECKING:  # loading torch takes seconds; planning a run must not pay
    from torch import Tensor

GREEN, RED = (0, 255, 0), (255, 0, 0)


def tokens_under(pictures: Pictures, rule: str, size: Size, boxes: Sequence[Box]) -> tuple[int, ...]:
    """Numbers of the visual tokens that show at least one of some boxes; none if none reaches a patch.

    Args:
        pictures: how the checkpoint turns pictures into visual tokens.
        rule: `ANALYTIC_BOXES` or `RELEASED_BOXES`; the second only where the adapter offers it.
        size: (width, height) of the picture in pixels.
        boxes: in pixels of the picture.
    """
    layout = pictures.layout(size)
    if rule == ANALYTIC_BOXES:
        return tuple(sorted({token for box in boxes for token in layout.holding(box)}))
    pixels = cast("PaintedPictures", pictures).painted(painted(size, boxes))
    red = red_patches(pixels, layout.base.rows.patch)
    found = _showing(layout.base, red[0])
    if layout.tiles is not None:
        found |= _showing(layout.tiles, _assembled(layout.tiles, red[1:]))
    return tuple(sorted(found))


def painted(size: Size, boxes: Sequence[Box]) -> Image.Image:
    """The released mask: every box in pure red on pure green, its far edges included."""
    mask = Image.new("RGB", size, GREEN)
    draw = ImageDraw.Draw(mask)
    for box in boxes:
        if min(box.width, box.height) >= 0:
            draw.rectangle((box.x, box.y, box.x + box.width, box.y + box.height), fill=RED)
    return mask


def red_patches(pixels: Tensor, patch: int) -> Tensor:
    """Which patches hold an exactly red pixel.

    Args:
        pixels: ``[tiles, 3, side, side]``, values 0 to 255.
        patch: a patch's side in pixels; what a side has left over is cut off.

    Returns:
        ``[tiles, rows, columns]``, of bool.
    """
    red = (pixels == pixels.new_tensor(RED)[:, None, None]).all(dim=1)
    count = red.shape[-1] // patch
    inside = red[:, : count * patch, : count * patch]
    return inside.reshape(-1, count, patch, count, patch).any(dim=4).any(dim=2)


def _assembled(grid: TokenGrid, tiles: Tensor) -> Tensor:
    """The patches of a grid's tiles side by side, ``[tiles, n, n]`` to ``[rows, columns]``."""
    count = tiles.shape[-1]
    down, across = len(grid.rows.starts) // count, len(grid.columns.starts) // count
    joined = tiles[: down * across].reshape(down, across, count, count).transpose(1, 2)
    return joined.reshape(down * count, across * count)


def _showing(grid: TokenGrid, red: Tensor) -> set[int]:
    """The grid's tokens that show a red patch, of ``[rows, columns]`` patches."""
    shown = [(rows, columns) for rows in grid.rows.shown for columns in grid.columns.shown]
    return {
        token
        for token, (rows, columns) in zip(grid.patches, shown, strict=True)
        if bool(red[rows.start : rows.stop, columns.start : columns.stop].any())
    }
