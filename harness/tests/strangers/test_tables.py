"""Tables that somebody has damaged or crafted: rows are read, left out and counted, or the file refused."""

from __future__ import annotations

import csv
import io
from functools import cache, partial
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from PIL import Image

from harness.data.csv_tables import PAIRS_FILE, load_tables
from harness.data.dataset import Dataset
from harness.testing.tiny_checkpoints import tiny_checkpoint
from harness.tests.data.test_csv_tables import RELEASED
from harness.tests.strangers.guard import SEEN, through, trying
from harness.tests.strangers.mutations import mutated

TASK = "ChooseRel"
CELLS = (
    *(
        "",
        " ",
        "-",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "1e400",
        "1e300",
        "-1e300",
        "1e-300",
        "0x10",
        "1_000",
        "٣",
        "９",
    ),
    *(
        "9" * 400,
        "1" * 5000,
        "-1",
        "0",
        "8",
        "8.0",
        "8.5",
        "2.999999999999999999",
        "00008",
        "+8",
        "8 ",
        "\0",
        "\n",
    ),
    *('"', '""', ",", "\r\n", "..", "/etc/passwd", "../10", "a/b", "a\\b", "10.jpg", "10.jpg.jpg", "x" * 300),
    *("=1+1", "::error::x", "\x1b[2J", "\u202e", "\ufeff", "é" * 50),
)
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1")


@cache
def table(task: str) -> list[list[str]]:
    header, row = RELEASED[task]
    rows = list(csv.reader(io.StringIO(f"{header}\n{row}\n")))
    return [*rows, *([f"{number}", "11" if number % 2 else "10", *rows[1][2:]] for number in (8, 9))]


def written(rows: list[list[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    return stream.getvalue()


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """A table some of whose cells, rows or columns are exchanged."""
    rows = [list(row) for row in table(draw(st.sampled_from(list(RELEASED))))]
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.integers(0, len(rows) - 1))
        column = draw(st.integers(0, 40)) % max(1, len(rows[row]))
        match draw(st.integers(0, 9)):
            case 0:
                rows.insert(row, rows[row])
            case 1:
                rows[row] = rows[row][:column]
            case 2:
                rows[row] = [*rows[row], draw(st.sampled_from(CELLS))]
            case _ if rows[row]:
                rows[row][column] = draw(st.one_of(st.sampled_from(CELLS), st.text(max_size=9)))
    text = written(rows)
    return text.encode(draw(st.sampled_from(ENCODINGS)), errors="replace")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    (folder / "images").mkdir()
    for name in ("10", "11"):
        Image.new("RGB", (8, 8), (int(name), 0, 0)).save(folder / "images" / f"{name}.jpg")
    return folder


def loaded(folder: Path, name: str, content: bytes) -> Dataset | None:
    """The data set, if it is accepted; its boxes then lie on visual tokens."""
    SEEN["files"] += 1
    for path in folder.glob("*.csv"):
        path.unlink()
    (folder / f"x_{TASK}.csv").write_bytes(written(table(TASK)).encode())
    (folder / name).write_bytes(content)
    found = through(lambda: load_tables(folder), folder.name, folder)
    for sample in found.samples if found else ():
        assert sample.image_path.parent == folder / "images" and sample.image_size == (8, 8)
        seen = partial(tiny_checkpoint().tokens_under, sample.image_size, sample.objects)
        assert through(seen, "", folder) is not None
    return found


def test_undamaged_tables_are_read(folder: Path) -> None:
    for task in RELEASED:
        found = loaded(folder, f"x_{task}.csv", written(table(task)).encode())
        assert found is not None and {len(found.by_task[task])} == {3}


@trying(5_000)
@given(content=tables())
def test_a_table_with_mutated_cells(folder: Path, content: bytes) -> None:
    loaded(folder, f"x_{TASK}.csv", content)


@trying(5_000)
@given(content=mutated([written(table(task)).encode() for task in RELEASED]))
def test_a_mutated_table(folder: Path, content: bytes) -> None:
    loaded(folder, "x_ChooseAttr.csv", content)


@trying(1_000)
@given(content=mutated([f"task,question_id,twin_question_id\n{TASK},007,8\n{TASK},8,9\n".encode()]))
def test_mutated_pairs(folder: Path, content: bytes) -> None:
    loaded(folder, PAIRS_FILE, content)
