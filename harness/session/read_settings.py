"""Options, resolved and checked: every bad value is one line that names the option and the remedy."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.checkpoint.adapters import BOX_RULES, HANDLINGS
from harness.checkpoint.info import CheckpointInfo, checkpoint_info, papers
from harness.checkpoint.prompt import CHAT, FORMATS
from harness.data.default_folders import ELSEWHERE
from harness.data.depth import rule_window
from harness.data.errors import HarnessError
from harness.data.machine import usable_cores
from harness.data.sample import TASKS
from harness.data.user_paths import user_path
from harness.evidence.elsewhere.imports import Imported, find_import, imported_at
from harness.measuring.shard import Shard
from harness.session.gpu import cuda_devices, demands_gpu
from harness.session.options import option, output_folder
from harness.verdicts.settings import (
    ALL,
    AUTO,
    DEFAULT_ALPHA,
    DEFAULT_SHOWN,
    EMBEDDED,
    MOST_SHOWN,
    NOT_KNOWN,
    Settings,
    default_dtype,
    usual_samples,
)

DTYPES = ("float32", "float64", "bfloat16", "float16")
MEASURING = (
    *("checkpoint", "dataset", "images", "prompt", "image_handling", "boxes", "device", "dtype", "memory"),
    *("processes", "shard", "shards", "ray", "measure_only", "accept", "accept_as", "baseline", "allow_cpu"),
    "reference",
)
"""Options that say what is measured and how, or keep what was measured as known."""
DEFAULT_SHARDS = 8
MOST_PROCESSES = 8
MOST_WEIGHTS = 2 << 30
"""Bytes of weights that all measuring processes of a machine may hold together, unless asked for."""


def read_settings(config: pytest.Config) -> Settings:
    """Resolve and check the options.

    Raises:
        pytest.UsageError: if one cannot be used; pytest then ends with exit status 4.
    """
    gpu = demands_gpu(str(config.getoption("markexpr", "") or ""))
    imported = _evidence_of(config, gpu=gpu)
    named = option(config, "checkpoint")
    accept_as = _accept_as(option(config, "accept_as"), named or (), gpu=gpu)
    if option(config, "images") is not None and option(config, "dataset") is None:
        raise pytest.UsageError("--images: the pictures of which data? name their folder with --dataset DIR")
    planned = bool(config.getoption("plan"))
    device = str(
        option(config, "device")
        or _default_device(gpu=gpu, allow_cpu=config.getoption("allow_cpu"), here=not planned)
    )
    settings = Settings(
        checkpoints=tuple(dict.fromkeys(named or (papers() if gpu else (EMBEDDED,)))),
        dataset=(dataset := _folder(config, "dataset")),
        images=_folder(config, "images"),
        tasks=_tasks(option(config, "task")),
        samples=_samples(config, dataset if imported is None else imported.folder),
        futility=option(config, "samples") != ALL,
        window=_whole(config, "window"),
        device=_device(device, here=not planned),
        dtype=_dtype(option(config, "dtype"), device),
        alpha=_alpha(option(config, "alpha")),
        evidence=output_folder(config, "evidence"),
        report=output_folder(config, "report"),
        accept=bool(config.getoption("accept") or accept_as),
        accept_as=accept_as,
        gpu=gpu,
        prompt=_prompt(config),
        image_handling=_one_of("image-handling", HANDLINGS, option(config, "image_handling")),
        boxes=_one_of("boxes", BOX_RULES, option(config, "boxes")),
        measure_only=bool(config.getoption("measure_only")),
        judge_only=_judge_only(config),
        shard=_shard(config),
        processes=_whole(config, "processes"),
        memory=_memory(option(config, "memory")),
        ray_shards=_ray_shards(config),
        report_samples=_report_samples(config),
        baseline=option(config, "baseline"),
        reference=bool(config.getoption("reference")),
    )
    return settings if imported is None else _of_import(settings, imported)


def _evidence_of(config: pytest.Config, *, gpu: bool) -> Imported | None:
    """The import that is to be judged, if one is; nothing that says how to measure goes with it."""
    named = option(config, "evidence_of")
    if named is None:
        return None
    without = next((name for name in MEASURING if config.getoption(name)), None)
    if without is not None or gpu:
        left_out = "-m gpu" if without is None else f"--{without.replace('_', '-')}"
        raise pytest.UsageError(
            f"--evidence-of: it was measured elsewhere, and nothing is measured; leave {left_out} out"
        )
    try:
        root = config.rootpath / ELSEWHERE
        return find_import(str(user_path(str(named))), root, config.invocation_params.dir)
    except HarnessError as error:
        raise pytest.UsageError(f"--evidence-of: {error}") from error


def _of_import(settings: Settings, imported: Imported) -> Settings:
    """The settings of a run that judges an import; what ini files say of measuring does not hold for it."""
    manifest = imported.manifest
    window = settings.window or manifest.window
    return replace(
        settings,
        checkpoints=(manifest.checkpoint,),
        dataset=None,
        images=None,
        prompt=None,
        image_handling=None,
        boxes=None,
        baseline=None,
        futility=False,  # nothing is measured, so nothing is saved
        judge_only=True,
        window=None if window == rule_window(manifest.layers) else window,
        device="cpu",
        dtype=NOT_KNOWN,
        report_samples=0,
        evidence_of=imported.folder,
    )


def check_gpu(config: pytest.Config, settings: Settings) -> None:
    """Refuse a run that demands a GPU where there is none, or that has nothing to run on.

    A green run that verified nothing is the worst outcome.

    Raises:
        pytest.UsageError: in one sentence, before anything starts.
    """
    if not settings.gpu or config.option.collectonly:
        return
    if not (config.getoption("allow_cpu") or config.getoption("plan") or cuda_devices()):
        raise pytest.UsageError("-m gpu: no usable CUDA device on this machine; --allow-cpu runs without one")
    if settings.dataset is None and not option(config, "checkpoint"):
        raise pytest.UsageError("-m gpu: the paper's checkpoints need --dataset DIR and --images DIR")


def resolve(config: pytest.Config, settings: Settings) -> dict[str, CheckpointInfo]:
    """Find every checkpoint and check the window against it.

    Raises:
        pytest.UsageError: if a checkpoint cannot be used, or the window is larger than the model.
    """
    found: dict[str, CheckpointInfo] = {}
    if settings.evidence_of is not None:
        manifest = imported_at(settings.evidence_of).manifest
        info = CheckpointInfo(manifest.checkpoint, str(settings.evidence_of), manifest.layers)
        _check_window(settings, info)
        return {info.name: info}
    for name in settings.checkpoints:
        try:
            info = config.hook.pytest_findings_checkpoint(name=name) or checkpoint_info(name)
        except HarnessError as error:
            raise pytest.UsageError(f"--checkpoint: {error}") from error
        _check_window(settings, info)
        found[name] = replace(
            info,
            prompt=settings.prompt or info.prompt,
            image_handling=settings.image_handling or info.image_handling,
            boxes=settings.boxes or info.boxes,
        )
    names = [info.name for info in found.values()]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise pytest.UsageError(f"--checkpoint: two checkpoints are called {twice}; rename one directory")
    return found


def _check_window(settings: Settings, info: CheckpointInfo) -> None:
    if settings.window is not None and settings.window > info.layers:
        raise pytest.UsageError(
            f"--window {settings.window}: checkpoint {info.name} has only {info.layers} layers"
        )


def check_writable(option_name: str, folder: Path) -> None:
    """Raise `pytest.UsageError` unless files can be created in the folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise pytest.UsageError(
            f"--{option_name} {folder}: cannot be written ({error.strerror}); choose another folder"
        ) from error


