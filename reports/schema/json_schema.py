"""The JSON Schema of a stored record, made from the dataclasses, and a check against it.

A test holds the published file and the dataclasses together. Within a version fields may be added, so
readers let those they do not know pass; nothing is renamed, removed or given another meaning.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from harness.verdicts.content_hash import FIELD
from harness.verdicts.record import RECORD_VERSION, ClaimRecord, Curve, RunRecord

PUBLISHED = Path(__file__).parent / f"record-v{RECORD_VERSION}.schema.json"

Json = dict[str, Any]


@cache
def schema() -> Json:
    """Return the schema (JSON Schema 2020-12)."""
    definitions: Json = {}
    _reference(RunRecord, definitions)
    top = definitions.pop(RunRecord.__name__)
    stamp = {
        "type": "string",
        "description": "SHA-256 over all the rest, as harness/verdicts/content_hash.py",
    }
    curve = {"$ref": f"#/$defs/{Curve.__name__}"}
    by_place = {"type": "integer", "minimum": 0, "description": "place of a curve in the record's list"}
    either = {"if": {"type": "integer"}, "then": by_place, "else": curve}
    definitions[ClaimRecord.__name__]["properties"]["curves"]["items"] = either
    top["properties"]["curves"] = {
        "type": "array",
        "items": curve,
        "description": "curves that claims name by their places here, each once; may be missing",
    }
    top["properties"] = {"version": {"const": RECORD_VERSION}, FIELD: stamp, **top["properties"]}
    top["required"] = ["version", FIELD, *top["required"]]
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


def problem(record: Any) -> str:  # noqa: ANN401 - JSON
    """Say where a record first breaks the schema; empty if it does not."""
    error = next(iter(_validator().iter_errors(record)), None)
    return "" if error is None else f"record{error.json_path[1:]}: {error.message:.120}"


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema())
