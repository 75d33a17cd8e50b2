"""Read image files; refuse what is broken, or larger than a picture should be."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from harness.data.errors import DataError
from harness.data.sample import Size

MAX_PIXELS = 50_000_000
"""Larger pictures are refused: GQA's are under a megapixel, a decompression bomb is not."""


def read_picture(path: Path) -> Image.Image:
    """Read an image file as RGB.

    Raises:
        DataError: if the file is missing, broken or too large.
    """
    with _opened(path) as image:
        return image.convert("RGB")


def picture_size(path: Path) -> Size:
    """(width, height) of an image file; the pixels are not read.

    Raises:
        DataError: if the file is missing, is no image, or is too large.
    """
    with _opened(path) as image:
        return image.size


def is_whole(path: Path) -> bool:
    """Whether an image file can be read to its end.

    JPEG is decoded at an eighth of its size, which takes half the time and misses nothing that is cut off.
    """
    try:
        with _opened(path) as image:
            image.draft(None, (1, 1))
            image.load()
    except DataError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit here is lower
            image = Image.open(path)
        with image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(
                    f"{path}: {image.width}×{image.height} pixels is more than a picture should have"
                )
            yield image
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such image file") from error
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: cannot be read as an image ({error})") from error
