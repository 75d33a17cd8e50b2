"""Two runs side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.statistics.verdict import Verdict
from harness.verdicts.record import RunRecord
from reports import compare
from reports.__main__ import main
from reports.tests.records import example
from reports.tests.test_page import NASTY, assert_one_line_per_row, hostile


def changed() -> RunRecord:
    """The example with A1 refuted, A2 gone, and another checkpoint's hash."""
    run = example()
    first = run.claims[0]
    quantity = replace(first.judgement.parts[0], estimate=first.judgement.parts[0].estimate + 70)
    judged = replace(first.judgement, verdict=Verdict.REFUTED, parts=(quantity,))
    claims = (replace(first, judgement=judged), *run.claims[2:])
    return replace(run, claims=claims, checkpoints=(replace(run.checkpoints[0], sha256="other"),))


def test_a_run_does_not_differ_from_itself() -> None:
    assert not any(pair.differs for pair in compare.pairs(example(), example()))
    text = compare.render(example(), example(), ("one", "two"))
    assert "36 verdicts, none of them different." in text
    assert "The runs differ in" not in text


def test_what_differs_is_marked_and_counted() -> None:
    text = compare.render(example(), changed(), ("one", "two"))
    assert "36 verdicts, 2 of them different." in text
    rows = [line for line in text.splitlines() if line.startswith("| **≠**")]
    assert [row.split(" | ")[1] for row in rows] == ["A1", "A2"]
    assert "✗ REFUTED" in rows[0]
    assert rows[0].endswith("| 70.0 |")
    assert "not judged" in rows[1]
    assert "The runs differ in:\n\n|  | one | two |" in text
    assert "| checkpoint embedded |" in text


def elsewhere() -> RunRecord:
    """The example on another checkpoint, with A1 refuted, A2 left open and A3 gone."""
    run = example(("another",))
    said = {"A1": Verdict.REFUTED, "A2": Verdict.INCONCLUSIVE}
    claims = [
        replace(c, judgement=replace(c.judgement, verdict=said.get(c.id, c.judgement.verdict)))
        for c in run.claims
        if c.id != "A3"
    ]
    return replace(run, claims=tuple(claims))


def test_two_checkpoints_are_compared_claim_by_claim() -> None:
    text = compare.render(example(), elsewhere(), ("a.json", "b.json"))
    assert text.startswith("# embedded and another\n")
    assert "- A1: SUPPORTED on embedded, REFUTED on another (all tasks)" in text
    assert "1 SUPPORTED on one and REFUTED on the other" in text
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| A")]
    assert [row[4].split("<")[0] for row in rows if row[0] == "| A1"] == ["✗ REFUTED"]
    assert "not judged" in next(row for row in rows if row[0] == "| A3")[4]
    verdicts = text.partition("## Every verdict")[2].splitlines()
    assert "|  | claim | task | embedded | another |" in verdicts
    assert len([line for line in verdicts if line.startswith("| **≠**")]) == 3


def test_runs_of_several_checkpoints_are_compared_by_checkpoint() -> None:
    assert compare.across(example(), example(("embedded", "another"))) is None
    assert compare.across(example(), elsewhere()) == ("embedded", "another")


@pytest.mark.parametrize("text", NASTY)
def test_hostile_texts_stay_in_their_cells(text: str) -> None:
    shown = compare.render(hostile(text, 0), hostile("y", 0), (text[:99], "y"))
    assert_one_line_per_row(shown)


def test_records_or_folders_of_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, file = tmp_path / "a", tmp_path / "b.json"
    folder.mkdir()
    (folder / "report.json").write_text(example().to_json(), encoding="utf-8")
    file.write_text(changed().to_json(), encoding="utf-8")
    assert main(["compare", str(folder), str(file)]) == 0
    assert "2 of them different" in capsys.readouterr().out
    assert main(["compare", str(folder), str(tmp_path / "none")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
