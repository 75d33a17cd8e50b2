"""The store: what is written is read back, once, whole, and nothing else is."""

import hashlib
import io
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from harness.evidence.shards import CLEAN, SCHEMA, decode, encode, rows_to_frame, shard_name
from harness.evidence.store import Evidence, StoreError

ROOT = Path(__file__).parents[3]

KEY = {"checkpoint": "abc", "dtype": "float32"}
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)


def row(
    sample: str, measurement: str = "lens", reason: str = "", values: tuple[float, ...] = (0.25,)
) -> dict[str, object]:
    return {
        "sample": sample,
        "task": "ChooseAttr",
        "image": f"image-{sample}",
        "measurement": measurement,
        "reading": "p" if values else "",
        "values": list(values),
        "p1": 0.5,
        "reason": reason,
        "answer": "Red",
    }


SHARD = encode(rows_to_frame([row("a", CLEAN), row("a", values=(0.1, 0.2, 0.3))]))
SHARD_NAME = shard_name("store", 7, SHARD)


@pytest.fixture
def store(tmp_path: Path) -> Evidence:
    return Evidence.open(tmp_path, "tiny", KEY)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    samples=st.lists(names, min_size=1, max_size=5, unique=True),
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4),
    block=st.integers(0, 99_999),
)
def test_what_is_published_is_read_back(
    samples: list[str], values: list[float], block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = Evidence.open(tmp_path_factory.mktemp("store"), "tiny", KEY)
    store.publish(block, rows_to_frame([row(sample, values=tuple(values)) for sample in samples]))
    frame = store.read(block)
    assert frame["sample"].to_list() == sorted(samples)
    assert frame["values"].to_list() == [values] * len(samples)
    assert store.stored(block) == {("ChooseAttr", sample, "lens") for sample in samples}
    assert store.stored(block + 1) == set()


def test_a_block_is_the_union_of_its_files_and_the_store_of_its_blocks(store: Evidence) -> None:
    store.publish(0, rows_to_frame([row("a", CLEAN), row("a", "lens")]))
    store.publish(0, rows_to_frame([row("a", CLEAN), row("a", "image->last@3")]))
    store.publish(1, rows_to_frame([row("b", CLEAN, reason="wrong answer")]))
    assert store.stored(0) == {("ChooseAttr", "a", "lens"), ("ChooseAttr", "a", "image->last@3")}
    assert store.stored(1) == {("ChooseAttr", "b", CLEAN)}
    assert len(store.read()) == 4
    assert store.read().schema == pl.Schema(SCHEMA)


def test_an_empty_store_has_the_columns(store: Evidence) -> None:
    assert store.read().schema == pl.Schema(SCHEMA)
    assert store.read().is_empty()


def test_publishing_the_same_twice_is_one_file(store: Evidence) -> None:
    frame = rows_to_frame([row("a")])
    assert store.publish(3, frame) == store.publish(3, frame)
    assert len(list(store.folder.glob("block-*.parquet"))) == 1
    assert not list(store.folder.glob(".writing-*"))


@dataclass(frozen=True)
class Damage:
    """One way in which bytes go bad, at any place."""

    kind: Literal["flip", "cut", "overwrite", "insert", "zero"]
    offset: int
    piece: bytes

    def __call__(self, content: bytes) -> bytes:
        at = self.offset % len(content)
        match self.kind:
            case "flip":
                return content[:at] + bytes([content[at] ^ (self.piece[0] or 1)]) + content[at + 1 :]
            case "cut":
                return content[:at]
            case "overwrite":
                return content[:at] + self.piece + content[at + len(self.piece) :]
            case "insert":
                return content[:at] + self.piece + content[at:]
            case "zero":
                return content[:at] + bytes(len(content) - at)


def damage_of(drawn: bytes) -> Damage:
    """One draw makes a whole case: quick enough for ten thousand of them."""
    kinds: tuple[Any, ...] = ("flip", "cut", "overwrite", "insert", "zero")
    return Damage(kinds[drawn[0] % len(kinds)], int.from_bytes(drawn[1:4]), drawn[4:])


damages = st.binary(min_size=5, max_size=24).map(damage_of)


@settings(max_examples=10_000, deadline=None)
@given(damage=damages)
def test_damaged_bytes_are_never_believed(damage: Damage) -> None:
    content = damage(SHARD)
    believed = decode("store", SHARD_NAME, content)
    assert (believed is not None) == (content == SHARD)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=damages)
