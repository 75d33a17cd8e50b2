"""The catalogue in plain words against the claims that findings/ tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.verdicts.catalogue import Catalogue, Entry, check_tested, read_catalogue
from harness.verdicts.record import RunRecord
from reports import markdown
from reports.catalogue import OWN, catalogue_of, made_in
from reports.page.render import claim_ids
from reports.tests.test_page import NASTY, SCRIPTS, seen, text_of
from reports.tests.whole import collected, whole
from reports.words import claim_order, source_in_words

CATALOGUE = read_catalogue(OWN)
ENTRIES = CATALOGUE.claims


def test_every_claim_has_one_test_and_one_entry() -> None:
    check_tested(CATALOGUE, collected())


@pytest.mark.parametrize(("claim", "entry"), ENTRIES.items())
def test_an_entry_says_what_was_asked_why_and_what_verdicts_mean(claim: str, entry: Entry) -> None:
    assert entry.asked.endswith(("?", ".")), claim
    assert all(text.endswith(".") for text in (entry.matters, entry.supported, entry.refuted)), claim
    assert entry.supported != entry.refuted
    assert source_in_words(entry.source) != entry.source, "a source that the report cannot put into words"


def test_rivals_stand_beside_what_they_contradict_and_the_other_way_round() -> None:
    pairs = {(claim, one) for claim, entry in ENTRIES.items() for one in entry.rivals}
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


def test_a_rival_finding_names_its_paper_and_what_it_says() -> None:
    for claim, entry in ENTRIES.items():
        assert bool(entry.finding) is claim.startswith("R")
        assert made_in(entry) == (entry.source if entry.finding else "")


def test_every_recalled_row_says_so() -> None:
    recalled = [entry for entry in ENTRIES.values() if "MEM" in entry.source]
    assert recalled
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
    assert {f"#{anchor}" for anchor in claim_ids(tuple(ENTRIES)).values()} <= links


def with_catalogue(asked: str, part: str = "Own part") -> RunRecord:
    """A record of B1 alone, with a catalogue of its own."""
    record = whole()
    own = Entry("OURS", asked, "It matters.", "It is so.", "It is not so.", ("R1",))
    rival = Entry("arXiv 2510.17205", "Is it not?", "It is.", "So it is.", "No.", ("B1",), "They say no.")
    claims = tuple(claim for claim in record.claims if claim.id == "B1")
    return replace(record, claims=claims, catalogue=Catalogue({"B": part}, {"B1": own, "R1": rival}))


def test_a_record_that_carries_a_catalogue_is_told_in_its_words() -> None:
    record = with_catalogue("Is it so?")
    text = text_of(record)
    assert "Is it so?" in text and "B. Own part" in text
    assert "They say no." in text and "Not tested in this run" in text
    assert ENTRIES["B1"].asked not in text
    assert "- **B1** Is it so?" in markdown.render(record)


def test_a_record_without_a_catalogue_is_told_in_the_suites_own_words() -> None:
    record = replace(with_catalogue("Is it so?"), catalogue=None)
    assert ENTRIES["B1"].asked in text_of(record)
    assert catalogue_of(record) == CATALOGUE


@pytest.mark.parametrize("text", NASTY)
def test_no_text_of_a_catalogue_gets_out_of_its_place(text: str) -> None:
    found = seen(with_catalogue(text, part=text))
    assert (found.scripts, found.handlers, "img" in found.tags) == (SCRIPTS, [], False)
    assert "<script" not in markdown.render(with_catalogue(text))


def _order(item: tuple[str, Entry]) -> tuple[str, int, str]:
    return claim_order(item[0])
