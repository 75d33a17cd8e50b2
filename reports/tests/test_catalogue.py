"""The catalogue in plain words against the claims that findings/ tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reports import page
from reports.catalogue import ENTRIES, STATEMENTS, Entry, part_of, source_of
from reports.tests.test_page import seen, text_of
from reports.tests.whole import collected, whole
from reports.words import claim_order, source_in_words

IDS = {one.id for one in collected()}


def test_every_claim_has_its_entry_and_no_entry_is_left_over() -> None:
    assert set(ENTRIES) == IDS


@pytest.mark.parametrize(("claim", "entry"), ENTRIES.items())
def test_an_entry_says_what_was_asked_why_and_what_verdicts_mean(claim: str, entry: Entry) -> None:
    assert entry.asked.endswith(("?", "."))
    assert all(text.endswith(".") for text in (entry.matters, entry.supported, entry.refuted))
    assert entry.supported != entry.refuted
    assert set(entry.against) <= IDS - {claim}
    assert part_of(claim)


def test_rivals_stand_beside_what_they_contradict_and_the_other_way_round() -> None:
    pairs = {(claim, one) for claim, entry in ENTRIES.items() for one in entry.against}
    assert pairs == {(one, claim) for claim, one in pairs}
    wanted = {
        ("C5", "R1"),
        ("B1", "R2"),
        ("C1", "R2"),
        ("D2", "R3"),
        ("A2", "R3"),
        ("B6", "R4"),
        ("C2", "R5"),
    }
    assert wanted <= pairs
    assert all(("R" in claim) != ("R" in one) for claim, one in pairs)


def test_a_rival_names_the_paper_that_its_test_names() -> None:
    sources = {one.id: one.source for one in collected()}
    assert {rival: source_of(rival) for rival in STATEMENTS} == {
        rival: source for rival, source in sources.items() if rival.startswith("R")
    }


def test_every_recalled_row_says_so() -> None:
    recalled = [one for one in collected() if "MEM" in one.source]
    assert len(recalled) >= 5
    assert all(
        "as recalled; not checked against the paper" in source_in_words(one.source) for one in recalled
    )


def test_a_row_named_after_another_paper_says_so() -> None:
    assert source_in_words("arXiv 2510.17205") == "another paper, arXiv 2510.17205"
    assert source_in_words("ABS; arXiv 2508.20279").endswith("; another paper, arXiv 2508.20279")


def test_the_page_has_a_section_for_every_claim_under_its_part() -> None:
    record = whole()
    bare = replace(record, claims=tuple(replace(claim, curves=()) for claim in record.claims), samples=())
    text = text_of(bare)
    places = [text.index(f"{entry.asked}") for _, entry in sorted(ENTRIES.items(), key=_order)]
    assert places == sorted(places)
    assert "Not tested in this run" not in text
    links = set(seen(bare).links)
    assert {f"#{anchor}" for anchor in page.claim_ids(tuple(IDS)).values()} <= links


def _order(item: tuple[str, Entry]) -> tuple[str, int, str]:
    return claim_order(item[0])
