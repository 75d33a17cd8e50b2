"""Pictures squeezed onto a canvas of whole tiles, aspect bent; the whole picture on one square comes last.

Shared by Idefics3, SmolVLM and InternVL. Nothing is padded: every visual token shows a part of the picture.
The model reads tile by tile, and its pixel shuffle makes one visual token of several patches side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.checkpoint.adapters.adapter import MOST_PATCHES, MOST_PIXELS
from harness.checkpoint.patches import TokenGrid, TokenLayout, squeezed_axis
from harness.data.errors import CheckpointError
from harness.data.sample import Size

MOST_TILES = 400
"""Tiles of a picture; Idefics3 has at most 16, InternVL's configurations ask for up to 40."""
Marks = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Squeezed:
    """The geometry of pictures squeezed onto tiles.

    Attributes:
        side: a tile's side in pixels.
        patch: side in pixels of what one visual token shows: several of the vision tower's patches.
    """

    side: int
    patch: int

    @property
    def per_side(self) -> int:
        """Visual tokens in one row of a tile."""
        return self.side // self.patch

    @property
    def per_tile(self) -> int:
        """Visual tokens of a tile."""
        return self.per_side**2

    def layout(self, size: Size, tiles: tuple[int, int] | None, marks: Marks) -> TokenLayout:
        """The visual tokens of a picture of this (width, height).

        Args:
            size: the picture's.
            tiles: rows and columns of tiles; None where the whole picture is all there is.
            marks: see `TokenLayout`.
        """
        if tiles is None:
            return TokenLayout(size, self._grid(size, 0, (1, 1)), marks=marks)
        down, across = tiles
        whole = self._grid(size, down * across * self.per_tile, (1, 1))
        return TokenLayout(size, whole, self._grid(size, 0, tiles), marks)

    def _grid(self, size: Size, first: int, tiles: tuple[int, int]) -> TokenGrid:
        (width, height), (down, across) = size, tiles
        per_tile = (self.per_side, self.per_side)
        rows = squeezed_axis(height, self.side, self.patch, down)
        return TokenGrid(first, rows, squeezed_axis(width, self.side, self.patch, across), per_tile=per_tile)


def squeezed(vision: Any, made: Any, merged: int) -> Squeezed:  # noqa: ANN401 - transformers' configurations
    """The geometry that a processor and a vision tower agree on.

    Args:
        vision: the vision tower's configuration.
        made: side of the squares that the processor makes, in pixels.
        merged: patches along each side of what becomes one visual token.

    Raises:
        CheckpointError: if they do not agree, or a square is no whole number of visual tokens.
    """
    side, patch = _one_side(vision.image_size), _one_side(vision.patch_size)
    if side is None or patch is None or not 0 < patch <= side <= MOST_PATCHES * patch or side > MOST_PIXELS:
        raise CheckpointError(
            f"pictures of {vision.image_size!r} pixels in patches of {vision.patch_size!r}; a square has 1 "
            f"to {MOST_PATCHES} patches along a side, and at most {MOST_PIXELS} pixels"
        )
    if made != side:
        raise CheckpointError(f"the processor makes {made!r}-pixel pictures, the vision tower wants {side}")
    if merged < 1 or side // patch % merged:
        raise CheckpointError(
            f"{side // patch} patches along a side, {merged} of which make a visual token: not a whole number"
        )
    return Squeezed(side, patch * merged)


def longest_edge(image_processor: Any, name: str) -> int:  # noqa: ANN401 - transformers' classes
    """A size that a processor states by its longest edge alone, in pixels.

    Args:
        image_processor: transformers' image processor.
        name: what it calls the size.

    Raises:
        CheckpointError: if it states it otherwise; it names the size.
    """
    stated = dict(getattr(image_processor, name, None) or {})
    edge = stated.pop("longest_edge", None)
    if not isinstance(edge, int) or not 0 < edge <= MOST_PIXELS or any(stated.values()):
        raise CheckpointError(
            f"the processor's {name} is not a longest_edge of 1 to {MOST_PIXELS} pixels, and that alone"
        )
    return edge


def demand_tokens(tokenizer: Any, *tokens: str) -> None:  # noqa: ANN401 - transformers' tokenizers
    """Refuse a tokenizer that does not know the marks around visual tokens.

    Raises:
        CheckpointError: if it would write one in several pieces; it names the mark.
    """
    for token in tokens:
        if tokenizer.convert_tokens_to_ids(token) in {None, tokenizer.unk_token_id}:
            raise CheckpointError(f"its tokenizer has no token {token!r}, which its prompts need")


def _one_side(length: Any) -> int | None:  # noqa: ANN401 - a number, or two
    """The side of a square that a configuration states by one number or by two; None if it is no square."""
    sides = set(length) if isinstance(length, list | tuple) else {length}
    side = sides.pop() if len(sides) == 1 else None
    return side if isinstance(side, int) else None
