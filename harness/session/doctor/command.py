"""The doctor as a pytest plugin: it takes the options of a run, and runs no test.

``pytest_cmdline_main`` comes after options are parsed and before pytest configures itself, so that a bad
option is a line of the sheet like any other refusal, and nothing but the sheet is printed.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkpoint.adapters import ADAPTERS
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.fingerprint import fingerprint, weights_size
from harness.checkpoint.info import CheckpointInfo, is_directory, pinned
from harness.checkpoint.lengths import attention_window, context_length, fixed_rotary_length
from harness.checkpoint.untrusted_files import read_json
from harness.data.dataset import Dataset
from harness.data.depth import rule_window
from harness.data.doors import door
from harness.data.errors import CheckpointError
from harness.data.sample import TASKS
from harness.engine.engines import engine_for
from harness.session.doctor.asked import say_prompt
from harness.session.doctor.machine import in_words, say_device, say_versions
from harness.session.doctor.sheet import Sheet
from harness.session.doctor.tried import say_tried
from harness.session.options import OPTIONS
from harness.session.read_settings import check_gpu, check_writable, read_settings, resolve, worker_threads
from harness.session.run import Run
from harness.verdicts.settings import Settings
from harness.verdicts.undecided_runs import rows_lost

USAGE = "usage: python -m harness doctor [options of `pytest findings`]"
WHAT = "Says what such a run would do, and tries it on twenty samples of each task. Exit status 4: refused."


class Doctor:
    """Takes pytest's place once its options are parsed.

    Args:
        words: the options, as given.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = list(words)

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> int:
        """Write the sheet; returns 4 if anything was refused, else 0."""
        if config.option.help:
            print("\n".join([USAGE, WHAT, *(f"  --{_shown(*one)}" for one in OPTIONS)]))
            return 0
        sheet = Sheet()
        say_versions(sheet)
        with sheet.trying("options"):
            settings = read_settings(config)
            if settings.evidence_of is not None:
                raise pytest.UsageError(
                    "--evidence-of: no model is run, so there is none to examine; leave it out"
                )
            say_device(sheet, settings)
            _examine(sheet, config, settings)
        return self._close(sheet)

    def _close(self, sheet: Sheet) -> int:
        options = shlex.join(self._words)
        if sheet.refusals:
            sheet.say("refused", f"{len(sheet.refusals)}: see the lines that say REFUSED")
            sheet.say("next", f"set it right, then: python -m harness doctor {options}")
            return int(pytest.ExitCode.USAGE_ERROR)
        sheet.say("refused", "nothing")
        sheet.say("next", f"pytest findings {options}")
        return 0


def _shown(name: str, metavar: str, text: str) -> str:
    return f"{name.replace('_', '-')} {metavar}".ljust(28) + text


def _examine(sheet: Sheet, config: pytest.Config, settings: Settings) -> None:
    """Every check of a run, each as far as the others let it."""
    run = Run(config, settings)
    with sheet.trying("device"):
        check_gpu(config, settings)
    for name, folder in (("evidence", settings.evidence), ("report", settings.report)):
        with sheet.trying(name):
            check_writable(name, _there(folder))
    dataset = _dataset(sheet, run)
    with sheet.trying("baseline"):
        _ = run.baseline if dataset else None
    for name in settings.checkpoints:
        with sheet.trying("checkpoint"):
            (info,) = resolve(config, replace(settings, checkpoints=(name,))).values()
            _checkpoint(sheet, settings, pinned(info), dataset)
    if not sheet.refusals:
        with sheet.trying("checkpoint"):  # what concerns several of them
            _ = run.info


def _there(folder: Path) -> Path:
    """A folder, or the nearest above it that exists: the doctor makes none."""
    return next((one for one in (folder, *folder.parents) if one.exists()), folder)


def _dataset(sheet: Sheet, run: Run) -> Dataset | None:
    with sheet.trying("data"):
        dataset = run.dataset
        images = {task: len({one.image_id for one in of}) for task, of in dataset.by_task.items()}
        tasks = [f"{task} {len(of)} on {images[task]} images" for task, of in dataset.by_task.items()]
        sheet.say("data", f"{dataset.name}: {', '.join(tasks)}")
        for (task, reason), count in dataset.left_out.items():
            sheet.say("", f"{task}: {count} left out: {reason}")
        for line in rows_lost(dataset, run.settings.tasks or TASKS, run.settings.samples):
            sheet.say("", f"a run would fail: {line}")
        return dataset
    return None


def _checkpoint(sheet: Sheet, settings: Settings, info: CheckpointInfo, dataset: Dataset | None) -> None:
    """One checkpoint: what it is, how it is asked, whether the sweep is exact on it, what it answers."""
    from harness.checkpoint.without_weights import bare_checkpoint  # noqa: PLC0415 - loads torch

    digest = fingerprint(info.path, info.revision)
    size = weights_size(info.path)
    depth = f"{info.layers} layers, window {settings.window or rule_window(info.layers)}"
    sheet.say("checkpoint", f"{info.name}: {_kind(info)}{depth}, {in_words(size)}, hash {digest}")
    loaded: Checkpoint | None = None
    with sheet.trying("model"):
        loaded = _loaded(info, settings)
        sheet.say("model", _model(loaded))
    with sheet.trying("prompt"), door(CheckpointError, f"{info.path}: its prompt cannot be shown"):
        asked = loaded or bare_checkpoint(info)
        if dataset is None:
            sheet.say("prompt", f"{asked.prompt.name}; without data there is none to show")
        else:
            say_prompt(sheet, asked, dataset.samples)
    if loaded is not None and dataset is not None:
        with sheet.trying("load check"):
            engine = engine_for(loaded, settings.memory, by_reference=settings.reference)
            say_tried(sheet, loaded, dataset, engine)


def _kind(info: CheckpointInfo) -> str:
    """The model's class, as a directory's configuration has it; of a hub id it is said when it is loaded."""
    if not is_directory(info.path):
        return ""
    model_type = read_json(Path(info.path) / "config.json")["model_type"]
    return f"{ADAPTERS[model_type].model_class}, "


def _model(loaded: Checkpoint) -> str:
    """Classes, and how long a prompt may be."""
    text = loaded.model.config.text_config
    classes = f"{type(loaded.model).__name__} on {type(loaded.decoder).__name__}"
    context, window = context_length(text), attention_window(text)
    fixed = fixed_rotary_length(text)
    limits = f", sliding window of {window}" if window else ""
    limits += f", rotary positions fixed up to {fixed}" if fixed else ""
    return f"{classes}, {loaded.dtype}, on {loaded.device}; context of {context or 'unknown'} tokens{limits}"


def _loaded(info: CheckpointInfo, settings: Settings) -> Checkpoint:
    import torch  # noqa: PLC0415 - takes seconds; what is refused before needs none

    from harness.checkpoint.loading import load  # noqa: PLC0415

    torch.set_num_threads(worker_threads())
    return load(info, device=settings.device, dtype=getattr(torch, settings.dtype))
