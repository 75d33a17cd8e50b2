from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fixtures import embedded
from harness.checkpoint.info import directory_info
from harness.checkpoint.tried_tokenizer import FILE, try_tokenizer
from harness.data.errors import CheckpointError

GROWS = {
    "type": "Sequence",
    "normalizers": [{"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 100}] * 6,
}
"""Of one letter, a million million."""
MARK = "\uffff"
"""A letter of no text."""


def checkpoint(folder: Path, **changes: Any) -> Path:
    made = folder / "stranger"
    shutil.copytree(embedded(), made)
    content = json.loads((made / FILE).read_text(encoding="utf-8"))
    (made / FILE).write_text(json.dumps({**content, **changes}), encoding="utf-8")
    return made


def test_a_tokenizer_that_makes_gigabytes_of_a_line_is_refused_before_it_runs_here(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, normalizer=GROWS)
    with pytest.raises(CheckpointError, match=r"stranger/tokenizer\.json: takes more than 10 s or 4 GiB"):
        directory_info(folder)


def test_a_pattern_that_searches_without_end_is_refused_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    regex = {"Regex": r"(a|a|a|aa)*b|(\w+\s?)+$x"}
    split = {"type": "Split", "pattern": regex, "behavior": "Isolated", "invert": False}
    folder = checkpoint(tmp_path, pre_tokenizer=split)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: cannot tokenize some lines .*retry-limit"):
        directory_info(folder)
    assert capfd.readouterr().err == ""


def test_a_usual_tokenizer_passes_and_one_that_fails_is_left_to_who_loads_it(tmp_path: Path) -> None:
    directory_info(embedded())
    try_tokenizer(tmp_path)  # has none
    (tmp_path / FILE).write_text("{", encoding="utf-8")
    try_tokenizer(tmp_path)


def test_what_a_tokenizer_does_with_one_question_only_is_seen_on_it(tmp_path: Path) -> None:
    said = "What colour is the ball?"
    replacements = [(said, MARK), *[(MARK, MARK * 100)] * 6]
    rules = [{"type": "Replace", "pattern": {"String": old}, "content": new} for old, new in replacements]
    folder = checkpoint(tmp_path, normalizer={"type": "Sequence", "normalizers": rules})
    try_tokenizer(folder)
    with pytest.raises(CheckpointError, match="takes more than"):
        try_tokenizer(folder, [said])
