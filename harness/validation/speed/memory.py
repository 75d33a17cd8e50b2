"""The memory that the sweep needs beyond a plain forward pass.

Each kind of work runs in a process of its own: the kernel keeps the most memory a process ever had,
and that mark is set back once the weights are there and everything has run once. Linux only.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.engine.sweep.sweeper import Sweeper
from harness.validation.speed.conditions import conditions
from harness.validation.speed.geometry import GEOMETRIES
from harness.validation.speed.measure import knockout_sets
from harness.validation.tables import Page, chosen, listed, report_progress, table

GIB = 1 << 30
MIB = 1 << 20
LITTLE = 32 * MIB
"""A small budget for a packed batch, as `--memory` gives one."""
Work = Callable[[], object]


def plain(checkpoint: Checkpoint, encoded: Encoded) -> Work:
    """A forward pass that keeps keys and values, the head on the last row."""
    return lambda: checkpoint.model(
        input_ids=encoded.ids[None], **encoded.visual, use_cache=True, logits_to_keep=1
    )


def every_row(checkpoint: Checkpoint, encoded: Encoded) -> Work:
    """The same with the head on every row, as the released code asks for it."""
    return lambda: checkpoint.model(input_ids=encoded.ids[None], **encoded.visual, use_cache=True)


def sweep(checkpoint: Checkpoint, encoded: Encoded, memory: int | None = None) -> Work:
    """All windows of six flows; the check of the first question is over when it is measured."""
    sweeper = Sweeper(checkpoint, memory)
    knockouts = knockout_sets(checkpoint, encoded)["six flows, all windows"]
    return lambda: sweeper.image([encoded], [knockouts])


def little(checkpoint: Checkpoint, encoded: Encoded) -> Work:
    """The sweep within a small budget."""
    return sweep(checkpoint, encoded, LITTLE)


def first_check(checkpoint: Checkpoint, encoded: Encoded) -> Work:
    """The first clean run after loading, which is held against the model's own forward pass."""
    return lambda: Sweeper(checkpoint).clean_run([encoded])


KINDS: dict[str, Callable[[Checkpoint, Encoded], Work]] = {
    "plain pass, cache kept": plain,
    "the same, head on every row": every_row,
    "sweep, six flows": sweep,
    f"sweep, --memory {LITTLE // MIB} MiB": little,
    "first clean run, with its check": first_check,
}


def resident(mark: str) -> int:
    """Bytes this process has in memory now (``VmRSS``), or had at most (``VmHWM``)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{mark}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"no {mark} in /proc/self/status")


def reset_most() -> None:
    """Give freed memory back and set the mark of the most memory to what there is now."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


@torch.inference_mode()
def one(model: str, kind: str) -> dict[str, int]:
    """Measure one kind of work in this process.

    Returns:
        Bytes: ``before``, everything loaded; ``above``, the most that the work needed beyond that.
    """
    geometry = GEOMETRIES[model]
    checkpoint = geometry.checkpoint()
    encoded = geometry.question(checkpoint)
    work = KINDS[kind](checkpoint, encoded)
    work()
    reset_most()
    before = resident("VmRSS")
    work()
    return {"before": before, "above": resident("VmHWM") - before}


def run(options: argparse.Namespace) -> Page:
    """Measure one kind of work in this process, or every kind, each in a fresh one."""
    models = chosen(options.models, GEOMETRIES, "model")
    torch.set_num_threads(1)
    if options.kind:
        (kind,) = chosen([options.kind], KINDS, "kind of work")
        return Page("memory", json.dumps(one(models[0], kind)))
    load, rows = os.getloadavg(), []
    for model in models:
        for kind in KINDS:
            command = [sys.executable, "-m", "harness.validation", "memory", model, "--kind", kind]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
            found = json.loads(said)
            rows.append((model, kind, f"{found['before'] / MIB:,.0f}", f"{found['above'] / MIB:,.0f}"))
            report_progress(rows[-1])
    info = conditions(load)
    del info["clock"]
    return Page(
        "memory",
        f"# Memory of the sweep, {info['date']}\n\n"
        f"{table('model | work | loaded, MiB: | needs beyond, MiB:', rows)}\n"
        "Loaded: the process with its weights. Beyond: the most resident memory during the work, less "
        "that;\na process for each row, the work run once before. Random weights, float32.\n\n"
        f"{listed(info)}",
    )
