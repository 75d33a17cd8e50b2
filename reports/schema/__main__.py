"""``python -m reports.schema`` writes the published file again."""

from __future__ import annotations

import json

from reports.schema.json_schema import PUBLISHED, schema

if __name__ == "__main__":
    PUBLISHED.write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
