"""The pages that the commands of the validation make, and the files that keep them."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data.atomic_files import write_whole
from harness.data.errors import HarnessError

RESULTS = Path(__file__).with_name("results")
"""Where the committed tables are."""


@dataclass(frozen=True)
class Page:
    """The result of a command, to read and to keep.

    Attributes:
        name: how its file is named, after the date.
        text: Markdown.
        data: the same for machines, as JSON can hold it; None if the text is all there is.

    """

    name: str
    text: str
    data: object | None = None


def keep(page: Page, out: Path) -> Path:
    """Write a page, and its data beside it.

    Args:
        page: the page.
        out: a file, or a folder (without a suffix) for a file named by date and page.

    Returns:
        The Markdown file.

    Raises:
        OSError: if it cannot be written.

    """
    path = out if out.suffix else out / f"{today()}-{page.name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, page.text)
    if page.data is not None:
        write(path.with_suffix(".json"), json.dumps(page.data, indent=1) + "\n")
    return path


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all, for all to read."""
    write_whole(path, text.encode())
    path.chmod(0o644)


def table(header: str, rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table.

    Args:
        header: the columns' names, with bars between; one that ends in a colon is aligned to the right.
        rows: the cells.

    """
    names = [name.strip() for name in header.split("|")]
    marks = ["--:" if name.endswith(":") else "---" for name in names]
    lines = [[name.removesuffix(":") for name in names], marks, *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def listed(info: Mapping[str, str]) -> str:
    """Return named facts as a Markdown list."""
    return "".join(f"- {name}: {text}\n" for name, text in info.items())


def chosen(asked: Sequence[str], known: Collection[str], what: str) -> list[str]:
    """Return what is asked for, or all that is known if nothing is.

    Raises:
        HarnessError: if something is asked for that is not known.

    """
    for name in asked:
        if name not in known:
            raise HarnessError(f"unknown {what} {name!r}; there are {', '.join(known)}")
    return list(asked or known)


def today() -> str:
    """Return the date in UTC."""
    return dt.datetime.now(tz=dt.UTC).date().isoformat()


def report_progress(line: object) -> None:
    """Say on standard error how far a command has come."""
    print(line, file=sys.stderr, flush=True)
