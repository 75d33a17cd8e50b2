"""The command: a checkpoint's view of one picture, as a drawing and in lines; no weights are loaded."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from harness.checkpoint.adapters import HANDLINGS
from harness.checkpoint.info import checkpoint_info, pinned
from harness.checkpoint.regions import REGION_NAMES
from harness.data.atomic_files import replacing
from harness.data.doors import door
from harness.data.errors import DataError
from harness.data.pictures import read_picture
from harness.data.sample import Box, Sample
from harness.data.user_paths import user_path
from harness.session.doctor.asked import picture_in_words, spans
from harness.session.doctor.sheet import Sheet
from harness.session.layout.drawing import drawing

if TYPE_CHECKING:  # loading torch takes seconds; --help must not pay
    from harness.checkpoint.checkpoint import Checkpoint
    from harness.checkpoint.encode import Encoded

BOX_EDGES = 4
LONGEST = 100
"""Characters of a region's text that are shown."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """A bad option is exit status 4, as of every other command."""
        self.exit(int(pytest.ExitCode.USAGE_ERROR), f"{self.format_usage()}{self.prog}: {message}\n")


def main(words: Sequence[str]) -> int:
    """Run the command; returns its exit status: 0, or 4 if something was refused.

    Args:
        words: the command line behind ``layout``.
    """
    asked = _parser().parse_args(words)
    sheet = Sheet()
    with sheet.trying("layout"):
        _show(sheet, asked)
    return int(pytest.ExitCode.USAGE_ERROR) if sheet.refusals else 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m harness layout",
        description="Draws a checkpoint's visual tokens over a picture and prints the prompt's regions.",
    )
    parser.add_argument(
        "checkpoint", metavar="DIR", help="a directory, alias or hub id; weights are not loaded"
    )
    parser.add_argument("picture", metavar="PICTURE", type=Path)
    parser.add_argument(
        "--box", type=_box, action="append", default=[], metavar="X,Y,W,H", help="in pixels; repeatable"
    )
    parser.add_argument("--question", default="What is this?", metavar="TEXT")
    parser.add_argument("--prompt", metavar="NAME|FILE", help="as of `pytest findings`")
    parser.add_argument("--image-handling", choices=HANDLINGS, help="as of `pytest findings`")
    parser.add_argument(
        "--out", type=Path, default=Path("layout.png"), metavar="FILE", help="the drawing (PNG)"
    )
    return parser


def _box(text: str) -> Box:
    edges = text.split(",")
    try:
        x, y, width, height = (int(edge) for edge in edges)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not four whole numbers, as in 10,20,30,40") from error
    if min(width, height) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} has no pixel: width and height are at least 1")
    return Box("box", x, y, width, height)


def _show(sheet: Sheet, asked: argparse.Namespace) -> None:
    from harness.checkpoint.encode import encode  # noqa: PLC0415 - loads torch
    from harness.checkpoint.without_weights import bare_checkpoint  # noqa: PLC0415

    path = user_path(str(asked.picture))
    picture = read_picture(path)
    info = pinned(checkpoint_info(asked.checkpoint))
    handling = asked.image_handling or info.image_handling
    info = replace(info, prompt=asked.prompt or info.prompt, image_handling=handling)
    checkpoint = bare_checkpoint(info)
    boxes = tuple(asked.box)
    sample = Sample(
        "layout", "QueryAttr", path.name, path, asked.question, "", None, None, boxes, picture.size
    )
    encoded = encode(checkpoint, sample)
    sheet.say(
        "checkpoint", f"{info.name}: {checkpoint.model.config.model_type}, prompt {checkpoint.prompt.name}"
    )
    _say(sheet, checkpoint, encoded)
    layout = checkpoint.pictures.layout(picture.size)
    under = checkpoint.tokens_under(picture.size, boxes)
    out = user_path(str(asked.out))
    with door(DataError, f"{out}: the drawing cannot be written"), replacing(out) as half:
        drawing(picture, layout, boxes, under).save(half, "PNG")
    sheet.say("drawing", str(out))


def _say(sheet: Sheet, checkpoint: Checkpoint, encoded: Encoded) -> None:
    """The picture and its boxes as tokens, and the text of every region."""
    size = encoded.sample.image_size
    sheet.say("picture", picture_in_words(checkpoint.pictures.layout(size)))
    for box in encoded.sample.objects:
        tokens = checkpoint.tokens_under(size, [box])
        found = f"visual tokens {spans(tokens)}" if tokens else "no visual token: outside of what is seen"
        sheet.say("box", f"{box.x},{box.y},{box.width},{box.height}: {found}")
    sheet.say("prompt", f"{encoded.length} tokens; regions, by position in the prompt from 0:")
    for name in REGION_NAMES:
        if positions := encoded.regions.found(name):
            sheet.say("", f"{name:<24} {spans(positions)} {_text(encoded, positions)}".rstrip())


def _text(encoded: Encoded, positions: Sequence[int]) -> str:
    """What a region's tokens say; of visual tokens how many they are."""
    visual = set(encoded.regions["image"])
    if visual.intersection(positions):
        return f"({len(positions)} tokens, {len(visual.intersection(positions))} of them visual)"
    said = "".join(encoded.text[slice(*encoded.offsets[at])] for at in positions)
    shown = said if len(said) <= LONGEST else f"{said[:LONGEST]}…"
    return json.dumps(shown, ensure_ascii=False)
