"""Looks and judgements, and what the statistics refuse."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import stats

from harness.statistics.curves import EFFECT, Curves
from harness.statistics.inference import FEWEST_IMAGES, Data, MissingQuantityError
from harness.statistics.judge import judge
from harness.statistics.looks import ONE_LOOK, EarlierLooks, LookPlan
from harness.statistics.trees import AllOf, AtLeast, Everywhere, Leaf, Somewhere, every, some
from harness.statistics.verdict import Fact, Verdict
from harness.testing.known_curves import curves, gaussian, leaf

# ----------------------------------------------------------------------------------------------- looks


def looks(mean: float, sizes: Sequence[int], spread: float = 10.0) -> list[Data]:
    values = gaussian(max(sizes), [mean], spread)
    return [{"effect": curves(values[:size], EFFECT)} for size in sizes]


def test_the_first_decision_stands() -> None:
    data = looks(20.0, [100, 200, 400])
    spoiled = {"effect": curves(gaussian(400, [-50.0]), EFFECT)}
    judged = judge(some(leaf("effect", 0.0)), [data[0], spoiled, spoiled])
    assert (judged.verdict, judged.look, judged.n_images) == (Verdict.SUPPORTED, 0, 100)
    assert judged.alpha == pytest.approx(0.0075)


def test_each_look_has_its_share_of_alpha() -> None:
    tree = some(leaf("effect", 0.0))
    data = looks(0.0, [100, 150, 200, 400])
    levels = [judge(tree, data[: count + 1]).alpha for count in range(4)]
    assert levels == pytest.approx([0.0075, 0.0075, 0.010, 0.025])
    assert judge(tree, data, LookPlan(0.10)).alpha == pytest.approx(0.05)
    assert judge(tree, looks(0.0, [100]), ONE_LOOK).alpha == pytest.approx(0.05)


def test_a_look_with_too_few_images_hands_its_share_on() -> None:
    tree = some(leaf("effect", 0.0))
    assert judge(tree, looks(0.0, [50, 100, 200])).alpha == pytest.approx(0.010)
    judged = judge(tree, looks(20.0, [50, 100, 200]))
    assert judged.look == 1
    assert judged.alpha == pytest.approx(0.015)


def test_a_look_without_any_data_hands_its_share_on() -> None:
    tree = some(leaf("effect", 0.0))
    judged = judge(tree, looks(20.0, [100, 200]), earlier=EarlierLooks(1))
    assert judged.look == 1
    assert judged.alpha == pytest.approx(0.015)
    assert judge(tree, looks(0.0, [100]), earlier=EarlierLooks(3)).alpha == pytest.approx(0.05)
    with pytest.raises(ValueError, match="planned"):
        judge(tree, looks(0.0, [100, 200]), earlier=EarlierLooks(3))


def test_too_few_images_decide_nothing() -> None:
    judged = judge(some(leaf("effect", 0.0)), looks(50.0, [10, 20, FEWEST_IMAGES - 1]))
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.needed_images == FEWEST_IMAGES
    assert "59 images" in judged.reason
    enough = judge(some(leaf("effect", 0.0)), looks(50.0, [10, 20, FEWEST_IMAGES]))
    assert enough.verdict is Verdict.SUPPORTED


def test_looks_that_were_not_planned_are_refused() -> None:
    tree = some(leaf("effect", 0.0))
    with pytest.raises(ValueError, match="planned"):
        judge(tree, looks(0.0, [100, 200]), ONE_LOOK)
    with pytest.raises(ValueError, match="planned"):
        judge(tree, [])


def test_an_undecided_claim_says_how_many_images_would_decide() -> None:
    """Classical planning: n = (z s / gap)^2 for one mean."""
    values = gaussian(100, [0.0], 40.0)
    values += 4.0 - values.mean()
    judged = judge(some(leaf("effect", 0.0)), [{"effect": curves(values)}], ONE_LOOK)
    assert judged.verdict is Verdict.INCONCLUSIVE
    expected = (stats.norm.isf(0.05) * values.std(ddof=1) / 4.0) ** 2
    assert judged.needed_images == pytest.approx(expected, rel=0.15)
    assert str(judged.needed_images) in judged.reason
    hopeless = judge(some(leaf("effect", values.mean())), [{"effect": curves(values)}], ONE_LOOK)
    assert hopeless.needed_images is None


# ------------------------------------------------------------------------------------------ judgements


@pytest.mark.parametrize("quantifier", [some, every])
@pytest.mark.parametrize("asserts", ["<", ">"])
@pytest.mark.parametrize("mean", [-3.0, -2.0, 0.0, 2.0, 3.0])
def test_limits_and_p_values_say_the_same(
    quantifier: Callable[..., Somewhere | Everywhere], asserts: str, mean: float
) -> None:
    data = {"effect": curves(gaussian(100, [mean, mean / 2, mean]))}
    judged = judge(quantifier(leaf("effect", 0.0, 3, asserts)), [data], ONE_LOOK)
    (part,) = judged.parts
    assert part.lower < part.estimate < part.upper
    above, below = part.lower > 0, part.upper < 0
    shown, refuted = (above, below) if asserts == ">" else (below, above)
    assert shown is (judged.p_support <= judged.alpha) is (judged.verdict is Verdict.SUPPORTED)
    assert refuted is (judged.p_refute <= judged.alpha) is (judged.verdict is Verdict.REFUTED)


def test_the_deciding_part_comes_first_and_names_its_point() -> None:
    data = {
        "strong": curves(gaussian(100, [50.0, 60.0])),
        "weak": curves(gaussian(100, [-50.0, 1.0])),
    }
    tree = AllOf((some(leaf("strong", 0.0, 2)), every(leaf("weak", 0.0, 2))))
    judged = judge(tree, [data], ONE_LOOK)
    assert judged.verdict is Verdict.REFUTED
    assert [part.label for part in judged.parts] == ["weak", "strong"]
    assert [part.where for part in judged.parts] == ["point 0", "point 1"]


def test_judgements_are_plain_data() -> None:
    tree = AllOf((some(leaf("effect", 0.0)), every(leaf("other", 0.0))))
    data = {"effect": curves(gaussian(100, [5.0])), "other": curves(gaussian(80, [0.0]))}
    judged = judge(tree, [data], ONE_LOOK)
    written = json.loads(json.dumps(asdict(judged), allow_nan=False))
    assert written["n_images"] == 80
    assert written["n_samples"] == 540
    assert {type(value) for part in judged.parts for value in asdict(part).values()} <= {
        float,
        str,
        bool,
        type(None),
    }


def test_a_part_says_what_it_counts() -> None:
    value = Leaf("value", ("effect",), lambda curve: curve, 0.0, ">", what="deepest window")
    depth = Leaf(
        "depth", ("effect",), lambda curve: curve, 0.0, ">", what="onset", scale="depth", contrast=True
    )
    data = {"effect": replace(curves(gaussian(100, [5.0])), scale="p_c")}
    judged = judge(AllOf((some(value), some(depth))), [data], ONE_LOOK)
    told = {(part.what, part.scale, part.contrast) for part in judged.parts}
    assert told == {("deepest window", "p_c", False), ("onset", "depth", True)}


# ------------------------------------------------------------------------------------------- bad input


def test_a_missing_measure_is_named() -> None:
    with pytest.raises(MissingQuantityError, match="question->last"):
        judge(some(leaf("question->last", 0.0)), [{}])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_named(bad: float) -> None:
    values = gaussian(60, [0.0, 0.0])
    values[3, 1] = bad
    with pytest.raises(ValueError, match="effect holds values that are not finite"):
        judge(some(leaf("effect", 0.0, 2)), [{"effect": curves(values)}])


def test_shapes_and_order_of_images_are_checked() -> None:
    good = gaussian(2, [0.0])
    for images, values in [(("a",), good), (("b", "a"), good), (("a", "a"), good), ((), good[:0])]:
        with pytest.raises(ValueError, match="images"):
            Curves(images, values, 2, None)
    with pytest.raises(ValueError, match="images"):
        Curves(("a", "b"), good[:, 0], 2, None)


def test_theta_must_give_one_value_per_point() -> None:
    tree = some(Leaf("two for one", ("effect",), lambda curve: curve, 0.0, ">"))
    with pytest.raises(ValueError, match="two for one"):
        judge(tree, [{"effect": curves(gaussian(60, [0.0, 0.0]))}])


def test_leaves_of_different_length_do_not_correspond() -> None:
    with pytest.raises(ValueError, match="correspond"):
        some(leaf("a", 0.0, 2), leaf("b", 0.0, 3))


@pytest.mark.parametrize("count", [0, 3])
def test_counts_that_mean_nothing_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        AtLeast(count, (some(leaf("a", 0.0)), some(leaf("b", 0.0))))


def test_one_image_and_constant_curves_are_no_crash() -> None:
    one = judge(some(leaf("effect", 0.0)), [{"effect": curves(np.ones((1, 1)), EFFECT)}], ONE_LOOK)
    assert one.verdict is Verdict.INCONCLUSIVE
    flat = {"effect": curves(np.full((60, 2), 3.0))}
    sure = judge(some(leaf("effect", 0.0, 2)), [flat], ONE_LOOK)
    assert sure.verdict is Verdict.SUPPORTED
    assert sure.notes == (Fact("no variation over images", "effect"),)
    tied = judge(some(leaf("effect", 3.0, 2)), [flat], ONE_LOOK)
    assert tied.verdict is Verdict.INCONCLUSIVE
    json.dumps(asdict(tied), allow_nan=False)


def test_an_undefined_quantity_shows_nothing() -> None:
    data = {"effect": curves(np.zeros((60, 2)))}
    tree = some(Leaf("share", ("effect",), lambda curve: curve[..., :1] / curve[..., 1:], 0.0, ">"))
    judged = judge(tree, [data], ONE_LOOK)
    assert (judged.verdict, judged.p_support, judged.p_refute) == (Verdict.INCONCLUSIVE, 1.0, 1.0)
