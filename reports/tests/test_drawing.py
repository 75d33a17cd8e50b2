"""Curves to panels to inline SVG."""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from harness.verdicts.record import Curve
from reports import flowmap_art, page, panel_art
from reports.drawing import inline
from reports.figures import curves_of, figures, is_answer
from reports.flowmap import flow_map
from reports.panels import Panel, plots
from reports.styles import MUTED, VARIABLES, styles
from reports.tests.records import FLOWS, TASKS, curve, example, lenses

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
    assert panel_art.draw(panel(effect()), "p1") == panel_art.draw(panel(effect()), "p1")


def test_nothing_of_a_drawing_reaches_the_rest_of_the_page() -> None:
    svg = panel_art.draw(panel(effect()), "p1")
    assert "<style" not in svg
    assert "font-family" not in svg
    assert "<!--" not in svg
    ids = [element.get("id") for element in parsed(svg).iter() if element.get("id")]
    assert all(str(one).startswith("p1-") for one in ids)
    assert len(ids) == len(set(ids))


def test_what_is_referred_to_exists() -> None:
    drawn = (
        '<svg viewBox="0 0 1 1" xmlns:xlink="x"><defs><path id="m1"/><path id="spare"/></defs>'
        '<use xlink:href="#m1"/><g clip-path="url(#m1)"/></svg>'
    )
    tree = parsed(inline(drawn, "p1", "label"))
    assert {element.get("id") for element in tree.iter()} == {None, "p1-m1"}
    assert {element.get("href") for element in tree.iter()} == {None, "#p1-m1"}


def test_the_points_of_a_curve_are_one_element() -> None:
    count = len(list(parsed(panel_art.draw(panel(effect()), "p1")).iter()))
    longer = replace(effect(), **{name: getattr(effect(), name) * 3 for name in SERIES})
    assert len(list(parsed(panel_art.draw(panel(longer), "p1")).iter())) == count


def test_controls_are_told_apart_and_random_controls_are_grey() -> None:
    names = ("random_patches->question", "shifted_patches->question", "random0:image->question")
    drawn = [effect(), *(replace(effect(), label=name, role="control") for name in names)]
    look = styles(drawn)
    assert look["random0:image->question", "control", 3].colour == MUTED
    assert len({style.colour for style in look.values()}) == 4
    assert [entry.text for entry in plots(drawn)[0].entries][1:3] == [
        "as many random patches → question (control)",
        "a shifted box → question (control)",
    ]


def test_colours_are_the_pages() -> None:
    svg = panel_art.draw(panel(effect()), "p1")
    assert "var(--s3)" in svg
    assert not [stand_in for stand_in in VARIABLES if stand_in in svg]


def test_words_are_words_whatever_they_hold() -> None:
    svg = panel_art.draw(replace(panel(effect()), bands=(("$x_<b>&", 0.0, 0.5),)), "p1")
    assert "$x_<b>&" in [element.text for element in parsed(svg).iter()]


def test_the_label_says_what_is_seen() -> None:
    svg = panel_art.draw(panel(replace(effect(), label='a"><script>->b')), "p1")
    label = parsed(svg).get("aria-label") or ""
    assert 'a"><script> → b lowest −' in label


@pytest.mark.parametrize("gone", [(), (0, 1), (5,), tuple(range(12))])
def test_missing_numbers_leave_gaps(gone: tuple[int, ...]) -> None:
    whole = effect()
    mean = tuple(math.nan if place in gone else value for place, value in enumerate(whole.mean))
    svg = panel_art.draw(panel(replace(whole, mean=mean, lower=mean, upper=mean)), "p1")
    assert "nan" not in svg.lower().replace("no numbers", "")
    assert ("no numbers" in [element.text for element in parsed(svg).iter()]) == (len(gone) == 12)


