"""``python -m harness.evidence list|verify|prune|export|import``: look after evidence, own and others'."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.data.commands import run_command
from harness.data.default_folders import ELSEWHERE, OUTPUTS
from harness.data.errors import HarnessError
from harness.data.plain_text import without_controls
from harness.data.sample import TASKS
from harness.data.user_paths import user_path
from harness.evidence import maintenance
from harness.evidence.elsewhere.assemble import Asked, import_files
from harness.evidence.elsewhere.export import export_plain, export_released
from harness.evidence.elsewhere.imports import find_import
from harness.evidence.store import Evidence

ROOT = Path(__file__).resolve().parents[2]


def main(words: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 if something is damaged or cannot be done."""
    options = _parser().parse_args(words)
    try:
        if options.command == "import":
            return import_(options)
        if options.command == "export" and options.form != "values":
            return hand_on(options)
        return _look_after(options, _chosen(options.evidence, options.store))
    except HarnessError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1


def _look_after(options: argparse.Namespace, found: list[Evidence]) -> int:
    match options.command:
        case "list":
            return list_stores(found)
        case "verify":
            return verify(found)
        case "prune":
            return prune(found, dry_run=options.dry_run)
        case _:
            return export(found, options.file)


def _chosen(root: Path, name: str | None) -> list[Evidence]:
    found = [one for one in maintenance.stores(root) if name in {None, one.folder.name}]
    if not found:
        raise HarnessError(f"{root}: holds no store{f' {name}' if name else ''}")
    return found


def list_stores(found: list[Evidence]) -> int:
    """One line a store."""
    for one in found:
        entry = maintenance.entry(one)
        written = "never" if entry.written is None else f"{entry.written:%Y-%m-%d %H:%M} UTC"
        say(
            f"{one.folder.name}: {entry.samples:,} samples, {entry.rows:,} rows in {entry.shards} shards, "
            f"{_bytes(entry.size)}, last written {written}"
            + (f"; unused: {entry.unused}" if entry.unused else "")
        )
    return 0


def verify(found: list[Evidence]) -> int:
    """Read every shard; name those that are not what their names say, or that are gone."""
    bad = 0
    for one in found:
        damaged, missing = one.damaged(), one.missing()
        shards = sum(len(names) for names in one.shards().values())
        say(f"{one.folder.name}: {shards} shards, {len(damaged)} damaged, {len(missing)} gone")
        for name in damaged:
            say(f"  {name}: not the evidence that its name promises; remove it, and it is measured again")
        for name in missing:
            say(f"  {name}: published, and no longer there; the next run measures again what it held")
        bad += len(damaged) + len(missing)
    return 1 if bad else 0


def prune(found: list[Evidence], *, dry_run: bool) -> int:
    """Remove what no current checkpoint and engine uses."""
    total = 0
    for one in found:
        freed, words = maintenance.prune(one, dry_run=dry_run)
        total += freed
        if words:
            say(f"{one.folder.name}: {words.replace('removed', 'would be removed') if dry_run else words}")
    say(f"{_bytes(total)} {'would be freed' if dry_run else 'freed'}")
    return 0


def export(found: list[Evidence], file: Path) -> int:
    """Write all stores as one table."""
    rows = maintenance.export(found, file)
    say(f"{file}: {rows:,} values of {len(found)} stores")
    return 0


def hand_on(options: argparse.Namespace) -> int:
    """Write one store, or an import, in a format that others read."""
    if options.evidence_of is not None:
        imported = find_import(options.evidence_of, ROOT / ELSEWHERE, Path())
        name, frame, square = imported.manifest.checkpoint, imported.read(), imported.manifest.square
    else:
        found = _chosen(options.evidence, options.store)
        if len(found) > 1:
            found = [one for one in found if maintenance.has_effects(one)] or found
        if len(found) > 1:
            names = ", ".join(one.folder.name for one in found)
            raise HarnessError(f"{options.evidence}: holds several stores; name one with --store: {names}")
        name, frame, square = found[0].source["name"], found[0].read(), False
    plain = options.form == "plain"
    if plain:
        done = export_plain(frame, options.file)
    else:
        done = export_released(frame, name, options.file, square=square)
    say(f"{options.file}: {done.rows:,} rows in {len(done.files)} {'file' if plain else 'files'}")
    if done.behind:
        say(f"left behind, since the format has no name for it: {', '.join(done.behind)}")
    return 0


