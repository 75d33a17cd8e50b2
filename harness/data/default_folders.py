"""Where results go unless told otherwise."""

from __future__ import annotations

OUTPUTS = {"evidence": ".evidence", "report": "report"}
ELSEWHERE = ".elsewhere"
"""Where evidence that was measured elsewhere is kept, apart from what is measured here."""
