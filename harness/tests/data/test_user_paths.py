"""A leading ~ is a home folder, wherever a path is asked for."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.checkpoint.info import checkpoint_info
from harness.data.errors import CheckpointError
from harness.data.user_paths import user_path
from harness.session.options import output_folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_a_home_folder_is_written_out(home: Path) -> None:
    assert user_path("~/a") == home / "a"
    assert user_path("a/~") == Path("a/~")


def test_a_user_who_does_not_exist_stays_as_written() -> None:
    assert user_path("~no-such-user-here/a") == Path("~no-such-user-here/a")
    with pytest.raises(CheckpointError, match="no checkpoint '~no-such-user-here/a'"):
        checkpoint_info("~no-such-user-here/a")


@pytest.mark.parametrize("of_the_file", [False, True])
def test_output_folders_may_lie_at_home(home: Path, *, of_the_file: bool) -> None:
    """The ini file's value, too: no shell ever sees it."""
    given, kept = (None, "~/kept") if of_the_file else ("~/kept", "")
    config: Any = SimpleNamespace(
        getoption=lambda _: given,
        getini=lambda _: kept,
        invocation_params=SimpleNamespace(dir=Path("/elsewhere")),
        rootpath=Path("/suite"),
    )
    assert output_folder(config, "evidence") == home / "kept"
