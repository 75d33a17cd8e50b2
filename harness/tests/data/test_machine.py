"""What this machine has, also where the system says it in another way."""

import os

import pytest

from harness.data.machine import available_memory, total_memory, usable_cores


def test_cores_are_counted_without_what_macos_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert usable_cores() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1


def test_memory_is_known() -> None:
    assert 0 < available_memory() <= total_memory()
