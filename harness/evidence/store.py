"""One store: the evidence of one checkpoint on one data set."""

from __future__ import annotations

import hashlib
import json
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl
from filelock import FileLock, Timeout

from harness.data.atomic_files import WRITING, write_whole
from harness.data.doors import door
from harness.data.errors import HarnessError
from harness.data.regular_files import read_regular
from harness.data.strict_json import strict_json
from harness.evidence.shards import (
    CLEAN,
    QUARANTINED,
    SCHEMA,
    SUFFIX,
    block_of,
    decode,
    encode,
    shard_name,
)

KEY_FILE = "key.json"
SOURCE_FILE = "source.json"
LOCKS = "locks"
PUBLISHED = "published"
"""Folder of empty files, one for each shard that was published: what a shard that is gone leaves behind."""
ROW = ("task", "sample", "measurement", "reading")
"""What tells one row from another."""
Pair = tuple[str, str, str]
"""(task, sample id, measurement name): the unit of what has been measured."""


class StoreError(HarnessError):
    """The store cannot be read or written."""


READERS = 4
"""Blocks that are read at a time: decoding them leaves Python free."""


class Evidence:
    """The evidence of one checkpoint on one data set.

    A shard never changes, so a block is read again only when it has got another one.

    Args:
        folder: the store's folder; one that is only read need not exist.
        digest: of the store's key.
        read_only: whether nothing is written, not even to take a damaged file out of the way.
    """

    def __init__(self, folder: Path, digest: str, *, read_only: bool = False) -> None:
        self.folder = folder
        self._read_only = read_only
        self.quarantined: list[str] = []
        """Names of files that were no evidence."""
        self.gone: list[str] = []
        """Names of shards that were published and are no longer there."""
        self._digest = digest
        self._read: dict[int, tuple[list[str], pl.DataFrame]] = {}
        self._pairs: dict[int, tuple[pl.DataFrame, set[Pair]]] = {}

    @classmethod
    def open(
        cls, root: Path, name: str, key: Mapping[str, str], source: str = "", *, read_only: bool = False
    ) -> Evidence:
        """Open, or begin, the store of a key.

        Args:
            root: the folder of all stores.
            name: the checkpoint's name, for people.
            key: everything that changes a result.
            source: where the checkpoint lies; `prune` asks there whether it is still the same.
            read_only: whether it is judged as it lies, on a read-only mount, say; empty if it does not exist.

        Raises:
            StoreError: if the folder cannot be written.
        """
        text = json.dumps(dict(sorted(key.items())), indent=1)
        digest = hashlib.sha256(text.encode()).hexdigest()
        folder = root / f"{name}-{digest[:12]}"
        if read_only:
            return cls(folder, digest, read_only=True)
        try:
            (folder / LOCKS).mkdir(parents=True, exist_ok=True)
            if not _holds(folder / KEY_FILE, text.encode()):
                write_whole(folder / SOURCE_FILE, json.dumps({"name": name, "path": source}).encode())
                write_whole(folder / KEY_FILE, text.encode())
        except OSError as error:
            raise StoreError(
                f"evidence folder {folder} cannot be written ({error.strerror}); choose one with --evidence"
            ) from error
        return cls(folder, digest)

    @classmethod
    def existing(cls, folder: Path) -> Evidence:
        """A store as it lies in its folder, for reading.

        Raises:
            StoreError: if the folder is no store, or its key is not the one its name speaks of.
        """
        try:
            content = read_regular(folder / KEY_FILE)
        except OSError as error:
            raise StoreError(f"{folder}: not a store ({KEY_FILE}: {error.strerror})") from error
        digest = hashlib.sha256(content).hexdigest()
        if not folder.name.endswith(digest[:12]):
            raise StoreError(f"{folder}: {KEY_FILE} is damaged; it is not the key that this folder names")
        return cls(folder, digest)

    @property
    def key(self) -> dict[str, str]:
        """Everything that changes a result, by name."""
        path = self.folder / KEY_FILE
        with door(
            StoreError, f"{path}: not the key of a store", "remove the store, and it is measured again"
        ):
            key = strict_json(read_regular(path))
            if not isinstance(key, dict) or not all(isinstance(value, str) for value in key.values()):
                raise ValueError("it holds other than texts by name")
            return key

    @property
    def source(self) -> dict[str, str]:
        """The checkpoint's ``name`` and ``path`` when the store was begun; for people, and for `prune`."""
        unknown = {"name": self.folder.name.rpartition("-")[0], "path": ""}
        try:
            source = strict_json(read_regular(self.folder / SOURCE_FILE))
        except (OSError, ValueError, RecursionError):
            return unknown
        whole = isinstance(source, dict) and all(isinstance(source.get(name), str) for name in unknown)
        return {name: source[name] for name in unknown} if whole else unknown

    def stored(self, block: int) -> set[Pair]:
        """What a block has: pairs measured, and samples found unusable (measurement ``clean``)."""
        frame = self.read(block)
        if block not in self._pairs or self._pairs[block][0] is not frame:
            excluded = frame.filter((pl.col("measurement") == CLEAN) & (pl.col("reason") != ""))
            unusable = {
                (task, sample, CLEAN) for task, sample in excluded.select("task", "sample").iter_rows()
            }
            pairs = (
                frame.filter(pl.col("measurement") != CLEAN).select("task", "sample", "measurement").unique()
            )
            self._pairs[block] = frame, unusable | set(pairs.iter_rows())
        return self._pairs[block][1]

    def read(self, block: int | None = None) -> pl.DataFrame:
        """All rows of a block, or of the whole store; of a sample's several clean rows one is kept.

        Raises:
            StoreError: if a file is there but cannot be read.
        """
        for name in self.missing():
            if block in (None, block_of(name)):
                self._give_up(name)
        by_block = self.shards()
        if block is None:
            for name in self._names():
                if block_of(name) is None:
                    self._quarantine(name)
        numbers = sorted(by_block) if block is None else [block]
        with ThreadPoolExecutor(READERS) as readers:
            parts = list(readers.map(lambda number: self._rows(number, by_block.get(number, [])), numbers))
        if len(parts) == 1:
            return parts[0]
        return pl.concat(parts) if parts else pl.DataFrame(schema=SCHEMA)

    def shards(self) -> dict[int, list[str]]:
        """Names of the files that claim to be evidence, by block.

        Raises:
            StoreError: if the folder cannot be read.
        """
        by_block: dict[int, list[str]] = defaultdict(list)
        for name in self._names():
            block = block_of(name)
            if block is not None:
                by_block[block].append(name)
        return by_block

    def damaged(self) -> list[str]:
        """Names of the files that are not the evidence they claim to be or cannot be read; nothing is moved.

        Raises:
            StoreError: if the folder cannot be read.
        """
        return [name for name in self._names() if self._is_damaged(name)]

    def missing(self) -> list[str]:
        """Names of the shards that were published and are no longer there; nothing is moved.

        Raises:
            StoreError: if the folder cannot be read.
        """
        published = self._published()  # first: a shard that appears meanwhile is not missing
        return sorted(published - set(self._names())) if published else []

    @contextmanager
    def reserve(self, what: int | str) -> Iterator[bool]:
        """Reserve a block or a sample; yields whether it was free. If the worker dies the kernel frees it.

        Args:
            what: a block's number, or a name for the sample. One does not exclude the other.

        Raises:
            StoreError: if the lock cannot be made.
        """
        label = _label(what)
        lock = FileLock(self.folder / LOCKS / f"{label}.lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            yield False
            return
        except (OSError, NotImplementedError) as error:
            raise StoreError(f"{lock.lock_file}: cannot be locked ({error})") from error
        try:
            self._sweep_up(label)
            yield True
        finally:
            lock.release()

    def publish(self, block: int, frame: pl.DataFrame, sample: str | None = None) -> Path:
        """Write a block's new rows as one shard.

        Args:
            block: whose they are; reserved, unless `sample` is.
            frame: the rows.
            sample: one of theirs that is reserved.

        Raises:
            StoreError: if the file cannot be written; what was stored stays readable.
        """
        content = encode(frame.sort(ROW))
        path = self.folder / shard_name(self._digest, block, content)
        try:
            write_whole(path, content, _label(block if sample is None else sample))
            self._mark(path.name)
        except OSError as error:
            raise StoreError(
                f"{path}: cannot be written ({error.strerror}); what was measured before is kept. "
                "Free some space, or choose another folder with --evidence"
            ) from error
        return path

    def _names(self) -> list[str]:
        if self._read_only and not self.folder.exists():
            return []
        try:
            names = [entry.name for entry in self.folder.iterdir()]
        except OSError as error:
            raise StoreError(f"evidence folder {self.folder} cannot be read ({error.strerror})") from error
        return sorted(name for name in names if name.endswith(SUFFIX) and not name.startswith(WRITING))

    def _published(self) -> set[str]:
        try:
            names = {entry.name for entry in (self.folder / PUBLISHED).iterdir()}
        except FileNotFoundError:  # of before shards were marked, or copied without
            return set()
        except OSError as error:
            raise StoreError(
                f"evidence folder {self.folder / PUBLISHED} cannot be read ({error.strerror})"
            ) from error
        return {shard for name in names if block_of(shard := f"{name}{SUFFIX}") is not None}

    def _mark(self, name: str) -> None:
        """Leave a sign that a shard was published; after the shard, so that no sign is ahead of one."""
        marks = self.folder / PUBLISHED
        marks.mkdir(exist_ok=True)
        (marks / name.removesuffix(SUFFIX)).touch()

    def _unmark(self, name: str) -> None:
        with suppress(OSError):
            (self.folder / PUBLISHED / name.removesuffix(SUFFIX)).unlink(missing_ok=True)

    def _give_up(self, name: str) -> None:
        """Note that a shard is gone; who writes measures again what it held, and asks for it no more."""
        if name not in self.gone:
            self.gone.append(name)
        if not self._read_only:
            self._unmark(name)

    def _rows(self, block: int, names: list[str]) -> pl.DataFrame:
        """A block's rows, each once, in an order that does not depend on who measured what when."""
        if block in self._read and self._read[block][0] == names:
            return self._read[block][1]
        believed, frames = [], []
        for name in names:
            content = self._content(name)
            if content is None:
                continue
            frame = decode(self._digest, name, content)
            if frame is None:
                self._quarantine(name)
                continue
            believed.append(name)
            frames.append(frame)
        if len(frames) == 1:
            whole = frames[0]  # each row once, and sorted, as it was published
        else:
            whole = pl.concat([pl.DataFrame(schema=SCHEMA), *frames]).sort(ROW, maintain_order=True)
            # Equal rows now stand together; much faster than looking for them before.
            first = pl.any_horizontal(pl.col(name) != pl.col(name).shift() for name in ROW)
            whole = whole.filter(first.fill_null(value=True))
        self._read[block] = believed, whole
        return whole

    def _content(self, name: str) -> bytes | None:
        """A file's bytes; None if another process has just set it aside."""
        path = self.folder / name
        try:
            if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be read for ever
                raise StoreError(f"{path}: not a regular file; remove it")
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path}: cannot be read ({error.strerror})") from error

    def _is_damaged(self, name: str) -> bool:
        try:
            content = self._content(name)
        except StoreError:
            return True
        return content is not None and decode(self._digest, name, content) is None

    def _quarantine(self, name: str) -> None:
        """Take a file out of the evidence. If its folder cannot be written it is passed over all the same."""
        if name not in self.quarantined:
            self.quarantined.append(name)
        if self._read_only:
            return
        with suppress(OSError):
            (self.folder / name).replace(self.folder / f"{name.removesuffix(SUFFIX)}{QUARANTINED}")
        self._unmark(name)

    def _sweep_up(self, label: str) -> None:
        """Remove what a worker left half written when it died; only who reserved the same may."""
        for path in self.folder.glob(f"{WRITING}{label}-*"):
            path.unlink(missing_ok=True)


def _label(reserved: int | str) -> str:
    """What files of a reservation are called: a sample's id may hold what no file's name may."""
    if isinstance(reserved, int):
        return f"block-{reserved:05d}"
    return f"sample-{hashlib.sha256(reserved.encode()).hexdigest()[:16]}"


def _holds(path: Path, content: bytes) -> bool:
    try:
        return read_regular(path) == content
    except OSError:
        return False
