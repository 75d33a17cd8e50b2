"""One guard at each door by which files come in: whatever a file causes is one line that names it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.data.errors import HarnessError
from harness.data.plain_text import one_line

OURS_TO_PASS = (HarnessError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError)


@contextmanager
def door(refusal: type[HarnessError], what: str, remedy: str = "") -> Iterator[None]:
    """Turn whatever reading something causes into one error.

    Libraries raise what they like: deep JSON a RecursionError, the compiled ones panics, which are no
    `Exception`.

    Args:
        refusal: the error to raise.
        what: the file and what is wrong with it, e.g. ``"x.parquet: not a baseline"``.
        remedy: what to do about it.

    Raises:
        HarnessError: of the kind asked for; errors of the harness's own pass.
    """
    try:
        yield
    except OURS_TO_PASS:
        raise
    except BaseException as error:
        reason = one_line(str(error).partition("\n")[0], 200) or type(error).__name__
        raise refusal(f"{what} ({reason}){f'; {remedy}' if remedy else ''}") from error
