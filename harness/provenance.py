"""Where numbers come from: versions, commit, machine, time."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

DISTRIBUTION = "crossmodal-flow-findings"
PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "scipy", "polars", "pillow", "pytest")


def suite_version() -> str:
    """The version of this suite; a newer one may judge differently."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "not installed"


SUITE_VERSION = suite_version()


def provenance(root: Path, seconds: float) -> dict[str, Any]:
    """What a reader needs to repeat a run.

    Args:
        root: the suite's checkout.
        seconds: how long the run took.
    """
    return {
        "commit": _git(root, "rev-parse", "HEAD") or "unknown",
        "dirty": bool(_git(root, "status", "--porcelain", "--untracked-files=no")),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": len(os.sched_getaffinity(0)),
        "seconds": round(seconds, 1),
    }


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
