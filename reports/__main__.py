"""``python -m reports``: a report from a stored record or stored evidence; two compared; many as a site.

python -m reports                            # report/report.json of this checkout
python -m reports RECORD.json --out DIR      # another record, another folder
python -m reports judge [pytest options]     # judge stored evidence, measure nothing, and write the report
python -m reports compare A.json B.json      # two runs side by side, as Markdown
python -m reports site A B … --out DIR       # many checkpoints, or many runs of one, as static pages
python -m reports figures RECORD --out DIR   # panels for a paper: PDF, SVG, and their data as CSV
python -m reports compare A.json --curve FILE --flow F --task T --out DIR    # a published curve over ours
python -m reports snapshots A B … --out DIR  # which stage of the flow appears when, from runs with --baseline

Two are for those who keep this suite:

python -m reports example RECORD             # the example: a shortened record, its report, a picture
python -m reports shorten A.json B.json …    # records in as few bytes as they can be told in
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from harness.data.commands import run_command
from harness.data.doors import door
from harness.data.errors import HarnessError
from harness.data.sample import TASKS
from harness.data.user_paths import user_path
from harness.verdicts.record import RunRecord, read_record
from reports import compare
from reports.published.curve import beside, read_published
from reports.site.runs import FOLDER
from reports.snapshots.snapshots import snapshots
from reports.words import count
from reports.write import (
    write_example,
    write_figures,
    write_published,
    write_report,
    write_shortened,
    write_site,
    write_snapshots,
)

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "reports" / "example"
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
    with _shown(options.one, options.other):
        page = compare.render(one, other, (str(options.one), str(options.other)))
    print(page, end="")
    return 0


def _site(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m reports site",
        description="Write many checkpoints, or many runs of one, as static pages with an overview.",
    )
    parser.add_argument("records", nargs="+", type=user_path, help="records, or folders of reports")
    parser.add_argument("--out", type=user_path, metavar="DIR", required=True, help="where to write")
    options = parser.parse_args(words)
    written, left = write_site([_stored(_record_in(path)) for path in options.records], options.out)
    print(f"{written[0]}\n{count(len(written) - 1, 'page')} in {options.out / FOLDER}")
    for path in left:
        print(f"{path}: of an earlier site; nothing leads to it, and it stays")
    return 0


def _figures(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m reports figures",
        description="Write a run's panels for a paper: PDF, SVG and CSV, 3.25 or 6.875 inches wide.",
    )
    parser.add_argument("record", type=user_path, help="a record, or the folder of a report")
    parser.add_argument("--out", type=user_path, metavar="DIR", required=True, help="where to write")
    parser.add_argument(
        "--claim",
        action="append",
        default=[],
        metavar="ID",
        help="the plots of this claim too; may be given again; `all` for every claim",
    )
    options = parser.parse_args(words)
    for path in write_figures(_stored(_record_in(options.record)), options.out, options.claim):
        print(path)
    return 0


def _example(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m reports example",
        description="Write the suite's example: a report on a shortened record, and its picture.",
    )
    parser.add_argument("record", type=user_path, help="a record, or the folder of a report")
    parser.add_argument("--out", type=user_path, metavar="DIR", default=EXAMPLE, help="default: %(default)s")
    parser.add_argument("--beside", type=user_path, metavar="RECORD", help="another run, for comparison.md")
    parser.add_argument(
        "--samples", type=int, default=1, metavar="N", help="example samples of a task (default: %(default)s)"
    )
    options = parser.parse_args(words)
    record = _stored(_record_in(options.record))
    beside = _stored(_record_in(options.beside)) if options.beside else None
    for path in write_example(record, options.out, beside, max(0, options.samples)):
        print(f"{path}: {path.stat().st_size:,} bytes")
    return 0


def _shorten(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m reports shorten",
        description="Write records again, where they are, in as few bytes as they can be told in.",
    )
    parser.add_argument("records", nargs="+", type=user_path, help="records")
    for path in parser.parse_args(words).records:
        before, after = write_shortened(path)
        print(f"{path}: {before:,} bytes, now {after:,}")
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
    records = [_stored(_record_in(path)) for path in options.records]
    command = shlex.join(["python", "-m", "reports", "snapshots", *words])
    with _shown(*options.records):
        written = write_snapshots(snapshots(records), command, options.out)
    for path in written:
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


COMMANDS = {
    "judge": _judge,
    "compare": _compare,
    "site": _site,
    "figures": _figures,
    "snapshots": _snapshots,
    "example": _example,
    "shorten": _shorten,
}


if __name__ == "__main__":
    run_command(main)
