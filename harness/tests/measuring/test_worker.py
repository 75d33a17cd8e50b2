"""What a worker publishes and when, and how far it says to have come; sharing and dying are in test_kills."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest

from harness.data.dataset import BLOCK_IMAGES
from harness.data.depth import Points
from harness.data.errors import HarnessError
from harness.data.flow import Flow
from harness.data.sample import TASKS
from harness.evidence.shards import CLEAN, rows_to_frame
from harness.evidence.store import Evidence
from harness.interventions.measurements import Sweep
from harness.measuring import pool, worker
from harness.measuring.pool import MeasurementPool
from harness.measuring.progress import LOADING, MEASURING, WAITING, State
from harness.measuring.request import Request
from harness.measuring.worker import Worker, missing
from harness.testing.fake import Fake, fake_dataset
from harness.validation.store.kills import KEY, MEASUREMENTS, requests_of

ONE_BLOCK = requests_of(fake_dataset(BLOCK_IMAGES, ("ChooseAttr",)), MEASUREMENTS)
SAMPLES = BLOCK_IMAGES


class FailsAtTheThird(Fake):
    """A measurer whose third image cannot be measured."""

    def image(self, requests: Sequence[Request]) -> list[Mapping[str, object]]:
        """See `harness.measuring.worker.Measurer`."""
        if self.passes >= 2 * len(MEASUREMENTS) * 12:
            raise HarnessError("the third image")
        return super().image(requests)


@pytest.fixture
def store(tmp_path: Path) -> Evidence:
    """An empty store."""
    return Evidence.open(tmp_path, "store", KEY)


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every image took minutes."""
    monkeypatch.setattr(worker, "PUBLISH_EVERY", 0.0)
    monkeypatch.setattr(worker, "COUNT_EVERY", 0.0)


def samples_in(store: Evidence) -> int:
    return store.read().filter(measurement=CLEAN).height


def test_a_block_that_is_quick_is_one_file(store: Evidence) -> None:
    Worker(store, Fake).complete(ONE_BLOCK, lambda *_: None)
    assert [len(names) for names in store.shards().values()] == [1]
    assert samples_in(store) == SAMPLES


@pytest.mark.usefixtures("_at_once")
def test_of_a_slow_block_all_but_the_image_in_hand_is_kept(store: Evidence) -> None:
    with pytest.raises(HarnessError, match="the third image"):
        Worker(store, FailsAtTheThird).complete(ONE_BLOCK, lambda *_: None)
    assert samples_in(store) == 2
    (block,) = ONE_BLOCK
    assert len(missing(ONE_BLOCK[block], store.stored(block))) == SAMPLES - 2
    second = Fake()
    Worker(store, lambda: second).complete(ONE_BLOCK, lambda *_: None)
    assert second.passes == (SAMPLES - 2) * len(MEASUREMENTS) * 12
    assert samples_in(store) == SAMPLES


def test_what_was_measured_before_an_error_is_kept(store: Evidence) -> None:
    with pytest.raises(HarnessError, match="the third image"):
        Worker(store, FailsAtTheThird).complete(ONE_BLOCK, lambda *_: None)
    assert samples_in(store) == 2


@pytest.mark.usefixtures("_at_once")
def test_progress_is_told_sample_by_sample_and_counts_what_others_stored(store: Evidence) -> None:
    requests = requests_of(fake_dataset(2 * BLOCK_IMAGES, ("ChooseAttr",)), MEASUREMENTS)
    heard: list[tuple[int, int]] = []

    class Joined(Fake):
        """A measurer beside which another worker completes the second block."""

        def image(self, wanted: Sequence[Request]) -> list[Mapping[str, object]]:
            """See `harness.measuring.worker.Measurer`."""
            if not heard:
                Worker(Evidence.existing(store.folder), Fake).complete({1: requests[1]}, lambda *_: None)
            return super().image(wanted)

    Worker(store, Joined).complete(requests, lambda done, total: heard.append((done, total)))
    assert heard[:2] == [(BLOCK_IMAGES + 1, 2 * BLOCK_IMAGES), (BLOCK_IMAGES + 2, 2 * BLOCK_IMAGES)]
    assert heard[-1] == (2 * BLOCK_IMAGES, 2 * BLOCK_IMAGES)


