"""Measure on a Ray cluster, each shard a task with retries; judging stays with whoever called.

A task runs ``python -m pytest … --measure-only --shard=I/N`` in a process of its own, so the cluster's
nodes need what a Slurm node needs: the checkout and the environment under the same path, and the
evidence on a file system that all share. A node that dies takes its tasks with it; Ray starts them
elsewhere, and they measure only what is still missing.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.data.errors import HarnessError
from harness.measuring.shard import Shard

RETRIES = 3
"""How often a shard is tried again after its process or node died."""


class ClusterError(HarnessError):
    """The cluster cannot be used, or a shard could not be measured on it."""


def measuring_words(words: Sequence[str], shard: Shard) -> list[str]:
    """The command line that measures a shard of a run.

    Args:
        words: the run's own words for pytest, with ``--ray`` and ``--shards``.
        shard: the part.
    """
    kept: list[str] = []
    before = ""
    for word in words:
        if word not in {"--ray", "--shards"} and before != "--shards" and not word.startswith("--shards="):
            kept.append(word)
        before = word
    return [*kept, "--measure-only", f"--shard={shard}", "-p", "no:cacheprovider"]


def measure(
    words: Sequence[str], folder: Path, shards: int, *, gpu: bool, on_progress: Callable[[str], None]
) -> None:
    """Measure a run on a cluster, shard by shard: the one RAY_ADDRESS names, else a new one on this machine.

    Args:
        words: the run's words for pytest.
        folder: where it was called.
        shards: how many tasks.
        gpu: whether a task takes a GPU to itself; Ray then shows it that one only.
        on_progress: called for every shard that is done.

    Raises:
        ClusterError: if Ray is missing or not reachable, or a shard could not be measured.
    """
    ray = _ray()
    ours = not ray.is_initialized()
    if ours:
        try:
            ray.init(log_to_driver=False)
        except (ConnectionError, ValueError) as error:
            raise ClusterError(f"--ray: no Ray cluster at RAY_ADDRESS ({error})") from error
    try:
        task = ray.remote(max_retries=RETRIES, retry_exceptions=[LostProcessError])(_measure_shard)
        placed = task.options(num_cpus=1, num_gpus=int(gpu), scheduling_strategy="SPREAD")
        parts = [Shard(number + 1, shards) for number in range(shards)]
        waiting = {placed.remote(measuring_words(words, part), str(folder)): part for part in parts}
        _gather(ray, waiting, on_progress)
    finally:
        if ours:
            ray.shutdown()


def _gather(ray: Any, waiting: dict[Any, Shard], on_progress: Callable[[str], None]) -> None:  # noqa: ANN401
    failed: list[str] = []
    while waiting:
        done, _ = ray.wait(list(waiting))
        part = waiting.pop(done[0])
        try:
            status, said = ray.get(done[0])
        except ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            status, said = -1, lines[-1]
        if status:
            failed.append(f"shard {part}: {said}")
        on_progress(f"ray: shard {part} {'failed' if status else 'is measured'}, {len(waiting)} to go")
    if failed:
        raise ClusterError("; ".join(failed))


class LostProcessError(Exception):
    """A measuring process that died rather than ended."""


def _measure_shard(words: Sequence[str], folder: str) -> tuple[int, str]:
    """Run one shard's process; its exit status and, if that is not 0, what it said last."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    if done.returncode < 0:
        raise LostProcessError(f"killed by signal {-done.returncode}")
    telling = [line for line in lines if line.startswith(("ERROR", "FAILED"))] or lines
    return done.returncode, telling[-1] if telling else ""


def _ray() -> Any:  # noqa: ANN401 - an optional package without types
    try:
        import ray  # noqa: PLC0415 - an optional package
        import ray.exceptions  # noqa: PLC0415
    except ImportError as error:
        raise ClusterError("--ray: Ray is not installed; pip install -e '.[ray]'") from error
    return ray
