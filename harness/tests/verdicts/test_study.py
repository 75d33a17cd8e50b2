"""What a claim test may name, and what it hears back."""

from collections.abc import Mapping

import numpy as np
import pytest

from harness.data.depth import LOW, LOWER, MID, MIDDLE, TooShallowError
from harness.data.errors import KnockoutError, RegionError
from harness.data.flow import Flow
from harness.interventions.measurements import OpenPathsOnly, Quantity, Route, Sweep
from harness.statistics.curves import EFFECT, Curves
from harness.statistics.forms import crosses_over, drops_somewhere, negligible_at
from harness.verdicts.hypothesis import EvidenceView, Hypothesis
from harness.verdicts.study import Study

TASKS = ("ChooseAttr", "QueryAttr")


def study(heard: list[Hypothesis] | None = None, seen: Mapping[Quantity, Curves] | None = None) -> Study:
    looked = None if seen is None else EvidenceView(seen, seen)
    return Study("tiny", 12, 3, TASKS, looked, (heard if heard is not None else []).append)


def test_names_that_do_not_exist_are_refused() -> None:
    with pytest.raises(RegionError, match="unknown region 'imgae'"):
        study().effect("imgae->last", "ChooseAttr")
    with pytest.raises(RegionError, match="unknown region 'sufix'"):
        study().mediators("image", ["sufix"], "ChooseAttr")
    with pytest.raises(RegionError, match="unknown region 'q'"):
        study().module("mlp", "q", "ChooseAttr")
    with pytest.raises(KnockoutError, match="write it as SOURCE->TARGET"):
        study().blocked_from("image", "ChooseAttr")
    with pytest.raises(ValueError, match="reading 'percent'; there are p_c"):
        study().effect("image->last", "ChooseAttr", reading="percent")
    with pytest.raises(ValueError, match="condition 'gray'"):
        study().effect("image->last", "ChooseAttr", condition="gray")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="form 'upper'; there are lower, capital"):
        study().lens("upper", "ChooseAttr")


def test_a_random_control_that_is_undefined_is_left_out() -> None:
    assert study().random_control("image->last", "ChooseAttr") is not None
    assert study(seen={}).random_control("image->last", "ChooseAttr") is None


def test_only_windows_that_fit_are_offered() -> None:
    assert [grid.size for grid in study().windows(1, 5, 13)] == [1, 3, 5]


@pytest.mark.parametrize(("depth", "layer"), [(0.0, 0), (0.5, 6), (0.6, 8), (0.75, 9)])
def test_a_layer_at_a_depth_lies_wholly_above_it(depth: float, layer: int) -> None:
    assert study().layer_at(depth) == layer


def test_above_the_whole_decoder_there_is_no_layer() -> None:
    with pytest.raises(ValueError, match="no layer of 12 lies above depth 1"):
        study().layer_at(1.0)


def test_routes_are_open_in_their_windows() -> None:
    routes = {"image->question": (0, 5), "question->last": (11,)}
    named = study().accuracy_with_only(routes, "ChooseAttr", closed=["image->after_image", "question->last"])
    image, last = Flow("image", "question"), Flow("question", "last")
    assert named.measurement == OpenPathsOnly(
        (Flow("image", "after_image"), last), (Route(image, 0, 1), Route(image, 4, 6), Route(last, 10, 11))
    )


@pytest.mark.parametrize(
    ("layers", "window", "sizes"),
    [
        (12, 3, [1, 3, 5]),
        (32, 7, [1, 3, 5, 7, 15]),
        (40, 9, [1, 3, 5, 9, 19]),
        (8, 6, [1, 3]),
        (6, 1, [1, 3]),
    ],
)
def test_odd_windows_reach_up_to_half_the_decoder(layers: int, window: int, sizes: list[int]) -> None:
    looked = Study("tiny", layers, window, TASKS, None, lambda _: None)
    assert [grid.size for grid in looked.odd_windows()] == sizes


def test_a_decoder_with_one_odd_window_has_nothing_to_compare() -> None:
    with pytest.raises(TooShallowError, match="5 layers have no two odd window sizes"):
        Study("tiny", 5, 1, TASKS, None, lambda _: None).odd_windows()


def test_what_a_claim_can_do_without_is_not_among_its_measures() -> None:
    heard: list[Hypothesis] = []
    looked = study(heard, seen={})
    assert looked.if_defined(looked.blocked_from("centre_tile_patch->last", "ChooseAttr")) is None
    named = looked.blocked_from("centre_patch->last", "ChooseAttr")
    looked.judge(negligible_at(named))
    assert heard[0].quantities == (named,)


def images(place: int) -> Curves:
    """Eighty images whose deepest window is at one place, and another in the images not located on."""
    names = tuple(f"{number:03d}" for number in range(80))
    values = np.zeros((80, 12))
    values[:, place] = -50.0
    return Curves(names, values, 80, EFFECT)


def test_a_layer_is_located_on_the_first_look_pooled_over_tasks() -> None:
    measurement = Sweep(Flow("image", "question"), 3)
    first = {Quantity(task, measurement, "p_c", "locating"): images(4) for task in TASKS}
    now = {Quantity(task, measurement, "p_c", "locating"): images(5) for task in TASKS}
    heard: list[Hypothesis] = []
    looked = Study("tiny", 12, 3, TASKS, EvidenceView(now, first), heard.append)
    assert looked.deepest_window("image->question", MID) == 4
    assert looked.deepest_window("image->question", LOW) in {0, 1}
    tested = looked.on_other_images(looked.effect("image->question", "QueryAttr"))
    looked.judge(drops_somewhere(tested, looked.grid))
    (stated,) = heard
    assert stated.quantities == (Quantity("QueryAttr", measurement, "p_c", "testing"),)
    assert set(stated.located_on) == set(first), "they must be measured, though they are not drawn"


def test_before_anything_is_measured_a_layer_is_still_named() -> None:
    assert study().deepest_window("image->question", MID) in range(12)


def test_where_no_whole_window_lies_in_a_band_that_is_what_is_told() -> None:
    looked = Study("tiny", 12, 5, TASKS, None, lambda _: None)
    related, other = (looked.effect(f"{one}_patches->question", "QueryAttr") for one in ("related", "other"))
    told = looked.unclipped(crosses_over, related, other).fact
    assert callable(told)
    assert told({}) == "the low band holds no whole window of 5 layers"


def test_where_two_dips_find_no_room_that_is_what_is_told() -> None:
    looked = Study("tiny", 4, 1, TASKS, None, lambda _: None)
    effect = looked.effect("image->question", "QueryAttr")
    steep = np.tile([0.0, -50.0, 0.0, 0.0], (80, 1))
    shallow = Curves(tuple(f"{number:03d}" for number in range(80)), steep, 80, EFFECT)
    told = looked.both_dips(effect, LOWER, MIDDLE).fact
    assert callable(told)
    assert told({effect: shallow}) == "no window of the middle band lies deep enough after layer 1"


def test_a_claim_may_not_apply() -> None:
    heard: list[Hypothesis] = []
    study(heard).not_applicable("no tiles")
    (stated,) = heard
    assert stated.tree is None
    assert stated.not_applicable == "no tiles"