def measuring_processes(asked: int | None, device: str, weights: int) -> int:
    """How many processes of this machine measure, this one included.

    Small matrices gain nothing from threads, so a small checkpoint on a CPU gets one process a core. On
    a GPU, and among xdist's workers, a process measures alone.

    Args:
        asked: what the user asked for, if anything.
        device: torch device.
        weights: size of the checkpoint's files in bytes.
    """
    if device != "cpu" or "PYTEST_XDIST_WORKER" in os.environ:
        return 1
    if asked is not None:
        return asked
    cores = max(1, usable_cores() // (_asked_threads() or 1))
    most = MOST_WEIGHTS // max(1, weights)
    return max(1, min(cores, MOST_PROCESSES, most))


def worker_threads(processes: int = 1) -> int:
    """Threads of a process: what OMP_NUM_THREADS says, else all cores divided among the processes.

    Args:
        processes: how many processes measure beside each other; under xdist, each worker has as many.
    """
    workers = processes * int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return _asked_threads() or max(1, usable_cores() // workers)


def _asked_threads() -> int | None:
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) > 0 else None


def _folder(config: pytest.Config, name: str) -> Path | None:
    value = option(config, name)
    if value is None:
        return None
    folder = config.invocation_params.dir / user_path(str(value))
    if not folder.is_dir():
        raise pytest.UsageError(f"--{name} {value}: no such folder")
    return folder


def _tasks(values: list[str] | None) -> tuple[str, ...] | None:
    if not values:
        return None
    known = {task.lower(): task for task in TASKS}
    for value in values:
        if value.lower() not in known:
            raise pytest.UsageError(f"--task {value}: no such task; the tasks are {', '.join(TASKS)}")
    chosen = {known[value.lower()] for value in values}
    return tuple(task for task in TASKS if task in chosen)


def _samples(config: pytest.Config, dataset: Path | None) -> int | None:
    """How many samples per task, or None for all."""
    value = option(config, "samples")
    if value is None:
        return usual_samples(dataset)
    return None if value == ALL else _whole(config, "samples", f", or {ALL}")


def _whole(config: pytest.Config, name: str, otherwise: str = "") -> int | None:
    """A whole number of at least 1; ``otherwise``: what else the option takes, for the message."""
    value = option(config, name)
    if value is None:
        return None
    if not str(value).isdecimal() or int(value) < 1:
        raise pytest.UsageError(f"--{name} {value}: must be a whole number of at least 1{otherwise}")
    return int(value)


def _memory(value: str | None) -> int | None:
    """Bytes of a size such as ``4GiB``."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT])iB", value)
    size = int(float(found[1]) * 1024 ** (1 + "KMGT".index(found[2]))) if found else 0
    if not size:
        raise pytest.UsageError(f"--memory {value}: must be a size with its unit, e.g. 500MiB or 4GiB")
    return size


def _report_samples(config: pytest.Config) -> int:
    value = option(config, "report_samples")
    if value is None:
        return DEFAULT_SHOWN
    if not str(value).isdecimal() or int(value) > MOST_SHOWN:
        raise pytest.UsageError(f"--report-samples {value}: must be a whole number from 0 to {MOST_SHOWN}")
    return int(value)


def _accept_as(name: str | None, checkpoints: Sequence[str], *, gpu: bool) -> str | None:
    if name is not None and (len(checkpoints) > 1 or (gpu and not checkpoints)):
        raise pytest.UsageError("--accept-as: one name is for one checkpoint; name it with --checkpoint")
    if name is not None and not re.fullmatch(r"\w[\w.-]*", name):
        raise pytest.UsageError(f"--accept-as {name}: must be the name of a file, e.g. my-checkpoint")
    return name


def _judge_only(config: pytest.Config) -> bool:
    asked = bool(config.getoption("judge_only"))
    for name in ("measure_only", "ray", "accept", "accept_as"):
        if asked and config.getoption(name):
            raise pytest.UsageError(
                f"--judge-only: it measures nothing; leave --{name.replace('_', '-')} out"
            )
    return asked


def _shard(config: pytest.Config) -> Shard | None:
    value = option(config, "shard")
    if value is None:
        return None
    try:
        shard = Shard.parse(str(value))
    except ValueError as error:
        raise pytest.UsageError(f"--shard {value}: {error}") from error
    if not config.getoption("measure_only"):
        raise pytest.UsageError("--shard: a part of the images proves nothing; add --measure-only")
    return shard


def _ray_shards(config: pytest.Config) -> int | None:
    shards = _whole(config, "shards")
    if not config.getoption("ray"):
        if shards is not None:
            raise pytest.UsageError("--shards: how many parts --ray measures; add --ray")
        return None
    if config.getoption("measure_only"):
        raise pytest.UsageError("--ray: it measures shards by itself; leave --measure-only out")
    if getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("--ray: the cluster measures, so workers have nothing to do; leave -n out")
    return shards or DEFAULT_SHARDS


def _alpha(value: str | None) -> float:
    try:
        alpha = DEFAULT_ALPHA if value is None else float(value)
    except ValueError:
        alpha = 0.0
    if not 0.0 < alpha < 1.0:
        raise pytest.UsageError(f"--alpha {value}: must be a number between 0 and 1, e.g. 0.05")
    return alpha


def _dtype(value: str | None, device: str) -> str:
    if value is None:
        return default_dtype(device)
    if value not in DTYPES:
        raise pytest.UsageError(f"--dtype {value}: no such dtype; choose from {', '.join(DTYPES)}")
    return value


def _prompt(config: pytest.Config) -> str | None:
    value: str | None = option(config, "prompt")
    if value is None or value in {*FORMATS, CHAT}:
        return value
    file = config.invocation_params.dir / user_path(str(value))
    if not file.is_file():
        known = ", ".join([*FORMATS, CHAT])
        raise pytest.UsageError(f"--prompt {value}: no such file, and not one of {known}")
    return str(file)


def _one_of(name: str, known: Sequence[str], value: str | None) -> str | None:
    if value not in {None, *known}:
        raise pytest.UsageError(f"--{name} {value}: choose {', '.join(known)}")
    return value


def _device(value: str, *, here: bool) -> str:
    """Check a device's name; whether a GPU is there is asked only if one is named and has to be ``here``."""
    if value == AUTO:
        if here and find_spec("accelerate") is None:
            raise pytest.UsageError(
                "--device auto: spreading a model needs accelerate; pip install accelerate"
            )
        return value
    kind, _, number = value.partition(":")
    if kind == "mps":
        raise pytest.UsageError("--device mps: not supported, since it has no float64; choose cpu")
    if kind not in {"cpu", "cuda"} or (number and not number.isdecimal()):
        raise pytest.UsageError(f"--device {value}: no such device; choose cpu, cuda, cuda:N or auto")
    if not here:
        return value
    if (kind == "cuda" and int(number or 0) >= max(1, cuda_devices())) or (
        kind == "cuda" and not cuda_devices()
    ):
        raise pytest.UsageError(f"--device {value}: this machine has {cuda_devices()} usable CUDA devices")
    return value


def _default_device(*, gpu: bool, allow_cpu: bool, here: bool) -> str:
    return "cuda" if gpu and not allow_cpu and (not here or cuda_devices()) else "cpu"
