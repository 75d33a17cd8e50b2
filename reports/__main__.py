"""``python -m reports``: a report from a stored record or stored evidence; two compared; snapshots in order.

python -m reports                            # report/report.json of this checkout
python -m reports RECORD.json --out DIR      # another record, another folder
python -m reports judge [pytest options]     # judge stored evidence, measure nothing, and write the report
python -m reports compare A.json B.json      # two runs side by side, as Markdown
python -m reports snapshots A B … --out DIR  # which stage of the flow appears when, from runs with --baseline
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from harness.data.doors import door
from harness.data.errors import HarnessError
from harness.data.user_paths import user_path
from harness.verdicts.record import RunRecord, read_record
from reports import compare
from reports.snapshots.snapshots import snapshots
from reports.write import write_report, write_snapshots

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = ROOT / "report" / "report.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 after one line on what was wrong with the input."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        command = COMMANDS.get(words[0]) if words else None
        return command(words[1:]) if command else _rebuild(words)
    except HarnessError as error:
        print(f"python -m reports: {error}", file=sys.stderr)
        return 2


def _rebuild(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m reports",
        description="Rebuild a report from its record; `compare A B` puts two side by side.",
    )
    parser.add_argument(
        "record",
        nargs="?",
        type=user_path,
        default=DEFAULT,
        help="stored record (default: report/report.json)",
    )
    parser.add_argument(
        "--out", type=user_path, metavar="DIR", help="where to write (default: beside the record)"
    )
    options = parser.parse_args(words)
    record = _stored(options.record)
    with _shown(options.record):
        html, summary, _ = write_report(record, options.out or options.record.parent)
    print(f"{html}\n{summary}")
    return 0


def _judge(words: list[str]) -> int:
    """Judge what is stored: `pytest findings --judge-only`, with such options as --evidence."""
    return subprocess.run(  # noqa: S603 - pytest with the words that were given
        [sys.executable, "-m", "pytest", str(ROOT / "findings"), "--judge-only", *words], check=False
    ).returncode


def _compare(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m reports compare", description="Put two records side by side, as Markdown."
    )
    parser.add_argument("one", type=user_path, help="a record, or the folder of a report")
    parser.add_argument("other", type=user_path, help="another")
    options = parser.parse_args(words)
    one, other = (_stored(_record_in(path)) for path in (options.one, options.other))
    with _shown(options.one, options.other):
        print(compare.render(one, other, (str(options.one), str(options.other))), end="")
    return 0


def _snapshots(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m reports snapshots",
        description="Draw the curves of snapshots of one training, from the records of runs with --baseline.",
    )
    parser.add_argument("records", nargs="+", type=user_path, help="records, or folders of reports, in order")
    parser.add_argument("--out", type=user_path, metavar="DIR", required=True, help="where to write")
    options = parser.parse_args(words)
    records = [_stored(_record_in(path)) for path in options.records]
    command = shlex.join(["python", "-m", "reports", "snapshots", *words])
    with _shown(*options.records):
        for path in write_snapshots(snapshots(records), command, options.out):
            print(path)
    return 0


def _shown(*paths: Path) -> AbstractContextManager[None]:
    """What strangers' records cause when they are drawn, one curve twice, say, is a line that names them."""
    named = ", ".join(map(str, paths))
    return door(HarnessError, f"{named}: cannot be shown; no run of this suite writes such a record")


def _record_in(path: Path) -> Path:
    return path / "report.json" if path.is_dir() else path


def _stored(path: Path) -> RunRecord:
    if not path.is_file():
        raise HarnessError(f"{path}: there is no such record; `pytest findings` writes one")
    return read_record(path)


COMMANDS = {"judge": _judge, "compare": _compare, "snapshots": _snapshots}


if __name__ == "__main__":
    sys.exit(main())
