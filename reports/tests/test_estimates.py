"""Estimates with what they are and what they count."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from reports.estimates import reach, unit_of, what, whole, with_unit
from reports.tests.records import part

DEEPEST = replace(part("x", -26.9, 5.0, -10, "<"), what="deepest window", scale="p_c")


@pytest.mark.parametrize(
    ("scale", "contrast", "expected"),
    [
        ("p_c", False, "p_c\u00a0−26.9\u00a0%"),
        ("p_c", True, "−26.9 points of p_c"),
        ("flip", False, "−26.9\u00a0% changed"),
        ("right", True, "−26.9 of answers"),
        ("depth", False, "−26.9 of the depth"),
        ("probability", True, "−26.9 in probability"),
        ("nobody knows", False, "−26.9"),
        ("", False, "−26.9"),
    ],
)
def test_an_estimate_has_the_unit_of_its_scale(scale: str, contrast: bool, expected: str) -> None:  # noqa: FBT001
    assert with_unit(replace(DEEPEST, scale=scale, contrast=contrast)) == expected


def test_it_says_what_it_is_and_where() -> None:
    assert what(DEEPEST) == "deepest window (layers 6-8)"
    assert what(replace(DEEPEST, where=None)) == "deepest window"
    assert whole(DEEPEST) == "deepest window (layers 6-8): p_c\u00a0−26.9\u00a0% [−31.9 to −21.9]"


def test_a_part_of_an_older_record_is_a_number_alone() -> None:
    old = part("x", -26.9, 5.0, -10, "<")
    assert (what(old), whole(old)) == ("", "−26.9 [−31.9 to −21.9]")


def test_several_estimates_reach_as_far_as_they_do() -> None:
    others = [replace(DEEPEST, estimate=value) for value in (-4.0, math.nan, -40.0)]
    assert reach([DEEPEST, *others]) == ("deepest window", "p_c\u00a0−40.0 to −4.0\u00a0%")
    assert reach([DEEPEST]) == ("deepest window", "p_c\u00a0−26.9\u00a0%")


@pytest.mark.parametrize("other", [{"what": "largest effect"}, {"scale": "flip"}, {"contrast": True}])
def test_different_quantities_have_no_common_range(other: dict[str, object]) -> None:
    assert reach([DEEPEST, replace(DEEPEST, **other)]) is None  # type: ignore[arg-type]


def test_estimates_that_do_not_say_what_they_are_have_none() -> None:
    old = part("x", -26.9, 5.0, -10, "<")
    assert reach([old, old]) is None
    assert reach([]) is None


def test_every_reading_of_a_curve_has_a_unit() -> None:
    from harness.verdicts.curve_axes import UNITS

    assert all(any(unit_of(reading)) for reading in UNITS)
