"""What a worker publishes and when, and how far it says to have come; sharing and dying are in test_kills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from harness import measuring
from harness.benchmarks.evidence.fake import Fake, fake_dataset
from harness.benchmarks.evidence.kills import KEY, PROBES, requests_of
from harness.dataset import BLOCK_IMAGES
from harness.errors import HarnessError
from harness.evidence import BASE, Evidence
from harness.measuring import Worker, missing
from harness.request import Request

ONE_BLOCK = requests_of(fake_dataset(BLOCK_IMAGES, ("ChooseAttr",)), PROBES)
SAMPLES = BLOCK_IMAGES


class FailsAtTheThird(Fake):
    """A measurer whose third image cannot be measured."""

    def image(self, requests: Sequence[Request]) -> list[Mapping[str, object]]:
        """See `harness.measuring.Measurer`."""
        if self.passes >= 2 * len(PROBES) * 12:
            raise HarnessError("the third image")
        return super().image(requests)


@pytest.fixture
def store(tmp_path: Path) -> Evidence:
    """An empty store."""
    return Evidence.open(tmp_path, "store", KEY)


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every image took minutes."""
    monkeypatch.setattr(measuring, "PUBLISH_EVERY", 0.0)
    monkeypatch.setattr(measuring, "COUNT_EVERY", 0.0)


def samples_in(store: Evidence) -> int:
    return store.read().filter(probe=BASE).height


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
    assert second.passes == (SAMPLES - 2) * len(PROBES) * 12
    assert samples_in(store) == SAMPLES


def test_what_was_measured_before_an_error_is_kept(store: Evidence) -> None:
    with pytest.raises(HarnessError, match="the third image"):
        Worker(store, FailsAtTheThird).complete(ONE_BLOCK, lambda *_: None)
    assert samples_in(store) == 2


@pytest.mark.usefixtures("_at_once")
def test_progress_is_told_sample_by_sample_and_counts_what_others_stored(store: Evidence) -> None:
    requests = requests_of(fake_dataset(2 * BLOCK_IMAGES, ("ChooseAttr",)), PROBES)
    heard: list[tuple[int, int]] = []

    class Joined(Fake):
        """A measurer beside which another worker completes the second block."""

        def image(self, wanted: Sequence[Request]) -> list[Mapping[str, object]]:
            """See `harness.measuring.Measurer`."""
            if not heard:
                Worker(Evidence.existing(store.folder), Fake).complete({1: requests[1]}, lambda *_: None)
            return super().image(wanted)

    Worker(store, Joined).complete(requests, lambda done, total: heard.append((done, total)))
    assert heard[:2] == [(BLOCK_IMAGES + 1, 2 * BLOCK_IMAGES), (BLOCK_IMAGES + 2, 2 * BLOCK_IMAGES)]
    assert heard[-1] == (2 * BLOCK_IMAGES, 2 * BLOCK_IMAGES)
