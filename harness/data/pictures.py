"""Read image files as a viewer would show them; refuse what is broken or larger than a picture should be.

Pictures come from strangers. Only formats that are plain pictures are opened, whatever a file is called:
Pillow would start Ghostscript for PostScript. The size is checked before pixels are decoded, and whatever a
decoder raises is one error that names the file.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from harness.data.errors import DataError
from harness.data.sample import Size

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""What is opened: none of these starts a program or runs a script."""
DEEP = {"I;16": 256, "I;16L": 256, "I;16B": 256, "I;16N": 256}
"""Modes of sixteen bits a channel, and what one of their steps of eight bits holds."""
STDERR = 2
"""The file that C libraries know as standard error."""
MAX_PIXELS = 50_000_000
"""Larger pictures are refused: GQA's are under a megapixel, a decompression bomb is not."""


def read_picture(path: Path) -> Image.Image:
    """Read an image file as RGB: what is transparent lies on white, sixteen bits are scaled to eight.

    Raises:
        DataError: if the file is missing, broken or too large, or its values have no known range.
    """
    with _opened(path) as image, _silenced(image):
        return _rgb(image, path)


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
        with _opened(path) as image, _silenced(image):
            image.draft(None, (1, 1))
            _rgb(image, path)
    except DataError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The picture, its size checked, its pixels not yet decoded; whatever goes wrong is a `DataError`."""
    try:
        _check_regular(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # decoders' remarks name no file, and are lines of their own
            with Image.open(path, formats=FORMATS) as image:
                _check_size(path, image.size)
                yield image
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such image file") from error
    except Exception as error:  # decoders raise what they like
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(f"{path}: cannot be read as an image ({reason})") from error


@contextmanager
def _silenced(image: Image.Image) -> Iterator[None]:
    """Keep libtiff, which tells standard error of every fault of a file, from speaking beside us."""
    if image.format != "TIFF":
        yield
        return
    kept = os.dup(STDERR)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)


def _check_regular(path: Path) -> None:
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise DataError(f"{path}: not a regular file")


def _check_size(path: Path, size: Size) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise DataError(f"{path}: {size[0]}×{size[1]} pixels is more than a picture should have")


def _rgb(image: Image.Image, path: Path) -> Image.Image:
    """The picture as a viewer would show it."""
    if image.mode in DEEP:
        values = np.asarray(image, dtype=np.uint16) // DEEP[image.mode]
        return Image.fromarray(values.astype(np.uint8)).convert("RGB")
    if image.mode in {"I", "F"}:
        raise DataError(f"{path}: pixels of mode {image.mode} have no known range; save it with 8 or 16 bits")
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
    return image.convert("RGB")
