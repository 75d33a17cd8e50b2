"""The catalogue's reader: what it gives, and one clear line for everything that is not as it should be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.data.errors import HarnessError
from harness.verdicts.catalogue import Catalogue, Entry, check_tested, read_catalogue
from harness.verdicts.claim_tests import ClaimTest, claim_tests

PARTS = '[parts]\nB = "From the image to the question"\nR = "Rival findings"\n'
TEXTS = 'matters = "It matters."\nsupported = "It is so."\nrefuted = "It is not so."\n'


def entry(claim: str, more: str = "") -> str:
    return f'[claims.{claim}]\nsource = "OURS"\nasked = "Is it so?"\n{TEXTS}{more}\n'


def read(folder: Path, text: str) -> Catalogue:
    path = folder / "catalogue.toml"
    path.write_text(text, encoding="utf-8")
    return read_catalogue(path)


def test_entries_are_read_in_order_and_texts_are_one_line(tmp_path: Path) -> None:
    wrapped = entry("B2").replace('"Is it so?"', '"""\n  Is it\n  so?"""')
    found = read(tmp_path, PARTS + wrapped + entry("R1") + entry("B1"))
    assert list(found.claims) == ["B2", "B1", "R1"], "part by part, in a part as in the file"
    assert found.claims["B2"] == Entry("OURS", "Is it so?", "It matters.", "It is so.", "It is not so.")
    assert found.parts == {"B": "From the image to the question", "R": "Rival findings"}
    assert [found.part_of(claim) for claim in ("B1", "R12", "X1", "B", "Bx")] == ["B", "R", "", "", ""]


def test_a_rivalry_named_on_one_side_holds_on_both(tmp_path: Path) -> None:
    rival = entry("R1", 'rivals = ["B2"]\nfinding = "It is otherwise."')
    found = read(tmp_path, PARTS + entry("B1", 'rivals = ["R1"]') + entry("B2") + rival).claims
    assert {claim: one.rivals for claim, one in found.items()} == {
        "B1": ("R1",),
        "B2": ("R1",),
        "R1": ("B1", "B2"),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not toml", "cannot be read"),
        (PARTS + entry("B1") + entry("B1"), "cannot be read"),
        (entry("B1"), "no table [parts]"),
        (PARTS, "no table [claims]"),
        (PARTS + entry("B1") + "[claim]\n", "unknown table 'claim'; there are 'parts' and 'claims'"),
        (PARTS + "[claims]\nB1 = 3\n", "claim B1: not a table [claims.B1]"),
        (PARTS + entry("B1", 'matter = "x"'), "claim B1: unknown field 'matter'; there are source, asked,"),
        (PARTS + entry("B1").replace("refuted", "#"), "claim B1: field 'refuted' is missing"),
        (PARTS + entry("B1").replace("OURS", "  "), "claim B1, source: must be a text"),
        (PARTS + entry("B1").replace('"OURS"', "3"), "claim B1, source: must be a text"),
        (PARTS + entry("B1", 'rivals = "R1"'), "claim B1, rivals: must be a list of claim ids"),
        (PARTS + entry("B1", 'rivals = ["R9"]'), "claim B1, rivals: 'R9' is no other claim of the catalogue"),
        (PARTS + entry("B1", 'rivals = ["B1"]'), "claim B1, rivals: 'B1' is no other claim of the catalogue"),
        (PARTS + entry("X1"), "claim X1: an id is the letter of a part (B, R) and a number"),
        (PARTS + entry("B"), "claim B: an id is the letter of a part (B, R) and a number"),
        (PARTS.replace('"Rival findings"', "1") + entry("B1"), "part R: must be a text"),
    ],
)
def test_what_is_not_a_catalogue_is_one_clear_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=re.escape(said)) as caught:
        read(tmp_path, text)
    assert "catalogue.toml: " in str(caught.value)
    assert "\n" not in str(caught.value)


def claim_test(claim: str, name: str = "test_it") -> ClaimTest:
    return ClaimTest(claim, f"findings/test_x.py::{name}", "It is so.", by_task=True, some_tasks=False)


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        ([claim_test("B1")], "findings/catalogue.toml: claim B2 has an entry, but no test in findings/"),
        (
            [claim_test("B1"), claim_test("B2"), claim_test("B3")],
            "findings/catalogue.toml: claim B3 has no entry, but a test, findings/test_x.py::test_it",
        ),
        (
            [claim_test("B1"), claim_test("B1", "test_again"), claim_test("B2")],
            "findings/test_x.py::test_again: claim B1 has a test already, findings/test_x.py::test_it",
        ),
    ],
)
def test_a_claim_has_one_test_and_one_entry(tests: list[ClaimTest], said: str, tmp_path: Path) -> None:
    found = read(tmp_path, PARTS + entry("B1") + entry("B2"))
    check_tested(found, [claim_test("B1"), claim_test("B2")])
    with pytest.raises(HarnessError, match=f"^{re.escape(said)}$"):
        check_tested(found, tests)


def read_tests(folder: Path, text: str) -> list[ClaimTest]:
    (folder / "findings").mkdir()
    (folder / "findings" / "test_x.py").write_text(text, encoding="utf-8")
    return claim_tests(folder / "findings")


def test_claim_tests_are_read_from_their_files(tmp_path: Path) -> None:
    found = read_tests(
        tmp_path,
        "raise SystemExit('imported')\n"
        "@pytest.mark.claim('B1')\n"
        "def test_one(study, task):\n    '''One\n    line.'''\n"
        "@pytest.mark.claim('B2', tasks=CHOOSE_TASKS)\n"
        "def test_two(study):\n    '''Two.'''\n"
        "def test_other(): ...\n",
    )
    assert found == [
        ClaimTest("B1", "findings/test_x.py::test_one", "One line.", by_task=True, some_tasks=False),
        ClaimTest("B2", "findings/test_x.py::test_two", "Two.", by_task=False, some_tasks=True),
    ]


@pytest.mark.parametrize(
    ("mark", "body", "said"),
    [
        ("claim(NAME)", "'''It.'''", "the claim's id must be written out, as in claim('A1')"),
        ("claim('B1', source='ABS')", "'''It.'''", "the marker is claim(id) or claim(id, tasks=…)"),
        ("claim()", "'''It.'''", "the marker is claim(id) or claim(id, tasks=…)"),
        ("claim('B1')", "pass", "the docstring is missing; it is the claim's statement"),
        ("claim('B1'", "pass", "cannot be read"),
    ],
)
def test_a_claim_test_that_is_not_as_it_should_be_is_named(
    mark: str, body: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(HarnessError, match=re.escape(said)) as caught:
        read_tests(tmp_path, f"@pytest.mark.{mark}\ndef test_it(study):\n    {body}\n")
    assert str(caught.value).startswith("findings/test_x.py:")
