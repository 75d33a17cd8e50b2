"""Parquet files of strangers: whatever one does to its reader, it is one line here."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import polars as pl
import pytest

from harness.data import tried_parquet
from harness.data.limited_child import LimitedChild, answer_questions
from harness.data.tried_parquet import try_parquet


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "table.parquet"
    pl.DataFrame({"value": [1.0, 2.0]}).write_parquet(path)
    return path


def test_a_whole_file_passes(file: Path) -> None:
    try_parquet(file)


def test_a_file_that_is_none_says_why(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"no parquet")
    with pytest.raises(ValueError, match=r"parquet|magic|size"):
        try_parquet(path)


def test_a_reader_that_is_ended_is_one_line_and_another_one_is_started(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LimitedChild(__name__) as child:
        monkeypatch.setattr(tried_parquet, "_child", lambda: child)
        with pytest.raises(ValueError, match="it crashes its reader, or takes more than 120 s or 8 GiB"):
            try_parquet(file)
        with pytest.raises(ValueError, match="it crashes its reader"):
            try_parquet(file)


def _abort(_: object) -> None:
    os.kill(os.getpid(), signal.SIGABRT)


if __name__ == "__main__":
    answer_questions(_abort, 5.0, 1 << 30)
