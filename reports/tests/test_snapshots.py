"""Snapshots of the JSON and the Markdown of a made-up record, with numeric tolerance."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from harness.verdicts.catalogue import Catalogue, Entry
from harness.verdicts.content_hash import FIELD, content_hash
from harness.verdicts.record import ChangeRecord, RunRecord
from reports import markdown
from reports.tests.records import example, part
from reports.tests.tolerant import TolerantJson, TolerantMarkdown, nearly
from reports.tests.whole import whole

ENTRY = Entry("OURS", "Is it so?", "It matters.", "It is so.", "It is not so.", ("R1",), "It was so.")
"""Prose of its own, so that nobody who mends the catalogue's meets a snapshot."""


@pytest.fixture(scope="module")
def record() -> RunRecord:
    everything = whole()
    old = [claim for claim in example().claims if claim.id in {"A2", "B2", "E3"}]
    new = [claim for claim in everything.claims if claim.id in {"C4", "F5"} and claim.task == "CompareAttr"]
    new = [replace(claim, statement="It is so.") for claim in new]
    claims = [replace(claim, curves=claim.curves[:1]) for claim in [*old, *new]]
    sample = replace(everything.samples[0], picture="", curves=())
    curve = new[0].curves[0]
    change = ChangeRecord(
        *("embedded", "older, 2026-11-01", curve.task, "deeper"),
        moved=True,
        difference=part("largest difference", -12.0, 4.0, 0, "<"),
        images_on_both=200,
        images_on_one=0,
        old=curve,
        new=curve,
    )
    return replace(
        everything,
        claims=tuple(claims),
        samples=(sample,),
        changes=(change,),
        attribution="Someone's pictures",
        catalogue=Catalogue({"C": "Which patches"}, {"C4": ENTRY}),
    )


def test_json(record: RunRecord, snapshot: SnapshotAssertion) -> None:
    data = json.loads(record.to_json())
    assert data.pop(FIELD) == content_hash(data)  # of every digit: no two machines agree on it
    assert data == snapshot(extension_class=TolerantJson)


def test_markdown(record: RunRecord, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "sensitivity", lambda: None)  # a score of its own date
    assert markdown.render(record) == snapshot(extension_class=TolerantMarkdown)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("p 1.0000", "p 1.0005", True),
        ("p 1.00", "p 1.01", False),
        ("−45.2 [−50.1 to 3]", "-45.2 [-50.1 to 3]", True),
        ("1,200 images", "1200 images", True),
        ("A1 1.0", "A2 1.0", False),
        ("SUPPORTED 1", "REFUTED 1", False),
        ("1 2", "1", False),
        ("llava-1.5", "llava-1.6", False),
    ],
)
def test_the_tolerance(one: str, other: str, *, same: bool) -> None:
    assert nearly(one, other) is same
