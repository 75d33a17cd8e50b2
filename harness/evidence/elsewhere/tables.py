"""Read a table that somebody else wrote: every cell as it stands, with the line it stands in."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import polars as pl

from harness.data.doors import door
from harness.data.errors import HarnessError
from harness.data.plain_text import one_line
from harness.data.regular_files import read_regular
from harness.data.tried_parquet import try_parquet

LARGEST = 1 << 30
"""Bytes of a table; the release's largest, with fifty words a row, have 100 million."""
UNREAD = ("top_k_word", "top_k_score")
"""Columns of the release that nobody asks for: nine tenths of a lens's file."""
LINE = "line"
"""The column that says where a row stands in its file."""
_BOM = b"\xef\xbb\xbf"
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
_PLACE = re.compile(r"\{(\w+)(!r)?\}")
_MOST = 1e9
"""More than any layer or window."""
_EXCEL = "give the file as it was written: Excel drops digits, and zeros that an id begins with"
csv.field_size_limit(10_000_000)


class TableError(HarnessError):
    """A table that cannot be used as evidence."""


@dataclass(frozen=True, eq=False)
class TableFile:
    """A file's rows.

    Attributes:
        file: the file.
        sha256: of its bytes.
        frame: its columns, texts as they stand (of a parquet file also numbers), and `LINE`.
        unit: what `LINE` counts: ``"line"``, from the header's 1 on, or ``"row"``.
    """

    file: Path
    sha256: str
    frame: pl.DataFrame
    unit: str

    def refuse(self, line: int | None, what: str) -> NoReturn:
        """Say what is wrong, and where.

        Raises:
            TableError: always.
        """
        raise TableError(f"{self.file}{'' if line is None else f', {self.unit} {line}'}: {what}")

    def refuse_first(self, wrong: pl.DataFrame, what: str) -> None:
        """Refuse the file if any row is wrong.

        Args:
            wrong: rows with the column `LINE`.
            what: what is wrong; ``{name}`` stands for the first wrong row's column of that name,
                ``{name!r}`` for it in quotes.

        Raises:
            TableError: if there is a row; it names the first.
        """
        if len(wrong):
            row = wrong.row(0, named=True)
            self.refuse(row[LINE], _PLACE.sub(lambda found: _shown(row, found), what))

    def texts(self, column: str) -> pl.Series:
        """A column as texts.

        Raises:
            TableError: if a cell is empty, or the column holds numbers with a fraction.
        """
        found = self.frame[column]
        if found.dtype.is_float():
            self.refuse(None, f"column {column!r} holds numbers; ids are texts, a float loses their digits")
        texts = found.cast(pl.String).str.strip_chars()
        self._whole(column, texts.is_null() | (texts == ""))
        return texts

    def numbers(self, column: str) -> pl.Series:
        """A column as finite numbers.

        Raises:
            TableError: if a cell is none.
        """
        found = self.frame[column]
        if found.dtype == pl.String:
            self._whole(column, found.is_null() | (found.str.strip_chars() == ""))
            found = found.str.strip_chars()
        numbers = found.cast(pl.Float64, strict=False)
        wrong = self.frame.select(LINE, cell=column).filter(numbers.is_finite().not_().fill_null(value=True))
        if len(wrong) and _DECIMAL_COMMA.fullmatch(str(wrong["cell"][0])):
            self.refuse(
                wrong[LINE][0], f"column {column!r} has a decimal comma, {wrong['cell'][0]}; {_EXCEL}"
            )
        self.refuse_first(wrong, f"column {column!r} holds {{cell!r}}, not a number")
        return numbers

    def wholes(self, column: str) -> pl.Series:
        """A column as whole numbers.

        Raises:
            TableError: if a cell is none.
        """
        numbers = self.numbers(column)
        wrong = self.frame.select(LINE, cell=numbers).filter(
            (numbers != numbers.round()) | (numbers.abs() > _MOST)
        )
        self.refuse_first(wrong, f"column {column!r} holds {{cell}}, not a whole number")
        return numbers.cast(pl.Int64)

    def _whole(self, column: str, empty: pl.Series) -> None:
        wrong = self.frame.select(LINE).filter(empty)
        self.refuse_first(wrong, f"column {column!r} is empty; is the file cut short?")


