"""Snapshots of one training: what is there, what is absent, and a picture of its own."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from harness.data.errors import HarnessError
from harness.verdicts.record import ChangeRecord, Curve, RunRecord, TaskRecord
from reports.__main__ import main
from reports.drawing.styles import QUESTION_LAST
from reports.snapshots.snapshots import snapshots
from reports.tests.records import TASKS, bump, curve, example
from reports.tests.tolerant import nearly

EXAMPLE = Path(__file__).parents[1] / "regression-example"
FLOWS = ("question->last", "image->question")


def change(name: str, flow: str, task: str, depth: float) -> ChangeRecord:
    """A curve with one drop, of that depth and nearly the same on every task."""
    made = replace(curve(flow, task, bump(0.5, 0.2, 0)), mean=(), n_images=90)
    mean = tuple(bump(0.5, 0.2, depth)(u) for u in made.depth)
    lower, upper = (tuple(value + by for value in mean) for by in (-4, 4))
    new = replace(made, mean=mean, lower=lower, upper=upper)
    moved = depth > -50
    return ChangeRecord(
        *(name, "embedded of 2026-11-22", task, "weakened" if moved else "equivalent", moved),
        *(None, 90, 0, new, new),
    )


def record(name: str, depth: float, **shallow: float) -> RunRecord:
    """A snapshot whose flows all drop so far, but for some tasks."""
    whole = example()
    tasks = tuple(TaskRecord(task, 100, 90, 60 + 5 * at, {}) for at, task in enumerate(TASKS))
    checkpoint = replace(whole.checkpoints[0], name=name, tasks=tasks)
    changes = tuple(change(name, flow, task, shallow.get(task, depth)) for flow in FLOWS for task in TASKS)
    return replace(whole, checkpoints=(checkpoint,), changes=changes, claims=(), samples=())


def fewer(found: RunRecord, images: int) -> RunRecord:
    """The same record on fewer images."""

    def cut(made: Curve) -> Curve:
        return replace(made, n_images=images)

    return replace(found, changes=tuple(replace(one, new=cut(one.new)) for one in found.changes))


def test_stages_are_there_absent_or_open() -> None:
    early, late = snapshots([record("100", -3), record("600", -60, ChooseAttr=-2, ChooseCat=-12)])
    cells = early.cells[QUESTION_LAST], late.cells[QUESTION_LAST]
    assert [(cell.there, cell.absent) for cell in cells] == [(0, 6), (4, 1)]
    assert late.right == pytest.approx(0.725)
    assert early.changes == "12 weakened"
    assert late.changes == "8 equivalent, 4 weakened"
    (few,) = snapshots([fewer(record("100", -60), 59)])
    assert (few.cells[QUESTION_LAST].there, few.images) == (0, "59")


def test_one_command_writes_picture_and_page(tmp_path: Path) -> None:
    files = []
    for name, depth in (("100", -3.0), ("600 <&>", -60.0)):
        files.append(tmp_path / f"{depth}.json")
        files[-1].write_text(record(name, depth).to_json(), encoding="utf-8")
    out = tmp_path / "out"
    assert main(["snapshots", *map(str, files), "--out", str(out)]) == 0
    picture = (out / "snapshots.svg").read_text(encoding="utf-8")
    root = ET.fromstring(picture)  # noqa: S314 - our own file
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    words = "".join(root.itertext())
    assert all(text in words for text in ("600 <&>", "right answers: 72 %", "90 images a curve", *TASKS))
    assert "prefers-color-scheme: dark" in picture
    assert "var(--s0)" in picture and "--s0: #" in picture
    page = (out / "README.md").read_text(encoding="utf-8")
    assert "| there on 6 of 6, absent on 0; −" in page
    assert "snapshots.svg" in page


def test_the_committed_example_is_what_its_records_say(tmp_path: Path) -> None:
    files = [str(EXAMPLE / f"{name}.json") for name in ("instruction-100", "instruction-600", "embedded")]
    assert main(["snapshots", *files, "--out", str(tmp_path)]) == 0
    made, kept = (
        (folder / "README.md").read_text(encoding="utf-8").partition("Made by")[0]
        for folder in (tmp_path, EXAMPLE)
    )
    assert nearly(made, kept)
    assert (EXAMPLE / "snapshots.svg").is_file()


def test_one_line_for_records_that_cannot_be_shown_together() -> None:
    bare = replace(record("100", -3), changes=())
    with pytest.raises(HarnessError, match="the record of 100 has no baseline; run it with --baseline"):
        snapshots([bare])
    other = record("600", -3)
    other = replace(other, changes=tuple(replace(one, baseline="another") for one in other.changes))
    with pytest.raises(HarnessError, match="one baseline; these with another, embedded of 2026-11-22"):
        snapshots([record("100", -3), other])
