"""A published curve over one of ours: where they lie apart, by how much, and with how much noise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from harness.data.depth import Grid
from harness.data.errors import HarnessError
from harness.verdicts.record import RunRecord
from reports.__main__ import main
from reports.published import page, svg
from reports.published.curve import beside, read_published
from reports.tests.records import LAYERS, WINDOW, example
from reports.tests.test_page import NASTY

FLOW, TASK = "image->question", "ChooseAttr"


def written(folder: Path, *lines: str, header: str = "layer,mean,se") -> Path:
    file = folder / "theirs.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return file


def ours(record: RunRecord) -> tuple[float, ...]:
    return next(
        curve.mean
        for claim in record.claims
        for curve in claim.curves
        if (curve.measurement.flow, curve.task, curve.reading, curve.role) == (FLOW, TASK, "p_c", "effect")
    )


def moved(folder: Path, by: float, se: float, *, twice: bool = False) -> Path:
    """Our own curve, moved by so many points; ``twice``: on a model of twice the depth."""
    mean = ours(example())
    grid = Grid(2 * LAYERS, 2 * WINDOW + 1) if twice else Grid(LAYERS, WINDOW)
    values = np.interp(grid.depths, Grid(LAYERS, WINDOW).depths, mean) + by
    return written(folder, *(f"{layer},{value!r},{se}" for layer, value in enumerate(values.tolist())))


def test_the_same_curve_does_not_differ(tmp_path: Path) -> None:
    found = beside(read_published(moved(tmp_path, 0.0, 0.5), None, None), example(), FLOW, TASK)
    assert len(found.at) == LAYERS and not any(one.apart for one in found.at)
    assert found.largest.difference[0] == pytest.approx(0)
    assert "0 of 12 windows" in page.render(found, "theirs", "curve.svg", "x")


def test_a_moved_curve_differs_by_as_much_with_the_noise_of_both(tmp_path: Path) -> None:
    theirs = read_published(moved(tmp_path, 40.0, 1.0), None, None)
    found = beside(theirs, example(), FLOW, TASK)
    assert all(one.apart for one in found.at)
    z = 2.8651  # of 0.05 / 2 / 12, from tables
    assert theirs.half == pytest.approx(np.full(LAYERS, z), abs=1e-3)
    for one in found.at:
        estimate, low, high = one.difference
        assert estimate == pytest.approx(40)
        assert estimate - low == pytest.approx(np.hypot(z, one.ours[2] - one.ours[0]), abs=1e-3)
        assert high - estimate == pytest.approx(np.hypot(z, one.ours[0] - one.ours[1]), abs=1e-3)
    text = page.render(found, "theirs", "curve.svg", "x")
    assert "Largest difference: 40.0 [" in text and "12 of 12 windows" in text and "no verdict" in text
    assert len([line for line in text.splitlines() if line.endswith("**≠** |")]) == LAYERS


def test_models_of_other_depth_are_laid_over_each_other(tmp_path: Path) -> None:
    theirs = read_published(moved(tmp_path, 0.0, 0.5, twice=True), None, 2 * WINDOW + 1)
    assert (theirs.layers, theirs.depth[0]) == (2 * LAYERS, Grid(2 * LAYERS, 7).depths[0])
    found = beside(theirs, example(), FLOW, TASK)
    inside = [one.point for one in found.at]
    assert 0 < len(inside) <= LAYERS
    assert max(abs(one.difference[0]) for one in found.at) < 5


def test_a_spread_of_samples_becomes_an_error_of_their_mean(tmp_path: Path) -> None:
    file = written(tmp_path, "0,-1,20,100", "1,-2,10,400", header="layer,mean,sd,n")
    theirs = read_published(file, None, None)
    errors = theirs.half / theirs.half[0]
    assert errors == pytest.approx([1, 0.25]) and theirs.least == 100
    same = read_published(written(tmp_path, "0,-1,2", "1,-2,0.5"), None, None)
    assert same.half == pytest.approx(theirs.half)


@pytest.mark.parametrize(
    ("header", "lines", "said"),
    [
        ("layer,mean", ["0,1"], "line 1: column 'sd' is missing"),
        ("layer,mean,sd", ["0,1,2"], "line 1: column 'n' is missing"),
        ("layer,mean,se,x", ["0,1,2,3"], "line 1: unknown column 'x'"),
        ("layer,mean,se", ["0,1,2", "0,1,2"], "line 2: layer 0 stands there twice"),
        ("layer,mean,se", ["0,1,-2"], "line 2: se is -2.0; a spread is not negative"),
        ("layer,mean,sd,n", ["0,1,2,1"], "line 2: n is 1; a mean with a spread has at least two"),
        ("layer,mean,se", ["0,-101,2"], "line 2: a mean of -101.0 %"),
        ("layer,mean,se", ["40,-1,2"], "line 2: layer 40 of 32"),
        ("layer,mean,se", ["-1,-1,2"], "line 2: layer -1 of 32"),
        ("layer;mean;se", ["0;1;2"], "separated by semicolons"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, header: str, lines: list[str], said: str
) -> None:
    with pytest.raises(HarnessError) as error:
        read_published(written(tmp_path, *lines, header=header), 32, None)
    assert said in str(error.value)


def test_a_curve_that_the_report_lacks_is_said(tmp_path: Path) -> None:
    theirs = read_published(moved(tmp_path, 0.0, 1.0), None, None)
    with pytest.raises(HarnessError, match="no curve of question->image on ChooseAttr; it has"):
        beside(theirs, example(), "question->image", TASK)
    with pytest.raises(HarnessError, match="a report of one checkpoint, not of 2"):
        beside(theirs, example(("a", "b")), FLOW, TASK)


def test_the_command_writes_picture_and_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = tmp_path / "report.json"
    record.write_text(example().to_json(), encoding="utf-8")
    words = [
        "compare",
        str(record),
        f"--curve={moved(tmp_path, 5.0, 1.0)}",
        f"--flow={FLOW}",
        f"--task={TASK}",
    ]
    assert main([*words, f"--out={tmp_path / 'out'}", "--name=Somebody 2025"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        str(tmp_path / "out" / n) for n in ("curve.svg", "README.md")
    ]
    drawn = (tmp_path / "out" / "curve.svg").read_text(encoding="utf-8")
    assert drawn.count("<path") >= 8 and "Somebody 2025" in drawn and drawn.startswith("<svg")
    text = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# image → question on ChooseAttr: Somebody 2025 beside embedded")
    with pytest.raises(SystemExit):
        main(words)
    assert "--curve needs one record, and --out" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["compare", str(record)])


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(NASTY))
def test_no_name_gets_out_of_its_place(name: str) -> None:
    record = example()
    run = replace(record.checkpoints[0], name=name, elsewhere=name)
    claims = tuple(replace(claim, checkpoint=name) for claim in record.claims)
    theirs = read_published(Path(__file__).with_name("published.csv"), None, None)
    found = beside(theirs, replace(record, checkpoints=(run,), claims=claims), FLOW, TASK)
    drawn = svg.draw(found, name)
    assert "<script" not in drawn and "<img" not in drawn
    text = page.render(found, name, "curve.svg", "x")
    assert "<script" not in text and "<img" not in text and text.count("\n# ") == 0
