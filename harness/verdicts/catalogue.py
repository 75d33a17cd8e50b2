"""The catalogue of claims: for each one its source, what it asks in plain words, and its rivals.

Read from `findings/catalogue.toml`. A rival is a finding that pulls the other way; it is named on one side
and holds on both, so that a new claim is one entry.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from harness.data.errors import HarnessError
from harness.verdicts.claim_tests import ClaimTest

CATALOGUE = Path("findings") / "catalogue.toml"
"""Where the catalogue is, below the suite's root."""


@dataclass(frozen=True)
class Entry:
    """What is said of a claim beside its statement.

    Attributes:
        source: where the statement comes from: tags such as ``"ABS, 3P"``, or ``"arXiv 2510.17205"``.
        asked: the tested hypothesis as a question anyone can follow.
        matters: why one would want to know.
        supported: what SUPPORTED means.
        refuted: what REFUTED means.
        rivals: ids of claims that pull the other way.
        finding: of a rival finding, what its own paper says; else empty.
    """

    source: str
    asked: str
    matters: str
    supported: str
    refuted: str
    rivals: tuple[str, ...] = ()
    finding: str = ""


@dataclass(frozen=True)
class Catalogue:
    """All entries.

    Attributes:
        parts: headings, by the letter with which the ids of their claims begin.
        claims: entries by claim id, part by part.
    """

    parts: Mapping[str, str]
    claims: Mapping[str, Entry]

    def part_of(self, claim: str) -> str:
        """The part that a claim belongs to; empty for one of no known part."""
        return claim[:1] if claim[:1] in self.parts and claim[1:2].isdigit() else ""


FIELDS = {item.name: item.default is MISSING for item in fields(Entry)}
"""The fields of an entry, and whether each is needed."""


@cache
def read_catalogue(path: Path) -> Catalogue:
    """Read the catalogue.

    Raises:
        HarnessError: one line that names the file, the claim and what is wrong.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HarnessError(f"{path}: cannot be read ({error})") from error
    try:
        return _catalogue(data)
    except HarnessError as error:
        raise HarnessError(f"{path}: {error}") from error


def check_tested(catalogue: Catalogue, tests: Iterable[ClaimTest]) -> None:
    """Check that every claim has one test and one entry.

    Raises:
        HarnessError: one line that names the claim and what it lacks, or has twice.
    """
    found: dict[str, ClaimTest] = {}
    for test in tests:
        if test.id in found:
            raise HarnessError(f"{test.node}: claim {test.id} has a test already, {found[test.id].node}")
        if test.id not in catalogue.claims:
            raise HarnessError(f"{CATALOGUE}: claim {test.id} has no entry, but a test, {test.node}")
        found[test.id] = test
    for claim in catalogue.claims:
        if claim not in found:
            raise HarnessError(f"{CATALOGUE}: claim {claim} has an entry, but no test in {CATALOGUE.parent}/")


def _catalogue(data: Mapping[str, Any]) -> Catalogue:
    unknown = sorted(data.keys() - {"parts", "claims"})
    if unknown:
        raise HarnessError(f"unknown table {unknown[0]!r}; there are 'parts' and 'claims'")
    parts = {letter: _text(f"part {letter}", title) for letter, title in _table(data, "parts").items()}
    claims = {claim: _entry(claim, table) for claim, table in _table(data, "claims").items()}
    catalogue = Catalogue(parts, claims)
    for claim in claims:
        if not catalogue.part_of(claim):
            raise HarnessError(
                f"claim {claim}: an id is the letter of a part ({', '.join(parts)}) and a number"
            )
    letters = list(parts)
    in_order = sorted(claims, key=lambda claim: letters.index(catalogue.part_of(claim)))
    return replace(catalogue, claims=_on_both_sides({claim: claims[claim] for claim in in_order}))


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = data.get(name)
    if not isinstance(table, dict):
        raise HarnessError(f"no table [{name}]")
    return table


def _entry(claim: str, table: object) -> Entry:
    where = f"claim {claim}"
    if not isinstance(table, dict):
        raise HarnessError(f"{where}: not a table [claims.{claim}]")
    unknown = [name for name in table if name not in FIELDS]
    if unknown:
        raise HarnessError(f"{where}: unknown field {unknown[0]!r}; there are {', '.join(FIELDS)}")
    missing = [name for name, needed in FIELDS.items() if needed and name not in table]
    if missing:
        raise HarnessError(f"{where}: field {missing[0]!r} is missing")
    rivals = table.get("rivals", [])
    if not isinstance(rivals, list):
        raise HarnessError(f"{where}, rivals: must be a list of claim ids")
    texts = {name: _text(f"{where}, {name}", text) for name, text in table.items() if name != "rivals"}
    return Entry(**texts, rivals=tuple(_text(f"{where}, rivals", rival) for rival in rivals))


def _text(where: str, value: object) -> str:
    """A text on one line: line breaks of the file are spaces."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not text:
        raise HarnessError(f"{where}: must be a text")
    return text


def _on_both_sides(claims: Mapping[str, Entry]) -> dict[str, Entry]:
    """Name every rivalry on both sides, in the catalogue's order."""
    named = {(claim, rival) for claim, entry in claims.items() for rival in entry.rivals}
    for claim, rival in sorted(named):
        if rival == claim or rival not in claims:
            raise HarnessError(f"claim {claim}, rivals: {rival!r} is no other claim of the catalogue")
    return {
        claim: replace(entry, rivals=tuple(one for one in claims if {(claim, one), (one, claim)} & named))
        for claim, entry in claims.items()
    }
