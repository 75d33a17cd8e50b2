"""Pictures tried in a process with limits, before anybody relies on them.

Small files keep a decoder busy for minutes: a JPEG of a thousand scans, a PNG of a million empty chunks, a
PPM whose numbers are written out. This file is both sides: imported, it asks; as a program it decodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from harness.data.errors import DataError
from harness.data.limited_child import ChildEndedError, LimitedChild, answer_questions
from harness.data.pictures import fault, picture_size
from harness.data.sample import Size

SECONDS = 5.0
"""Longest that a picture may take, processor time; one of fifty million pixels takes two."""
MEMORY = 2 << 30
"""Most bytes that decoding may take; a picture of fifty million pixels takes a third of it."""


@dataclass(frozen=True)
class Tried:
    """What became of a picture.

    Attributes:
        size: its (width, height); None if it is no image.
        fault: why its pixels cannot be used; empty if they can.
        ended: whether it was over the limits, or crashed its decoder.
    """

    size: Size | None
    fault: str = ""
    ended: bool = False


class PictureTrial:
    """Tries pictures, each once however often it is asked for; its process ends with it."""

    def __init__(self) -> None:
        self._child = LimitedChild(__name__)
        self._known: dict[Path, Tried] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.__exit__()

    def __call__(self, path: Path) -> Tried:
        """What becomes of a picture file."""
        if path not in self._known:
            self._known[path] = self._tried(path)
        return self._known[path]

    def _tried(self, path: Path) -> Tried:
        try:
            size, wrong = self._child.ask(str(path))
        except ChildEndedError:
            return Tried(None, ended=True)
        return Tried((size[0], size[1]) if size else None, wrong)


def answer(path: str) -> tuple[Size | None, str]:
    """A picture's (width, height), None if it is no image, and what is wrong with its pixels."""
    try:
        return picture_size(Path(path)), fault(Path(path))
    except DataError:
        return None, ""


if __name__ == "__main__":
    answer_questions(answer, SECONDS, MEMORY)
