"""Which visual tokens show which part of a picture.

A model resizes a picture onto a *canvas* (one square, or several tiles side by side) and cuts the
canvas into patches; each patch that is kept becomes one visual token. A box belongs to the tokens
whose patches hold at least one of its pixels after exactly that transform (released code of arXiv
2411.18620). All of it is arithmetic in whole numbers on the two sides of the picture, one at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from harness.data.sample import Box, Size


@dataclass(frozen=True)
class TokenAxis:
    """One side of a picture on its canvas, cut into patches, and the tokens that show them.

    A pixel of the picture from ``x`` to ``x + 1`` covers the canvas from ``(x * scale + shift) / unit``
    to ``((x + 1) * scale + shift) / unit``.

    Attributes:
        length: the picture's side in pixels.
        scale: factor on the picture's pixels, in ``1 / unit`` canvas pixels.
        shift: where the picture begins, in ``1 / unit`` canvas pixels.
        unit: denominator of both.
        starts: where each patch begins on the canvas, in canvas pixels.
        patch: a patch's side in canvas pixels.
        shown: for every row (or column) of tokens the patches it shows.
    """

    length: int
    scale: int
    shift: int
    unit: int
    starts: tuple[int, ...]
    patch: int
    shown: tuple[range, ...]

    def tokens(self, start: int, stop: int) -> tuple[int, ...]:
        """Rows (or columns) of tokens that show a pixel from ``start`` up to but not including ``stop``.

        Args:
            start: in pixels of the picture; what lies outside the picture counts for nothing.
            stop: the same.
        """
        start, stop = max(start, 0), min(stop, self.length)
        if stop <= start:
            return ()
        first, last = start * self.scale + self.shift, stop * self.scale + self.shift
        touched = {
            number
            for number, at in enumerate(self.starts)
            if at * self.unit < last and (at + self.patch) * self.unit > first
        }
        return tuple(row for row, span in enumerate(self.shown) if touched.intersection(span))

    def extent(self, row: int) -> tuple[float, float]:
        """Where a row (or column) of tokens begins in the picture, and how long it is, in its pixels."""
        shown = self.shown[row]
        ends = (self.starts[shown[0]], self.starts[shown[-1]] + self.patch)
        first, last = (min(max((at * self.unit - self.shift) / self.scale, 0), self.length) for at in ends)
        return first, last - first


@dataclass(frozen=True)
class TokenGrid:
    """A picture on one canvas, as rows and columns of visual tokens.

    Attributes:
        first: number of the grid's first token among the picture's visual tokens.
        rows: its rows of tokens.
        columns: its columns of tokens.
        newline: whether a newline token ends every row.
        per_tile: rows and columns of tokens in a tile, where the model reads tile by tile; None: row by row.
            Such a grid has no newline tokens.
    """

    first: int
    rows: TokenAxis
    columns: TokenAxis
    newline: bool = False
    per_tile: tuple[int, int] | None = None

    @property
    def stride(self) -> int:
        """Tokens from the beginning of one row to that of the next."""
        return len(self.columns.shown) + self.newline

    @property
    def patches(self) -> tuple[int, ...]:
        """The grid's tokens, newline tokens left out, row by row of the canvas."""
        return self._tokens(range(len(self.rows.shown)), range(len(self.columns.shown)))

    @property
    def newlines(self) -> tuple[int, ...]:
        """The newline tokens that end its rows."""
        ends = range(len(self.rows.shown)) if self.newline else range(0)
        return tuple(self.first + row * self.stride + self.stride - 1 for row in ends)

    def holding(self, box: Box) -> tuple[int, ...]:
        """The tokens that hold at least one pixel of a box given in pixels of the picture."""
        rows = self.rows.tokens(box.y, box.y + box.height)
        return self._tokens(rows, self.columns.tokens(box.x, box.x + box.width))

    def _tokens(self, rows: Sequence[int], columns: Sequence[int]) -> tuple[int, ...]:
        return tuple(self._token(row, column) for row in rows for column in columns)

    def _token(self, row: int, column: int) -> int:
        """The number of the token in a row and a column of the canvas."""
        if self.per_tile is None:
            return self.first + row * self.stride + column
        down, across = self.per_tile
        tile = row // down * (len(self.columns.shown) // across) + column // across
        return self.first + (tile * down + row % down) * across + column % across

    def places(self) -> dict[int, tuple[float, float, float, float]]:
        """What each of its tokens shows: (x, y, width, height) in pixels of the picture, inside of it."""
        shown = [
            (*across, *down)
            for down in map(self.rows.extent, range(len(self.rows.shown)))
            for across in map(self.columns.extent, range(len(self.columns.shown)))
        ]
        return {
            token: (x, y, width, height)
            for token, (x, width, y, height) in zip(self.patches, shown, strict=True)
        }


