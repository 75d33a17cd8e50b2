"""Stated effects, well inside a claim or well outside: how often is the right verdict given?"""

from __future__ import annotations

import numpy as np

from harness.data.depth import CENTRAL, LOWER, MIDDLE, QUARTER
from harness.statistics import forms
from harness.statistics.trees import Tree
from harness.validation.calibration.cases import (
    FINE,
    GRID,
    LENS,
    LENS_SHAPES,
    OTHER,
    Case,
    Means,
    Truths,
    at,
    cases,
    curve,
    flat,
)
from harness.validation.calibration.edges.checkpoints import SIX
from harness.validation.calibration.edges.tasks import TASKS, direct_flow_is_weak, means
from harness.validation.calibration.edges.values import CARRIERS, blocks, rates

SHAPES = ("skewed", "gaussian")
"""Of the populations on which power is measured: one like real effects, one like textbooks."""


def powers() -> list[Case]:
    """Return every form at stated effects: each verdict counted is true."""
    families = (_drops, _tasks, _contrasts, _controls, _shifts, _dips, _located, _depths, _shapes)
    return [case for family in (*families, _checkpoints, _lens, _values) for case in family()]


def _power(form: str, claims: str, tree: Tree, supported: Truths, refuted: Truths) -> list[Case]:
    return cases(form, claims, tree, supported=supported, refuted=refuted, shapes=SHAPES)


def _drops() -> list[Case]:
    deep, quiet = ("one window at -21", {"d": at(-21, 4)}), ("no effect", {"d": flat(0)})
    top = forms.negligible_from_the_top("d", GRID, block="b")
    return [
        *_power("drops somewhere", "R3 F5", forms.drops_somewhere("d", GRID), [deep], [quiet]),
        *_power(
            "drops somewhere, below the control",
            "B1",
            forms.drops_somewhere("d", GRID, control="n"),
            [("one window at -30, the control at -10", {"d": at(-30, 4), "n": flat(-10)})],
            [("-20, the control at -40", {"d": flat(-20), "n": flat(-40)})],
        ),
        *_power("negligible everywhere", "R1", forms.negligible_everywhere("d", GRID), [quiet], [deep]),
        *_power(
            "negligible at",
            "R5",
            forms.negligible_at("d"),
            [("no effect", {"d": flat(0, 1)})],
            [("it is at -21", {"d": flat(-21, 1)})],
        ),
        *_power(
            "negligible from the top",
            "B6",
            top,
            [("no effect", {"d": flat(0), "b": flat(0, 1)})],
            [("the block is at -21", {"d": flat(0), "b": flat(-21, 1)})],
        ),
        *_power(
            "mainly inside",
            "C1 C2",
            forms.mainly_inside("d", LOWER, GRID),
            [("30 inside, 0 outside", {"d": at(-30, 0, 1, 2)})],
            [("0 inside, 30 outside", {"d": at(0, 0, 1, 2, rest=-30)})],
        ),
        *_power(
            "confined to",
            "R2",
            forms.confined_to("d", QUARTER, GRID),
            [("40 inside, 0 outside", {"d": at(-40, 3, 4)})],
            [("40 inside and outside", {"d": flat(-40)})],
        ),
    ]


def _tasks() -> list[Case]:
    names = [f"d{task}" for task in TASKS]
    drops = forms.in_all([forms.drops_somewhere(f"d{task}", GRID, control=f"n{task}") for task in TASKS])
    still, zero = means(flat(0), 6, flat(0), "n"), flat(0, 4)
    deep = means(at(-60, 2, size=4), 6, zero, "q")
    return [
        *_power(
            "in all: drops somewhere, below the control",
            "A1",
            drops,
            [("one window at -40 in every task", {**means(at(-40, 4), 6, flat(0)), **still})],
            [("one task of six without effect", {**means(at(-40, 4), 5, flat(0)), **still})],
        ),
        *_power(
            "in all: negligible everywhere",
            "A3",
            forms.in_all([forms.negligible_everywhere(name, GRID) for name in names]),
            [("no effect", means(flat(0), 6, flat(0)))],
            [("one window at -30 in one task", means(flat(0), 5, at(-30, 4)))],
        ),
        *_power(
            "in most: in all: negligible everywhere: at most a quarter of",
            "A2",
            direct_flow_is_weak(),
            [("no effect in any task, the other at -60", {**means(zero, 6, zero, "i"), **deep})],
            [("-40 in three tasks, the other at -60", {**means(zero, 3, flat(-40, 4), "i"), **deep})],
        ),
    ]


