"""Text from outside as harmless lines: file names, headers, library messages reach terminals and CI logs."""

from __future__ import annotations

import unicodedata

LONGEST = 1000
"""Characters of a line; a message of hundreds of kilobytes helps nobody."""


def without_controls(text: str) -> str:
    """A text whose control characters are spaces.

    Escape sequences, line ends, direction marks and lone surrogates among them: a terminal only shows it, and
    no line of a CI system's own commands can begin inside it.
    """
    return "".join(
        " " if unicodedata.category(letter)[0] == "C" or letter in "\u2028\u2029" else letter
        for letter in text
    )


def one_line(text: object, longest: int = LONGEST) -> str:
    """Write a text as one plain line, runs of spaces as one.

    Args:
        text: anything with a text.
        longest: where it is cut.
    """
    line = " ".join(without_controls(str(text)[: 4 * longest]).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
