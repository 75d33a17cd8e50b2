"""Pictures from strangers: nothing runs, nothing is shown otherwise than a viewer would."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from harness.data.errors import DataError
from harness.data.pictures import FORMATS, ORIENTATION, fault, picture_size, read_picture

POSTSCRIPT = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{} loop\nshowpage\n%%EOF\n"


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*command: object, **_: object) -> None:
        raise AssertionError(f"started {command}")

    monkeypatch.setattr(subprocess, "Popen", never)
    monkeypatch.setattr("PIL.EpsImagePlugin.has_ghostscript", lambda: True)
    monkeypatch.setattr(os, "system", never)


def refuses(path: Path) -> bool:
    """Whether all three ways of reading a picture refuse it with one error that names it."""
    for read in (picture_size, read_picture):
        with pytest.raises(DataError, match=path.name):
            read(path)
    return bool(fault(path))


@pytest.mark.usefixtures("no_programs")
def test_a_picture_starts_no_program(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_text(POSTSCRIPT, encoding="ascii")
    assert refuses(path)
    assert not {"EPS", "PDF", "WMF", "FITS"} & set(FORMATS)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jpg")
    assert refuses(tmp_path / "x.jpg")


def test_whatever_a_decoder_raises_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.png"
    Image.new("RGB", (4, 4)).save(path)

    def broken(*_: object) -> None:
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", broken)
    with pytest.raises(DataError, match=r"x\.png: cannot be read as an image \(first line\)$"):
        read_picture(path)


def test_sixteen_bits_are_scaled(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 16).astype(np.uint16).reshape(4, 4)
    Image.fromarray(values).save(tmp_path / "x.png")
    seen = np.asarray(read_picture(tmp_path / "x.png"))[..., 0]
    assert (seen == values // 256).all()
    assert not fault(tmp_path / "x.png")


def grey_tiff(path: Path, values: NDArray[np.uint16], *, bits: int, photometric: int) -> None:
    """Written by hand: Pillow writes no TIFF of twelve bits, and none in which white is zero."""
    height, width = values.shape
    if bits == 12:
        packed = "".join(f"{value:012b}" for value in values.flat)
        data = int(packed, 2).to_bytes(len(packed) // 8, "big")
    else:
        data = values.astype("<u2").tobytes()
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: 0, 277: 1, 278: height}
    tags[279] = len(data)
    tags[273] = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    path.write_bytes(b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0) + data)


@pytest.mark.parametrize(
    ("bits", "photometric", "first", "last"), [(16, 1, 0, 255), (16, 0, 255, 0), (12, 1, 0, 255)]
)
def test_a_grey_tiff_is_scaled_by_its_bits_and_white_may_be_zero(
    tmp_path: Path, bits: int, photometric: int, first: int, last: int
) -> None:
    path = tmp_path / "x.tiff"
    values = np.linspace(0, (1 << bits) - 1, 16).astype(np.uint16).reshape(4, 4)
    grey_tiff(path, values, bits=bits, photometric=photometric)
    seen = read_picture(path)
    assert (seen.getpixel((0, 0)), seen.getpixel((3, 3))) == ((first,) * 3, (last,) * 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_is_turned_as_its_camera_says(tmp_path: Path, kind: str, orientation: int) -> None:
    path, tag = tmp_path / "x", Image.Exif()
    tag[ORIENTATION] = orientation
    stored = Image.new("RGB", (48, 32), "white")
    stored.paste((255, 0, 0), (0, 0, 16, 16))
    stored.save(path, kind, exif=tag, **({"lossless": True} if kind == "WEBP" else {}))
    seen = read_picture(path)
    shown = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    assert picture_size(path) == seen.size == shown.size
    assert np.array_equal(np.asarray(seen), np.asarray(shown))
    assert (seen.size == (48, 32)) is (orientation < 5)
    assert not fault(path)


def test_values_without_a_known_range_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.tiff"
    Image.fromarray(np.random.default_rng(0).random((4, 4)).astype(np.float32)).save(path)
    with pytest.raises(DataError, match=r"x\.tiff: pixels of mode F have no known range"):
        read_picture(path)
    assert fault(path) == "image whose values have no known range; save it with 8 or 16 bits"


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_lies_on_white(tmp_path: Path, mode: str) -> None:
    hidden = Image.new("RGBA", (4, 4), (200, 0, 0, 0))
    hidden.putpixel((0, 0), (200, 200, 200, 255))
    hidden.convert(mode).save(tmp_path / "x.png")
    seen = read_picture(tmp_path / "x.png")
    assert (seen.getpixel((3, 3)), seen.getpixel((0, 0))) == ((255, 255, 255), (200, 200, 200))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("pictures")
    noise = Image.effect_noise((24, 16), 90).convert("RGB")
    found = {}
    for kind in FORMATS:
        noise.save(folder / kind, format=kind)
        found[kind] = (folder / kind).read_bytes()
    return found


@settings(max_examples=300, deadline=5000)
@given(
    kind=st.sampled_from(FORMATS),
    changes=st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=8),
    cut=st.integers(0, 1 << 16),
)
def test_a_damaged_picture_is_read_or_refused(
    whole: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    changes: list[tuple[int, int]],
    cut: int,
) -> None:
    content = bytearray(whole[kind][: max(1, len(whole[kind]) - cut % len(whole[kind]))])
    for at, value in changes:
        content[at % len(content)] = value
    path = tmp_path_factory.getbasetemp() / "damaged.jpg"
    path.write_bytes(content)
    try:
        size, read = picture_size(path), read_picture(path)
    except DataError as error:
        named = str(error)
    else:
        named = path.name
        assert (read.mode, read.size) == ("RGB", size)
    assert path.name in named
