"""Pictures that somebody has damaged or crafted: read as a viewer would, or refused by name."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from PIL import Image

from harness.data.pictures import MAX_PIXELS, fault, picture_size, read_picture
from harness.tests.strangers.guard import SEEN, through, trying
from harness.tests.strangers.mutations import mutated

KINDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("JPEG", "RGB", {}),
    ("JPEG", "RGB", {"progressive": True, "optimize": True}),
    ("JPEG", "CMYK", {}),
    ("JPEG", "L", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"}),
    ("PNG", "RGB", {}),
    ("PNG", "RGBA", {}),
    ("PNG", "P", {"transparency": 3}),
    ("PNG", "1", {}),
    ("PNG", "I;16", {}),
    ("WEBP", "RGB", {}),
    ("WEBP", "RGBA", {"lossless": True}),
    ("GIF", "P", {"transparency": 1}),
    ("BMP", "RGB", {}),
    ("BMP", "P", {}),
    ("TIFF", "RGB", {}),
    ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    ("TIFF", "L", {"compression": "tiff_adobe_deflate"}),
    ("TIFF", "RGB", {"compression": "jpeg"}),
    ("TIFF", "1", {"compression": "group4"}),
    ("TIFF", "F", {}),
    ("PPM", "RGB", {}),
)
"""Pictures that are opened: format, mode, and how they are saved."""
OTHERS = ("EPS", "PDF", "ICO", "ICNS", "TGA", "SGI", "PCX", "DDS", "MSP", "XBM", "JPEG2000", "AVIF", "SPIDER")
"""Formats that are not."""


@cache
def picture(mode: str) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)
    values[:20] //= 4  # something to compress
    image = Image.fromarray(values)
    if mode == "I;16":
        return Image.fromarray(values[..., 0].astype(np.uint16) * 257)
    return image.convert(mode)


def saved(kind: str, mode: str, options: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    picture(mode).save(buffer, kind, **options)
    return buffer.getvalue()


@cache
def opened() -> tuple[bytes, ...]:
    frames = io.BytesIO()
    picture("P").save(frames, "GIF", save_all=True, append_images=[picture("P"), picture("P")])
    pages = io.BytesIO()
    picture("RGB").save(pages, "TIFF", save_all=True, append_images=[picture("L")])
    moving = io.BytesIO()
    picture("RGB").save(moving, "PNG", save_all=True, append_images=[picture("RGB").rotate(180)])
    return (*(saved(*kind) for kind in KINDS), *(one.getvalue() for one in (frames, pages, moving)))


@cache
def others() -> tuple[bytes, ...]:
    return tuple(_others())


def _others() -> Iterator[bytes]:
    for kind in OTHERS:
        buffer = io.BytesIO()
        mode = {"MSP": "1", "XBM": "1", "SPIDER": "F"}.get(kind, "RGB")
        picture(mode).save(buffer, kind)
        yield buffer.getvalue()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures") / "x.jpg"


def size_of(content: bytes, path: Path) -> tuple[int, int] | None:
    """A picture's size if all three ways of reading it accept it, and agree."""
    SEEN["files"] += 1
    path.write_bytes(content)
    size = through(lambda: picture_size(path), path.name, path.parent)
    whole = through(lambda: not fault(path), path.name, path.parent)
    read = through(lambda: read_picture(path), path.name, path.parent)
    if read is None:
        assert not whole, "is said to be whole, and cannot be read"
        return None
    assert read.mode == "RGB" and read.size == size and 0 < size[0] * size[1] <= MAX_PIXELS
    return size


def test_undamaged_pictures_are_read_and_other_formats_are_not(path: Path) -> None:
    assert [size_of(content, path) for content in opened()] == [
        *(None if mode == "F" else (40, 56) if "exif" in options else (56, 40) for _, mode, options in KINDS),
        *[(56, 40)] * 3,
    ]
    assert [size_of(content, path) for content in others()] == [None] * len(OTHERS)


def test_a_library_writes_no_lines_of_its_own(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = saved("TIFF", "1", {"compression": "group4"})
    for at in range(8, len(whole), 7):
        size_of(whole[:at] + b"\x5a" + whole[at + 1 :], path)
    assert capfd.readouterr().err == ""


@trying(10_000)
@given(content=mutated(opened()))
def test_a_mutated_picture_is_read_or_refused(
    path: Path, capfd: pytest.CaptureFixture[str], content: bytes
) -> None:
    size_of(content, path)
    assert capfd.readouterr().err == ""


@trying(2_000)
@given(content=mutated([*others(), *opened()]))
def test_pictures_of_other_formats_mixed_in_are_read_or_refused(path: Path, content: bytes) -> None:
    size_of(content, path)
