"""Where results go unless told otherwise."""

from __future__ import annotations

OUTPUTS = {"evidence": ".evidence", "report": "report"}
