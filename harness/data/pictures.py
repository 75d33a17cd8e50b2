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
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from harness.data.errors import DataError
from harness.data.sample import Size

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""What is opened: none of these starts a program or runs a script."""
DEEP = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
"""Modes of up to sixteen bits a channel; a TIFF says how many of them are used."""
ORIENTATION = 0x0112
"""The tag by which a camera says how its picture is to be turned."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = frozenset({5, 6, 7, 8})
"""Values that exchange width and height."""
BITS_PER_SAMPLE, PHOTOMETRIC = 258, 262
WHITE_IS_ZERO = 0
STDERR = 2
"""The file that C libraries know as standard error."""
MAX_PIXELS = 50_000_000
"""Larger pictures are refused: GQA's are under a megapixel, a decompression bomb is not."""


class _RangeError(DataError):
    """Pixels that may mean anything."""


def read_picture(path: Path) -> Image.Image:
    """Read an image file as RGB: turned as its camera says, what is transparent on white, eight bits deep.

    Raises:
        DataError: if the file is missing, broken or too large, or its values have no known range.
    """
    with _opened(path) as image, _silenced(image):
        turn = TURNS.get(_orientation(image))  # before its pixels are read, like the size
        seen = _rgb(image, path)
        return seen if turn is None else seen.transpose(turn)


def picture_size(path: Path) -> Size:
    """(width, height) of an image file as it is shown; the pixels are not read.

    Raises:
        DataError: if the file is missing, is no image, or is too large.
    """
    with _opened(path) as image:
        width, height = image.size
        return (height, width) if _orientation(image) in SIDEWAYS else (width, height)


def fault(path: Path) -> str:
    """Why an image file's pixels cannot be used, without its name; empty if they can.

    JPEG is decoded at an eighth of its size, which takes half the time and misses nothing that is cut off.
    """
    try:
        with _opened(path) as image, _silenced(image):
            image.draft(None, (1, 1))
            _rgb(image, path)
    except _RangeError:
        return "image whose values have no known range; save it with 8 or 16 bits"
    except DataError:
        return "image file broken or cut short"
    return ""


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


def _orientation(image: Image.Image) -> int:
    """How a picture is to be turned; 1 is not at all. Pillow turns TIFF by itself."""
    if image.format == "TIFF":
        return 1
    # The base class reads what was found before the pixels; PNG's own would decode them for what comes after.
    return int(Image.Image.getexif(image).get(ORIENTATION) or 1)


def _rgb(image: Image.Image, path: Path) -> Image.Image:
    """The picture as a viewer would show it, but for its turn."""
    if image.mode in DEEP:
        return Image.fromarray(_eight_bits(image)).convert("RGB")
    if image.mode in {"I", "F"}:
        raise _RangeError(
            f"{path}: pixels of mode {image.mode} have no known range; save it with 8 or 16 bits"
        )
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> NDArray[np.uint8]:
    """A grey picture of up to sixteen bits, scaled to eight; of TIFF's two tags Pillow minds neither."""
    tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
    bits, *_ = tags.get(BITS_PER_SAMPLE) or (16,)
    values = np.asarray(image, dtype=np.uint16) >> (bits - 8)
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        values = 255 - values
    return values.astype(np.uint8)
