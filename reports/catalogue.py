"""What the report says of claims beside their verdicts: the catalogue in the record, else the suite's own."""

from __future__ import annotations

import re
from pathlib import Path

from harness.verdicts.catalogue import CATALOGUE, Catalogue, Entry, read_catalogue
from harness.verdicts.record import RunRecord
from reports.words import clean

OWN = Path(__file__).resolve().parents[1] / CATALOGUE
"""The suite's own catalogue, for records written before they carried one."""

_ARXIV = re.compile(r"arXiv \d{4}\.\d{5}", re.ASCII)


def catalogue_of(record: RunRecord) -> Catalogue:
    """The catalogue that a report is written with; its texts are harmless wherever the record comes from.

    Raises:
        HarnessError: if the record has none, and the suite's own cannot be read.
    """
    found = record.catalogue or read_catalogue(OWN)
    parts = {clean(letter, 8): clean(title) for letter, title in found.parts.items()}
    return Catalogue(parts, {claim: _cleaned(entry) for claim, entry in found.claims.items()})


def stated(entry: Entry) -> str:
    """What a claim says, for a run that leaves its test out."""
    return entry.finding or entry.supported


def made_in(entry: Entry) -> str:
    """The paper in which a rival finding was made; empty for any other claim."""
    found = _ARXIV.search(entry.source) if entry.finding else None
    return found[0] if found else ""


def _cleaned(entry: Entry) -> Entry:
    return Entry(
        source=clean(entry.source),
        asked=clean(entry.asked),
        matters=clean(entry.matters),
        supported=clean(entry.supported),
        refuted=clean(entry.refuted),
        rivals=tuple(clean(claim, 40) for claim in entry.rivals),
        finding=clean(entry.finding),
    )
