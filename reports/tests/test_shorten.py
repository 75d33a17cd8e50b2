"""Shortened records: what they still say, and the example that is made of one."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from harness.verdicts.record import RunRecord, read_record
from reports.__main__ import main
from reports.schema.json_schema import problem
from reports.shorten import shortened, with_fewer_samples
from reports.tests.records import FLOWS as SHAPES, curve, example
from reports.tests.whole import whole

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


def small() -> RunRecord:
    record = example()
    return replace(record, claims=record.claims[2:4])


def test_a_shortened_record_is_a_record_and_shorter(tmp_path: Path) -> None:
    record, path = whole(), tmp_path / "report.json"
    text = shortened(record)
    path.write_text(text, encoding="utf-8")
    back = read_record(path)
    assert problem(json.loads(text)) == ""
    assert len(text) < 0.7 * len(record.to_json())
    assert back.claims[0].curves == read_record(path).claims[0].curves
    assert [len(c.curves) for c in back.claims] == [len(c.curves) for c in record.claims]
    again, first = json.loads(shortened(back)), json.loads(text)
    assert {**again, "content_sha256": ""} == {**first, "content_sha256": ""}
    assert [(c.id, c.task, c.judgement.verdict) for c in back.claims] == [
        (c.id, c.task, c.judgement.verdict) for c in record.claims
    ]
    assert back.checkpoints == record.checkpoints and back.samples[0].picture == record.samples[0].picture


@settings(deadline=None, max_examples=50)
@given(st.lists(NUMBERS, min_size=1, max_size=12))
def test_numbers_keep_four_digits(values: list[float]) -> None:
    one = curve("image->question", "ChooseAttr", SHAPES["image->question"])
    told = tuple(values)
    claim = replace(small().claims[0], curves=(replace(one, mean=told),))
    data = json.loads(shortened(replace(small(), claims=(claim,))))
    for value, kept in zip(told, data["curves"][data["claims"][0]["curves"][0]]["mean"], strict=True):
        assert (kept is None) == (not math.isfinite(value))
        assert kept is None or math.isclose(kept, value, rel_tol=6e-4)


def test_an_example_keeps_the_first_samples_of_each_task() -> None:
    record = whole(("one", "two"))
    few = with_fewer_samples(record, 1).samples
    assert [(one.checkpoint, one.task) for one in few] == list(
        dict.fromkeys((one.checkpoint, one.task) for one in record.samples)
    )
    assert few[0] == record.samples[0] and not with_fewer_samples(record, 0).samples


def test_records_are_shortened_where_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "embedded.json"
    path.write_text(small().to_json(), encoding="utf-8")
    assert main(["shorten", str(path)]) == 0
    assert "bytes, now" in capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == shortened(small())
    path.write_text("{}")
    assert main(["shorten", str(path)]) == 2
    assert path.read_text() == "{}"


@pytest.mark.skipif(
    not (shutil.which("chromium") or shutil.which("chromium-browser")),
    reason="no chromium: install Debian's package `chromium`",
)
def test_the_example_is_made_by_one_command(tmp_path: Path) -> None:
    stored, out = tmp_path / "report.json", tmp_path / "example"
    stored.write_text(small().to_json(), encoding="utf-8")
    assert main(["example", str(tmp_path), "--out", str(out), "--beside", str(stored)]) == 0
    names = ("comparison.md", "report.html", "report.json", "report.md", "report.png")
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    assert (out / "report.json").read_text(encoding="utf-8") == shortened(small())
    picture = Image.open(out / "report.png")
    assert (picture.width, picture.mode) == (888, "P")


def test_without_a_browser_the_example_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    (tmp_path / "report.json").write_text(small().to_json(), encoding="utf-8")
    assert main(["example", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "the picture needs Debian's package `chromium`" in capsys.readouterr().err
