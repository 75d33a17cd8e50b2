"""The store: what is written is read back, once, whole, and nothing else is."""

import threading
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from harness.evidence import BASE, SCHEMA, Evidence, StoreError, rows_to_frame

KEY = {"checkpoint": "abc", "dtype": "float32"}
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)


def row(
    sample: str, probe: str = "lens", reason: str = "", values: tuple[float, ...] = (0.25,)
) -> dict[str, object]:
    return {
        "sample": sample,
        "task": "ChooseAttr",
        "image": f"image-{sample}",
        "probe": probe,
        "reading": "p" if values else "",
        "values": list(values),
        "p1": 0.5,
        "reason": reason,
        "answer": "Red",
    }


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
    store.publish(0, rows_to_frame([row("a", BASE), row("a", "lens")]))
    store.publish(0, rows_to_frame([row("a", BASE), row("a", "image->last@3")]))
    store.publish(1, rows_to_frame([row("b", BASE, reason="wrong answer")]))
    assert store.stored(0) == {("ChooseAttr", "a", "lens"), ("ChooseAttr", "a", "image->last@3")}
    assert store.stored(1) == {("ChooseAttr", "b", BASE)}
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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offset=st.floats(0, 1), flip=st.integers(1, 255), cut=st.booleans())
def test_damaged_bytes_are_never_evidence(
    offset: float,
    flip: int,
    cut: bool,  # noqa: FBT001
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = Evidence.open(tmp_path_factory.mktemp("store"), "tiny", KEY)
    kept = store.publish(0, rows_to_frame([row("good")]))
    path = store.publish(0, rows_to_frame([row("bad", values=tuple(range(50)))]))
    content = bytearray(path.read_bytes())
    at = min(int(offset * len(content)), len(content) - 1)
    content[at] ^= flip
    path.write_bytes(content[:at] if cut else content)
    assert store.read(0)["sample"].to_list() == ["good"]
    assert kept.exists()
    assert not path.exists()
    assert path.with_suffix(".damaged").exists()
    assert path.name in capsys.readouterr().out


def test_a_block_is_claimed_by_one_worker_at_a_time(store: Evidence) -> None:
    seen = []
    with store.claim(0) as mine:
        assert mine

        def other() -> None:
            with Evidence(store.folder).claim(0) as theirs:
                seen.append(theirs)
            with Evidence(store.folder).claim(1) as another:
                seen.append(another)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert seen == [False, True]
    with store.claim(0) as free_again:
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
    assert (moved / kept.name).exists()
