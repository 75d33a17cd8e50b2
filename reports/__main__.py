"""``python -m reports``: a report from a stored record or stored evidence; two compared; snapshots in order.

python -m reports                            # report/report.json of this checkout
python -m reports RECORD.json --out DIR      # another record, another folder
python -m reports judge [pytest options]     # judge stored evidence, measure nothing, and write the report
python -m reports compare A.json B.json      # two runs side by side, as Markdown
python -m reports compare A.json --curve FILE --flow F --task T --out DIR    # a published curve over ours
python -m reports snapshots A B … --out DIR  # which stage of the flow appears when, from runs with --baseline
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.data.errors import HarnessError
from harness.data.sample import TASKS
from harness.data.user_paths import user_path
from harness.verdicts.record import RunRecord, read_record
from reports import compare
from reports.published.curve import beside, read_published
from reports.snapshots.snapshots import snapshots
from reports.write import write_published, write_report, write_snapshots

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
    html, summary, _ = write_report(_stored(options.record), options.out or options.record.parent)
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
    parser.add_argument("other", nargs="?", type=user_path, help="another")
    of = parser.add_argument_group("a published curve, in place of another record")
    of.add_argument("--curve", type=user_path, metavar="FILE", help="layer, mean, and se, or sd and n: CSV")
    of.add_argument("--flow", metavar="FLOW", help="what was blocked there, e.g. 'image->question'")
    of.add_argument("--task", choices=TASKS, metavar="TASK", help="the task")
    of.add_argument(
        "--layers", type=int, metavar="L", help="their model's layers (default: as many as listed)"
    )
    of.add_argument(
        "--window", type=int, metavar="K", help="layers a window of theirs blocks (default: the rule's)"
    )
    of.add_argument("--name", help="what theirs is called (default: the file's name)")
    of.add_argument("--out", type=user_path, metavar="DIR", help="where to write the picture and its page")
    options = parser.parse_args(words)
    if options.curve is not None:
        return _compare_curve(options, parser, words)
    if options.other is None:
        parser.error("name two records, or one and a published curve with --curve")
    one, other = (_stored(_record_in(path)) for path in (options.one, options.other))
    print(compare.render(one, other, (str(options.one), str(options.other))), end="")
    return 0


def _compare_curve(options: argparse.Namespace, parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Draw a published curve over one of a report's, and say by how much they differ."""
    missing = [name for name in ("flow", "task", "out") if getattr(options, name) is None]
    if missing or options.other is not None:
        parser.error(f"--curve needs one record, and --{missing[0] if missing else 'curve alone beside it'}")
    if any(value is not None and value < 1 for value in (options.layers, options.window)):
        parser.error("--layers and --window are whole numbers of at least 1")
    theirs = read_published(options.curve, options.layers, options.window)
    found = beside(theirs, _stored(_record_in(options.one)), options.flow, options.task)
    name = options.name or options.curve.stem
    command = shlex.join(["python", "-m", "reports", "compare", *words])
    for path in write_published(found, name, command, options.out):
        print(path)
    return 0


def _snapshots(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m reports snapshots",
        description="Draw the curves of snapshots of one training, from the records of runs with --baseline.",
    )
    parser.add_argument("records", nargs="+", type=user_path, help="records, or folders of reports, in order")
    parser.add_argument("--out", type=user_path, metavar="DIR", required=True, help="where to write")
    options = parser.parse_args(words)
    found = snapshots([_stored(_record_in(path)) for path in options.records])
    command = shlex.join(["python", "-m", "reports", "snapshots", *words])
    for path in write_snapshots(found, command, options.out):
        print(path)
    return 0


def _record_in(path: Path) -> Path:
    return path / "report.json" if path.is_dir() else path


def _stored(path: Path) -> RunRecord:
    if not path.is_file():
        raise HarnessError(f"{path}: there is no such record; `pytest findings` writes one")
    return read_record(path)


COMMANDS = {"judge": _judge, "compare": _compare, "snapshots": _snapshots}


if __name__ == "__main__":
    sys.exit(main())
