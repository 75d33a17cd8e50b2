"""Panels for a paper: sizes, fonts, data, names."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from harness.data.errors import HarnessError
from harness.verdicts.record import Curve, MeasurementRecord, RunRecord
from reports.__main__ import main
from reports.drawing.panels import plots
from reports.drawing.styles import LIGHT
from reports.paper_figures.draw import draw
from reports.paper_figures.sheets import COLUMN, TEXT, Sheet, sheets
from reports.paper_figures.table import HEAD, table
from reports.tests.records import FLOWS, curve, example
from reports.tests.test_page import NASTY

EFFECT = curve("image->question", "ChooseAttr", FLOWS["image->question"])


def sheet(*curves: Curve, width: float = COLUMN) -> Sheet:
    return Sheet("x", width, plots(curves, (("low", 0.0, 0.15),), -10.0)[0])


def fonts(pdf: bytes) -> list[DictionaryObject]:
    """The descriptors of a page's fonts."""
    named = PdfReader(io.BytesIO(pdf)).pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    found = [font.get_object() for font in named.values()]
    inner = [
        font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font for font in found
    ]
    return [font["/FontDescriptor"].get_object() for font in inner]


@pytest.mark.parametrize("width", [COLUMN, TEXT])
def test_a_pdf_has_its_size_and_its_fonts(width: float) -> None:
    pdf = draw(sheet(EFFECT, replace(EFFECT, task="QueryAttr"), width=width), "pdf")
    box = PdfReader(io.BytesIO(pdf)).pages[0].mediabox
    assert float(box.width) == pytest.approx(72 * width, abs=0.01)
    assert fonts(pdf) and all("/FontFile2" in one for one in fonts(pdf))


def test_an_svg_needs_no_font_and_no_network() -> None:
    svg = draw(sheet(EFFECT), "svg").decode()
    assert 'width="234pt"' in svg
    assert "<text" not in svg and "@font-face" not in svg
    assert not re.search(r'href="(?!#)', svg)


def test_colours_are_the_reports_light_ones() -> None:
    colours = set(re.findall(r"#[0-9a-f]{6}", draw(sheet(EFFECT), "svg").decode()))
    assert "#6a3d9a" in colours, "image → question is --s3"
    assert colours <= {*re.findall(r"#[0-9a-f]{6}", LIGHT), "#000000"}


@pytest.mark.parametrize("kind", ["pdf", "svg"])
def test_same_sheet_same_bytes(kind: str) -> None:
    first, again = (draw(sheet(EFFECT), kind) for _ in range(2))  # type: ignore[arg-type]
    assert first == again


@pytest.mark.parametrize("text", [*NASTY, "$x_<b>$ \\frac", "日本"])
def test_any_text_can_be_drawn_and_is_no_mathematics(text: str) -> None:
    odd = replace(EFFECT, task=text, unit=text, measurement=MeasurementRecord("sweep", text, "b"))
    assert draw(sheet(odd), "svg").startswith(b"<?xml")


@pytest.mark.parametrize("gone", [math.nan, math.inf])
def test_missing_numbers_leave_gaps(gone: float) -> None:
    holes = tuple(gone if place % 3 else value for place, value in enumerate(EFFECT.mean))
    odd = sheet(replace(EFFECT, mean=holes, lower=holes, upper=holes))
    assert draw(odd, "pdf").startswith(b"%PDF")
    assert len([row for row in rows(odd) if row["mean"]]) == len([v for v in holes if math.isfinite(v)])


def rows(one: Sheet) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table(one))))


def test_the_data_are_those_of_the_curves() -> None:
    found = rows(sheet(EFFECT))
    assert tuple(found[0]) == HEAD
    assert [float(row["mean"]) for row in found] == pytest.approx(EFFECT.mean, rel=1e-5)
    assert [int(row["point"]) for row in found] == list(EFFECT.points)
    assert {(row["task"], row["curve"], row["window"], row["images"]) for row in found} == {
        ("ChooseAttr", "image → question", "3", "200")
    }


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "@x", "+1", "-1"])
def test_no_text_is_a_formula(text: str) -> None:
    assert rows(sheet(replace(EFFECT, task=text)))[0]["task"] == f"'{text}"


def test_every_panel_is_a_sheet_and_every_plot_one_across() -> None:
    found = {one.name: one for one in sheets(example())}
    assert found["embedded/last"].width == TEXT
    assert len(found["embedded/last"].plot.panels) == 6
    assert [one.width for name, one in found.items() if name.startswith("embedded/last-")] == [COLUMN] * 6
    assert len(found) == 4 * (1 + 6)


def test_a_claims_plots_are_drawn_when_asked_for() -> None:
    names = {one.name for one in sheets(example(), ["B1"])}
    assert {"embedded/claim-b1", "embedded/claim-b1-choosecat", "embedded/claim-b1-changed-answers"} <= names
    assert not any("claim-a1" in name for name in names)
    every = {one.name for one in sheets(example(), ["all"])}
    assert any("claim-a1" in name for name in every)


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "é", "A B"])
def test_no_name_leaves_the_folder(name: str) -> None:
    other = example((name, name.swapcase()))
    found = [one.name for one in sheets(other, ["A1"])]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", one) for one in found)


def _few() -> RunRecord:
    record = example()
    return replace(record, claims=tuple(c for c in record.claims if c.id == "A3"))


def test_one_command_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = tmp_path / "report.json"
    stored.write_text(_few().to_json(), encoding="utf-8")
    assert main(["figures", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert {Path(one).suffix for one in said} == {".pdf", ".svg", ".csv"}
    assert all(Path(one).stat().st_size for one in said)
    assert main(["figures", str(stored), "--out", str(tmp_path / "out"), "--claim", "Z9"]) == 2
    assert "--claim Z9: not judged in this run; it has A3" in capsys.readouterr().err
    assert main(["figures", str(stored), "--out", str(stored)]) == 2
    assert "name another folder with --out" in capsys.readouterr().err


def test_without_curves_there_is_one_clear_error(tmp_path: Path) -> None:
    from reports.write import write_figures

    none = replace(_few(), claims=())
    with pytest.raises(HarnessError, match="no curve that could be drawn"):
        list(write_figures(none, tmp_path))
