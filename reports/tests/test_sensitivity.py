"""The score of the control checkpoints, as the report shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reports import markdown
from reports.page import render
from reports.sensitivity import Sensitivity, sensitivity
from reports.tests.records import example


def row(
    truth: str, verdict: str, control: str = "planted-last", task: str | None = "QueryAttr"
) -> dict[str, object]:
    return {"control": control, "claim": "B6", "task": task, "truth": truth, "verdict": verdict, "images": 70}


def read(path: Path, *rows: dict[str, object]) -> Sensitivity:
    path.write_text(json.dumps({"version": 1, "date": "2026-11-22", "rows": rows}))
    found = sensitivity(path)
    assert found is not None
    return found


def test_true_and_false_claims_are_counted_apart(tmp_path: Path) -> None:
    rows = [row("SUPPORTED", "SUPPORTED")] * 8 + [
        row("SUPPORTED", "INCONCLUSIVE"),
        row("SUPPORTED", "REFUTED"),
    ]
    found = read(tmp_path / "a.json", *rows, row("REFUTED", "REFUTED", control="control-masked"))
    true, false, last, masked = found.counts
    assert (true.cases, true.returned, true.undecided, true.wrong) == (10, 8, 1, 1)
    assert (true.lower, true.upper) == pytest.approx((0.4439, 0.9748), abs=1e-4)  # Clopper and Pearson
    assert (false.name, false.cases, false.share) == ("false claims (specificity)", 1, 1.0)
    assert (last.name, last.cases, masked.name) == ("planted-last", 10, "control-masked")
    assert [case.verdict for case in found.wrong] == ["REFUTED"]
    assert [case.claim for case in found.undecided] == ["B6/QueryAttr"]


def test_a_claim_over_tasks_has_no_task_in_its_name(tmp_path: Path) -> None:
    found = read(tmp_path / "a.json", row("REFUTED", "SUPPORTED", task=None))
    assert [case.claim for case in found.wrong] == ["B6"]
    assert [count.name for count in found.counts] == ["false claims (specificity)", "planted-last"]


def test_the_page_shows_the_score_and_what_was_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score = read(tmp_path / "a.json", row("SUPPORTED", "SUPPORTED"), row("SUPPORTED", "REFUTED"))
    monkeypatch.setattr(render, "sensitivity", lambda: score)
    shown = render.render(example())
    assert "Verdicts where the truth is known" in shown
    assert "true claims (sensitivity)" in shown
    assert "planted-last, B6/QueryAttr: refuted, the truth is supported; 70 images" in shown
    monkeypatch.setattr(render, "sensitivity", lambda: None)
    assert "verdicts on control checkpoints were not found" in render.render(example())


def test_the_summary_tells_the_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score = read(tmp_path / "a.json", row("SUPPORTED", "SUPPORTED"), row("SUPPORTED", "REFUTED"))
    monkeypatch.setattr(markdown, "sensitivity", lambda: score)
    shown = markdown.render(example())
    assert "| true claims \\(sensitivity\\) | 2 | 50.0% | 1.3% to 98.7% | 0 | 1 |" in shown
    monkeypatch.setattr(markdown, "sensitivity", lambda: None)
    assert "Where the truth is known" not in markdown.render(example())


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"rows": []}', '{"rows": [{}], "date": ""}'])
def test_without_a_score_there_is_none(content: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    assert sensitivity(path) is None
    assert sensitivity(tmp_path / "missing.json") is None
