"""Unit tests of the harness: warnings are errors here, never in a user's findings."""

from pathlib import Path

import pytest
from hypothesis import settings

from harness.testing.one_thread import one_thread

__all__ = ("one_thread",)  # a fixture

HERE = Path(__file__).parent

# A machine that does other work beside is slow, and no test is wrong for that.
settings.register_profile("suite", settings(deadline=None))
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("error"))
