"""``python -m reports.schema`` writes the published file again."""

from __future__ import annotations

import json

from harness.data.commands import run_command
from reports.schema.json_schema import PUBLISHED, schema


def main() -> None:
    """Write the file."""
    PUBLISHED.write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run_command(main)
