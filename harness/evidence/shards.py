"""Shards: the files of a store, named by what they hold and believed only if their bytes agree."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Mapping

import polars as pl

from harness.data.doors import door
from harness.data.errors import HarnessError

SCHEMA: dict[str, pl.DataType] = {
    "sample": pl.String(),
    "task": pl.String(),
    "image": pl.String(),
    "measurement": pl.String(),
    "reading": pl.String(),
    "values": pl.List(pl.Float64()),
    "p1": pl.Float64(),
    "reason": pl.String(),
    "answer": pl.String(),
}
"""One row per sample, measurement and reading. ``measurement`` "clean" says that the sample was looked at;
its ``reason`` is empty if the sample is included. A measurement that is undefined for a sample has one row
with the reason and no values."""
CLEAN = "clean"
WRONG = "wrong answer"
"""The reason of a sample that is not included since it is not answered rightly."""
SUFFIX = ".parquet"
QUARANTINED = ".damaged"
_NAME = re.compile(r"block-(\d{5,})-([0-9a-f]{16})\.parquet", re.ASCII)


def block_of(name: str) -> int | None:
    """The block a file's name speaks of; None if it is no shard's name."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else None


def shard_name(store: str, block: int, content: bytes) -> str:
    """The only name under which these bytes are evidence of this block of this store.

    Args:
        store: digest of the store's key.
        block: number of the block.
        content: the file's bytes.
    """
    digest = hashlib.sha256(f"{store}/{block}\0".encode() + content)
    return f"block-{block:05d}-{digest.hexdigest()[:16]}{SUFFIX}"


def encode(frame: pl.DataFrame) -> bytes:
    """A shard's bytes."""
    buffer = io.BytesIO()
    frame.cast(pl.Schema(SCHEMA)).write_parquet(buffer)
    return buffer.getvalue()


def decode(store: str, name: str, content: bytes) -> pl.DataFrame | None:
    """The rows of a shard; None if these bytes are not the evidence that their name promises.

    Args:
        store: digest of the store's key.
        name: the file's name.
        content: the file's bytes.
    """
    block = block_of(name)
    if block is None or shard_name(store, block, content) != name:
        return None
    try:
        with door(HarnessError, name):
            frame = pl.read_parquet(io.BytesIO(content))
    except HarnessError:
        return None
    return frame if frame.schema == pl.Schema(SCHEMA) else None


def rows_to_frame(rows: Iterable[Mapping[str, object]]) -> pl.DataFrame:
    """Rows as dictionaries with the columns of `SCHEMA`."""
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")
