"""Stored evidence that somebody has damaged or crafted: what is believed is what was stored."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, strategies as st

from harness.evidence import maintenance
from harness.evidence.shards import CLEAN, SUFFIX, block_of, rows_to_frame, shard_name
from harness.evidence.store import KEY_FILE, ROW, SOURCE_FILE, Evidence, StoreError
from harness.tests.evidence.test_evidence import row
from harness.tests.strangers.guard import SEEN, through, trying
from harness.tests.strangers.mutations import mutated, mutated_json

KEY = {"checkpoint": "abc", "dataset": "d", "dtype": "float32", "engine": "e"}
SOURCE = {"name": "tiny", "path": "/nowhere/tiny"}


def filled(root: Path) -> Evidence:
    store = Evidence.open(root, "tiny", KEY, SOURCE["path"])
    for block in (0, 1):
        for part in (0, 1):
            names = [f"{block}-{part}-{number}" for number in range(3)]
            rows = [
                row(name, what, values=(0.1 * block + 0.01, 0.2, 0.3))
                for name in names
                for what in (CLEAN, "lens")
            ]
            store.publish(block, rows_to_frame(rows))
    return store


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stores")


@cache
def original() -> tuple[str, dict[str, bytes]]:
    """The store's name and the bytes of its files."""
    with tempfile.TemporaryDirectory() as folder:
        store = filled(Path(folder))
        return store.folder.name, {
            path.name: path.read_bytes() for path in store.folder.iterdir() if path.is_file()
        }


@cache
def digest() -> str:
    return hashlib.sha256(original()[1][KEY_FILE]).hexdigest()


def shards() -> list[str]:
    return sorted(name for name in original()[1] if name.endswith(SUFFIX))


def laid_out(root: Path, files: dict[str, bytes], name: str | None = None) -> Path:
    """A store with these files, and no others."""
    SEEN["files"] += 1
    folder = root / (name or original()[0])
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for file, content in files.items():
        (folder / file).write_bytes(content)
    return folder


@cache
def truth() -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        return filled(Path(folder)).read().sort(ROW)


def believed(folder: Path) -> pl.DataFrame | None:
    """What a store says, read and listed; None if it is refused. A second reader believes the same."""
    store = through(lambda: Evidence.existing(folder), folder.name, folder)
    if store is None:
        return None
    through(lambda: (store.key, store.source, maintenance.unused(store)), folder.name, folder)
    archived = Evidence(folder, digest(), read_only=True)
    alone = through(archived.read, folder.name, folder)
    found = through(store.read, folder.name, folder, may_write=True)
    assert (found is None) == (alone is None)
    if found is None or alone is None:
        return None
    assert found.equals(alone) and store.quarantined == archived.quarantined
    assert not found.is_duplicated().any()
    if not store.quarantined:
        through(lambda: maintenance.entry(store), folder.name, folder)
    return found


def is_part_of_the_truth(found: pl.DataFrame) -> bool:
    return len(found) == len(found.join(truth(), on=found.columns, how="semi", nulls_equal=True))


def test_an_undamaged_store_is_believed(root: Path) -> None:
    found = believed(laid_out(root, original()[1]))
    assert found is not None and found.sort(ROW).equals(truth())


@trying(7_000)
@given(at=st.integers(0, 3), content=mutated([original()[1][name] for name in shards()]))
def test_a_mutated_shard_is_left_out(root: Path, at: int, content: bytes) -> None:
    name = shards()[at]
    folder = laid_out(root, {**original()[1], name: content})
    found = believed(folder)
    assert found is not None and is_part_of_the_truth(found)
    assert len(found) == len(truth()) - (0 if content == original()[1][name] else 6)


@trying(1_000)
@given(
    at=st.integers(0, 3),
    block=st.one_of(st.integers(0, 3), st.integers(0, 10**30)),
    other=st.sampled_from(["0" * 16, "f" * 16, *(name[-24:-8] for name in shards())]),
)
def test_a_shard_under_another_name_is_left_out(root: Path, at: int, block: int, other: str) -> None:
    files = dict(original()[1])
    name = f"block-{block:05d}-{other}{SUFFIX}"
    files[name] = files.pop(shards()[at])
    found = believed(laid_out(root, files))
    assert found is not None and is_part_of_the_truth(found)


@trying(2_000)
@given(at=st.integers(0, 3), content=mutated([original()[1][name] for name in shards()]))
def test_a_crafted_shard_breaks_nothing(root: Path, at: int, content: bytes) -> None:
    """Its name fits: hashes are no signatures. It is read as it is, or left out."""
    files = dict(original()[1])
    block = block_of(shards()[at])
    assert block is not None
    del files[shards()[at]]
    files[shard_name(digest(), block, content)] = content
    folder = laid_out(root, files)
    store = Evidence.existing(folder)
    through(store.read, folder.name, folder, may_write=True)


@trying(2_000)
@given(content=mutated_json(SOURCE))
def test_a_mutated_source_changes_no_number(root: Path, content: bytes) -> None:
    found = believed(laid_out(root, {**original()[1], SOURCE_FILE: content}))
    assert found is not None and found.sort(ROW).equals(truth())


@trying(1_000)
@given(content=mutated_json(KEY))
def test_a_mutated_key_is_refused(root: Path, content: bytes) -> None:
    folder = laid_out(root, {**original()[1], KEY_FILE: content})
    assert (believed(folder) is None) == (content != original()[1][KEY_FILE])


@trying(1_000)
@given(content=mutated_json(KEY))
def test_a_crafted_key_breaks_nothing(root: Path, content: bytes) -> None:
    name = f"tiny-{hashlib.sha256(content).hexdigest()[:12]}"
    folder = laid_out(root, {**original()[1], KEY_FILE: content}, name)
    store = Evidence.existing(folder)
    through(lambda: (store.key, maintenance.unused(store)), KEY_FILE, folder)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@pytest.mark.parametrize("name", [KEY_FILE, SOURCE_FILE])
def test_a_pipe_is_not_waited_for(root: Path, name: str) -> None:
    folder = laid_out(root, original()[1])
    (folder / name).unlink()
    os.mkfifo(folder / name)
    found = through(lambda: Evidence.existing(folder).source, folder.name, folder)
    assert (found is None) == (name == KEY_FILE)
    assert found in (None, {"name": "tiny", "path": ""})
    (folder / name).unlink()


@pytest.mark.parametrize("content", [b"[]", b'{"a": 1}', b"{", json.dumps({"a": "b"} | {"c": None}).encode()])
def test_a_key_that_is_none_is_refused_by_name(root: Path, content: bytes) -> None:
    name = f"tiny-{hashlib.sha256(content).hexdigest()[:12]}"
    store = Evidence.existing(laid_out(root, {KEY_FILE: content}, name))
    with pytest.raises(StoreError, match=r"key\.json: not the key of a store"):
        _ = store.key
