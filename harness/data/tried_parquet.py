"""Parquet files tried in a process with limits, before anybody reads them.

A damaged page makes polars panic in a thread of its own, and a panic upon that ends the process at once,
which no handler can prevent; a page of a few bytes may stand for billions of values. Shards of a store are
known by their hash before they are read and need no trial. This file is both sides: imported, it asks; as a
program it reads.
"""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path

from harness.data.limited_child import ChildEndedError, LimitedChild, answer_questions

SECONDS = 120.0
"""Longest that a file may take, processor time; a table of a million rows takes one."""
MEMORY = 8 << 30
"""Most bytes that reading may take; a table of a million rows takes a tenth of it."""


def try_parquet(path: Path) -> None:
    """Read a parquet file where it can do no harm.

    Raises:
        ValueError: if it is none, or takes too much time or memory to read.
    """
    try:
        wrong = _child().ask(str(path.absolute()))
    except ChildEndedError:
        raise ValueError(
            f"it crashes its reader, or takes more than {SECONDS:.0f} s or {MEMORY >> 30} GiB"
        ) from None
    if wrong:
        raise ValueError(str(wrong))


@cache
def _child() -> LimitedChild:
    """One for all files; it ends with this process."""
    child = LimitedChild(__name__)
    atexit.register(child.__exit__)
    return child


def _answer(path: str) -> str:
    import polars as pl  # noqa: PLC0415 - the child's

    try:
        pl.read_parquet(path)
    except BaseException as error:  # noqa: BLE001 - polars' panics are no `Exception`
        return (str(error).strip() or type(error).__name__).splitlines()[0]
    return ""


if __name__ == "__main__":
    answer_questions(_answer, SECONDS, MEMORY)