@dataclass(frozen=True)
class TokenLayout:
    """The visual tokens of one picture, in the order in which the model reads them.

    Attributes:
        size: the picture's (width, height).
        base: the whole picture on one square.
        tiles: the picture on tiles of higher resolution, or None where there are none.
        marks: (token, text): what the prompt says before a visual token; at ``count``, behind the last one.
            A text of the model's own processor, which writes it around the tokens of its tiles.
        two_way: whether visual tokens side by side attend to each other both ways, later ones included.
    """

    size: Size
    base: TokenGrid
    tiles: TokenGrid | None = None
    marks: tuple[tuple[int, str], ...] = ()
    two_way: bool = False

    @property
    def grids(self) -> tuple[TokenGrid, ...]:
        """The grids, in the order of their tokens."""
        grids = (self.base,) if self.tiles is None else (self.base, self.tiles)
        return tuple(sorted(grids, key=lambda grid: grid.first))

    @property
    def count(self) -> int:
        """Visual tokens of the picture, newline tokens included."""
        return sum(len(grid.patches) + len(grid.newlines) for grid in self.grids)

    @property
    def newlines(self) -> tuple[int, ...]:
        """The newline tokens."""
        return tuple(token for grid in self.grids for token in grid.newlines)

    @property
    def patches(self) -> tuple[int, ...]:
        """Every visual token that shows patches: all but the newline tokens."""
        return tuple(sorted(token for grid in self.grids for token in grid.patches))

    def written(self, image_token: str) -> str:
        """The picture as the prompt writes it: its visual tokens, and the marks between them.

        Args:
            image_token: the text of one visual token.
        """
        text, at = "", 0
        for token, mark in self.marks:
            text += image_token * (token - at) + mark
            at = token
        return text + image_token * (self.count - at)

    def holding(self, box: Box) -> tuple[int, ...]:
        """The tokens that hold at least one pixel of a box; empty if it is outside, or cropped away."""
        return tuple(token for grid in self.grids for token in grid.holding(box))

    @property
    def padding(self) -> tuple[int, ...]:
        """The tokens that hold nothing of the picture."""
        return tuple(sorted(set(self.patches) - set(self.holding(Box("picture", 0, 0, *self.size)))))


@dataclass(frozen=True)
class SquarePadding:
    """The geometry of pad-to-square, resize, cut into patches.

    Attributes:
        side: the resized square's side in pixels.
        patch: a patch's side in pixels.
    """

    side: int
    patch: int

    @property
    def per_side(self) -> int:
        """Patches in one row."""
        return self.side // self.patch

    def layout(self, size: Size) -> TokenLayout:
        """The visual tokens of a picture of this (width, height)."""
        width, height = size
        square = max(size)
        return TokenLayout(size, TokenGrid(0, self._axis(height, square), self._axis(width, square)))

    def _axis(self, length: int, square: int) -> TokenAxis:
        before = (square - length) // 2
        return TokenAxis(
            length=length,
            scale=self.side,
            shift=before * self.side,
            unit=square,
            starts=patch_starts(1, self.side, self.patch),
            patch=self.patch,
            shown=one_each(range(self.per_side)),
        )


def patch_starts(tiles: int, side: int, patch: int) -> tuple[int, ...]:
    """Where patches begin along ``tiles`` tiles of ``side`` pixels; what a tile has left over is cut off."""
    return tuple(tile * side + at * patch for tile in range(tiles) for at in range(side // patch))


def one_each(patches: Sequence[int]) -> tuple[range, ...]:
    """Rows of tokens that show one row of patches each."""
    return tuple(range(patch, patch + 1) for patch in patches)


def squeezed_axis(length: int, side: int, patch: int, tiles: int = 1) -> TokenAxis:
    """One side of a picture that is stretched or squeezed to fill its canvas: nothing padded, nothing cut.

    Args:
        length: the picture's side in pixels.
        side: a tile's side in canvas pixels; without tiles, the canvas's.
        patch: the same of what one visual token shows.
        tiles: tiles along this side.
    """
    starts = patch_starts(tiles, side, patch)
    return TokenAxis(length, tiles * side, 0, length, starts, patch, one_each(range(len(starts))))


def pad_to_square(image: Image.Image, mean: tuple[float, ...]) -> Image.Image:
    """Centre a picture on a square of the processor's mean colour, as LLaVA-1.5 was trained.

    The hub's processor centre-crops instead, which loses the sides and moves every box.

    Args:
        image: an RGB picture.
        mean: the processor's mean per channel, 0 to 1.
    """
    width, height = image.size
    side = max(width, height)
    if width == height:
        return image
    colour = tuple(int(channel * 255) for channel in mean)
    square = Image.new("RGB", (side, side), (colour[0], colour[1], colour[2]))
    square.paste(image, ((side - width) // 2, (side - height) // 2))
    return square
