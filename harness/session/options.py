"""Command-line options, each with an ini twin ``findings_<name>``.

Loaded by an entry point, before pytest looks for test paths: ``--dataset DIR`` must never make DIR
a test path, since pytest would then run DIR's conftest.py. Only options are defined here; nothing
heavy may be imported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from harness.data.default_folders import OUTPUTS
from harness.data.user_paths import user_path

INI_PREFIX = "findings_"

OPTIONS: tuple[tuple[str, str, str], ...] = (
    ("checkpoint", "NAME", "checkpoint to study: 'embedded', an alias, a directory or a hub id; repeatable"),
    ("dataset", "DIR", "folder with the data files *_<Task>.csv (default: the embedded scenes)"),
    ("images", "DIR", "folder with the images <img_id>.jpg (default: images/ in the data set)"),
    ("task", "TASK", "only this task, e.g. ChooseAttr; repeatable"),
    (
        "samples",
        "N|all",
        "at most N samples per task, on as many images as there are (default: all; of the scenes 360)",
    ),
    ("window", "K", "window size in layers (default: 9 of 40, 7 of 32, else the odd number nearest 0.22 L)"),
    (
        "prompt",
        "NAME|FILE",
        "prompt format: vicuna_v1, llava_llama_3, llava_llama_3_one_bos, chat or a file (default: its own)",
    ),
    (
        "image_handling",
        "HOW",
        "square (no tiles, no newlines), tiles, released-tiles, native, limited (default: its own)",
    ),
    ("boxes", "RULE", "how boxes become patches: analytic, or released: by paint (default: analytic)"),
    ("accept_as", "NAME", "as --accept, under this name, replacing what is on file there"),
    ("baseline", "NAME|FILE", "compare the curves with those of an accepted checkpoint; a moved one fails"),
    (
        "evidence_of",
        "NAME|DIR",
        "judge what was measured elsewhere, by name or path: see python -m harness.evidence import --help",
    ),
    ("device", "DEVICE", "cpu, cuda, cuda:N, auto: all GPUs (default: cpu; cuda under -m gpu)"),
    ("dtype", "DTYPE", "float32, float64, bfloat16 or float16 (default: float32; on cuda see the README)"),
    ("alpha", "A", "largest error of a verdict, between 0 and 1 (default: 0.05)"),
    ("evidence", "DIR", "where evidence is stored (default: .evidence in the suite)"),
    ("report", "DIR", "where the report is written (default: report in the suite)"),
    ("report_samples", "N", "samples per task to look at in the report, 0 to 12 (default: 6)"),
    ("shard", "I/N", "with --measure-only: only part I of N of the images, e.g. 2/8"),
    ("shards", "N", "with --ray: how many parts the images are cut into (default: 8)"),
    ("processes", "N", "processes that measure on a CPU (default: the cores, at most 8, if it is small)"),
    ("plan_rate", "RATE", "with --plan: TFLOP/s reached, or a device such as a100 (default: measured here)"),
    ("plan_effect", "POINTS", "with --plan: images for an effect so far beyond a threshold (default: 10)"),
    (
        "memory",
        "SIZE",
        "memory for the packed passes of a process, e.g. 4GiB (default: half of what is free)",
    ),
)
REPEATABLE = frozenset({"checkpoint", "task"})
FLAGS: tuple[tuple[str, str], ...] = (
    ("allow-cpu", "run -m gpu claims on the CPU"),
    ("accept", "write this run's verdicts and curves as what is expected of the checkpoint"),
    ("claims", "list the claims and exit"),
    ("plan", "say what a run would measure and take, and exit; loads no weights"),
    ("measure-only", "measure what the claims need and judge nothing"),
    ("judge-only", "judge from what is stored and measure nothing; loads no weights"),
    ("reference", "measure by one full forward pass a knockout: slow, for decoders that the sweep refuses"),
    ("ray", "measure on a Ray cluster (RAY_ADDRESS, else a new one on this machine), then judge here"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Define the options of the suite."""
    group = parser.getgroup("findings", "claims about information flow in vision-language models")
    for name, metavar, text in OPTIONS:
        group.addoption(
            f"--{name.replace('_', '-')}",
            metavar=metavar,
            action="append" if name in REPEATABLE else "store",
            default=None,
            help=text,
        )
        kind: Literal["args", "string"] = "args" if name in REPEATABLE else "string"
        parser.addini(f"{INI_PREFIX}{name}", text, type=kind, default=None)
    for flag, text in FLAGS:
        group.addoption(f"--{flag}", action="store_true", default=False, help=text)


def option(config: pytest.Config, name: str) -> Any:  # noqa: ANN401 - options have many types
    """Return an option's value, else its ini twin's, else None."""
    value = config.getoption(name)
    if value is None:
        value = config.getini(f"{INI_PREFIX}{name}") or None
    return value


def output_folder(config: pytest.Config, name: str) -> Path:
    """Return the folder of ``--evidence`` or ``--report``.

    The option is relative to where pytest was called; its ini twin and the default to the suite.
    """
    if config.getoption(name):
        return config.invocation_params.dir / user_path(str(config.getoption(name)))
    return config.rootpath / user_path(str(option(config, name) or OUTPUTS[name]))
