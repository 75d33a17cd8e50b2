"""Example samples, controls and calibration, and what changed since a baseline."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.verdicts.record import ChangeRecord, Curve, RunRecord, SampleRecord
from reports.drawing.figures import curves_of
from reports.drawing.panels import plots
from reports.page.calibrated import RESULTS, calibration
from reports.page.controls import controls, reference_values
from reports.page.samples import MOST, cards
from reports.page.since import since
from reports.tests.pictures import picture
from reports.tests.records import checkpoint, curve, example, part, sweep
from reports.tests.test_page import seen, text_of
from reports.tests.whole import SHAPES, shown_sample, whole


def with_samples(*samples: SampleRecord) -> RunRecord:
    return replace(example(), claims=(), samples=samples)


def sample(**other: Any) -> SampleRecord:
    return replace(shown_sample("embedded", "ChooseAttr", 0), **other)


def test_a_card_shows_picture_boxes_patches_prompt_and_answer() -> None:
    record = with_samples(sample(), sample(id="0002"))
    found = seen(record)
    assert found.links.count(picture()) == 2
    assert found.tags >= {"image", "rect"}
    text = text_of(record)
    assert "49 visual tokens" in text
    assert "“ Red ”" in text
    assert "ChooseAttr , 2 samples" in text


@pytest.mark.parametrize(
    "odd",
    [
        "http://example.com/x.jpg",
        "data:text/html;base64,PHNjcmlwdD4=",
        'data:image/jpeg;base64,AAAA" onload="alert(1)',
        "data:image/svg+xml;base64,AAAA",
        "data:image/jpeg;base64," + "A" * 300_000,
        "",
    ],
)
def test_a_picture_that_is_not_a_small_jpeg_is_not_shown(odd: str) -> None:
    record = with_samples(sample(picture=odd))
    assert [one.picture for group in cards(record).values() for one in group] == [""]
    assert "No picture." in text_of(record)


def test_a_picture_with_places_that_are_no_numbers_is_not_shown() -> None:
    for other in ({"size": (0, 84)}, {"boxes": (("x", math.nan, 0.0, 1.0, 1.0),)}):
        group = cards(with_samples(sample(**other)))["embedded", "ChooseAttr"]
        assert group[0].picture == ""


def test_no_more_than_twelve_per_task_whatever_the_record_holds() -> None:
    many = [sample(id=str(number)) for number in range(40)]
    assert len(cards(with_samples(*many))["embedded", "ChooseAttr"]) == MOST


def test_regions_are_marked_by_letters_and_unknown_ones_as_anything_else() -> None:
    card = cards(with_samples(sample(prompt=(("question", "a\nb"), ("<x>", "c")))))["embedded", "ChooseAttr"][
        0
    ]
    assert card.prompt == (("question", "Q", "a⏎b"), ("other", "·", "c"))


def test_a_card_says_why_it_is_shown() -> None:
    shown = sample(drop="smallest", flow=sweep("related_patches->question"))
    (card,) = cards(with_samples(shown))["embedded", "ChooseAttr"]
    assert card.why == "smallest drop of related patches → question"


def test_whose_pictures_they_are_is_said_beside_them() -> None:
    said = "Visual Genome: CC BY 4.0"
    assert said in text_of(replace(with_samples(sample()), attribution=said))
    assert said not in text_of(replace(with_samples(), attribution=said))
    assert "This run kept no example samples" in text_of(with_samples())


def test_controls_are_listed_by_their_deepest_effect() -> None:
    found = controls(curves_of(whole(), "embedded"))
    measured = [control.measurement for control in found]
    assert measured[:2] == [sweep("random0:image->question"), sweep("random0:question->last")]
    assert sweep("shifted_patches->question") in measured
    assert sweep("question->last") not in measured
    drawn = [
        replace(curve("x_patches->y", task, SHAPES["question->last"]), role="control") for task in ("a", "b")
    ]
    deepest = min(min(one.mean) for one in drawn)
    assert [(one.tasks, one.deepest) for one in controls(drawn)] == [(2, deepest)]


def test_an_effect_is_held_against_its_ceiling() -> None:
    def deep(flow: str, value: float) -> Curve:
        return replace(curve(flow, "ChooseAttr", SHAPES["image->question"]), mean=(value,) * 12)

    effects = [deep("image->question", -26.0), deep("question->last", -75.0)]
    tasks = tuple(
        replace(task, right=0.9, image_ceiling=-52.0, question_ceiling=-100.0) for task in checkpoint().tasks
    )
    rows = reference_values(replace(checkpoint(), tasks=tasks), effects)
    assert [row.image_share for row in rows] == [0.5, *[None] * 5]
    assert [row.question_share for row in rows] == [0.75, *[None] * 5]
    flat = tuple(replace(task, image_ceiling=-0.5) for task in tasks)
    assert reference_values(replace(checkpoint(), tasks=flat), effects)[0].image_share is None
    known = tuple(replace(task, prior=0.5) for task in checkpoint().tasks)
    assert reference_values(replace(checkpoint(), tasks=known), effects) == (), (
        "the prior alone is no measurement"
    )


def test_a_panel_says_the_ceiling_of_what_its_effects_start_from() -> None:
    def bound(*flows: str) -> list[tuple[tuple[str, float], ...]]:
        curves = [curve(flow, "ChooseAttr", SHAPES["image->question"]) for flow in flows]
        return [one.ceilings for one in plots(curves, ceilings=ceilings)[0].panels]

    ceilings = {"ChooseAttr": {"image": -52.0, "question": -97.0}}
    assert bound("related_patches->question", "image->last") == [(("image", -52.0),)]
    assert bound("true_option->last", "image->question") == [(("image", -52.0), ("question", -97.0))]
    assert bound("last->last") == [()]
    text = text_of(whole())
    assert "ceiling image −52" in text and "ceiling question −98" in text


def test_the_committed_calibration_is_summed_up() -> None:
    found = calibration()
    assert found is not None
    final = [
        one for one in json.loads(RESULTS.read_text(encoding="utf-8"))["errors"] if one["stage"] == "final"
    ]
    assert found.worst.bound == max(one["bound"] for one in final)
    assert {error.verdict for error in found.errors} == {"SUPPORTED", "REFUTED"}
    assert len({(error.form, error.verdict) for error in found.errors}) == len(found.errors)
    assert f"{100 * found.worst.rate:.1f} %" in text_of(example())


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"errors": [], "powers": []}', '{"errors": 3}'])
def test_a_calibration_of_another_form_is_left_out(text: str, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text(text, encoding="utf-8")
    assert calibration(file) is None
    assert calibration(tmp_path / "none.json") is None


def test_what_moved_since_the_baseline_is_told_and_drawn() -> None:
    old = curve("question->last", "ChooseAttr", SHAPES["question->last"], role="baseline")
    moved = ChangeRecord(
        *("embedded", "older", "ChooseAttr", "shallower"),
        moved=True,
        difference=part("x", 22.5, 3.0, 0, ">"),
        images_on_both=9,
        images_on_one=1,
        old=old,
        new=replace(old, role="effect", mean=(0.0,) * 12),
    )
    same = replace(moved, moved=False, change="equivalent", task="ChooseCat", difference=None)
    record = replace(example(), changes=(moved, same))
    found = since(record)
    assert [(one.counts, len(one.moved), len(one.others)) for one in found] == [
        ((("shallower", 1), ("equivalent", 1)), 1, 1)
    ]
    assert [entry.text for entry in found[0].plots[0].entries] == [
        "question → last, baseline",
        "question → last",
    ]
    assert "1 of 2 curves moved" in text_of(record)
    assert "This run has no baseline" in text_of(example())