def _contrasts() -> list[Case]:
    apart, reversed_ = {"a": flat(-30), "b": flat(-20)}, {"a": flat(-20), "b": flat(-30)}
    more = [("10 points apart", apart)]
    less = [("10 points apart, reversed", reversed_)]
    variants = [("keeps 32 of 40", {"a": flat(-32), "b": flat(-40)})]
    order: list[Tree] = [forms.far_stronger_than("a", "b", GRID), forms.at_least_as_strong_as("b", "c", GRID)]
    return [
        *_power("stronger than", "A4 C3b", forms.stronger_than("a", "b", GRID), more, less),
        *_power(
            "at least as strong as",
            "A4",
            forms.at_least_as_strong_as("a", "b", GRID),
            [("both at -20", {"a": flat(-20), "b": flat(-20)})],
            less,
        ),
        *_power(
            "exists and is stronger than",
            "F2 F3",
            forms.exists_and_is_stronger_than("a", "b", GRID, exists="a"),
            more,
            less,
        ),
        *_power(
            "at most a quarter of",
            "A2",
            forms.at_most_a_quarter_of("a", GRID, of="b"),
            [("no effect, the other at -60", {"a": flat(0), "b": at(-60, 4)})],
            [("-30, the other at -60", {"a": at(-30, 4), "b": at(-60, 4)})],
        ),
        *_power(
            "far stronger than",
            "A4",
            forms.far_stronger_than("a", "b", GRID),
            [("-40 against -10", {"a": flat(-40), "b": flat(-10)})],
            [("-40 against -30", {"a": flat(-40), "b": flat(-30)})],
        ),
        *_power(
            "in all: far stronger than: at least as strong as",
            "A4",
            forms.in_all(order),
            [("-40 against 0 and 0", {"a": flat(-40), "b": flat(0), "c": flat(0)})],
            [("-40 against -30 and -30", {"a": flat(-40), "b": flat(-30), "c": flat(-30)})],
        ),
        *_power(
            "keeps most of",
            "C5",
            forms.keeps_most_of(["a"], "b", GRID),
            variants,
            [("keeps 8 of 40", {"a": flat(-8), "b": flat(-40)})],
        ),
    ]


def _controls() -> list[Case]:
    def against(control: float) -> Means:
        return {"a": at(-40, 2, 3, 4), **{name: at(control, 2, 3, 4) for name in "bce"}}

    return [
        *_power(
            "more than controls",
            "C4 F4",
            forms.more_than_controls("a", ["b", "c", "e"], GRID),
            [("-40 against -20 in three controls", against(-20))],
            [("-40 against -60 in three controls", against(-60))],
        ),
        *_power(
            "exceeds the others",
            "A6",
            forms.exceeds_the_others("a", ["b", "c"], GRID),
            [("one window at -20, the others at 0", {"a": at(-20, 4), "b": flat(0), "c": flat(0)})],
            [("no effect", {"a": flat(0), "b": flat(0), "c": flat(0)})],
        ),
    ]


def _shifts() -> list[Case]:
    rel, oth = at(-30, 2, 3, 4), at(-30, 0)
    full, opposite = {"rel": rel, "oth": oth}, {"rel": oth, "oth": rel}
    turned = {"rel": at(-50, 0) + at(-30, 2, 3, 4), "oth": at(-30, 0) + at(-50, 2, 3, 4)}
    return [
        *_power(
            "shifts from low to mid",
            "C3",
            forms.shifts_from_low_to_mid("rel", "oth", GRID),
            [("full shift of 30", full)],
            [("a shift of 20 the other way", turned)],
        ),
        *_power(
            "crosses over",
            "C3b",
            forms.crosses_over("rel", "oth", GRID),
            [("full shift of 30", full)],
            [("a full shift the other way", opposite)],
        ),
    ]


