"""The first screen and the sparklines: which curves, averaged how, drawn where."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from harness.verdicts.record import ClaimRecord, Curve
from reports.drawing import sparkline_svg, stage_svg
from reports.drawing.figures import at_the_rule, curves_of
from reports.drawing.over_tasks import over_tasks
from reports.drawing.sparkline import sparklines
from reports.drawing.stages import stages
from reports.drawing.styles import series_of
from reports.page import render as page
from reports.page.checkpoints import checkpoint_views
from reports.page.opening import openings
from reports.summary import summarize
from reports.tests.records import FLOWS, TASKS, curve, example
from reports.tests.test_page import text_of

RECORD = example()


def claims(identifier: str) -> list[ClaimRecord]:
    return [one for one in RECORD.claims if one.id == identifier]


def effect(task: str, value: float = -20.0, half: float = 5.0, flow: str = "image->question") -> Curve:
    flat = (value,) * 12
    return replace(
        curve(flow, task, FLOWS[flow]),
        mean=flat,
        lower=tuple(one - half for one in flat),
        upper=tuple(one + half for one in flat),
    )


def test_tasks_are_averaged_point_by_point_with_their_bands() -> None:
    (mean,) = over_tasks([effect("a", -20, 4), replace(effect("b", -40, 8), n_images=50)])
    assert (mean.mean[3], mean.lower[3], mean.upper[3]) == (-30, -36, -24)
    assert (mean.task, mean.n_images, mean.margin) == ("mean of 2 tasks", 50, None)


def test_a_task_counts_once_and_one_alone_is_itself() -> None:
    one = effect("a")
    assert over_tasks([one, one]) == (one,)


def test_a_point_that_a_task_lacks_has_no_mean() -> None:
    gap = replace(effect("b"), mean=(math.nan,) + (-20.0,) * 11)
    (mean,) = over_tasks([effect("a"), gap])
    assert math.isnan(mean.mean[0]) and mean.mean[1] == -20


def test_different_windows_and_readings_are_not_averaged() -> None:
    others = [replace(effect("a"), window=5), replace(effect("a"), reading="flip")]
    assert len(over_tasks([effect("a"), *others])) == 3


def test_the_stages_show_the_papers_flows() -> None:
    found = stages(at_the_rule(RECORD, "embedded", curves_of(RECORD, "embedded")), 12)
    drawn = [
        [curve.measurement.flow if curve.window else curve.measurement.form for curve in one.curves]
        for one in found
    ]
    assert drawn == [
        ["image->question", "related_patches->question", "other_patches->question"],
        ["question->last", "image->last"],
        ["lower", "capital"],
    ]
    assert found[0].limits == found[1].limits != found[2].limits
    assert [one.threshold for one in found] == [-10, -10, None]
    assert all(len(one.entries) == len(one.curves) for one in found)
    assert "whole image lowest −" in found[0].label and "mean of 6 tasks" in found[0].label


@pytest.mark.parametrize("layers", [1, 12, 30, 40, 80])
def test_layers_of_any_number_have_room(layers: int) -> None:
    shown = stages(at_the_rule(RECORD, "embedded", curves_of(RECORD, "embedded")), layers)[0]
    numbers = re.findall(r">(\d+)</text>", stage_svg.draw(shown))
    assert "0" in numbers and len(numbers) <= 24


def test_a_sparkline_is_the_mean_and_each_task_on_one_scale() -> None:
    found = sparklines(claims("B1"))
    assert found is not None
    assert list(found.by_task) == list(TASKS)
    assert [one.reading for one in found.mean.curves] == ["p_c"], "no control, no other reading"
    assert found.mean.curves[0].task == "mean of 6 tasks"
    assert len({one.limits for one in found.by_task.values()}) == 1
    assert (found.mean.threshold, found.mean.bands) == (-10.0, (("lower", 0.0, 0.4),))


def test_a_sparkline_draws_band_threshold_and_depth_band() -> None:
    found = sparklines(claims("B1"))
    assert found is not None
    svg = sparkline_svg.draw(found.mean)
    assert "fill: var(--band)" in svg and "fill-opacity: 0.2" in svg and "stroke-dasharray: 30 20" in svg
    assert "<text" not in svg and "image → question lowest −" in svg


def test_a_claim_with_many_curves_shows_three() -> None:
    many = [replace(effect("a"), window=k) for k in (1, 3, 5, 7)]
    found = sparklines([replace(claims("B1")[0], curves=tuple(many))])
    assert found is not None and len(found.mean.curves) == 3


def test_controls_are_shown_where_there_is_nothing_else() -> None:
    control = replace(effect("a"), role="control")
    found = sparklines([replace(claims("B1")[0], curves=(control,))])
    assert found is not None and found.mean.curves == (control,)


def test_without_numbers_there_is_no_sparkline() -> None:
    assert sparklines([replace(claims("B1")[0], curves=())]) is None
    empty = replace(effect("a"), mean=(math.nan,) * 12)
    assert sparklines([replace(claims("B1")[0], curves=(empty,))]) is None


def test_every_curve_of_a_sparkline_has_a_style() -> None:
    for identifier in ("A2", "C3", "D1", "E3"):
        found = sparklines(claims(identifier))
        assert found is not None
        assert {series_of(one) for one in found.mean.curves} <= found.mean.styles.keys()


def test_the_first_screen_has_each_stage_with_its_claims() -> None:
    (opening,) = openings(RECORD, summarize(RECORD), checkpoint_views(RECORD))
    assert [[told.claim for told in step.told] for step in opening.steps] == [
        ["B1", "C2"],
        ["A1", "A2"],
        ["D1", "E3"],
    ]


def test_what_was_not_measured_is_said() -> None:
    bare = replace(RECORD, claims=tuple(replace(c, curves=()) for c in RECORD.claims if c.id in {"A1", "B1"}))
    (opening,) = openings(bare, summarize(bare), checkpoint_views(bare))
    assert [[told.claim for told in step.told] for step in opening.steps] == [["B1"], ["A1"]]
    assert text_of(bare).count("Not measured in this run.") >= 2


def test_one_checkpoints_sentence_is_the_pages_title_and_severals_stand_below_it() -> None:
    assert re.search(r"<h1>.*reads the image into the question", page.render(RECORD))
    two = page.render(example(("one", "two")))
    assert "11 claims on 2 checkpoints" in two
    assert two.count('<h3 class="story">') == 2


def test_a_row_says_what_its_estimate_is() -> None:
    first = claims("B1")[0]
    part = replace(first.judgement.parts[0], what="deepest window", scale="p_c")
    told = replace(first, judgement=replace(first.judgement, parts=(part,)))
    assert "deepest window (layers 6-8) p_c −44.0 %" in text_of(replace(RECORD, claims=(told,)))
