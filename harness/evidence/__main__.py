"""``python -m harness.evidence list|verify|prune|export``: look after the evidence of earlier runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.data.default_folders import OUTPUTS
from harness.data.errors import HarnessError
from harness.data.plain_text import without_controls
from harness.data.user_paths import user_path
from harness.evidence import maintenance
from harness.evidence.store import Evidence

ROOT = Path(__file__).resolve().parents[2]


def main(words: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 if something is damaged or cannot be done."""
    options = _parser().parse_args(words)
    try:
        found = _chosen(options.evidence, options.store)
        match options.command:
            case "list":
                return list_stores(found)
            case "verify":
                return verify(found)
            case "prune":
                return prune(found, dry_run=options.dry_run)
            case _:
                return export(found, options.file)
    except HarnessError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1


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
        _say(
            f"{one.folder.name}: {entry.samples:,} samples, {entry.rows:,} rows in {entry.shards} shards, "
            f"{_bytes(entry.size)}, last written {written}"
            + (f"; unused: {entry.unused}" if entry.unused else "")
        )
    return 0


def verify(found: list[Evidence]) -> int:
    """Read every shard; name those that are not what their names say."""
    bad = 0
    for one in found:
        damaged = one.damaged()
        shards = sum(len(names) for names in one.shards().values())
        _say(f"{one.folder.name}: {shards} shards, {len(damaged)} damaged")
        for name in damaged:
            _say(f"  {name}: not the evidence that its name promises; remove it, and it is measured again")
        bad += len(damaged)
    return 1 if bad else 0


def prune(found: list[Evidence], *, dry_run: bool) -> int:
    """Remove what no current checkpoint and engine uses."""
    total = 0
    for one in found:
        freed, words = maintenance.prune(one, dry_run=dry_run)
        total += freed
        if words:
            _say(f"{one.folder.name}: {words.replace('removed', 'would be removed') if dry_run else words}")
    _say(f"{_bytes(total)} {'would be freed' if dry_run else 'freed'}")
    return 0


def export(found: list[Evidence], file: Path) -> int:
    """Write all stores as one table."""
    rows = maintenance.export(found, file)
    _say(f"{file}: {rows:,} values of {len(found)} stores")
    return 0


def _say(text: str) -> None:
    """One plain line: the names of files and folders are from outside."""
    print(without_controls(text))


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
        "verify", parents=[common], help="check every file against its name; exit 1 if one is bad"
    )
    pruning = commands.add_parser(
        "prune", parents=[common], help="remove what no current checkpoint and engine uses"
    )
    pruning.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    exporting = commands.add_parser(
        "export", parents=[common], help="write all as one table, one value a row"
    )
    exporting.add_argument("file", type=user_path, metavar="FILE", help="a .parquet or .csv file")
    return parser


def _bytes(size: int) -> str:
    value, units = float(size), ["B", "KiB", "MiB", "GiB"]
    while value >= 1024 and len(units) > 1:  # noqa: PLR2004 - of the unit above
        value, units = value / 1024, units[1:]
    return f"{value:.3g} {units[0]}"


if __name__ == "__main__":
    sys.exit(main())
