"""The three files of a report, and rebuilding them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from harness.data.errors import HarnessError
from harness.verdicts.record import RunRecord, read_record
from reports.__main__ import main
from reports.tests.records import example
from reports.write import write_report


@pytest.fixture(scope="module")
def small() -> RunRecord:
    record = example()
    return replace(record, claims=record.claims[2:4])


def test_the_record_comes_back_as_it_was(small: RunRecord, tmp_path: Path) -> None:
    html, summary, stored = write_report(small, tmp_path / "new" / "folder")
    assert {path.name for path in stored.parent.iterdir()} == {html.name, summary.name, stored.name}
    assert read_record(stored).to_json() == small.to_json()


def test_same_record_same_bytes(small: RunRecord, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in write_report(small, tmp_path / "a")]
    again = [path.read_bytes() for path in write_report(small, tmp_path / "b")]
    assert first == again


def test_rebuilt_from_the_stored_record(
    small: RunRecord, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html, _, stored = write_report(small, tmp_path / "a")
    assert main([str(stored), "--out", str(tmp_path / "b")]) == 0
    assert capsys.readouterr().out.splitlines()[0] == str(tmp_path / "b" / "report.html")
    assert (tmp_path / "b" / "report.html").read_bytes() == html.read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"version": 99}',
        '{"version": 2, "claims": 3}',
        '{"version": 1, "claims": []}',
        "\x00",
    ],
)
def test_what_is_not_a_record_gets_one_line(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    assert main([str(path)]) == 2
    error = capsys.readouterr().err
    assert str(path) in error
    assert len(error.splitlines()) == 1


def test_no_record_names_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.json")]) == 2
    assert "pytest findings" in capsys.readouterr().err


def test_a_folder_that_is_a_file_is_one_clear_error(small: RunRecord, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    with pytest.raises(HarnessError, match=r"taken: the report cannot be written .*--report"):
        write_report(small, taken)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_permission_is_one_clear_error(small: RunRecord, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(HarnessError, match="cannot be written"):
        write_report(small, tmp_path)


def test_an_unfinished_write_leaves_the_old_file(
    small: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, stored = write_report(small, tmp_path)
    before = stored.read_bytes()

    monkeypatch.setattr(Path, "replace", Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(HarnessError, match="No space left"):
        write_report(replace(small, suite="other"), tmp_path)
    assert stored.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report.md", "report.json"}


def test_a_record_that_breaks_its_schema_is_not_written(small: RunRecord, tmp_path: Path) -> None:
    broken = replace(small, suite=3)  # type: ignore[arg-type]
    with pytest.raises(HarnessError, match=r"record\.suite: 3 is not of type 'string'"):
        write_report(broken, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_curve_of_uneven_series_is_refused(small: RunRecord, tmp_path: Path) -> None:
    first = small.claims[0]
    curve = replace(first.curves[0], mean=first.curves[0].mean[:-1])
    with pytest.raises(HarnessError, match="whose series differ in length"):
        write_report(replace(small, claims=(replace(first, curves=(curve,)),)), tmp_path)


def test_lone_surrogates_stay_json(small: RunRecord, tmp_path: Path) -> None:
    odd = replace(small, remarks=("half a pair: \ud83d",))
    _, _, stored = write_report(odd, tmp_path)
    assert json.loads(stored.read_text(encoding="utf-8"))["remarks"] == ["half a pair: \ud83d"]


def test_a_strangers_record_that_cannot_be_drawn_is_one_line(
    small: RunRecord, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claim = next(one for one in example().claims if any(curve.margin for curve in one.curves))
    curves = [
        replace(curve, margin=replace(curve.margin, true=(0.0,))) if curve.margin else curve
        for curve in claim.curves
    ]
    strange = replace(small, claims=(replace(claim, curves=tuple(curves)),))
    path = tmp_path / "strange.json"
    path.write_text(strange.to_json(), encoding="utf-8")
    assert main([str(path), "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"python -m reports: {path}: cannot be shown") and said.count("\n") == 1
