"""The released experiment's way from a picture to tiles and tokens, in our words.

Facts read in LLaVA-NeXT's ``mm_utils.py`` and ``llava_arch.py`` and in the released ``utils.py``; sizes are
(width, height) throughout, as there.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from harness.data.sample import Box, Size

SIDE, PATCH = 336, 14
GREEN, RED = (0, 255, 0), (255, 0, 0)
Pixels = NDArray[np.uint8]


def chosen_canvas(size: Size, pinpoints: list[list[int]]) -> Size:
    """The first of the canvases that show most of the picture's pixels and, of those, waste fewest."""

    def shown(canvas: Size) -> int:
        scale = min(canvas[0] / size[0], canvas[1] / size[1])
        return min(int(size[0] * scale) * int(size[1] * scale), size[0] * size[1])

    canvases = [(width, height) for width, height in pinpoints]
    return max(canvases, key=lambda canvas: (shown(canvas), shown(canvas) - canvas[0] * canvas[1]))


def on_canvas(picture: Image.Image, canvas: Size) -> Image.Image:
    """Resized to fit, the other side rounded up, and centred on black."""
    across, down = canvas[0] / picture.width, canvas[1] / picture.height
    if across < down:
        fits = canvas[0], min(math.ceil(picture.height * across), canvas[1])
    else:
        fits = min(math.ceil(picture.width * down), canvas[0]), canvas[1]
    padded = Image.new("RGB", canvas)
    padded.paste(picture.resize(fits), ((canvas[0] - fits[0]) // 2, (canvas[1] - fits[1]) // 2))
    return padded


def tiles(picture: Image.Image, pinpoints: list[list[int]]) -> list[Pixels]:
    """The picture squeezed to a square, then its canvas in squares, row by row: ``[336, 336, 3]`` each."""
    padded = on_canvas(picture, chosen_canvas(picture.size, pinpoints))
    corners = [(x, y) for y in range(0, padded.height, SIDE) for x in range(0, padded.width, SIDE)]
    squares = [padded.crop((x, y, x + SIDE, y + SIDE)) for x, y in corners]
    return [np.asarray(one) for one in (picture.resize((SIDE, SIDE)), *squares)]


def padded_square(picture: Image.Image, colour: tuple[int, int, int]) -> list[Pixels]:
    """LLaVA-1.5: centred on a square of one colour, resized."""
    side = max(picture.size)
    square = Image.new("RGB", (side, side), colour)
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return [np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC))]


def painted(size: Size, boxes: list[Box]) -> Image.Image:
    """Boxes in pure red on green; Pillow's rectangle includes its far edges, one pixel beyond the box."""
    mask = Image.new("RGB", size, GREEN)
    for box in boxes:
        ImageDraw.Draw(mask).rectangle((box.x, box.y, box.x + box.width, box.y + box.height), fill=RED)
    return mask


def red_patches(square: Pixels) -> NDArray[np.bool_]:
    """Which patches of a square hold an exactly red pixel: ``[24, 24]``."""
    red = (square == np.array(RED, dtype=np.uint8)).all(axis=-1)
    patches: NDArray[np.bool_] = red.reshape(SIDE // PATCH, PATCH, SIDE // PATCH, PATCH).any(axis=(1, 3))
    return patches


def red_tokens(squares: list[Pixels], size: Size, canvas: Size | None = None) -> list[int]:
    """Numbers of the visual tokens whose patches hold an exactly red pixel.

    The first square's patches come first, then those of the others put together again, unpadded, with a
    newline token after each row.
    """
    parts = [red_patches(square) for square in squares]
    tokens: list[bool] = parts[0].flatten().tolist()
    if canvas is not None:
        across, down = canvas[0] // SIDE, canvas[1] // SIDE
        rows = [
            np.concatenate(parts[1 + row * across : 1 + (row + 1) * across], axis=1) for row in range(down)
        ]
        for row in unpadded(np.concatenate(rows), size):
            tokens += [*row, False]
    return [number for number, red in enumerate(tokens) if red]


def unpadding_differs(size: Size, canvas: Size) -> bool:
    """Whether transformers, which rounds to seven digits first, leaves other rows or columns of patches."""
    columns, rows = canvas[0] // PATCH, canvas[1] // PATCH
    wide = size[0] / size[1] > columns / rows
    exact = size[1] * (columns / size[0]) if wide else size[0] * (rows / size[1])
    edge = rows if wide else columns
    return (edge - int(exact)) // 2 != (edge - int(round(exact, 7))) // 2


def unpadded(patches: NDArray[np.bool_], size: Size) -> NDArray[np.bool_]:
    """Without as many rows, or columns, on both sides as the picture's shape leaves empty."""
    rows, columns = patches.shape
    width, height = size
    if width / height > columns / rows:
        cut = (rows - int(height * (columns / width))) // 2
        return patches[cut : rows - cut]
    cut = (columns - int(width * (rows / height))) // 2
    return patches[:, cut : columns - cut]
