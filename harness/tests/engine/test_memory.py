"""How many rows walk together, and that nothing is lost or changed where that was too many."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st

from harness.checkpoint.checkpoint import Checkpoint
from harness.engine.sweep.memory_budget import ROWS, halving, row_bytes, rows_within
from harness.engine.sweep.sweeper import Sweeper
from harness.engine.sweep.walk import walk
from harness.testing.cases import QUESTIONS, Case, windows
from harness.testing.pretended_devices import PretendedDevices, gpu_memory, on_one_gpu, on_two_gpus

CASE = Case("llama", 3, (4, 2), 2, QUESTIONS)


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return CASE.checkpoint()


def test_half_of_what_is_free_is_taken_and_no_more_than_is_of_use(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = row_bytes(checkpoint)
    with PretendedDevices():
        there = on_one_gpu(checkpoint)
        for free, rows in ((20 * each, 10), (each, 1), (0, 1), (1 << 50, ROWS["cuda"])):
            gpu_memory(monkeypatch, free)
            assert rows_within(there, None) == rows
        assert rows_within(there, 7 * each) == 7


def test_what_torch_keeps_unused_is_free(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first sweep the driver has little left to give: torch keeps what it has freed."""
    each = row_bytes(checkpoint)
    gpu_memory(monkeypatch, free=4 * each, reserved=30 * each, allocated=14 * each)
    with PretendedDevices():
        assert rows_within(on_one_gpu(checkpoint), None) == 10


def test_of_a_spread_model_the_fullest_gpu_counts(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = row_bytes(checkpoint)
    gpu_memory(monkeypatch, free={"cuda:0": 400 * each, "cuda:1": 20 * each})
    with PretendedDevices():
        assert rows_within(on_two_gpus(checkpoint), None) == 10


@given(st.sets(st.integers(1, 12), max_size=6), st.sampled_from([None, 40_000, 400_000]))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_whichever_walks_run_out_of_memory_the_logits_are_the_same(
    failing: set[int], memory: int | None
) -> None:
    checkpoint = CASE.checkpoint()
    encoded = CASE.encoded(checkpoint)
    asked = [windows(one, CASE.layers)[::3] for one in encoded]
    sweeper = Sweeper(checkpoint, memory)
    clean = sweeper.clean_run(encoded)
    expected = sweeper.sweep(clean, asked)
    calls = 0

    def scarce(model: Any, run: Any, branches: Any, walked: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls in failing and len(branches) > 1:
            raise torch.OutOfMemoryError
        return walk(model, run, branches, walked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.engine.sweep.sweeper.walk", scarce)
        found = sweeper.sweep(clean, asked)
    for one, other in zip(found, expected, strict=True):
        assert float((one.logits - other.logits).abs().max()) < 1e-12


def test_items_keep_their_order_and_each_is_done_once() -> None:
    done: list[int] = []

    def work(items: list[int]) -> list[int]:
        if len(items) > 2:
            raise torch.OutOfMemoryError
        done.extend(items)
        return [2 * item for item in items]

    parts = list(halving(list(range(11)), work))
    assert done == list(range(11))
    assert [twice for _, result in parts for twice in result] == [2 * item for item in done]


def test_freed_memory_is_given_back_before_halves_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: events.append("emptied"))

    def work(items: list[int]) -> int:
        events.append(f"{len(items)} tried")
        if len(items) > 1:
            raise torch.OutOfMemoryError
        return 0

    list(halving([1, 2], work))
    assert events == ["2 tried", "emptied", "1 tried", "1 tried"]
