"""The front end of the validation."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest

from harness.data.errors import HarnessError
from harness.validation.commands import COMMANDS, main
from harness.validation.tables import Page, chosen, keep, table, today


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_run(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(import_module(f"harness.validation.{COMMANDS[name].module}").run)
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert COMMANDS[name].help.split(",")[0] in " ".join(capsys.readouterr().out.split())


def test_a_page_is_printed_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "new" / "cost.md"
    assert main(["predict", "--out", str(kept)]) == 0
    text = kept.read_text(encoding="utf-8")
    assert text.startswith("# Predicted cost")
    assert text in capsys.readouterr().out


def test_what_is_wrong_with_the_input_is_said_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "llava", "none"]) == 2
    assert capsys.readouterr().err == "ERROR: unknown model 'none'; there are embedded, llava, next\n"


def test_a_folder_gets_a_file_named_by_date_and_page(tmp_path: Path) -> None:
    path = keep(Page("some", "# Some\n", {"rows": [1]}), tmp_path)
    assert path == tmp_path / f"{today()}-some.md"
    assert json.loads(path.with_suffix(".json").read_text(encoding="utf-8")) == {"rows": [1]}
    assert [one.stat().st_mode & 0o777 for one in tmp_path.iterdir()] == [0o644, 0o644]


def test_numbers_are_aligned_to_the_right() -> None:
    assert (
        table("name | size:", [("a", 1), ("b", 2)])
        == "| name | size |\n| --- | --: |\n| a | 1 |\n| b | 2 |\n"
    )


def test_all_is_chosen_unless_some_is() -> None:
    assert chosen([], ("a", "b"), "letter") == ["a", "b"]
    assert chosen(["b"], ("a", "b"), "letter") == ["b"]
    with pytest.raises(HarnessError, match="unknown letter 'c'; there are a, b"):
        chosen(["c"], ("a", "b"), "letter")
