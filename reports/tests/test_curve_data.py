"""The numbers behind the drawings: what the script reads."""

from __future__ import annotations

import html
import json
import math
import re
from dataclasses import replace

from harness.verdicts.record import Curve, MeasurementRecord
from reports.drawing.over_tasks import over_tasks
from reports.drawing.styles import series_of, styles
from reports.page import render as page
from reports.page.curve_data import CurveData
from reports.tests.records import FLOWS, curve, example
from reports.words import number

ONE = curve("image->question", "ChooseAttr", FLOWS["image->question"])


def kept(*curves: Curve) -> tuple[str, dict[str, list[list[object]]]]:
    data = CurveData()
    places = data.places(curves, styles(map(series_of, curves)))
    return places, json.loads(data.json())


def test_a_curve_is_kept_once_with_the_numbers_of_the_tables() -> None:
    places, data = kept(ONE, ONE)
    assert places == "0 0"
    ((axis, name, colour, images, before, after, mean, interval),) = data["curves"]
    assert (axis, name, images) == (0, "image → question, k\u00a0=\u00a03", "200 images")
    assert (before, after, colour) == ("p_c\u00a0", "\u00a0%", "var(--s3)")
    assert str(mean).replace("-", "−").split() == [number(value) for value in ONE.mean]
    assert str(interval).replace("-", "−").split()[:2] == [number(ONE.lower[0]), number(ONE.upper[0])]
    assert "−" not in f"{mean} {interval}"
    assert data["axes"][0]["points"] == list(range(12))  # type: ignore[call-overload]


def test_a_mean_over_tasks_says_so() -> None:
    other = replace(ONE, task="QueryAttr", n_images=60)
    _, data = kept(*over_tasks([ONE, other]))
    assert data["curves"][0][3] == "2 tasks of 60 images or more"


def test_a_single_sample_has_no_interval() -> None:
    nothing = (math.nan,) * 12
    _, data = kept(replace(ONE, lower=nothing, upper=nothing))
    assert data["curves"][0][-1] == ""


def test_numbers_hold_no_space_that_would_part_them() -> None:
    wild = replace(ONE, mean=(math.nan, 1234567.0, -0.0, 1e-9) * 3, upper=(math.inf,) * 12)
    _, data = kept(wild)
    assert len(str(data["curves"][0][6]).split()) == 12
    assert len(str(data["curves"][0][7]).split()) == 24


def test_no_name_gets_out_of_the_data() -> None:
    evil = replace(ONE, measurement=MeasurementRecord("sweep", "</script><script>alert(1)//", "a&b"))
    data = CurveData()
    data.places([evil], styles([series_of(evil)]))
    assert not re.search("[<>&]", data.json())
    assert "</script><script>alert(1)//" in json.loads(data.json())["curves"][0][1]


def test_every_drawing_of_the_page_names_curves_that_are_there() -> None:
    written = page.render(example())
    found = re.search(r'<script type="application/json" id="curve-data">(.*?)</script>', written)
    assert found
    known = len(json.loads(found[1])["curves"])
    named = {
        int(at) for one in re.findall(r'data-curves="([^"]*)"', html.unescape(written)) for at in one.split()
    }
    assert named == set(range(known))
