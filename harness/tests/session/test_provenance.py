"""The provenance of a run: enough to repeat it, and what it cost."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.evidence.engine_version import engine_versions
from harness.measuring.shard import Shard
from harness.session.provenance import provenance
from harness.session.work_done import Work, together
from harness.statistics.inference import DRAWS
from harness.validation.store.rows import settings

ROOT = Path(__file__).parents[3]


@pytest.fixture
def told() -> dict[str, Any]:
    config: Any = SimpleNamespace(
        rootpath=ROOT, invocation_params=SimpleNamespace(args=("findings", "--samples=5"))
    )
    work = Work({"a": 10}, measuring=7.0, processes=2, device_seconds=13.0)
    return provenance(config, settings(ROOT / ".evidence"), work, seconds=36.0)


def test_it_says_what_a_reader_needs_to_repeat_the_run(told: dict[str, Any]) -> None:
    assert len(told["commit"]) == 40 and isinstance(told["dirty"], bool)
    assert told["engine_sha256"] == engine_versions()["engine"]
    assert told["options_given"] == "findings --samples=5"
    assert told["options"]["evidence"] == ".evidence"
    assert told["options"]["alpha"] == 0.05 and "window" not in told["options"]
    assert {"torch", "transformers", "polars"} <= told["packages"].keys()
    assert told["cores"] >= 1 and told["memory_gib"] > 0 and told["processor"]
    assert told["seeds"]["statistics"].endswith(f"{DRAWS} draws")


def test_a_model_spread_over_gpus_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.session.provenance._gpus", lambda: ["one", "two"])
    config: Any = SimpleNamespace(rootpath=ROOT, invocation_params=SimpleNamespace(args=()))
    for device, gpus in {"auto": "one, two", "cuda:1": "one, two", "cpu": None}.items():
        options = replace(settings(ROOT / ".evidence"), device=device)
        assert provenance(config, options, Work({}, 0.0), seconds=1.0).get("gpus") == gpus


def test_it_says_what_the_run_cost(told: dict[str, Any]) -> None:
    assert told["seconds"] == {"measuring": 7.0, "judging and the rest": 29.0}
    assert told["workers"] == 2
    assert told["estimated_cost"] == {"core_hours": pytest.approx(0.01 * told["cores"])}


def test_the_work_of_several_processes_is_added_up() -> None:
    parts = [
        Work({"a": 1, "b": 2}, 3.0, ("x",), 1, 1, 3.0),
        Work({"a": 10}, 4.0, ("x", "y"), 0, 1, 4.0),
    ]
    assert together(parts) == Work({"a": 11, "b": 2}, 4.0, ("x", "y"), 1, 2, 7.0)
    assert together([]) == Work({}, 0.0, (), 0, 0, 0.0)


def test_shards_share_out_every_block_once() -> None:
    for of in (1, 3, 8):
        shards = [Shard.parse(f"{number}/{of}") for number in range(1, of + 1)]
        assert all(sum(shard.has(block) for shard in shards) == 1 for block in range(50))
    assert str(Shard.parse("2/8")) == "2/8"
