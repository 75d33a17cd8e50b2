"""Lost margins in the report: what is shown adds up, and nothing is where the record lacks them."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from harness.verdicts.content_hash import stamped
from harness.verdicts.record import Curve, Margin, MeasurementRecord, RunRecord, read_record
from reports import markdown
from reports.drawing import margin_svg
from reports.lost_margin import Lost, lost_margin, lost_margins, nats
from reports.tests.paths import places
from reports.tests.records import CHOICES, FLOWS, curve, example
from reports.tests.test_drawing import parsed
from reports.tests.test_page import text_of

NAN = float("nan")


def effect(true: tuple[float, ...], false: tuple[float, ...], *, window: int | None = 7) -> Curve:
    """An effect with these parts, at a window around every layer."""
    made = curve("image->question", "ChooseAttr", FLOWS["image->question"])
    layers, margin = tuple(range(len(true))), Margin(true, false, 64, 80)
    return replace(made, window=window, points=layers, depth=tuple(map(float, layers)), margin=margin)


def lost(true: tuple[float, ...], false: tuple[float, ...], *, window: int | None = 7) -> Lost:
    found = lost_margin(effect(true, false, window=window))
    assert found
    return found


def at(layer: int, value: float, layers: int = 30) -> tuple[float, ...]:
    """A curve that is zero but for one layer."""
    return tuple(value if place == layer else 0.0 for place in range(layers))


@pytest.mark.parametrize(
    ("true", "false", "said"),
    [
        (-0.6, 1.3, "1.90 nats at layers 12–18: 0.60 the true answer falling, 1.30 the wrong one rising"),
        (
            -1.5,
            -0.5,
            "1.00 nats at layers 12–18: 1.50 the true answer falling, less 0.50 as the wrong one falls",
        ),
        (
            0.3,
            1.3,
            "1.00 nats at layers 12–18: 1.30 the wrong one rising, less 0.30 as the true answer rises",
        ),
        (0.0, 1.3, "1.30 nats at layers 12–18: 0.00 the true answer falling, 1.30 the wrong one rising"),
    ],
)
def test_the_deepest_window_in_words(true: float, false: float, said: str) -> None:
    assert lost(at(15, true), at(15, false)).in_words == f"of a lost margin of {said}"


def test_the_deepest_window_is_the_margins_not_that_of_either_part() -> None:
    found = lost((-2.0, -1.0, 0.0), (-2.0, 1.0, 1.5), window=1)
    assert (found.at, found.where) == (1, "layer 1")


def test_windows_are_clipped_and_a_flow_blocked_from_a_layer_on_says_so() -> None:
    assert lost(at(0, -1.0), at(0, 0.0)).where == "layers 0–3"
    assert lost(at(29, -1.0), at(29, 0.0)).where == "layers 26–29"
    assert lost(at(4, -1.0), at(4, 0.0), window=None).where == "layers 4 and above"


def test_nothing_lost_and_no_numbers_are_said() -> None:
    assert lost((0.2, 0.1), (0.0, 0.0)).in_words == "no window loses margin"
    nothing = lost((NAN, NAN), (NAN, NAN))
    assert (nothing.in_words, nothing.where) == ("no numbers", "")
    assert "svg" in margin_svg.draw(nothing, margin_svg.limits_of([nothing]))


def test_samples_left_out_are_counted() -> None:
    found = lost((-1.0,), (0.0,))
    assert found.counted == "64 images"
    some = replace(found, margin=replace(found.margin, left_out=3))
    assert some.counted == "64 images; 3 samples left out, a probability underflows"


@given(st.floats(-9, 9), st.floats(-9, 9))
def test_what_is_shown_adds_up(true: float, false: float) -> None:
    found = lost((true,), (false,), window=1)
    shown = [float(nats(value).replace("−", "-")) for value in (found.falling, found.rising, found.total)]
    assert math.isclose(shown[0] + shown[1], shown[2], abs_tol=1e-9)
    assert abs(shown[2] - (false - true)) <= 0.0101


def extents(svg: str) -> list[tuple[float, float]]:
    """Of each part's bars, from where to where they reach, from the top, in points."""
    bars = (one.get("d") or "" for one in parsed(svg).iter() if "stroke: var(--s" in (one.get("style") or ""))
    ys = [[y for run in places(path) for _, y in run] for path in bars if path]
    return [(min(one), max(one)) for one in ys]


def test_parts_that_pull_alike_are_stacked_and_others_lie_on_both_sides_of_zero() -> None:
    alike = lost((-1.0,), (2.0,), window=1)
    true, wrong = extents(margin_svg.draw(alike, (-4.0, 4.0)))
    assert true[1] == wrong[0], "the second goes on where the first ends"
    assert (wrong[1] - wrong[0]) == pytest.approx(2 * (true[1] - true[0]), abs=0.3)
    apart = lost((1.0,), (2.0,), window=1)
    true, wrong = extents(margin_svg.draw(apart, (-4.0, 4.0)))
    assert true[1] == wrong[0], "they meet at zero"
    assert margin_svg.limits_of([apart])[0] < -2 < 1 < margin_svg.limits_of([apart])[1]


def test_a_drawing_has_the_pages_colours_and_harmless_words() -> None:
    odd = replace(
        effect((-1.0,), (1.0,), window=1), measurement=MeasurementRecord("sweep", 'a"><script>', "b")
    )
    found = lost_margin(odd)
    assert found
    svg = margin_svg.draw(found, (-3.0, 1.0))
    assert not re.search(r"(fill|stroke): (?!var\(--|none)", svg)
    assert 'a"><script> → b, of a lost' in (parsed(svg).get("aria-label") or "")


def test_the_page_shows_each_effect_of_a_choice_and_the_summary_one_line_a_flow_and_task() -> None:
    record = example()
    a1 = replace(record, claims=tuple(claim for claim in record.claims if claim.id == "A1"))
    shown = lost_margins(curve for claim in a1.claims for curve in claim.curves)
    assert {one.curve.task for one in shown} == CHOICES
    text = text_of(a1)
    assert "Change of the margin by layer" in text
    for one in shown:
        assert one.in_words in text
    lines = [line for line in markdown.render(a1).split("\n") if line.startswith("| question → last")]
    assert len(lines) == len(CHOICES)
    assert nats(shown[0].total) in lines[0]


def without_margins(record: RunRecord) -> RunRecord:
    claims = (
        replace(claim, curves=tuple(replace(curve, margin=None) for curve in claim.curves))
        for claim in record.claims
    )
    return replace(record, claims=tuple(claims))


def test_an_old_record_is_read_and_says_nothing_of_margins(tmp_path: Path) -> None:
    data = json.loads(without_margins(example()).to_json())
    for claim in data["claims"]:
        for one in claim["curves"]:
            del one["margin"]
    stored = tmp_path / "old.json"
    stored.write_text(json.dumps(stamped(data)))
    old = read_record(stored)
    assert "Change of the margin by layer" not in text_of(old)
    assert "Lost margins, " not in markdown.render(old)


def test_a_record_keeps_its_margins(tmp_path: Path) -> None:
    stored = tmp_path / "new.json"
    record = replace(example(), claims=example().claims[:1])
    stored.write_text(record.to_json())
    assert read_record(stored).claims[0].curves[0].margin == record.claims[0].curves[0].margin
