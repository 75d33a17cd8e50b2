"""What a person does with stores: list, verify, prune, export."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from filelock import FileLock, Timeout

from harness.checkpoint.fingerprint import fingerprint
from harness.data.atomic_files import WRITING, replacing
from harness.data.errors import HarnessError
from harness.evidence.engine_version import engine_versions
from harness.evidence.shards import CLEAN, QUARANTINED
from harness.evidence.store import LOCKS, Evidence, StoreError
from harness.interventions.measurements import FirstAnswer

EXPORT_SUFFIXES = (".parquet", ".csv")


@dataclass(frozen=True)
class Entry:
    """One store as `list` shows it.

    Attributes:
        evidence: the store.
        samples: samples looked at.
        rows: rows of evidence.
        shards: files.
        size: bytes of all its files.
        written: when its newest shard was written, UTC; None if there is none.
        unused: why no run would use it any more; empty if one would.
    """

    evidence: Evidence
    samples: int
    rows: int
    shards: int
    size: int
    written: dt.datetime | None
    unused: str


def stores(root: Path) -> list[Evidence]:
    """The stores in a folder, by name.

    Raises:
        StoreError: if the folder cannot be read, or holds a store with a damaged key.
    """
    if not root.is_dir():
        raise StoreError(f"{root}: no such folder; nothing has been measured into it")
    return [Evidence.existing(folder) for folder in sorted(root.iterdir()) if folder.is_dir()]


def entry(evidence: Evidence) -> Entry:
    """Count what a store holds."""
    frame = evidence.read()
    names = [name for found in evidence.shards().values() for name in found]
    files = [path for path in evidence.folder.rglob("*") if path.is_file()]
    newest = max((path.stat().st_mtime for path in files if path.name in set(names)), default=None)
    return Entry(
        evidence,
        samples=frame.filter(pl.col("measurement") == CLEAN).select("task", "sample").n_unique(),
        rows=len(frame),
        shards=len(names),
        size=sum(path.stat().st_size for path in files),
        written=None if newest is None else dt.datetime.fromtimestamp(newest, dt.UTC),
        unused=unused(evidence),
    )


def has_effects(evidence: Evidence) -> bool:
    """Whether a store holds more than first answers; where these led to another form, the rest lies apart."""
    return not {CLEAN, str(FirstAnswer())}.issuperset(evidence.read()["measurement"].unique())


def unused(evidence: Evidence) -> str:
    """Why no run of this checkout would use a store; empty if one would, or if nobody can tell.

    What another version of torch measured is kept: another environment may share the folder.
    """
    key = evidence.key
    if key.get("engine") != engine_versions()["engine"]:
        return "another engine measured it"
    path = evidence.source["path"]
    if path and Path(path).is_dir() and fingerprint(path) != key.get("checkpoint"):
        return "the checkpoint has changed"
    return ""


def prune(evidence: Evidence, *, dry_run: bool) -> tuple[int, str]:
    """Remove a store that nothing uses; of one in use, only what is no evidence.

    Args:
        evidence: the store.
        dry_run: whether to say it only.

    Returns:
        Bytes freed, and what was done in words; nothing and empty words if there was nothing to do.
    """
    if _is_measuring(evidence.folder):
        return 0, "kept: a run is measuring into it"
    why = unused(evidence)
    if why:
        files = [path for path in evidence.folder.rglob("*") if path.is_file()]
        freed = _size(files)
        if not dry_run:
            shutil.rmtree(evidence.folder)
        return freed, f"removed: {why}"
    litter = [*evidence.folder.glob(f"*{QUARANTINED}"), *evidence.folder.glob(f"{WRITING}*")]
    freed = _size(litter)
    if not dry_run:
        for path in litter:
            path.unlink(missing_ok=True)
    return freed, f"removed {len(litter)} damaged or half-written files" if litter else ""


def export(evidence: Iterable[Evidence], file: Path) -> int:
    """Write stores as one table, one value a row.

    Columns: ``checkpoint`` (name), ``checkpoint_sha256``, ``dataset_sha256``, ``dtype``, ``task``,
    ``sample``, ``image``, ``answer`` (the model's own), ``reason`` (why it gives nothing; empty if it does),
    ``measurement``, ``flow`` and ``window`` (of sweeps, else null), ``reading``, ``p1``, ``layer``
    (the window's centre, or the lens's layer; the place in the curve), ``value``. The reading ``p`` of a
    sweep is p2.

    Args:
        evidence: the stores.
        file: a ``.parquet`` or ``.csv`` file; written whole or not at all.

    Returns:
        How many rows were written.

    Raises:
        HarnessError: if the file's suffix is not known, or it cannot be written.
    """
    if file.suffix not in EXPORT_SUFFIXES:
        raise HarnessError(f"{file}: exports are {' or '.join(EXPORT_SUFFIXES)}")
    table = pl.concat([_long(one) for one in evidence])
    write = table.write_csv if file.suffix == ".csv" else table.write_parquet
    try:
        with replacing(file) as half:
            write(half)
    except OSError as error:
        raise HarnessError(f"{file}: cannot be written ({error.strerror or error})") from error
    return len(table)


def _long(evidence: Evidence) -> pl.DataFrame:
    key = evidence.key
    sweep = r"^(?:\w+:)*(.+->.+)@(\d+)$"
    empty = pl.col("values").list.len() == 0
    frame = evidence.read().with_columns(
        values=pl.when(empty).then(pl.lit([None], dtype=pl.List(pl.Float64))).otherwise(pl.col("values"))
    )
    return (
        frame.with_columns(layer=pl.int_ranges(pl.col("values").list.len()))
        .explode("values", "layer")
        .select(
            pl.lit(evidence.source["name"]).alias("checkpoint"),
            pl.lit(key.get("checkpoint")).alias("checkpoint_sha256"),
            pl.lit(key.get("dataset")).alias("dataset_sha256"),
            pl.lit(key.get("dtype")).alias("dtype"),
            *("task", "sample", "image", "answer", "reason", "measurement"),
            pl.col("measurement").str.extract(sweep, 1).alias("flow"),
            pl.col("measurement").str.extract(sweep, 2).cast(pl.Int64).alias("window"),
            *("reading", "p1"),
            pl.when(pl.col("measurement") != CLEAN).then(pl.col("layer")).alias("layer"),
            pl.col("values").alias("value"),
        )
    )


def _is_measuring(folder: Path) -> bool:
    for path in sorted((folder / LOCKS).glob("*.lock")):
        lock = FileLock(path)
        try:
            with lock.acquire(blocking=False):
                pass
        except Timeout:
            return True
    return False


def _size(files: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in files)
