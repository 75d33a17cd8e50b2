"""Files of somebody else's run, damaged or crafted: what comes in is whole, or the file is refused."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, strategies as st

from harness.evidence.elsewhere.assemble import Asked, import_files
from harness.evidence.elsewhere.export import export_plain
from harness.evidence.elsewhere.imports import MANIFEST, Imported
from harness.evidence.shards import CLEAN
from harness.tests.strangers.guard import SEEN, through, trying
from harness.tests.strangers.mutations import mutated, mutated_json
from harness.validation.elsewhere.made_up import MadeUp

LAYERS, WINDOW = 5, 1
ASKED = Asked("made-up", LAYERS, WINDOW, "ChooseAttr")


@cache
def originals() -> dict[str, bytes]:
    """A flow's file, a lens's, and a plain table in both its forms."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = MadeUp(folder, LAYERS, {"ChooseAttr": 4}, images=3, words=2).write()
        flow, lens = files[0], files[-1]
        imported = import_files([flow], ASKED, folder / "imports")
        for suffix in (".csv", ".parquet"):
            export_plain(imported.read(), folder / f"plain{suffix}")
        paths = [flow, lens, folder / "plain.csv", folder / "plain.parquet"]
        return {path.name: path.read_bytes() for path in paths}


@cache
def imported() -> tuple[str, dict[str, bytes]]:
    """The name of an import's folder, and its files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = MadeUp(folder, LAYERS, {"ChooseAttr": 4}, images=3, words=2).write()
        made = import_files(files, ASKED, folder / "imports")
        return made.folder.name, {path.name: path.read_bytes() for path in made.folder.iterdir()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


def is_whole(frame: pl.DataFrame) -> bool:
    """Whether every curve is as long as it must be, and every number finite."""
    curves = frame.filter((pl.col("measurement") != CLEAN) & (pl.col("reason") == ""))
    lengths = set(curves["values"].list.len().to_list())
    values = curves["values"].explode()
    return lengths <= {LAYERS, LAYERS + 1} and bool(values.is_finite().all()) and values.null_count() == 0


def taken(folder: Path, name: str, content: bytes) -> Imported | None:
    SEEN["files"] += 1
    shutil.rmtree(folder / "imports", ignore_errors=True)
    for path in folder.glob("*.*"):
        path.unlink()
    (folder / name).write_bytes(content)
    found = through(
        lambda: import_files([folder / name], ASKED, folder / "imports"), folder.name, folder, may_write=True
    )
    if found is not None:
        rows = through(found.read, "", folder)
        assert rows is not None and is_whole(rows)
        assert through(found.dataset, "", folder) is not None
    return found


@pytest.mark.parametrize("at", range(4))
def test_undamaged_files_come_in(folder: Path, at: int) -> None:
    name = list(originals())[at]
    assert taken(folder, name, originals()[name]) is not None


@pytest.mark.parametrize("at", range(4))
@trying(3_000)
@given(data=st.data())
def test_a_mutated_file(folder: Path, at: int, data: st.DataObject) -> None:
    name = list(originals())[at]
    taken(folder, name, data.draw(mutated([originals()[name]])))


def read(folder: Path, files: dict[str, bytes], name: str) -> None:
    """An import with these files: it is read, and is whole, or refused."""
    SEEN["files"] += 1
    place = folder / "crafted" / name
    shutil.rmtree(folder / "crafted", ignore_errors=True)
    place.mkdir(parents=True)
    for file, content in files.items():
        (place / file).write_bytes(content)
    found = through(lambda: Imported(place), place.name, folder)
    rows = None if found is None else through(found.read, place.name, folder)
    if found is not None and rows is not None:
        assert is_whole(rows)
        through(found.dataset, "", folder)


def named(manifest: bytes) -> str:
    return f"made-up-{hashlib.sha256(manifest).hexdigest()[:12]}"


@trying(2_000)
@given(content=mutated_json(json.loads(imported()[1][MANIFEST])))
def test_a_crafted_manifest(folder: Path, content: bytes) -> None:
    """Its folder's name fits: hashes are no signatures."""
    read(folder, {**imported()[1], MANIFEST: content}, named(content))


@trying(3_000)
@given(content=mutated([content for name, content in imported()[1].items() if name != MANIFEST]))
def test_a_crafted_part(folder: Path, content: bytes) -> None:
    """The manifest says its hash."""
    manifest = json.loads(imported()[1][MANIFEST])
    digest = hashlib.sha256(content).hexdigest()
    manifest["parts"] = {"ChooseAttr": digest}
    text = json.dumps(manifest).encode()
    read(folder, {MANIFEST: text, f"ChooseAttr-{digest[:16]}.parquet": content}, named(text))


@trying(1_000)
@given(
    column=st.sampled_from(["sample", "image", "measurement", "reading", "values", "p1", "reason", "answer"]),
    row=st.integers(0, 100),
    text=st.one_of(st.none(), st.text(max_size=5)),
    numbers=st.lists(st.one_of(st.none(), st.floats(), st.floats(0, 1)), max_size=LAYERS + 2),
)
def test_a_crafted_cell(
    folder: Path, column: str, row: int, text: str | None, numbers: list[float | None]
) -> None:
    part = next(content for name, content in imported()[1].items() if name != MANIFEST)
    frame = pl.read_parquet(io.BytesIO(part))
    value: object = (
        text if column not in {"values", "p1"} else numbers if column == "values" else (*numbers, 2.0)[0]
    )
    there = pl.int_range(pl.len()) == row % len(frame)
    other = pl.Series(column, [value], dtype=frame.schema[column])
    changed = frame.with_columns(
        pl.when(there).then(pl.lit(other).first()).otherwise(pl.col(column)).alias(column)
    )
    stream = io.BytesIO()
    changed.write_parquet(stream)
    digest = hashlib.sha256(stream.getvalue()).hexdigest()
    manifest = json.loads(imported()[1][MANIFEST]) | {"parts": {"ChooseAttr": digest}}
    crafted = json.dumps(manifest).encode()
    read(folder, {MANIFEST: crafted, f"ChooseAttr-{digest[:16]}.parquet": stream.getvalue()}, named(crafted))