def import_(options: argparse.Namespace) -> int:
    """Import what somebody else measured, and say what it is."""
    asked = Asked(options.checkpoint, options.layers, options.window, options.task, options.partial)
    found = import_files(options.files, asked, options.out)
    manifest = found.manifest
    for source in manifest.sources:
        say(f"{source.name} ({source.sha256[:16]}): {source.holds}, {source.questions:,} questions")
    for note in manifest.notes:
        say(f"note: {note}")
    say(f"{found.folder}: {manifest.checkpoint}, {manifest.layers} layers, windows of {manifest.window}")
    say(f"judge it: pytest findings --evidence-of={_name_or_path(found.folder, manifest.checkpoint)}")
    return 0


def _name_or_path(folder: Path, name: str) -> str:
    return name if folder.parent == (ROOT / ELSEWHERE).resolve() else str(folder.parent / name)


def say(line: str) -> None:
    """Print a line; whatever a file is called."""
    print(without_controls(line))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be a whole number of at least 1")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.evidence", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--evidence",
        type=user_path,
        default=ROOT / OUTPUTS["evidence"],
        metavar="DIR",
        help="folder of the stores",
    )
    common.add_argument("--store", metavar="NAME", help="only this store, e.g. embedded-0123456789ab")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", parents=[common], help="say what is stored")
    commands.add_parser(
        "verify", parents=[common], help="check every file against its name; exit 1 if one is bad or gone"
    )
    pruning = commands.add_parser(
        "prune", parents=[common], help="remove what no current checkpoint and engine uses"
    )
    pruning.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    exporting = commands.add_parser(
        "export", parents=[common], help="write all as one table, one value a row; or in a format of others"
    )
    exporting.add_argument(
        "file", type=user_path, metavar="FILE|DIR", help="a .parquet or .csv file; for released a folder"
    )
    exporting.add_argument(
        "--as",
        dest="form",
        choices=("values", "plain", "released"),
        default="values",
        help="values of everything, a plain table of effects, or the files of the authors' scripts",
    )
    exporting.add_argument(
        "--evidence-of", metavar="NAME|DIR", help="of an import, in place of what was measured here"
    )
    importing = commands.add_parser(
        "import", help="take in what was measured elsewhere: the release's CSV files, or a plain table"
    )
    importing.add_argument(
        "files", nargs="+", type=user_path, metavar="FILE", help="files, or folders of them"
    )
    importing.add_argument("--checkpoint", required=True, metavar="NAME", help="what the model is called")
    importing.add_argument(
        "--layers", required=True, type=_positive, metavar="L", help="its decoder's layers"
    )
    importing.add_argument("--window", type=_positive, metavar="K", help="layers a window blocks")
    importing.add_argument("--task", choices=TASKS, metavar="TASK", help="the task, if no file says it")
    importing.add_argument(
        "--partial",
        action="store_true",
        help="take files that hold fewer questions than others of their task",
    )
    importing.add_argument(
        "--out", type=user_path, default=ROOT / ELSEWHERE, metavar="DIR", help="folder of the imports"
    )
    return parser


def _bytes(size: int) -> str:
    value, units = float(size), ["B", "KiB", "MiB", "GiB"]
    while value >= 1024 and len(units) > 1:  # noqa: PLR2004 - of the unit above
        value, units = value / 1024, units[1:]
    return f"{value:.3g} {units[0]}"


if __name__ == "__main__":
    run_command(main)
