from __future__ import annotations

import os
import signal
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
from PIL import Image

from harness.data import tried_pictures
from harness.data.csv_tables import load_tables
from harness.data.limited_child import ChildEndedError, LimitedChild
from harness.data.tried_pictures import PictureTrial, Tried
from harness.testing import hasty_pictures
from harness.tests.data.test_csv_tables import GOOD, folder, write

__all__ = ["folder"]


def jpeg_of_many_scans(side: int, scans: int) -> bytes:
    """A grey progressive JPEG of a side (a multiple of 8); each further scan is some bytes, and one pass."""

    def segment(marker: int, data: bytes) -> bytes:
        return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data

    one_code = bytes([1] + [0] * 15)
    blocks = (side // 8) ** 2
    runs = "01111111" * 2  # a run of 32,767 blocks that hold nothing more
    bits = (runs[:15] * (blocks // 32767 + 1)).ljust(8 * ((blocks // 32767 + 1) * 15 // 8 + 1), "1")
    nothing = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    return (
        b"\xff\xd8"
        + segment(0xDB, b"\0" + b"\1" * 64)
        + segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0")
        + segment(0xC4, b"\0" + one_code + b"\0")
        + segment(0xC4, b"\x10" + one_code + b"\xe0")
        + segment(0xDA, b"\1\1\0\0\0\0")
        + b"\0" * (blocks // 8 + 1)
        + (segment(0xDA, b"\1\1\0\1\x3f\0") + nothing) * scans
        + b"\xff\xd9"
    )


def png_of_many_chunks(chunks: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    return head + chunk(b"IDAT", b"") * chunks


BUSY: dict[str, Callable[[], bytes]] = {
    "a JPEG of many scans": lambda: jpeg_of_many_scans(6400, 2000),
    "a PNG of empty chunks": lambda: png_of_many_chunks(5_000_000),
    "a PPM written out": lambda: b"P2\n6000 6000\n255\n" + b"1 " * 36_000_000,
    "a PPM with a long remark": lambda: b"P5\n#" + b"x" * 60_000_000 + b"\n8 8\n255\n" + b"1" * 64,
}


@pytest.mark.parametrize(
    "busy", [pytest.param(one, marks=pytest.mark.slow if one != next(iter(BUSY)) else ()) for one in BUSY]
)
def test_a_picture_that_keeps_a_decoder_busy_is_one_row_left_out(
    folder: Path, busy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if busy != next(iter(BUSY)):  # that one would keep any decoder busy for longer
        monkeypatch.setattr(tried_pictures, "LimitedChild", lambda _: LimitedChild(hasty_pictures.__name__))
    (folder / "images" / "11.jpg").write_bytes(BUSY[busy]())
    row = GOOD.replace(",10,", ",11,").replace("007", "008")
    dataset = load_tables(write(folder, GOOD, row))
    assert [sample.image_id for sample in dataset.samples] == ["10"]
    assert dataset.left_out == {
        ("ChooseAttr", f"image file cannot be decoded in 5 s and 2 GiB (e.g. {folder}/images/11.jpg)"): 1
    }


def test_what_is_small_is_tried_by_one_process_and_each_picture_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (9, 8)).save(tmp_path / "é.png")
    Image.new("RGB", (9, 8)).save(tmp_path / "cut.jpg", "PPM")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "cut.jpg").read_bytes()[:-9])
    with LimitedChild(tried_pictures.__name__) as child:
        ask = Mock(wraps=child.ask)
        monkeypatch.setattr(LimitedChild, "ask", ask)
        trial = PictureTrial()
        for _ in range(2):
            assert trial(tmp_path / "é.png") == Tried((9, 8))
            assert trial(tmp_path / "cut.jpg") == Tried((9, 8), "image file broken or cut short")
            assert trial(tmp_path / "none.jpg") == Tried(None)
    assert ask.call_count == 3


def test_a_child_that_dies_is_told_and_the_next_question_has_another() -> None:
    with LimitedChild(tried_pictures.__name__) as child:
        assert child.ask("none") == [None, ""]
        assert child._process is not None
        first = child._process.pid
        os.kill(first, signal.SIGSEGV)
        with pytest.raises(ChildEndedError):
            child.ask("none")
        assert child.ask("none") == [None, ""]
        assert child._process.pid != first
    assert child._process is None
