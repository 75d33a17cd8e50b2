"""The sheet of plain lines that the doctor writes, and what was refused on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.data.errors import HarnessError
from harness.data.plain_text import one_line, without_controls

LABEL = 12
"""Width of the column of labels, in characters."""
NOTHING = "nothing"


class Sheet:
    """Lines of a label and a text, each printed as soon as it is known; a large model takes minutes."""

    def __init__(self) -> None:
        self.refusals: list[str] = []
        """What was refused so far, one line each."""

    def say(self, label: str, text: str) -> None:
        """Print one line; whatever text came from outside is harmless in it.

        Args:
            label: what the line is about; empty for a line that goes on.
            text: what is said of it.
        """
        print(without_controls(f"{label:<{LABEL}} {text}".rstrip()), flush=True)

    @contextmanager
    def trying(self, label: str) -> Iterator[None]:
        """Print a refusal as its one line and go on behind the block.

        Args:
            label: what was tried.
        """
        try:
            yield
        except (HarnessError, pytest.UsageError) as error:
            self._refuse(label, one_line(error))

    def _refuse(self, label: str, reason: str) -> None:
        if any(known.endswith(reason) for known in self.refusals):  # the same, met by another way
            return
        self.refusals.append(reason)
        self.say(label, f"REFUSED: {reason}")
