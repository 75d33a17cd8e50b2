"""The plugin: where the report goes, and the summary of a GitHub job."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from harness.session.hooks import pytest_findings_report as hook
from harness.session.options import output_folder
from harness.verdicts.record import RunRecord
from reports import plugin
from reports.tests.records import example


@pytest.fixture
def record() -> RunRecord:
    return replace(example(), claims=tuple(replace(c, curves=()) for c in example().claims))


def config(root: Path, option: str | None = None, ini: str = "") -> Any:
    return SimpleNamespace(
        rootpath=root,
        getoption=lambda *_, **__: option,
        getini=lambda *_, **__: ini,
        option=SimpleNamespace(),
        invocation_params=SimpleNamespace(dir=root / "called"),
    )


def test_the_hook_is_the_harnesss() -> None:
    assert plugin.pytest_findings_report.__name__ == hook.__name__


@pytest.mark.parametrize(
    ("option", "ini", "folder"),
    [(None, "", "report"), ("x/y", "", "called/x/y"), (None, "z", "z"), ("/abs", "", "/abs")],
)
def test_the_folder_of_the_report(tmp_path: Path, option: str | None, ini: str, folder: str) -> None:
    assert output_folder(config(tmp_path, option, ini), "report") == tmp_path / folder


def test_written_without_a_word(
    tmp_path: Path, record: RunRecord, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert plugin.pytest_findings_report(config(tmp_path), record) == tmp_path / "report" / "report.html"
    assert capsys.readouterr() == ("", "")


def test_the_job_summary_is_appended(
    tmp_path: Path, record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = tmp_path / "summary.md"
    job.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job))
    plugin.pytest_findings_report(config(tmp_path), record)
    text = job.read_text(encoding="utf-8")
    assert text.startswith("before\n# Which claims hold")
    assert text.endswith((tmp_path / "report" / "report.md").read_text(encoding="utf-8"))


def test_a_summary_that_cannot_be_written_fails_nothing(
    tmp_path: Path, record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "folder" / "x"))
    assert plugin.pytest_findings_report(config(tmp_path), record).is_file()


def test_what_others_wrote_counts_towards_the_limit(tmp_path: Path) -> None:
    job = tmp_path / "summary.md"
    job.write_bytes(b"x" * (plugin.SUMMARY_LIMIT - 500))
    plugin.append_summary(job, "line of text\n" * 1000)
    assert job.stat().st_size <= plugin.SUMMARY_LIMIT
    assert "report.md" in job.read_text(encoding="utf-8")


@given(st.lists(st.text(max_size=30), max_size=40), st.integers(-10, 600))
def test_cut_to_whole_lines_within_the_room(lines: list[str], room: int) -> None:
    text = "\n".join(lines)
    shown = plugin.cut(text, room)
    assert len(shown.encode()) <= max(room, 0) or not shown
    if len(text.encode()) <= room:
        assert shown == text
    elif shown:
        assert "report.md" in shown


def test_a_cut_block_of_details_is_closed() -> None:
    shown = plugin.cut("<details>\n" + "row\n" * 1000, 600)
    assert shown.count("<details>") == shown.count("</details>") == 1