def test_a_damaged_file_is_named_quarantined_and_measured_again(
    damage: Damage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = Evidence.open(tmp_path_factory.mktemp("store"), "tiny", KEY)
    store.publish(0, rows_to_frame([row("good")]))
    path = store.publish(0, rows_to_frame([row("bad", values=tuple(range(50)))]))
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assume(path.read_bytes() != whole)
    again = Evidence.existing(store.folder)
    assert again.damaged() == [path.name]
    assert path.exists()
    assert again.read(0)["sample"].to_list() == ["good"]
    assert again.stored(0) == {("ChooseAttr", "good", "lens")}
    assert again.quarantined == [path.name]
    assert path.with_suffix(".damaged").read_bytes() == damage(whole)
    assert not path.exists()
    assert again.publish(0, rows_to_frame([row("bad", values=tuple(range(50)))])) == path
    assert again.read(0)["sample"].to_list() == ["bad", "good"]
    assert again.damaged() == []


def test_a_shard_that_is_gone_is_named_and_measured_again(store: Evidence) -> None:
    store.publish(0, rows_to_frame([row("a")]))
    path = store.publish(1, rows_to_frame([row("b")]))
    path.unlink()
    archive = Evidence.open(store.folder.parent, "tiny", KEY, read_only=True)
    assert archive.read(0)["sample"].to_list() == ["a"] and archive.gone == []
    assert archive.read(1).is_empty() and archive.gone == [path.name]
    assert archive.missing() == [path.name]  # judging writes nothing, so the loss stays known
    assert store.stored(1) == set() and store.gone == [path.name]
    assert Evidence.existing(store.folder).missing() == []  # told; from here on it is only not measured
    assert store.publish(1, rows_to_frame([row("b")])) == path
    again = Evidence.existing(store.folder)
    assert again.read()["sample"].to_list() == ["a", "b"]
    assert (again.gone, again.quarantined) == ([], [])
    path.unlink()
    assert again.missing() == [path.name]


def test_a_quarantined_shard_is_not_called_gone_as_well(store: Evidence) -> None:
    store.publish(0, rows_to_frame([row("a")])).write_bytes(b"damaged")
    assert store.read().is_empty()
    again = Evidence.existing(store.folder)
    assert again.read().is_empty()
    assert (store.gone, again.gone, again.quarantined) == ([], [], [])


def test_shards_without_signs_are_evidence(store: Evidence) -> None:
    store.publish(0, rows_to_frame([row("a")]))
    shutil.rmtree(store.folder / "published")
    again = Evidence.existing(store.folder)
    assert again.read()["sample"].to_list() == ["a"]
    assert again.missing() == []


def test_evidence_of_another_block_or_store_is_foreign(store: Evidence, tmp_path: Path) -> None:
    other = Evidence.open(tmp_path, "tiny", KEY | {"dtype": "bfloat16"})
    theirs = other.publish(0, rows_to_frame([row("a")]))
    shutil.copy(theirs, store.folder)
    mine = store.publish(0, rows_to_frame([row("b")]))
    moved = mine.with_name(mine.name.replace("block-00000", "block-00001"))
    shutil.copy(mine, moved)
    stray = store.folder / "results.parquet"
    rows_to_frame([row("c")]).write_parquet(stray)
    assert sorted(store.damaged()) == sorted([theirs.name, moved.name, stray.name])
    assert store.read()["sample"].to_list() == ["b"]
    assert sorted(store.quarantined) == sorted([theirs.name, moved.name, stray.name])
    assert {path.name for path in store.folder.glob("*.parquet")} == {mine.name}


def test_bytes_that_are_named_rightly_but_are_no_rows_are_no_evidence(store: Evidence) -> None:
    other_columns = io.BytesIO()
    pl.DataFrame({"sample": ["a"]}).write_parquet(other_columns)
    digest = hashlib.sha256((store.folder / "key.json").read_bytes()).hexdigest()
    for content in (b"", b"no parquet", other_columns.getvalue()):
        (store.folder / shard_name(digest, 3, content)).write_bytes(content)
    assert store.read().is_empty()
    assert len(store.quarantined) == 3


def test_a_folder_with_another_key_is_no_store(store: Evidence) -> None:
    key = store.folder / "key.json"
    key.write_text(key.read_text().replace("float32", "float64"))
    with pytest.raises(StoreError, match=r"key\.json is damaged"):
        Evidence.existing(store.folder)
    with pytest.raises(StoreError, match="not a store"):
        Evidence.existing(store.folder / "locks")


def test_what_another_process_quarantines_and_measures_again_is_read(store: Evidence) -> None:
    path = store.publish(0, rows_to_frame([row("a")]))
    whole = path.read_bytes()
    assert len(store.read(0)) == 1
    path.write_bytes(b"damaged")
    assert Evidence.existing(store.folder).read(0).is_empty()
    assert store.read(0).is_empty()
    path.write_bytes(whole)
    assert store.read(0)["sample"].to_list() == ["a"]
    assert store.quarantined == []


def test_what_a_dying_worker_left_half_written_is_no_evidence_and_goes(store: Evidence) -> None:
    half = store.folder / ".writing-block-00003-0123456789abcdef-x1"
    other = store.folder / ".writing-block-00004-0123456789abcdef-x1"
    for path in (half, other):
        path.write_bytes(b"PAR1")
    assert store.read().is_empty()
    assert store.quarantined == []
    with store.reserve(3):
        pass
    assert not half.exists()
    assert other.exists()


def test_a_block_is_claimed_by_one_worker_at_a_time(store: Evidence) -> None:
    seen = []
    with store.reserve(0) as mine:
        assert mine

        def other() -> None:
            same = Evidence.existing(store.folder)
            with same.reserve(0) as theirs:
                seen.append(theirs)
            with same.reserve(1) as another:
                seen.append(another)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert seen == [False, True]
    with store.reserve(0) as free_again:
        assert free_again


def test_stores_of_different_keys_do_not_meet(tmp_path: Path) -> None:
    one = Evidence.open(tmp_path, "tiny", KEY)
    other = Evidence.open(tmp_path, "tiny", KEY | {"dtype": "bfloat16"})
    one.publish(0, rows_to_frame([row("a")]))
    assert other.read().is_empty()
    assert Evidence.open(tmp_path, "tiny", dict(reversed(KEY.items()))).folder == one.folder


def test_a_store_that_cannot_be_written_is_one_clear_error(store: Evidence, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(StoreError, match=r"cannot be written .*choose one with --evidence"):
        Evidence.open(tmp_path / "file", "tiny", KEY)
    kept = store.publish(0, rows_to_frame([row("a")]))
    moved = store.folder.rename(tmp_path / "moved")
    with pytest.raises(StoreError, match="what was measured before is kept"):
        store.publish(1, rows_to_frame([row("b")]))
    with pytest.raises(StoreError, match="cannot be read"):
        store.read()
    assert (moved / kept.name).exists()


def test_a_lock_that_cannot_be_made_is_one_clear_error(store: Evidence) -> None:
    (store.folder / "locks").rmdir()
    (store.folder / "locks").write_text("in the way", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be locked"), store.reserve(1):
        pass


FULL = """
import resource, sys
from pathlib import Path
from harness.evidence.shards import rows_to_frame
from harness.evidence.store import Evidence, StoreError

store = Evidence.existing(Path(sys.argv[1]))
row = dict(sample="b", task="ChooseAttr", image="i", measurement="lens", reading="p", values=[0.1] * 9999)
row |= dict(p1=0.5, reason="", answer="Red")
resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
try:
    store.publish(1, rows_to_frame([row]))
except StoreError as error:
    print(error)
print(store.read()["sample"].to_list())
"""


def test_a_file_size_limit_is_one_clear_error_and_what_was_stored_stays_readable(store: Evidence) -> None:
    store.publish(0, rows_to_frame([row("a")]))
    before = sorted(store.folder.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(store.folder)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    message, read, *rest = done.stdout.splitlines()
    assert "cannot be written (File too large); what was measured before is kept" in message
    assert (read, rest, done.stderr) == ("['a']", [], "")
    assert sorted(store.folder.iterdir()) == before


def test_a_full_disk_is_one_clear_error_and_what_was_stored_stays_readable(
    store: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.publish(0, rows_to_frame([row("a")]))
    before = sorted(store.folder.iterdir())

    def on_a_full_disk(_: Path, content: bytes) -> int:
        with Path("/dev/full").open("wb") as full:
            return full.write(content)

    monkeypatch.setattr(Path, "write_bytes", on_a_full_disk)
    with pytest.raises(StoreError, match=r"cannot be written \(No space left on device\); what was measured"):
        store.publish(1, rows_to_frame([row("b")]))
    assert store.read()["sample"].to_list() == ["a"]
    assert sorted(store.folder.iterdir()) == before
