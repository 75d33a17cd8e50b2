"""Words and numbers as the report writes them."""

from __future__ import annotations

import math
import unicodedata

import pytest
from hypothesis import given, strategies as st

from harness.verdicts.record import MeasurementRecord
from reports import words


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (-45.23, "−45.2"),
        (0.0512, "0.051"),
        (0.0, "0"),
        (-0.0001, "0"),
        (-0.04, "−0.04"),
        (12345.6, "12,346"),
        (1.0, "1.0"),
        (math.nan, "–"),
        (math.inf, "–"),
        (None, "–"),
    ],
)
def test_numbers(value: float | None, written: str) -> None:
    assert words.number(value) == written


def test_an_interval_open_to_one_side() -> None:
    assert words.interval(-math.inf, 3.0) == "−∞ to 3.0"
    assert words.interval(math.nan, math.nan) == "–"


@pytest.mark.parametrize(
    ("p", "written"), [(0.0, "< 0.001"), (0.0312, "0.031"), (1.0, "1.000"), (math.nan, "–")]
)
def test_p_values(p: float, written: str) -> None:
    assert words.p_value(p) == written


def test_what_a_curve_shows_is_written_for_readers() -> None:
    name = words.measurement_name(MeasurementRecord("sweep", "related_patches", "question\n\u202e"))
    assert name == "related patches → question "
    assert len(words.measurement_name(MeasurementRecord("lens", form="x" * 999))) == 160


def test_a_hypothesis_keeps_its_lines() -> None:
    assert words.lines("all of:\n  a\tb < -10\x1b") == "all of:\n  a b < -10\ufffd"


def test_counts_agree_with_their_noun() -> None:
    assert [words.count(n, "pass") for n in (1, 2)] == ["1 pass", "2 passes"]
    assert words.count(1200, "image") == "1,200 images"


def test_recalled_statements_say_so() -> None:
    assert words.source_in_words("MEM") == "as recalled; not checked against the paper"
    assert words.source_in_words("ABS, 3P").endswith("a third party's summary of the paper")
    assert words.source_in_words("OURS (rival: x, arXiv 1)") == words.SOURCES["OURS"]
    assert words.source_in_words("somewhere") == "somewhere"


def test_claims_are_in_the_order_people_count() -> None:
    ids = ["B1", "A10", "A2", "C3b", "C3", "strange", ""]
    assert sorted(ids, key=words.claim_order) == ["", "A2", "A10", "B1", "C3", "C3b", "strange"]


@given(st.text(alphabet=st.characters(), max_size=200))
def test_clean_text_cannot_reorder_or_break_a_line(text: str) -> None:
    shown = words.clean(text)
    assert all(unicodedata.category(c) not in {"Cc", "Cs"} for c in shown)
    assert not set(shown) & set("\u202e\u2066\u2067\u2069\u200f\n")


@given(st.text(max_size=300), st.integers(2, 50))
def test_clean_text_has_a_length(text: str, longest: int) -> None:
    assert len(words.clean(text, longest)) <= longest


@given(st.text())
def test_an_anchor_is_an_id(text: str) -> None:
    assert set(words.anchor(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert words.anchor(text)
