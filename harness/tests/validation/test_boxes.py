"""Counting how often the two rules from boxes to patches agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checkpoint.patches import SquarePadding
from harness.data.csv_tables import columns
from harness.validation.boxes import Difference, difference
from harness.validation.commands import main

LAYOUT = SquarePadding(40, 10).layout((40, 40))
"""Four rows of four patches."""
SQUARE = frozenset({0, 1, 4, 5})


@pytest.mark.parametrize(
    ("released", "kind", "within_one"),
    [
        (SQUARE, "equal", True),
        ({0, 1}, "smaller", True),
        ({0, 1, 2, 4, 5, 6}, "larger", True),
        ({0, 1, 2}, "both", True),
        ({0, 1, 2, 3, 4, 5}, "larger", False),
        (set(), "no paint left", False),
    ],
)
def test_two_sets_are_compared(released: set[int], kind: str, within_one: bool) -> None:  # noqa: FBT001
    assert difference(LAYOUT, SQUARE, frozenset(released)) == Difference(kind, within_one)


def test_two_empty_sets_are_a_box_outside() -> None:
    assert difference(LAYOUT, frozenset(), frozenset()) == Difference("outside", within_one=False)


def test_tables_are_counted_without_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A box on the patches' own lines, a speck, one outside, and one row without a box."""
    names = columns("QueryAttr")
    rows = [
        {"x": "0", "y": "0", "w": "335", "h": "335"},
        {"x": "100", "y": "100", "w": "1", "h": "1"},
        {"x": "700", "y": "0", "w": "20", "h": "20"},
        dict.fromkeys("xywh", "-"),
    ]
    lines = [",".join(names)]
    for number, box in enumerate(rows):
        values = {f"central object {side}": value for side, value in box.items()}
        values |= {"question_id": str(number), "image_w": "672", "image_h": "672"}
        lines.append(",".join(values.get(name, "it") for name in names))
    (tmp_path / "own_QueryAttr.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["boxes", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    for task in ("QueryAttr", "all"):
        assert f"| LLaVA-1.5, square | {task} | 3 | 33.3 | 0.0 | 0.0 | 0.0 | 33.3 | 1 | 1 |" in out


def test_a_folder_without_boxes_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["boxes", str(tmp_path)]) == 2
    assert "no data file" in capsys.readouterr().err
    (tmp_path / "own_QueryAttr.csv").write_text(",".join(columns("QueryAttr")) + "\n", encoding="utf-8")
    assert main(["boxes", str(tmp_path)]) == 2
    assert capsys.readouterr().err.endswith("no row has a box\n")