def _dips() -> list[Case]:
    two, one = at(-40, 1, 4, rest=-10), at(-40, 2, rest=-5)
    return [
        *_power(
            "two dips",
            "B2 R4",
            forms.two_dips({GRID: "d"}),
            [("40, 10, 40", {"d": two})],
            [("one dip of 40", {"d": one})],
        ),
        *_power(
            "two dips, at one of two window sizes, in bands",
            "B2",
            forms.two_dips({GRID: "d", FINE: "e"}, first=LOWER, second=MIDDLE),
            [("40, 10, 40 in the narrow windows, one dip in the wide", {"d": two, "e": one})],
            [("one dip of 40", {"d": one, "e": one})],
        ),
    ]


def _located() -> list[Case]:
    strong, weak = ["a", "b", "c", "e"], ["f", "g"]

    def group(first: float, second: float) -> Means:
        return {name: at(first if name in strong else second, 3) for name in (*strong, *weak)}

    return [
        *_power(
            "deeper at",
            "B3",
            forms.deeper_at("d", GRID, 1, 4),
            [("-40 and -25", {"d": at(-40, 1) + at(-25, 4)})],
            [("-25 and -40", {"d": at(-25, 1) + at(-40, 4)})],
        ),
        *_power(
            "both dip and first deeper",
            "B3",
            forms.both_dip_and_first_deeper("d", GRID, 1, 4),
            [("60, 10, 30", {"d": curve(0, -60, -10, -10, -30, 0, 0, 0)})],
            [("30, 10, 60", {"d": curve(0, -30, -10, -10, -60, 0, 0, 0)})],
        ),
        *_power(
            "group dips more at",
            "B4",
            forms.group_dips_more_at(strong, weak, GRID, 3),
            [("-40 against -20", group(-40, -20))],
            [("-30 against -50", group(-30, -50))],
        ),
    ]


def _depths() -> list[Case]:
    order = {"a": at(-30, 0), "b": at(-30, 3), "c": at(-60, 5)}
    backwards = dict(zip("cba", order.values(), strict=True))
    same = {name: at(-40, 3, 4) for name in "abc"}
    apart = {"a": at(-40, 2), "b": at(-40, 5), "c": at(-40, 3)}
    return [
        *_power(
            "in order",
            "D1 F6",
            forms.in_order("abc", GRID),
            [("depths 0.06, 0.44, 0.69", order)],
            [("reversed", backwards)],
        ),
        *_power(
            "one depth band",
            "B5",
            forms.one_depth_band("abc", GRID),
            [("the same depth, two windows of 40", same)],
            [("three windows apart", apart)],
        ),
        *_power(
            "one depth band, in the central fifths",
            "A5",
            forms.one_depth_band("abc", GRID, within=CENTRAL),
            [("the same depth, two windows of 40", same)],
            [("three windows apart", apart)],
        ),
    ]


def _shapes() -> list[Case]:
    rising = -60.0 + 6 * np.arange(8.0)
    like, unlike = rising[[0, 1, 2, 3, 4, 5, 7, 6]], rising[[4, 0, 6, 2, 7, 1, 5, 3]]
    alike, different = {"a": rising, "b": like}, {"a": rising, "b": unlike}
    return [
        *_power(
            "same shape",
            "A7",
            forms.same_shape("a", "b", GRID),
            [("correlation 0.98", alike)],
            [("correlation 0.12", different)],
        ),
        *_power(
            "rank correlation above",
            "F1",
            forms.rank_correlation_above({GRID: "a", FINE: "b"}),
            [("rank correlation 0.98", alike)],
            [("rank correlation 0.12", different)],
        ),
        *_power(
            "same order of layers",
            "F6",
            forms.same_order_of_layers("a", GRID, "b", SIX),
            [("the same order", {"a": rising, "b": -60.0 + 8 * np.arange(6.0)})],
            [("the opposite order", {"a": rising, "b": -20.0 - 8 * np.arange(6.0)})],
        ),
    ]