def test_what_is_measured_counts_before_it_is_stored_and_a_subprocess_counts_too(
    store: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PATIENCE", 0.0)
    heard: list[State] = []
    workforce = MeasurementPool(store, partial(Fake, None, 0.3), subprocesses=1)
    workforce.complete(ONE_BLOCK, heard.append)
    workforce.close()
    assert any(0 < state.done < SAMPLES and state.stored == 0 for state in heard)
    assert [state.done for state in heard] == sorted(state.done for state in heard)
    assert (heard[-1].done, heard[-1].total) == (SAMPLES, SAMPLES)
    assert workforce.passes == SAMPLES * len(MEASUREMENTS) * 12
    assert workforce.tally().samples == SAMPLES


def test_a_worker_tells_that_it_loads(store: Evidence) -> None:
    told: list[str] = []

    def load() -> Fake:
        told.append(working.tally().doing)
        return Fake()

    working = Worker(store, load)
    told.append(working.tally().doing)
    working.complete(ONE_BLOCK, lambda *_: None)
    assert [*told, working.tally().doing] == [WAITING, LOADING, MEASURING]


def test_who_finds_every_block_taken_helps_from_the_last_image_on(store: Evidence) -> None:
    at_work, helped = threading.Event(), threading.Event()
    measured: dict[str, list[str]] = {"owner": [], "helper": []}

    class Noted(Fake):
        """A measurer that notes its images; the owner's first takes until all others are measured."""

        def image(self, requests: Sequence[Request]) -> list[Mapping[str, object]]:
            """See `harness.measuring.worker.Measurer`."""
            name = threading.current_thread().name
            measured[name].append(requests[0].sample.image_id)
            if name == "owner":
                at_work.set()
                assert helped.wait(30)
            elif len(measured[name]) == SAMPLES - 1:
                threading.Timer(0.2, helped.set).start()
            return super().image(requests)

    def work() -> None:
        same = Evidence.existing(store.folder)
        Worker(same, Noted, patience=0.0).complete(ONE_BLOCK, lambda *_: None)

    owner, helper = threading.Thread(target=work, name="owner"), threading.Thread(target=work, name="helper")
    owner.start()
    assert at_work.wait(30)
    helper.start()
    owner.join()
    helper.join()
    (requests,) = ONE_BLOCK.values()
    images = [request.sample.image_id for request in requests]
    assert measured == {"owner": images[:1], "helper": images[:0:-1]}
    assert samples_in(store) == SAMPLES


def test_questions_on_one_image_are_shared_out_if_there_are_few_images(
    store: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PATIENCE", 0.0)
    requests = requests_of(fake_dataset(1, TASKS), MEASUREMENTS)
    workforce = MeasurementPool(store, partial(Fake, tmp_path / "log", 1.5), subprocesses=1)
    workforce.complete(requests, lambda *_: None)
    workforce.close()
    measured = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert len(measured) == len(set(measured))
    assert samples_in(store) == len(TASKS)
    (shards,) = store.shards().values()
    assert len(shards) > 2, "a subprocess worker publishes question by question, who has the block at its end"


def test_questions_on_an_image_are_measured_together_if_there_are_enough(store: Evidence) -> None:
    together: list[int] = []

    class Counted(Fake):
        """A measurer that notes how many questions it is asked at once."""

        def image(self, requests: Sequence[Request]) -> list[Mapping[str, object]]:
            """See `harness.measuring.worker.Measurer`."""
            together.append(len(requests))
            return super().image(requests)

    workforce = MeasurementPool(store, Counted)
    workforce.complete(requests_of(fake_dataset(2, TASKS), MEASUREMENTS), lambda *_: None)
    assert together == [len(TASKS)] * 2


def test_nobody_is_loaded_for_the_last_images_of_a_quick_block(store: Evidence) -> None:
    def never() -> Fake:
        raise AssertionError("loaded")

    waiting = Worker(Evidence.existing(store.folder), never, patience=60.0)
    (block,) = ONE_BLOCK
    with store.reserve(block):
        thread = threading.Thread(target=waiting.complete, args=(ONE_BLOCK, lambda *_: None), daemon=True)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        rows = [row for request in ONE_BLOCK[block] for row in Fake().image([request])]
        store.publish(block, rows_to_frame(rows))
    thread.join(30)
    assert not thread.is_alive()


def test_a_subprocess_takes_part_in_the_only_block_if_it_is_slow(
    store: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PATIENCE", 0.0)
    log = tmp_path / "log"
    workforce = MeasurementPool(store, partial(Fake, log, 0.5), subprocesses=3)
    workforce.complete(ONE_BLOCK, lambda *_: None)
    workforce.close()
    measured = log.read_text(encoding="utf-8").splitlines()
    assert len(measured) == len(set(measured))
    assert samples_in(store) == SAMPLES
    assert len(store.shards()[0]) > 1


def test_what_holds_more_windows_serves_a_request_for_fewer_and_not_the_reverse() -> None:
    flow = Flow("image", "question")
    low, more = (Sweep(flow, 3, only=Points(places, 12)) for places in ((0, 1), (0, 1, 2)))
    (request, *_) = ONE_BLOCK[next(iter(ONE_BLOCK))]
    sample = request.sample

    def lacks(wanted: Sweep, held: Sweep) -> bool:
        stored = {(sample.task, sample.id, str(held))}
        return bool(missing([Request(sample, (wanted,))], stored))

    every = Sweep(flow, 3)
    assert not any(lacks(low, held) for held in (low, more, every))
    assert lacks(more, low) and lacks(every, more) and lacks(low, Sweep(flow, 1))
