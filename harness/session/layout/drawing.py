"""A picture with its visual tokens drawn over it: one panel for its tiles, one for the whole picture."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PIL import Image, ImageDraw, ImageFont

from harness.checkpoint.patches import TokenGrid, TokenLayout
from harness.data.sample import Box

SIDE = 1000
"""Longer side of the picture in a panel, in pixels."""
MARGIN, CAPTION, FONT = 12, 30, 16
WHITE, INK = (255, 255, 255), (20, 20, 20)
GRID = (255, 255, 255, 110)
TILE = (0, 90, 200, 255)
UNDER = (230, 60, 0, 110)
BOX = (230, 60, 0, 255)


def drawing(
    picture: Image.Image, layout: TokenLayout, boxes: Sequence[Box], under: Collection[int]
) -> Image.Image:
    """Draw every grid of visual tokens over the picture.

    Args:
        picture: an RGB picture.
        layout: its visual tokens.
        boxes: boxes to outline, in pixels of the picture.
        under: numbers of the tokens that show one of them; they are tinted.
    """
    panels = [_panel(picture, layout, grid, boxes, under) for grid in layout.grids]
    width = sum(panel.width + MARGIN for panel in panels) + MARGIN
    sheet = Image.new("RGB", (width, max(panel.height for panel in panels) + 2 * MARGIN), WHITE)
    at = MARGIN
    for panel in panels:
        sheet.paste(panel, (at, MARGIN))
        at += panel.width + MARGIN
    return sheet


def _panel(
    picture: Image.Image, layout: TokenLayout, grid: TokenGrid, boxes: Sequence[Box], under: Collection[int]
) -> Image.Image:
    scale = SIDE / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    shown = picture.resize((width, height))
    places = {token: _scaled(place, scale) for token, place in grid.places().items()}
    over = Image.new("RGBA", shown.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(over)
    for token, place in places.items():
        draw.rectangle(place, fill=UNDER if token in under else None, outline=GRID)
    for tile in _tiles(grid, places):
        draw.rectangle(tile, outline=TILE, width=3)
    for box in boxes:
        draw.rectangle(_scaled((box.x, box.y, box.width, box.height), scale), outline=BOX, width=2)
    for token, mark in layout.marks:
        if token in places:
            _label(draw, places[token][:2], mark)
    return _captioned(Image.alpha_composite(shown.convert("RGBA"), over), caption(layout, grid))


def _scaled(place: tuple[float, ...], scale: float) -> tuple[float, float, float, float]:
    x, y, width, height = (side * scale for side in place)
    return x, y, x + width, y + height


def _tiles(
    grid: TokenGrid, places: dict[int, tuple[float, float, float, float]]
) -> list[tuple[float, float, float, float]]:
    """Each tile of a grid that is read tile by tile, from its first token to its last."""
    if grid.per_tile is None:
        return []
    each = grid.per_tile[0] * grid.per_tile[1]
    starts = range(grid.first, grid.first + len(places), each)
    return [(*places[start][:2], *places[start + each - 1][2:]) for start in starts]


def caption(layout: TokenLayout, grid: TokenGrid) -> str:
    """What a panel shows, and by which numbers its tokens are known."""
    what = "whole picture" if grid is layout.base else "tiles"
    tokens = sorted((*grid.patches, *grid.newlines))
    numbers = f"visual tokens {tokens[0]} to {tokens[-1]}" if tokens else "no visual token"
    newline = ", a newline token after each row" if grid.newline else ""
    after = dict(layout.marks).get(layout.count)
    behind = f", behind the last: {_plain(after)}" if after and tokens[-1:] == [layout.count - 1] else ""
    size = f"{len(grid.rows.shown)} rows by {len(grid.columns.shown)}"  # the font has no ×
    return f"{what}: {size}, {numbers}{newline}{behind}"


def _label(draw: ImageDraw.ImageDraw, corner: tuple[float, ...], mark: str) -> None:
    """A mark's text, white on blue, at the token that it stands before."""
    x, y = corner[0] + 4, corner[1] + 4
    font = ImageFont.load_default(FONT - 4)
    draw.rectangle(draw.textbbox((x, y), _plain(mark), font=font), fill=TILE)
    draw.text((x, y), _plain(mark), fill=WHITE, font=font)


def _plain(mark: str) -> str:
    return mark.encode("unicode_escape").decode("ascii")


def _captioned(shown: Image.Image, text: str) -> Image.Image:
    font = ImageFont.load_default(FONT)
    width = max(shown.width, round(font.getlength(text)) + 1)
    panel = Image.new("RGB", (width, shown.height + CAPTION), WHITE)
    ImageDraw.Draw(panel).text((0, 4), text, fill=INK, font=font)
    panel.paste(shown, (0, CAPTION), shown)
    return panel
