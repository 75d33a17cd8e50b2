"""``python -m reports``: rebuild a report's page and summary from its stored record.

python -m reports                          # report/report.json of this checkout
python -m reports RECORD.json --out DIR    # another record, another folder
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.record import RunRecord, read_record
from reports.write import write_report

DEFAULT = Path(__file__).resolve().parent.parent / "report" / "report.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Rebuild a report; return 0, or 2 after one line on what was wrong with the input."""
    options = _parser().parse_args(arguments)
    try:
        html, summary, _ = write_report(_stored(options.record), options.out or options.record.parent)
    except HarnessError as error:
        print(f"python -m reports: {error}", file=sys.stderr)
        return 2
    print(f"{html}\n{summary}")
    return 0


def _stored(path: Path) -> RunRecord:
    if not path.is_file():
        raise HarnessError(f"{path}: there is no such record; `pytest findings` writes one")
    return read_record(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reports", description="Rebuild a report from its record."
    )
    parser.add_argument(
        "record",
        nargs="?",
        type=Path,
        default=DEFAULT,
        help=f"stored record (default: {DEFAULT.parent.name}/report.json)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: beside the record)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
