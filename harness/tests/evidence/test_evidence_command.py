"""``python -m harness.evidence``: what is stored is listed, checked, thrown away and handed on."""

import os
from pathlib import Path

import polars as pl
import pytest

from harness.checkpoint.fingerprint import fingerprint
from harness.evidence.__main__ import main
from harness.evidence.engine_version import engine_versions
from harness.evidence.shards import CLEAN, rows_to_frame
from harness.evidence.store import Evidence, StoreError
from harness.tests.evidence.test_evidence import row


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    return folder


@pytest.fixture
def current(tmp_path: Path, checkpoint: Path) -> Evidence:
    """A store that a run of today would use."""
    key = {"checkpoint": fingerprint(str(checkpoint)), "dataset": "d", "dtype": "float32"}
    store = Evidence.open(tmp_path / "root", "tiny", key | engine_versions(), str(checkpoint))
    store.publish(0, rows_to_frame([row("a", CLEAN), row("a", "image->question@3", values=(0.4, 0.5))]))
    store.publish(1, rows_to_frame([row("b", CLEAN, reason="wrong answer"), row("b", "lens", "none", ())]))
    return store


@pytest.fixture
def outdated(tmp_path: Path, current: Evidence) -> Evidence:
    """A store of an engine that is no more."""
    store = Evidence.open(tmp_path / "root", "old", current.key | {"engine": "before"})
    store.publish(0, rows_to_frame([row("a")]))
    return store


def run(store: Evidence, *words: str) -> int:
    return main([*words, f"--evidence={store.folder.parent}"])


def test_list_says_what_is_stored(
    current: Evidence, outdated: Evidence, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(current, "list") == 0
    old, tiny = capsys.readouterr().out.splitlines()
    assert f"{current.folder.name}: 2 samples, 4 rows in 2 shards, " in tiny and "unused" not in tiny
    assert old.startswith(outdated.folder.name) and old.endswith("unused: another engine measured it")


def test_verify_names_damage_and_moves_nothing(current: Evidence, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(current, "verify") == 0
    assert capsys.readouterr().out == f"{current.folder.name}: 2 shards, 0 damaged, 0 gone\n"
    path = next(current.folder.glob("block-00001-*"))
    path.write_bytes(path.read_bytes()[:-1])
    assert run(current, "verify") == 1
    assert f"{path.name}: not the evidence that its name promises" in capsys.readouterr().out
    assert path.exists()
    path.unlink()
    assert run(current, "verify") == 1
    heading, named = capsys.readouterr().out.splitlines()
    assert heading.endswith("1 shards, 0 damaged, 1 gone")
    assert named == f"  {path.name}: published, and no longer there; the next run measures again what it held"


def test_verify_goes_on_behind_what_cannot_be_read(
    current: Evidence, capsys: pytest.CaptureFixture[str]
) -> None:
    (current.folder / "block-00000-0000000000000000.parquet").mkdir()
    os.mkfifo(current.folder / "block-00000-1111111111111111.parquet")
    last = next(current.folder.glob("block-00001-*"))
    last.write_bytes(last.read_bytes()[:-1])
    assert run(current, "verify") == 1
    heading, *named = capsys.readouterr().out.splitlines()
    assert heading == f"{current.folder.name}: 4 shards, 3 damaged, 0 gone"
    assert [line.split(":")[0].strip() for line in named] == [
        "block-00000-0000000000000000.parquet",
        "block-00000-1111111111111111.parquet",
        last.name,
    ]


def test_a_pipe_in_a_store_is_refused_and_not_waited_for(current: Evidence) -> None:
    os.mkfifo(current.folder / "block-00000-1111111111111111.parquet")
    with pytest.raises(StoreError, match=r"block-00000-1{16}\.parquet: not a regular file; remove it"):
        current.read(0)


def test_prune_removes_what_nothing_uses_and_nothing_else(
    current: Evidence, outdated: Evidence, capsys: pytest.CaptureFixture[str]
) -> None:
    litter = [current.folder / "block-00000-0.damaged", current.folder / ".writing-key-0"]
    for path in litter:
        path.write_bytes(b"x" * 100)
    assert run(current, "prune", "--dry-run") == 0
    assert "would be removed: another engine measured it" in capsys.readouterr().out
    assert outdated.folder.exists() and all(path.exists() for path in litter)
    before = current.read()
    with outdated.reserve(0):
        run(current, "prune", f"--store={outdated.folder.name}")
    assert "kept: a run is measuring into it" in capsys.readouterr().out
    assert run(current, "prune") == 0
    assert "removed 2 damaged or half-written files" in capsys.readouterr().out
    assert not outdated.folder.exists() and not any(path.exists() for path in litter)
    assert Evidence.existing(current.folder).read().equals(before)


def test_prune_removes_the_evidence_of_a_checkpoint_that_was_replaced(
    current: Evidence, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkpoint / "config.json").write_text('{"other": 1}', encoding="utf-8")
    assert run(current, "prune") == 0
    assert "removed: the checkpoint has changed" in capsys.readouterr().out
    assert not current.folder.exists()


def test_prune_keeps_what_nobody_can_tell_about(current: Evidence, checkpoint: Path) -> None:
    (checkpoint / "config.json").unlink()
    checkpoint.rmdir()
    assert run(current, "prune") == 0
    assert current.folder.exists()


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_export_writes_one_value_a_row(current: Evidence, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"all{suffix}"
    assert run(current, "export", str(file)) == 0
    table = pl.read_parquet(file) if suffix == ".parquet" else pl.read_csv(file)
    sweep = table.filter(pl.col("flow") == "image->question")
    assert sweep.select("sample", "window", "layer", "reading", "p1", "value").rows() == [
        ("a", 3, 0, "p", 0.5, 0.4),
        ("a", 3, 1, "p", 0.5, 0.5),
    ]
    excluded = table.filter(pl.col("sample") == "b").sort("measurement")
    assert excluded["reason"].to_list() == ["wrong answer", "none"]
    assert excluded["value"].to_list() == [0.25, None]
    assert table["checkpoint"].unique().to_list() == ["tiny"]


def test_what_cannot_be_done_is_one_line(
    current: Evidence, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, said in (
        (["list", f"--evidence={tmp_path / 'nowhere'}"], "no such folder"),
        (["list", f"--evidence={current.folder.parent}", "--store=none"], "holds no store none"),
        (["export", f"--evidence={current.folder.parent}", "x.json"], "exports are .parquet or .csv"),
        (["export", f"--evidence={current.folder.parent}", "/dev/null/x.csv"], "cannot be written"),
    ):
        assert main(words) == 1
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1


def test_a_files_name_begins_no_line_of_its_own(
    current: Evidence, capsys: pytest.CaptureFixture[str]
) -> None:
    (current.folder / "x\n::error::\x1b[31my.parquet").write_bytes(b"")
    assert run(current, "verify") == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[1].startswith("  x ::error:: [31my.parquet: not the evidence")


def test_of_two_stores_the_one_with_first_answers_alone_is_not_handed_on(
    current: Evidence, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They led to another form of answers, and so to the other store."""
    first = Evidence.open(tmp_path / "root", "tiny", current.key | {"dtype": "float64"})
    first.publish(0, rows_to_frame([row("a", CLEAN), row("a", "first_answer")]))
    assert run(current, "export", str(tmp_path / "plain.csv"), "--as=plain") == 0
    first.publish(1, rows_to_frame([row("b")]))
    assert run(current, "export", str(tmp_path / "plain.csv"), "--as=plain") == 1
    assert "holds several stores" in capsys.readouterr().err
