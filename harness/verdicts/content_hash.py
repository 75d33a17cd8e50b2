"""A hash of all that a JSON file says, in the file: one flipped bit makes another one.

It finds damage and mix-ups; it is no signature.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

FIELD = "content_sha256"


def content_hash(data: Mapping[str, Any]) -> str:
    """SHA-256 over everything but the hash itself: Python's JSON with sorted names, without spaces."""
    rest = {name: value for name, value in data.items() if name != FIELD}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def stamped(data: Mapping[str, Any]) -> dict[str, Any]:
    """The same data with the hash of what they say."""
    return {**data, FIELD: content_hash(data)}
