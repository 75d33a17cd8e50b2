"""The published schema and the check against it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from reports.schema.json_schema import PUBLISHED, problem, schema
from reports.tests.records import example

Spoil = Callable[[dict[str, Any]], object]


def stored() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(example().to_json())
    return data


def test_the_published_file_is_the_schema() -> None:
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == schema(), "run: python -m reports.schema"


def test_it_is_a_schema_and_a_record_fits_it() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(stored())
    assert problem(stored()) == ""


SPOILT: list[tuple[str, Spoil]] = [
    ("version", lambda r: r.update(version=1)),
    ("'suite' is a required property", lambda r: r.pop("suite")),
    ("claims", lambda r: r.update(claims={})),
    ("claims[0].id", lambda r: r["claims"][0].update(id=3)),
    ("claims[0].enforced", lambda r: r["claims"][0].update(enforced=1)),
    ("claims[0].task", lambda r: r["claims"][0].update(task=3)),
    ("claims[0].judgement.verdict", lambda r: r["claims"][0]["judgement"].update(verdict="MAYBE")),
    ("claims[0].judgement.look", lambda r: r["claims"][0]["judgement"].update(look=True)),
    ("claims[3].bands[0]", lambda r: r["claims"][3].update(bands=[["low", 0.1]])),
    ("claims[0].curves[0].mean[2]", lambda r: r["claims"][0]["curves"][0]["mean"].__setitem__(2, "x")),
    ("excluded", lambda r: r["checkpoints"][0]["tasks"][0].update(excluded={"reason": "many"})),
]


@pytest.mark.parametrize(("where", "spoil"), SPOILT, ids=[where for where, _ in SPOILT])
def test_what_breaks_it_is_named_in_one_line(where: str, spoil: Spoil) -> None:
    record = stored()
    spoil(record)
    said = problem(record)
    assert where in said
    assert said.startswith("record") and len(said.splitlines()) == 1


def test_fields_of_a_later_suite_may_stand_there() -> None:
    record = stored()
    record["claims"][0]["new"] = record["new"] = 1
    assert problem(record) == ""


def test_every_field_is_described() -> None:
    for name, definition in {"RunRecord": schema(), **schema()["$defs"]}.items():
        for field, rule in definition["properties"].items():
            assert field == "version" or "description" in rule, f"{name}.{field}"