def test_infinite_bands_do_not_spoil_the_scale() -> None:
    whole = effect()
    svg = panel_art.draw(panel(replace(whole, lower=(-math.inf,) * 12)), "p1")
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
    main, small = (parsed(panel_art.draw(one, "p1")) for one in (plot.panels[0], plot.panels[0].beside[0]))
    assert main.get("viewBox") == "0 0 260 168" and small.get("viewBox") == "0 0 128 78"
    words = [{element.text for element in svg.iter()} for svg in (main, small)]
    assert ["lower" in one for one in words] == [True, False]
    assert ["relative depth" in one for one in words] == [True, False]


def test_a_curve_named_twice_is_drawn_once() -> None:
    assert len(panel(effect(), effect()).curves) == 1


def test_known_flows_keep_their_colour_and_all_differ() -> None:
    look = styles([effect(name) for name in FLOWS])
    assert len({style.colour for style in look.values()}) == len(FLOWS)
    assert len({(style.dash, style.marker) for style in look.values()}) == len(FLOWS)
    alone = styles([effect("question->last")])
    assert alone["question->last", "effect", 3] == look["question->last", "effect", 3]


def test_a_random_control_goes_with_its_flow() -> None:
    two = [effect(name) for name in ("image->question", "question->last")]
    blocks = [replace(one, label=f"random0:{one.label}", role="control") for one in two]
    look = styles([*blocks, *two])
    for one in two:
        assert look[f"random0:{one.label}", "control", 3].colour == look[one.label, "effect", 3].colour
    alone = styles([blocks[0], two[0]])
    assert alone["random0:image->question", "control", 3].colour == MUTED


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
    picture = page.portraits(only)[0].picture
    assert picture is not None
    assert picture.flows["image->question"][0] == 3.0


def test_the_answers_figure_leaves_other_prompts_out() -> None:
    asked = replace(lenses(("ChooseAttr",))[0], label="lower answer, asked for lower case")
    normed = replace(asked, label="lower answer, final norm applied")
    assert [is_answer(c) for c in (asked, normed, *lenses(("ChooseAttr",)))] == [False, True, True, True]


def test_the_picture_of_the_flow_is_the_mean_over_tasks() -> None:
    curves = [effect("question->last", task) for task in TASKS]
    picture = flow_map(curves, 12)
    assert picture is not None
    expected = -sum(c.mean[6] for c in curves) / len(curves)
    assert math.isclose(picture.flows["question->last"][6], expected)
    assert picture.tasks == 6


def test_the_whole_image_gives_way_to_its_parts() -> None:
    picture = flow_map(ALL, 12)
    assert picture is not None
    assert "image->question" not in picture.flows
    assert "last->last" not in picture.flows
    whole = flow_map([c for c in ALL if "patches" not in c.label], 12)
    assert whole is not None
    assert "image->question" in whole.flows


def test_an_arrow_for_every_effect_that_shows() -> None:
    drop = replace(effect("question->last"), mean=(0.0, -1.9, -2.1, 30.0, math.nan, -80.0) + (0.0,) * 6)
    picture = flow_map([drop], 12)
    assert picture is not None
    svg = flowmap_art.draw(picture, "m1")
    assert svg.count("fill: var(--s0)") == 2


@pytest.mark.parametrize("layers", [1, 2, 12, 40])
def test_any_depth_can_be_drawn(layers: int) -> None:
    depth = tuple((place + 0.5) / layers for place in range(layers))
    mean = tuple(-50.0 for _ in depth)
    one = replace(effect("question->last"), points=tuple(range(layers)), depth=depth, mean=mean)
    picture = flow_map([one, *lenses(TASKS)], layers)
    assert picture is not None
    parsed(flowmap_art.draw(picture, "m1"))


def test_nothing_measured_no_picture() -> None:
    assert flow_map([], 12) is None
    assert flow_map(list(lenses(TASKS)), 12) is None


def test_tasks_keep_their_order_whatever_their_images() -> None:
    first = next(c for c in example().claims if c.id == "B1")
    drawn = tuple(replace(effect(task=task), n_images=200 - n) for n, task in enumerate(TASKS))
    only = replace(example(), claims=(replace(first, curves=drawn),))
    assert [curve.task for curve in curves_of(only, "embedded")] == list(TASKS)
