"""Drivers beyond one machine: a Slurm array task, and a Ray cluster of which a node is killed."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from harness.measuring.shard import Shard
from harness.session.drivers import ray_driver
from harness.session.drivers.ray_driver import ClusterError, measuring_words
from harness.tests.session.test_workers import TWO, Done, Runs, environment, finished, start, words

SLURM = Path(__file__).parents[2] / "session" / "drivers" / "slurm.sh"


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """Stand-ins for python and scontrol, which write down how they were called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("python", "scontrol"):
        path = folder / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >> "{tmp_path}/calls"\nexit ${{STATUS:-0}}\n')
        path.chmod(0o755)
    return folder


def array_task(commands: Path, status: int = 0, *more: str, **variables: str) -> tuple[int, list[str]]:
    calls = commands.parent / "calls"
    calls.unlink(missing_ok=True)
    done = subprocess.run(
        [SLURM, *more],
        env={"PATH": f"{commands}:{os.environ['PATH']}", "STATUS": str(status), **variables},
        capture_output=True,
        check=False,
    )
    return done.returncode, calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []


ARRAY = {"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_JOB_ID": "71"}


def test_an_array_task_measures_its_shard(commands: Path) -> None:
    status, calls = array_task(commands, 0, "--checkpoint=a b", **ARRAY)
    assert status == 0
    told = "--checkpoint=a b --measure-only --shard=2/3 -p no:cacheprovider"
    assert calls == [f"python -m pytest findings --device=cpu {told}"]
    _, calls = array_task(commands, 0, **ARRAY, SHARDS="8", CUDA_VISIBLE_DEVICES="0")
    assert "--device=cuda --measure-only --shard=2/8" in calls[0]


@pytest.mark.parametrize(
    ("status", "restarts", "again"), [(0, 0, 0), (1, 0, 0), (4, 0, 0), (3, 0, 0), (137, 1, 1), (137, 2, 0)]
)
def test_an_array_task_is_queued_again_if_its_process_died(
    commands: Path, status: int, restarts: int, again: int
) -> None:
    code, calls = array_task(
        commands, status, **ARRAY, SLURM_RESTART_COUNT=str(restarts), SLURM_ARRAY_JOB_ID="70"
    )
    assert [call for call in calls if call.startswith("scontrol")] == ["scontrol requeue 70_2"] * again
    assert code == status or again


def test_outside_an_array_the_script_says_what_to_do() -> None:
    done = subprocess.run(
        [SLURM], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "start it with sbatch --array=1-N" in done.stderr


def test_a_shard_is_told_all_that_the_run_was_told() -> None:
    told = ["findings", "--ray", "-k", "ray or not", "--shards", "4", "--shards=4", "--window=3"]
    assert measuring_words(told, Shard(2, 4)) == [
        *("findings", "-k", "ray or not", "--window=3", "--measure-only", "--shard=2/4"),
        *("-p", "no:cacheprovider"),
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """What one process measures from nothing."""
    runs = Runs(tmp_path_factory.mktemp("whole"))
    yield runs("whole", "-k", TWO)
    runs.close()


def started(start: Callable[[], Any]) -> Any:
    """Ray gives a node 30 seconds; where other programs have the cores that can be too little."""
    for _ in range(4):
        with contextlib.suppress(Exception):
            return start()
    return start()


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two nodes of one core each, and a head that computes nothing."""
    for name, value in environment(tmp_path, FAKE_SECONDS="0.3").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RAY_worker_niceness", "0")  # else the tasks wait for every other program
    cluster: Any = Cluster()
    try:
        started(lambda: cluster.add_node(num_cpus=0, include_dashboard=False))
        cluster.nodes = [started(lambda: cluster.add_node(num_cpus=1)) for _ in range(2)]
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Ray's own
def test_a_node_that_is_killed_loses_nothing(cluster: Any, tmp_path: Path, whole: Done) -> None:
    said: list[str] = []
    killer = threading.Thread(target=kill_a_node_once_measuring, args=(cluster, tmp_path / "log"))
    killer.start()
    told = [*words(tmp_path, "store", "-k", TWO, "--processes=1"), "--ray", "--shards=4"]
    ray_driver.measure(told, Path.cwd(), 4, gpu=False, on_progress=said.append)
    killer.join()
    assert len(said) == 4 and all("is measured" in line for line in said), said
    measured = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert set(measured) == set(whole.measured)
    assert len(measured) <= len(whole.measured) + 2 * 2 * 8, "more than the shards in flight was repeated"
    (tmp_path / "log").write_text("", encoding="utf-8")
    code, judged = finished(start(tmp_path, "--processes=1"))
    assert code == 0, judged
    assert "no knocked-out pass had to be measured" in judged
    assert (tmp_path / "log").read_text(encoding="utf-8") == ""


def kill_a_node_once_measuring(cluster: Any, log: Path) -> None:
    while not log.exists():
        time.sleep(0.05)
    cluster.remove_node(cluster.nodes[0], allow_graceful=False)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_without_ray_or_cluster_the_run_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "ray", None)
        with pytest.raises(ClusterError, match=r"Ray is not installed; pip install -e '\.\[ray\]'"):
            ray_driver.measure([], tmp_path, 2, gpu=False, on_progress=print)
    monkeypatch.setenv("RAY_ADDRESS", "no-cluster")
    with pytest.raises(ClusterError, match="no Ray cluster at RAY_ADDRESS"):
        ray_driver.measure([], tmp_path, 2, gpu=False, on_progress=print)