def read_table(file: Path) -> TableFile:
    """Read a CSV (commas, UTF-8) or a parquet file.

    Raises:
        TableError: if it is neither, or was saved by a spreadsheet.
    """
    try:
        size = file.stat().st_size
        if size > LARGEST:
            raise TableError(f"{file}: {size >> 20} MiB; a table has at most {LARGEST >> 20}")
        content = read_regular(file)
    except OSError as error:
        raise TableError(f"{file}: cannot be read ({error.strerror or error})") from error
    parquet = file.suffix == ".parquet"
    frame, unit = _parquet(file, content) if parquet else _csv(file, content)
    if not len(frame):
        raise TableError(f"{file}: has a header and no rows; was its run broken off?")
    if LINE in frame.columns:
        raise TableError(f"{file}: a column called {LINE!r} is not known")
    first = 2 if unit == "line" else 1
    numbered = frame.with_columns(pl.int_range(first, len(frame) + first, dtype=pl.Int64).alias(LINE))
    return TableFile(file, hashlib.sha256(content).hexdigest(), numbered, unit)


def check_columns(table: TableFile, needed: Sequence[str]) -> None:
    """Raise `TableError` unless a table has these columns."""
    missing = [column for column in needed if column not in table.frame.columns]
    if missing:
        there = ", ".join(name for name in table.frame.columns if name != LINE)
        table.refuse(1, f"column {missing[0]!r} is missing; it has {there}")


def _parquet(file: Path, content: bytes) -> tuple[pl.DataFrame, str]:
    with door(TableError, f"{file}: not a parquet file"):
        try_parquet(file)
        return pl.read_parquet(io.BytesIO(content)), "row"


def _csv(file: Path, content: bytes) -> tuple[pl.DataFrame, str]:
    """The cells as texts, and whether each row is one line: else rows are counted."""
    header = content.partition(b"\n")[0]
    _check_not_from_a_spreadsheet(file, header)
    with door(TableError, f"{file}, line 1: not a header of a CSV file"):
        names = next(csv.reader([header.decode("utf-8", errors="replace")]), [])
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise TableError(f"{file}, line 1: column {twice!r} occurs twice")
    try:
        with door(TableError, f"{file}: cannot be read as CSV in UTF-8"):
            read = [name for name in names if name not in UNREAD] or None
            frame = pl.read_csv(io.BytesIO(content), infer_schema=False, columns=read)
    except TableError:
        _refuse_ragged(file, content, len(names))
        raise
    lines = content.count(b"\n") + (not content.endswith(b"\n"))
    return frame, "line" if lines == len(frame) + 1 else "row"


def _check_not_from_a_spreadsheet(file: Path, header: bytes) -> None:
    if header.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TableError(f'{file}: in UTF-16, as Excel\'s "Unicode text"; {_EXCEL}')
    if header.startswith(_BOM):
        raise TableError(f"{file}: begins with a byte-order mark, as a file saved by Excel; {_EXCEL}")
    for mark, name in ((b";", "semicolons"), (b"\t", "tabs")):
        if mark in header and b"," not in header:
            raise TableError(
                f"{file}, line 1: separated by {name}, as a file saved by a spreadsheet; {_EXCEL}"
            )


def _refuse_ragged(file: Path, content: bytes, fields: int) -> None:
    """Name the line that a reader stumbled over, if it has another number of fields, or no end."""
    reader = csv.reader(io.StringIO(content.decode("utf-8", errors="replace"), newline=""), strict=True)
    try:
        for row in reader:
            if row and len(row) != fields:
                said = f"{len(row)} fields, the header has {fields}"
                raise TableError(f"{file}, line {reader.line_num}: {said}")
    except csv.Error as error:
        said = f"{one_line(error, 80)}; is the file cut short?"
        raise TableError(f"{file}, line {reader.line_num}: {said}") from error


def _shown(row: Mapping[str, object], found: re.Match[str]) -> str:
    """A cell as a message says it; what is no column of the row stays as it is written."""
    if found[1] not in row:
        return found[0]
    text = one_line(row[found[1]], 80)
    return repr(text) if found[2] else text
