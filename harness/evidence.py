"""The store of evidence: per-sample results in immutable columnar files, written once.

A store belongs to one key: everything that changes a result (weights, processor, data, prompt,
dtype, engine source). Work is cut into blocks of images. A worker takes a block by a non-blocking
file lock, measures what the block still lacks, and publishes it as one parquet file under its
content hash, by atomic rename. Files are never changed; what a block holds is the union of its
files. A file whose bytes do not match its name is set aside, named, and measured again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from filelock import FileLock, Timeout

from harness.errors import HarnessError

SCHEMA: dict[str, pl.DataType] = {
    "sample": pl.String(),
    "task": pl.String(),
    "image": pl.String(),
    "probe": pl.String(),
    "reading": pl.String(),
    "values": pl.List(pl.Float64()),
    "p1": pl.Float64(),
    "reason": pl.String(),
    "answer": pl.String(),
}
"""One row per sample, probe and reading. ``probe`` "base" says that the sample was looked at; its
``reason`` is empty if the sample is kept. A probe that is undefined for a sample has one row with
the reason and no values."""
BASE = "base"

Pair = tuple[str, str, str]
"""(task, sample id, probe name): the unit of what has been measured."""


class StoreError(HarnessError):
    """The store cannot be written."""


@dataclass(frozen=True)
class Evidence:
    """The evidence of one checkpoint on one data set.

    Attributes:
        folder: the store's folder.
    """

    folder: Path

    @classmethod
    def open(cls, root: Path, name: str, key: Mapping[str, str]) -> Evidence:
        """Open, or begin, the store of a key.

        Args:
            root: the folder of all stores.
            name: the checkpoint's name, for people.
            key: everything that changes a result.

        Raises:
            StoreError: if the folder cannot be written.
        """
        text = json.dumps(dict(sorted(key.items())), indent=1)
        folder = root / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        try:
            (folder / "locks").mkdir(parents=True, exist_ok=True)
            _write_whole(folder / "key.json", text.encode())
        except OSError as error:
            raise StoreError(
                f"evidence folder {folder} cannot be written ({error.strerror}); choose one with --evidence"
            ) from error
        return cls(folder)

    def stored(self, block: int) -> set[Pair]:
        """What a block has: pairs measured, and samples found unusable (probe ``base``)."""
        frame = self.read(block)
        excluded = frame.filter((pl.col("probe") == BASE) & (pl.col("reason") != ""))
        unusable = {(task, sample, BASE) for task, sample in excluded.select("task", "sample").iter_rows()}
        pairs = frame.filter(pl.col("probe") != BASE).select("task", "sample", "probe").unique()
        return unusable | set(pairs.iter_rows())

    def read(self, block: int | None = None) -> pl.DataFrame:
        """All rows of a block, or of the whole store; of a sample's several base rows one is kept."""
        pattern = "block-*.parquet" if block is None else f"block-{block:05d}-*.parquet"
        frames = [frame for path in sorted(self.folder.glob(pattern)) if (frame := _read(path)) is not None]
        if not frames:
            return pl.DataFrame(schema=SCHEMA)
        row = ["task", "sample", "probe", "reading"]
        # Sorted, so that sums over rows do not depend on who measured what when, not even in the last bit.
        return pl.concat(frames).unique(row, keep="first", maintain_order=True).sort(row)

    @contextmanager
    def claim(self, block: int) -> Iterator[bool]:
        """Try to take a block; yields whether it was free. The kernel frees it if the worker dies."""
        lock = FileLock(self.folder / "locks" / f"block-{block:05d}.lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def publish(self, block: int, frame: pl.DataFrame) -> Path:
        """Write a block's new rows as one immutable file.

        Raises:
            StoreError: if the file cannot be written; what was stored stays readable.
        """
        buffer = io.BytesIO()
        frame.cast(pl.Schema(SCHEMA)).write_parquet(buffer)
        content = buffer.getvalue()
        path = self.folder / f"block-{block:05d}-{hashlib.sha256(content).hexdigest()[:16]}.parquet"
        try:
            _write_whole(path, content)
        except OSError as error:
            raise StoreError(
                f"{path}: cannot be written ({error.strerror}); what was measured before is kept. "
                "Free some space, or choose another folder with --evidence"
            ) from error
        return path


def _read(path: Path) -> pl.DataFrame | None:
    """Read a published file; set it aside if its bytes are not what its name says."""
    content = path.read_bytes()
    if path.stem.rpartition("-")[2] == hashlib.sha256(content).hexdigest()[:16]:
        return pl.read_parquet(io.BytesIO(content))
    aside = path.with_suffix(".damaged")
    path.replace(aside)
    print(f"evidence: {path.name} was damaged; set aside as {aside.name}, will be measured again")
    return None


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def rows_to_frame(rows: Iterable[Mapping[str, object]]) -> pl.DataFrame:
    """Rows as dictionaries with the columns of `SCHEMA`."""
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")
