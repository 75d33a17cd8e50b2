"""The JSON Schema of a stored record, made from the dataclasses, and a check against it.

``python -m reports.schema`` rewrites the published file, `reports/schema/record-v1.schema.json`; a test
holds the two together. Within a version fields may be added, so readers must let unknown ones pass;
nothing is renamed, removed or given another meaning.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from harness.verdicts.record import RECORD_VERSION, RunRecord

PUBLISHED = Path(__file__).parent / "schema" / f"record-v{RECORD_VERSION}.schema.json"

Json = dict[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


@cache
def schema() -> Json:
    """Return the schema (JSON Schema 2020-12)."""
    definitions: Json = {}
    _reference(RunRecord, definitions)
    top = definitions.pop(RunRecord.__name__)
    top["properties"] = {"version": {"const": RECORD_VERSION}, **top["properties"]}
    top["required"] = ["version", *top["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Record of a run of the findings, version {RECORD_VERSION}",
        **top,
        "$defs": definitions,
    }


def _reference(record: type[Any], definitions: Json) -> Json:
    if record.__name__ not in definitions:
        definitions[record.__name__] = {}
        hints = typing.get_type_hints(record)
        described = _attributes(record)
        definitions[record.__name__] = {
            "type": "object",
            "description": (record.__doc__ or "").split("\n", maxsplit=1)[0],
            "properties": {
                item.name: {**_schema_of(hints[item.name], definitions), **described.get(item.name, {})}
                for item in fields(record)
            },
            "required": [item.name for item in fields(record) if _required(item)],
        }
    return {"$ref": f"#/$defs/{record.__name__}"}


def _required(item: Field[Any]) -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def _schema_of(hint: Any, definitions: Json) -> Json:  # noqa: ANN401 - a type, of which there is no type
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return _reference(hint, definitions)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    if origin in {types.UnionType, typing.Union}:
        return {"anyOf": [_schema_of(one, definitions) for one in inner]}
    if origin is tuple:
        return _array(inner, definitions)
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema_of(inner[1], definitions)}
    return _scalar(hint)


def _array(inner: tuple[Any, ...], definitions: Json) -> Json:
    if inner[-1] is Ellipsis:
        return {"type": "array", "items": _schema_of(inner[0], definitions)}
    items = [_schema_of(one, definitions) for one in inner]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _scalar(hint: Any) -> Json:  # noqa: ANN401 - a type
    # A number that is not finite is written as null, for JSON has no other word for it.
    known: dict[Any, Json] = {
        str: {"type": "string"},
        int: {"type": "integer"},
        bool: {"type": "boolean"},
        float: {"type": ["number", "null"]},
        type(None): {"type": "null"},
        Any: {},
    }
    return known[hint]


def _attributes(record: type[Any]) -> dict[str, Json]:
    """The fields' descriptions, from the part of the docstring that lists them."""
    _, _, listed = (record.__doc__ or "").partition("Attributes:")
    found: dict[str, Json] = {}
    for line in listed.splitlines():
        name, colon, text = line.strip().partition(": ")
        if colon and name.isidentifier():
            found[name] = {"description": text}
        elif line.strip() and found:
            last = list(found)[-1]
            found[last] = {"description": f"{found[last]['description']} {line.strip()}"}
    return found


def problems(value: Any, rule: Json, path: str = "record") -> list[str]:  # noqa: ANN401 - JSON
    """Say where ``value`` breaks ``rule``; only what `schema` uses of JSON Schema is understood."""
    if "$ref" in rule:
        rule = schema()["$defs"][rule["$ref"].rsplit("/", maxsplit=1)[-1]]
    if "anyOf" in rule and not any(not problems(value, one, path) for one in rule["anyOf"]):
        return [f"{path}: fits none of the forms allowed"]
    if ("const" in rule and value != rule["const"]) or ("enum" in rule and value not in rule["enum"]):
        return [f"{path}: {value!r:.60} is not allowed here"]
    if not _fits(value, rule.get("type")):
        return [f"{path}: {value!r:.60} is not of type {rule['type']}"]
    return _inside(value, rule, path)


def _fits(value: Any, kinds: str | list[str] | None) -> bool:  # noqa: ANN401 - JSON
    if kinds is None:
        return True
    wanted = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(value, bool):
        return "boolean" in wanted
    return any(isinstance(value, _TYPES[kind]) for kind in wanted)


def _inside(value: Any, rule: Json, path: str) -> list[str]:  # noqa: ANN401 - JSON
    found: list[str] = []
    if isinstance(value, dict):
        found += [f"{path}: {name} is missing" for name in rule.get("required", ()) if name not in value]
        known, other = rule.get("properties", {}), rule.get("additionalProperties", {})
        for name, item in value.items():
            found += problems(item, known.get(name, other), f"{path}.{name}")
    if isinstance(value, list):
        listed = rule.get("prefixItems", ())
        if listed and len(value) != len(listed):
            found.append(f"{path}: {len(value)} items where {len(listed)} belong")
        for place, item in enumerate(value):
            own = listed[place] if place < len(listed) else rule.get("items", {})
            found += problems(item, own, f"{path}[{place}]")
    return found


if __name__ == "__main__":
    PUBLISHED.write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
