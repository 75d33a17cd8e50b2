"""A checkpoint's tokenizer tried in a process with limits, before it runs in ours.

A ``tokenizer.json`` of a kilobyte may hold patterns that search for hours, and replacements that make
gigabytes of a line of text; the library, compiled code, is stopped by nothing but the end of its process.
This file is both sides: imported, it asks; as a program it tokenizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from harness.data.errors import CheckpointError
from harness.data.limited_child import ChildEndedError, LimitedChild, answer_questions
from harness.data.plain_text import one_line

FILE = "tokenizer.json"
SECONDS = 10.0
"""Longest that loading it and tokenizing all texts may take, processor time; a usual one takes one."""
MEMORY = 4 << 30
"""Most bytes it may take; one of 30 MB takes a tenth."""
PROBE = (
    "USER: <image>\nWhat color is the ball on the left? \nAnswer with a single word. ASSISTANT: red",
    "".join(map(chr, range(32, 127))),
    *("a" * 1000, " " * 1000, "1" * 1000, "\n" * 1000, "a " * 500, "<image>" * 3000),
)
"""What every tokenizer is tried on: a prompt, each letter of ASCII, and long runs."""


def try_tokenizer(folder: Path, texts: Sequence[str] = PROBE) -> None:
    """Refuse a checkpoint whose tokenizer takes what none needs; one that fails is another's to refuse.

    Args:
        folder: the checkpoint's folder; one without a ``tokenizer.json`` passes.
        texts: what it is tried on.

    Raises:
        CheckpointError: if it is over the limits, or its compiled code crashes or gives up.
    """
    file = folder / FILE
    if file.is_file():
        state = file.stat()
        _try(file, (state.st_size, state.st_mtime_ns), tuple(texts))


@cache
def _try(file: Path, _: tuple[int, int], texts: tuple[str, ...]) -> None:
    try:
        with LimitedChild(__name__) as child:
            panic = child.ask({"file": str(file), "texts": texts})
    except ChildEndedError as error:
        raise CheckpointError(
            f"{file}: takes more than {SECONDS:.0f} s or {MEMORY >> 30} GiB to tokenize some lines of text"
        ) from error
    if panic:
        raise CheckpointError(f"{file}: cannot tokenize some lines of text ({panic})")


def _answer(asked: dict[str, Any]) -> str:
    """What the library's compiled code gave up with; empty if it did not. It would print pages of it."""
    import tokenizers  # noqa: PLC0415 - the child's

    try:
        tokenizer = tokenizers.Tokenizer.from_file(asked["file"])
        for text in asked["texts"]:
            tokenizer.encode(text)
    except Exception:  # noqa: BLE001 - who loads it says what is wrong
        return ""
    except BaseException as error:  # noqa: BLE001 - panics are no Exception
        return one_line(error, 200) or type(error).__name__
    return ""


if __name__ == "__main__":
    answer_questions(_answer, SECONDS, MEMORY)
