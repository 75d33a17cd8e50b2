"""Curves to panels to inline SVG."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, strategies as st

from harness.verdicts.record import Curve, MeasurementRecord
from reports.drawing import flow_map_svg, panel_svg
from reports.drawing.figures import curves_of, figures, is_answer
from reports.drawing.flow_map import flow_map
from reports.drawing.panels import Panel, plots
from reports.drawing.styles import (
    IMAGE_LAST,
    IMAGE_QUESTION,
    LAST_LAST,
    LOWER,
    MARKED,
    MUTED,
    OTHER,
    QUESTION_LAST,
    RELATED,
    Series,
    series_of,
    styles,
)
from reports.drawing.svg import MARKERS, Canvas, marker_definitions, ticks
from reports.page.checkpoints import checkpoint_views
from reports.tests.paths import places
from reports.tests.records import FLOWS, TASKS, curve, example, lenses, sweep

ALL = curves_of(example(), "embedded")
SERIES = ("points", "depth", "mean", "lower", "upper")


def panel(*curves: Curve, threshold: float | None = None) -> Panel:
    return plots(curves, (("low", 0.0, 0.15), ("mid", 0.2, 0.6)), threshold)[0].panels[0]


def effect(name: str = "image->question", task: str = "ChooseAttr") -> Curve:
    return curve(name, task, FLOWS[name])


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(  # noqa: S314 - our own drawing
        svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    )


def test_same_panel_same_bytes() -> None:
    assert panel_svg.draw(panel(effect())) == panel_svg.draw(panel(effect()))


def test_nothing_of_a_drawing_reaches_the_rest_of_the_page() -> None:
    svg = panel_svg.draw(panel(effect()))
    assert "font-family" not in svg
    tree = parsed(svg)
    assert {element.tag.rpartition("}")[2] for element in tree.iter()} == {"svg", "g", "path", "text"}
    assert not [element.get("id") for element in tree.iter() if element.get("id")]


def drawn(canvas: Canvas) -> list[ET.Element]:
    return [
        one
        for one in parsed(canvas.svg("a drawing")).iter()
        if one.tag.rpartition("}")[2] in {"path", "text"}
    ]


def canvas() -> Canvas:
    """Twice as many points as units in both directions, from the corner at 10, 20."""
    return Canvas((100, 80), (10, 20, 90, 70), (0, 40), (-5, 20))


def test_a_line_breaks_where_a_value_is_not_a_number() -> None:
    one = canvas()
    one.line((0, 10, 20, 30, 40), (0, math.nan, 5, 10, math.inf), "var(--s0)", 1.5, "4 2", "square")
    (line,) = drawn(one)
    assert places(str(line.get("d"))) == [[(10, 50)], [(50, 40), (70, 30)]]
    style = str(line.get("style"))
    assert "stroke: var(--s0); stroke-width: 15" in style and "stroke-dasharray: 40 20" in style
    assert "marker: url(#mark-square)" in style


def test_a_band_is_filled_where_both_its_sides_are_numbers() -> None:
    one = canvas()
    one.band((0, 10, 20, 30), (0, 0, -math.inf, 0), (5, 5, 5, 10), "var(--s1)", 0.16)
    both, alone = drawn(one)
    assert places(str(both.get("d"))) == [[(10, 40), (30, 40), (30, 50), (10, 50)]]
    assert places(str(alone.get("d"))) == [[(70, 30), (70, 50)]]
    assert str(both.get("d")).endswith("z")
    assert "fill-opacity: 0.16" in str(both.get("style"))


def test_what_looks_alike_is_one_element_but_where_it_would_shine_through() -> None:
    one = canvas()
    for y in (0, 5):
        one.line((0, 40), (y, y), "var(--grid)", 1)
    for _ in range(2):
        one.area(((0, 0), (9, 0), (9, 9)), "var(--s1)", 0.2)
    lines, *areas = drawn(one)
    assert len(places(str(lines.get("d")))) == 2
    assert len(areas) == 2


STEPS = st.lists(st.tuples(st.floats(-90, 90), st.floats(-90, 90)), min_size=1, max_size=40)


@given(STEPS)
def test_the_places_of_a_line_are_right_to_a_tenth_of_a_point(points: list[tuple[float, float]]) -> None:
    one = Canvas((200, 200), (0, 0, 200, 200), (-100, 100), (-100, 100))
    one.line([x for x, _ in points], [y for _, y in points], "var(--s0)", 1, marker="up")
    (found,) = places(str(drawn(one)[0].get("d")))
    for (x, y), (left, down) in zip(points, found, strict=True):
        assert abs(left - (x + 100)) < 0.051 and abs(down - (100 - y)) < 0.051


@given(st.lists(st.floats(-90, 90), min_size=1, max_size=40))
def test_a_line_without_markers_leaves_out_what_lies_on_the_way(values: list[float]) -> None:
    """Wherever the curve is asked, the drawn one is within a quarter of a point."""
    one = Canvas((200, 200), (0, 0, 200, 200), (-100, 100), (-100, 100))
    across = [4.0 * place - 80 for place in range(len(values))]
    one.line(across, values, "var(--s0)", 1)
    (found,) = places(str(drawn(one)[0].get("d")))
    assert len(found) <= len(values)
    xs, ys = [x for x, _ in found], [y for _, y in found]
    for x, y in zip(across, values, strict=True):
        assert abs(np.interp(x + 100, xs, ys) - (100 - y)) <= 0.25


def test_a_straight_line_has_two_ends() -> None:
    one = canvas()
    one.line(range(40), [0.5 * place for place in range(40)], "var(--s0)", 1)
    (found,) = places(str(drawn(one)[0].get("d")))
    assert found == [(10, 50), (88, 11)]


def test_bars_stand_on_their_middles() -> None:
    one = canvas()
    one.bars([(10, (0, 5)), (20, (-5, 0))], 4, "var(--s1)", 0.5)
    (bars,) = drawn(one)
    assert places(str(bars.get("d"))) == [[(30, 50), (30, 40)], [(50, 60), (50, 50)]]
    style = str(bars.get("style"))
    assert "stroke: var(--s1); stroke-width: 80; stroke-linecap: butt; stroke-opacity: 0.5" in style


def test_a_word_stands_where_it_belongs() -> None:
    one = canvas()
    one.word(20, 0, "<&>", "var(--ink)", 10, "right", "top", (-4, 3))
    group = parsed(one.svg("a drawing"))[0]
    (word,) = drawn(one)
    assert (word.text, word.get("x"), word.get("y")) == ("<&>", "460", "548")
    style = str(group.get("style"))
    assert "text-anchor: end" in style and "font-size: var(--words, 100px)" in style


def test_every_marker_has_a_definition_in_the_colour_of_its_lines() -> None:
    defined = parsed(marker_definitions(MARKED))
    colours = {one.get("id"): one[0].get("style") for one in defined}
    look = [style for style in styles(map(Series, map(sweep, FLOWS))).values() if style.marker]
    assert {colours[f"mark-{one.marker}"] for one in look} == {f"fill: {one.colour}" for one in look}
    assert colours.keys() == {f"mark-{name}" for name in MARKERS}


def test_markers_all_differ() -> None:
    assert len({tuple(shape) for shape in MARKERS.values()}) == len(MARKERS) == 8


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 9))
def test_ticks_are_round_evenly_spaced_and_inside(low: float, span: float, most: int) -> None:
    high = low + span
    found = ticks((low, high), most)
    assert found == sorted(found) and len(found) <= most + 1
    assert all(low - 1e-6 * span <= one <= high + 1e-6 * span for one in found)
    steps = {round((b - a) / span, 6) for a, b in pairwise(found)}
    assert len(steps) <= 1


def test_ticks_are_the_numbers_one_would_write() -> None:
    assert ticks((-84.0, 13.0), 5) == [-80, -60, -40, -20, 0]
    assert ticks((-0.06, 1.1), 5) == [0, 0.25, 0.5, 0.75, 1.0]
    assert ticks((0.0, 1.0), 1) == [0, 1]


def test_the_points_of_a_curve_are_one_element() -> None:
    count = len(list(parsed(panel_svg.draw(panel(effect()))).iter()))
    longer = replace(effect(), **{name: getattr(effect(), name) * 3 for name in SERIES})
    assert len(list(parsed(panel_svg.draw(panel(longer))).iter())) == count


def test_controls_are_told_apart_and_random_source_controls_are_grey() -> None:
    names = ("random_patches->question", "shifted_patches->question", "random0:image->question")
    drawn = [effect(), *(replace(effect(), measurement=sweep(name), role="control") for name in names)]
    look = styles(map(series_of, drawn))
    assert look[Series(sweep("random0:image->question"), "control", 3)].colour == MUTED
    assert len({style.colour for style in look.values()}) == 4
    assert [entry.text for entry in plots(drawn)[0].entries][1:] == [
        "as many random patches → question (control)",
        "a shifted box → question (control)",
        "image → question, random-source control",
    ]


def test_colours_are_the_pages() -> None:
    svg = panel_svg.draw(panel(effect()))
    assert "var(--s3)" in svg
    assert not re.search(r"(fill|stroke): (?!var\(--|none)", svg)


def test_words_are_words_whatever_they_hold() -> None:
    svg = panel_svg.draw(replace(panel(effect()), bands=(("$x_<b>&", 0.0, 0.5),)))
    assert "$x_<b>&" in [element.text for element in parsed(svg).iter()]


def test_the_label_says_what_is_seen() -> None:
    svg = panel_svg.draw(panel(replace(effect(), measurement=MeasurementRecord("sweep", 'a"><script>', "b"))))
    label = parsed(svg).get("aria-label") or ""
    assert 'a"><script> → b lowest −' in label


@pytest.mark.parametrize("gone", [(), (0, 1), (5,), tuple(range(12))])
def test_missing_numbers_leave_gaps(gone: tuple[int, ...]) -> None:
    whole = effect()
    mean = tuple(math.nan if place in gone else value for place, value in enumerate(whole.mean))
    svg = panel_svg.draw(panel(replace(whole, mean=mean, lower=mean, upper=mean)))
    assert "nan" not in svg.lower().replace("no numbers", "")
    assert ("no numbers" in [element.text for element in parsed(svg).iter()]) == (len(gone) == 12)


def test_infinite_bands_do_not_spoil_the_scale() -> None:
    whole = effect()
    svg = panel_svg.draw(panel(replace(whole, lower=(-math.inf,) * 12)))
    assert "inf" not in svg.replace("−∞", "")


def test_values_above_zero_are_inside_the_scale() -> None:
    shown = panel(replace(effect(), mean=(40.0,) * 12, upper=(55.0,) * 12))
    assert shown.limits[1] > 55


def read(*readings: str, task: str = "ChooseAttr") -> list[Curve]:
    return [curve("image->question", task, FLOWS["image->question"], reading=one) for one in readings]


def test_threshold_belongs_to_the_first_reading_only() -> None:
    drawn = plots(read("p_c", "per_token"), (), -10.0)
    assert [plot.panels[0].threshold for plot in drawn] == [-10.0, None]


def test_other_readings_stand_beside_their_tasks_panel_on_its_scale() -> None:
    deep = [replace(one, lower=(-99.0,) * 12) for one in read("flip")]
    (plot,) = plots([*read("p_c", "distractor"), *deep, *read("p_c", "flip", task="QueryAttr")], (), -10.0)
    first, second = plot.panels
    assert [one.reading for one in first.beside] == ["share against the wrong answer", "changed answers"]
    assert [one.reading for one in second.beside] == ["changed answers"], "without a wrong answer, no share"
    assert {one.limits for one in (first, second, *first.beside, *second.beside)} == {first.limits}
    assert first.limits[0] < -99
    assert all((one.threshold, one.styles) == (-10.0, first.styles) for one in first.beside)
    assert "ChooseAttr, changed answers: " in first.beside[1].label


def test_another_reading_alone_is_a_plot_of_its_own() -> None:
    (plot,) = plots(read("flip"), (), -10.0)
    assert not plot.panels[0].reading and plot.panels[0].threshold == -10.0


def test_a_companion_is_smaller_and_says_less() -> None:
    (plot,) = plots(read("p_c", "flip"), (("lower", 0.0, 0.4),), -10.0)
    main, small = (parsed(panel_svg.draw(one)) for one in (plot.panels[0], plot.panels[0].beside[0]))
    assert main.get("viewBox") == "0 0 2600 1680" and small.get("viewBox") == "0 0 1280 780"
    words = [{element.text for element in svg.iter()} for svg in (main, small)]
    assert ["lower" in one for one in words] == [True, False]
    assert ["relative depth" in one for one in words] == [True, False]


def test_a_curve_named_twice_is_drawn_once() -> None:
    assert len(panel(effect(), effect()).curves) == 1


def test_known_flows_keep_their_colour_and_all_differ() -> None:
    look = styles(Series(sweep(name)) for name in FLOWS)
    assert len({style.colour for style in look.values()}) == len(FLOWS)
    assert len({(style.dash, style.marker) for style in look.values()}) == len(FLOWS)
    assert styles([Series(QUESTION_LAST)])[Series(QUESTION_LAST)] == look[Series(QUESTION_LAST)]


def test_the_baselines_curve_is_told_from_todays() -> None:
    before = replace(effect(), role="baseline")
    (plot,) = plots([before, effect()])
    assert [entry.text for entry in plot.entries] == ["image → question, baseline", "image → question"]
    assert plot.entries[0].style != plot.entries[1].style
    assert plot.entries[1].style == styles([Series(IMAGE_QUESTION)])[Series(IMAGE_QUESTION)]


def test_a_random_source_control_goes_with_its_flow() -> None:
    flows = ("image->question", "question->last")
    controls = [Series(sweep(f"random0:{one}"), "control", 3) for one in flows]
    effects = [Series(sweep(one), "effect", 3) for one in flows]
    look = styles([*controls, *effects])
    for control, own in zip(controls, effects, strict=True):
        assert look[control].colour == look[own].colour
    assert styles([controls[0], effects[0]])[controls[0]].colour == MUTED


def test_windows_of_one_flow_are_told_apart() -> None:
    sizes = [replace(effect(), window=k) for k in (1, 3, 5)]
    plot = plots(sizes)[0]
    assert [entry.text for entry in plot.entries] == [f"image → question, k = {k}" for k in (1, 3, 5)]
    assert len({entry.style for entry in plot.entries}) == 3


def test_a_panel_per_task_with_a_common_scale() -> None:
    plot = plots([effect(task=task) for task in TASKS])[0]
    assert [one.title for one in plot.panels] == list(TASKS)
    assert len({one.limits for one in plot.panels}) == 1


def test_figures_that_were_not_measured_are_empty() -> None:
    record = example()
    only = replace(record, claims=tuple(c for c in record.claims if c.id == "A1"))
    assert [bool(figure.plots) for figure in figures(only, "embedded")] == [True, False, False, False]
    assert all(figure.plots for figure in figures(record, "embedded"))


def test_figures_and_the_picture_show_the_rules_window_and_the_most_images() -> None:
    record = example()
    first = next(c for c in record.claims if c.id == "B1")
    sizes = tuple(replace(effect(), window=k, mean=(float(-k),) * 12) for k in (1, 3, 5))
    fewer = replace(sizes[1], n_images=50, mean=(-99.0,) * 12)
    only = replace(record, claims=(replace(first, curves=sizes), replace(first, curves=(fewer,))))
    drawn = [c for figure in figures(only, "embedded") for p in figure.plots for c in p.panels[0].curves]
    assert [(c.window, c.mean[0]) for c in drawn] == [(3, -3.0)]
    shown = checkpoint_views(only)[0].flow_map
    assert shown is not None
    assert shown.flows[IMAGE_QUESTION][0] == 3.0


def test_the_answers_figure_leaves_other_prompts_out() -> None:
    asked = replace(lenses(("ChooseAttr",))[0], measurement=replace(LOWER, condition="lower"))
    normed = replace(asked, measurement=replace(LOWER, norm=True))
    assert [is_answer(c) for c in (asked, normed, *lenses(("ChooseAttr",)))] == [False, True, True, True]


def test_the_picture_of_the_flow_is_the_mean_over_tasks() -> None:
    curves = [effect("question->last", task) for task in TASKS]
    picture = flow_map(curves, 12)
    assert picture is not None
    expected = -sum(c.mean[6] for c in curves) / len(curves)
    assert math.isclose(picture.flows[QUESTION_LAST][6], expected)
    assert picture.tasks == 6


def test_the_whole_image_gives_way_to_its_parts() -> None:
    picture = flow_map(ALL, 12)
    assert picture is not None
    assert IMAGE_QUESTION not in picture.flows
    assert LAST_LAST not in picture.flows
    whole = flow_map([c for c in ALL if c.measurement not in {RELATED, OTHER}], 12)
    assert whole is not None
    assert {IMAGE_QUESTION, IMAGE_LAST} <= whole.flows.keys()


def test_the_flow_map_shows_nothing_but_plain_flows() -> None:
    grey = replace(effect(), measurement=replace(IMAGE_QUESTION, condition="grey"))
    assert flow_map([grey], 12) is None


def test_an_arrow_for_every_effect_that_shows() -> None:
    drop = replace(effect("question->last"), mean=(0.0, -1.9, -2.1, 30.0, math.nan, -80.0) + (0.0,) * 6)
    picture = flow_map([drop], 12)
    assert picture is not None
    svg = flow_map_svg.draw(picture)
    assert svg.count("fill: var(--s0)") == 2


@pytest.mark.parametrize("layers", [1, 2, 12, 40])
def test_any_depth_can_be_drawn(layers: int) -> None:
    depth = tuple((place + 0.5) / layers for place in range(layers))
    mean = tuple(-50.0 for _ in depth)
    one = replace(effect("question->last"), points=tuple(range(layers)), depth=depth, mean=mean)
    picture = flow_map([one, *lenses(TASKS)], layers)
    assert picture is not None
    parsed(flow_map_svg.draw(picture))


def test_nothing_measured_no_picture() -> None:
    assert flow_map([], 12) is None
    assert flow_map(list(lenses(TASKS)), 12) is None


def test_tasks_keep_their_order_whatever_their_images() -> None:
    first = next(c for c in example().claims if c.id == "B1")
    drawn = tuple(replace(effect(task=task), n_images=200 - n) for n, task in enumerate(TASKS))
    only = replace(example(), claims=(replace(first, curves=drawn),))
    assert [curve.task for curve in curves_of(only, "embedded")] == list(TASKS)
