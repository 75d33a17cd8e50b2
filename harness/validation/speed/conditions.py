"""The machine and the versions that a measurement was made with."""

from __future__ import annotations

import os
import platform

import torch
import transformers

from harness.validation.speed.clock import clock_name
from harness.validation.tables import today


def conditions(load: tuple[float, float, float], weights: str = "") -> dict[str, str]:
    """Return the date, versions, the machine and how busy it was.

    Args:
        load: the machine's load averages at the start.
        weights: what the weights were, where that is to be said.

    """
    return {
        "date": today(),
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}",
        **({"weights": weights} if weights else {}),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads used",
        "clock": clock_name(),
        "load": f"{load[0]:.1f} at the start, {os.getloadavg()[0]:.1f} at the end (above "
        f"{os.cpu_count()}: other work shared the machine)",
    }
