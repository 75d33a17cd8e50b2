"""Which visual tokens show which part of the picture.

LLaVA-1.5 pads a picture to a square, resizes it and cuts it into a grid of patches, one visual
token each. A box belongs to the patches that hold at least one of its pixels after exactly that
transform (released code of arXiv 2411.18620).
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from harness.sample import Box


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

    @property
    def count(self) -> int:
        """Visual tokens per picture."""
        return self.per_side**2

    def patches(self, box: Box, size: tuple[int, int]) -> tuple[int, ...]:
        """The patches, numbered row by row, that hold at least one pixel of the box.

        Args:
            box: the object's box in the original picture, clipped to it.
            size: the original picture's (width, height).

        Returns:
            Patch numbers in order; empty if the box lies outside the picture.
        """
        width, height = size
        square = max(width, height)
        left, top = (square - width) // 2, (square - height) // 2
        columns = self._span(max(box.x, 0), min(box.x + box.width, width), left, square)
        rows = self._span(max(box.y, 0), min(box.y + box.height, height), top, square)
        return tuple(row * self.per_side + column for row in rows for column in columns)

    def padding(self, size: tuple[int, int]) -> tuple[int, ...]:
        """The patches that hold nothing but padding."""
        whole = Box("picture", 0, 0, *size)
        return tuple(sorted(set(range(self.count)) - set(self.patches(whole, size))))

    def _span(self, start: int, stop: int, offset: int, square: int) -> range:
        """Rows or columns of patches touched by the half-open pixel range ``start, stop``.

        Integers throughout: a pixel belongs to a patch if their areas overlap after resizing.
        """
        if stop <= start:
            return range(0)
        first = (start + offset) * self.side // (square * self.patch)
        last = -(-(stop + offset) * self.side // (square * self.patch))
        return range(first, min(last, self.per_side))


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