def _checkpoints() -> list[Case]:
    same, far = {"a": flat(-30), "b": flat(-30, 4)}, {"a": flat(-30), "b": flat(-50, 4)}
    return [
        *_power(
            "alike everywhere",
            "",
            forms.alike_everywhere("a", GRID, "b", OTHER),
            [("both at -30", same)],
            [("20 points apart", far)],
        ),
        *_power(
            "stronger over depth",
            "",
            forms.stronger_over_depth("a", GRID, "b", OTHER),
            [("10 points apart", {"a": flat(-30), "b": flat(-20, 4)})],
            [("20 points apart, reversed", far)],
        ),
        *_power(
            "lies deeper",
            "",
            forms.lies_deeper("a", GRID, "b", OTHER),
            [("half the depth apart", {"a": at(-40, 6, 7), "b": at(-40, 1, size=4)})],
            [("the same depth", {"a": at(-40, 2, 3), "b": at(-40, 1, size=4)})],
        ),
    ]


def _lens() -> list[Case]:
    middle = curve(0, 0, 0, 0.1, 0.4, 0.7, 0.7, 0.7, 0.7)
    late = curve(0, 0, 0, 0, 0, 0, 0, 0.1, 0.7)
    lower, capital = curve(0, 0, 0, 0.3, 0.5, 0.3, 0.1, 0, 0), curve(0, 0, 0, 0, 0, 0.3, 0.6, 0.8, 0.8)
    phases = forms.one_form_then_another("l", "c", LENS)
    two = {"l": lower, "c": capital}

    def power(form: str, claims: str, tree: Tree, supported: Truths, refuted: Truths) -> list[Case]:
        probabilities = {key for _, curves in (*supported, *refuted) for key in curves} - {"d"}
        return cases(
            form,
            claims,
            tree,
            supported=supported,
            refuted=refuted,
            shapes=LENS_SHAPES,
            lens=tuple(probabilities),
        )

    return [
        *power(
            "peaks above",
            "E1 E2",
            forms.peaks_above("p", LENS),
            [("one layer is at 0.15", {"p": at(0.15, 5, size=9)})],
            [("all layers are at 0.01", {"p": flat(0.01, 9)})],
        ),
        *power(
            "rises in",
            "E1",
            forms.rises_in("p", LENS),
            [("a rise to 0.7 around depth 0.5", {"p": middle})],
            [("a rise to 0.7 around depth 0.9", {"p": late})],
        ),
        *power(
            "onset after",
            "E2",
            forms.onset_after("p", "d", LENS, GRID),
            [("onset at 0.9, a drop of 40 at 0.4", {"p": late, "d": at(-40, 3)})],
            [("onset at 0.5, a drop of 40 at 0.8", {"p": middle, "d": at(-40, 6)})],
        ),
        *power(
            "one form then another",
            "E3 E3-norm",
            phases,
            [("one leads by 0.5, the other later by 0.8", two)],
            [("the other way round", {"l": capital, "c": lower})],
        ),
        *power(
            "never leads",
            "E4",
            forms.never_leads("a", "b", LENS, where=[phases]),
            [("it stays at 0", {**two, "a": flat(0, 9), "b": middle})],
            [("it leads by 0.6", {**two, "a": middle, "b": flat(0.1, 9)})],
        ),
        *power(
            "leaves behind",
            "E5",
            forms.leaves_behind("t", "f", LENS),
            [("0.7 against a quarter of it", {"t": middle, "f": middle / 4})],
            [("a quarter of 0.7 against it", {"t": middle / 4, "f": middle})],
        ),
    ]


def _values() -> list[Case]:
    chance, whole = 0.25, 0.9
    return [
        *cases(
            "retains",
            "D3 F7",
            forms.retains("kept", "whole", "chance"),
            supported=[("all of it is left: 0.9 above 0.25", rates(whole, whole, chance))],
            refuted=[("half is left", rates(0.575, whole, chance))],
            shapes=("piled",),
            lens=("kept", "whole", "chance"),
        ),
        *_power(
            "mediates most",
            "D2",
            forms.mediates_most("blocks", CARRIERS, "q"),
            [("three quarters of 60", {"blocks": blocks(q=-45, s=-15)})],
            [("one quarter of 60", {"blocks": blocks(q=-15, s=-45)})],
        ),
    ]
