"""What a run would run on: versions, device, memory."""

from __future__ import annotations

import platform
from importlib.metadata import version

import torch

from harness.data.machine import total_memory, usable_cores
from harness.engine.sweep.memory_budget import free_memory
from harness.session.doctor.sheet import Sheet
from harness.session.provenance import SUITE_VERSION
from harness.verdicts.settings import AUTO, Settings

PACKAGES = ("torch", "transformers", "tokenizers")


def say_versions(sheet: Sheet) -> None:
    """Say what is installed, and on which system."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    sheet.say("suite", SUITE_VERSION)
    sheet.say("versions", f"Python {platform.python_version()}, {packages}")
    sheet.say("platform", f"{platform.platform()}, {usable_cores()} cores")


def say_device(sheet: Sheet, settings: Settings) -> None:
    """Say where a run would compute, in which dtype, and how much memory is there."""
    sheet.say("device", f"{settings.device}, {settings.dtype}")
    sheet.say("memory", _of_machine() + "".join(f"; {one}" for one in _of_gpus(settings.device)))


def in_words(size: int) -> str:
    """Write a size in bytes as GiB; as MiB below one."""
    return f"{size / 2**30:.1f} GiB" if size >= 1 << 30 else f"{size / 2**20:.1f} MiB"


def _of_machine() -> str:
    return f"{in_words(total_memory())}, {in_words(free_memory(torch.device('cpu')))} of it free"


def _of_gpus(device: str) -> list[str]:
    """The GPUs that a device means; none for a CPU."""
    if device == AUTO:
        numbers = list(range(torch.cuda.device_count()))
    elif device.startswith("cuda"):
        numbers = [int(device.partition(":")[2] or 0)]
    else:
        numbers = []
    return [
        f"{torch.cuda.get_device_name(at)} {in_words(torch.cuda.get_device_properties(at).total_memory)}, "
        f"{in_words(free_memory(torch.device('cuda', at)))} of it free"
        for at in numbers
    ]
