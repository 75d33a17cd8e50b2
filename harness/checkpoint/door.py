"""The door by which a checkpoint comes in: whatever its files cause is one line that names it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from harness.data.doors import door
from harness.data.errors import CheckpointError
from harness.data.plain_text import one_line


@contextmanager
def checkpoint_door(source: str, what: str) -> Iterator[None]:
    """Turn whatever a checkpoint's files cause into a `CheckpointError` that names it.

    Args:
        source: the checkpoint's directory or hub id.
        what: what is wrong then, e.g. ``"its processor cannot be loaded"``.

    Raises:
        CheckpointError: whatever happens; one that does not name the checkpoint gets its name.
    """
    _plain_library_messages()
    try:
        with warnings.catch_warnings(), door(CheckpointError, f"{source}: {what}"):
            warnings.simplefilter("ignore")  # numpy's and torch's, of what is refused or not finite later
            yield
    except CheckpointError as error:
        if source in str(error):
            raise
        raise CheckpointError(f"{source}: {error}") from error


def _plain_library_messages() -> None:
    """Let transformers say what it likes of a file's content, as lines that a terminal only shows."""
    for handler in logging.getLogger("transformers").handlers:
        if _one_line not in handler.filters:
            handler.addFilter(_one_line)


def _one_line(record: logging.LogRecord) -> bool:
    record.msg, record.args = one_line(record.getMessage()), ()
    return True
