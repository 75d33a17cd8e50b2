"""Where numbers come from: versions, commit, machine, options, seeds, time, cost."""

from __future__ import annotations

import platform
import re
import subprocess
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

from harness.data.dataset import ORDER_SEED
from harness.data.machine import total_memory, usable_cores
from harness.evidence.engine_version import engine_versions
from harness.session.work_done import Work
from harness.statistics.inference import DRAWS
from harness.verdicts.settings import AUTO, Settings

DISTRIBUTION = "crossmodal-flow-findings"
PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "scipy", "polars", "pillow", "pytest")


def suite_version() -> str:
    """The version of this suite; a newer one may judge differently."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "not installed"


SUITE_VERSION = suite_version()


def provenance(config: pytest.Config, settings: Settings, work: Work, seconds: float) -> dict[str, Any]:
    """What a reader needs to repeat a run, and what it cost.

    Args:
        config: pytest's configuration: the checkout, and the options as they were given.
        settings: the options, resolved.
        work: what all processes have done.
        seconds: how long the run took.
    """
    root = config.rootpath
    cores = usable_cores()
    gpus = _gpus() if settings.device.startswith(("cuda", AUTO)) else []
    return {
        "commit": _git(root, "rev-parse", "HEAD") or "unknown",
        "dirty": bool(_git(root, "status", "--porcelain", "--untracked-files=no")),
        "engine_sha256": engine_versions()["engine"],
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "machine": platform.machine(),
        "system": platform.system(),
        "processor": _processor(),
        "cores": cores,
        "memory_gib": round(total_memory() / 2**30, 1),
        **({"gpus": ", ".join(gpus)} if gpus else {}),
        "options_given": " ".join(config.invocation_params.args),
        "options": _resolved(settings, root),
        "seeds": {
            "images": f"order by SHA-256 of '{ORDER_SEED}/<image id>'",
            "statistics": f"SHA-256 of an image's id and of a quantity's name, {DRAWS} draws",
            "random-source controls": "SHA-256 of task, sample id and flow",
        },
        "workers": work.processes,
        "seconds": {
            "measuring": round(work.measuring, 1),
            "judging and the rest": round(max(0.0, seconds - work.measuring), 1),
        },
        "estimated_cost": {
            "core_hours": round(seconds * cores / 3600, 4),
            **({"gpu_hours": round(work.device_seconds / 3600, 4)} if gpus else {}),
        },
    }


def _resolved(settings: Settings, root: Path) -> dict[str, Any]:
    """The options as the run used them; paths inside the checkout are relative to it."""
    return {name: _shown(value, root) for name, value in asdict(settings).items() if value is not None}


def _shown(value: object, root: Path) -> object:
    if isinstance(value, Path):
        return str(value.relative_to(root) if value.is_relative_to(root) else value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return value


def _processor() -> str:
    """The processor's name; its architecture where the system does not say."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def _gpus() -> list[str]:
    """Names of the GPUs this process may use; only called by runs that use one."""
    import torch  # noqa: PLC0415 - takes seconds

    return [torch.cuda.get_device_name(at) for at in range(torch.cuda.device_count())]


def _git(root: Path, *words: str) -> str:
    """Ask git; empty where there is no git or no repository."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(root), *words],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
