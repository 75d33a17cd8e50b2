"""Files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest

from harness.data.atomic_files import WRITING, replacing, write_whole


def test_the_new_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_whole(path, b"old")
    with replacing(path, "mine") as half:
        half.write_bytes(b"new")
        assert half.name.startswith(f"{WRITING}mine-") and half.parent == path.parent
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_unfinished_write_leaves_the_old_file_and_nothing_else(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    write_whole(path, b"old")
    monkeypatch.setattr(Path, "replace", Mock(side_effect=error))
    with pytest.raises(type(error)):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
