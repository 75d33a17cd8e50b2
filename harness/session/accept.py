"""``--accept``: a run's verdicts and curves become what is known of its checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.data.errors import HarnessError
from harness.session import terminal
from harness.session.run import Run
from harness.statistics.verdict import Judgement
from harness.verdicts.expectations import (
    Expectations,
    differences,
    read_expectations,
    today,
    write_expectations,
)
from harness.verdicts.record import CheckpointRecord, RunRecord, structure


def accept(config: pytest.Config, run: Run, record: RunRecord, payloads: Sequence[dict[str, Any]]) -> None:
    """Write each checkpoint's verdicts as its expectations and its curves as its baseline.

    What is on file belongs to one checkpoint, data set and protocol: of those, a run replaces the rows it has
    and leaves the others. Anything else is replaced only under the name that ``--accept-as`` gives.

    Args:
        config: pytest's configuration, for the hooks and the terminal.
        run: the run.
        record: its record.
        payloads: what the claim tests handed over.

    Raises:
        HarnessError: if what is on file is about something else, or a file cannot be written; nothing is
            accepted then.
    """
    files = {one.name: _file(config, run, record, one) for one in record.checkpoints}
    for path in run.write_baselines(files):
        terminal.write_line(config, f"accept baseline {path.name}")
    for checkpoint in record.checkpoints:
        judged = {
            str(payload["key"]): structure(payload["claim"]["judgement"], Judgement)
            for payload in sorted(payloads, key=lambda payload: str(payload["key"]))
            if payload["checkpoint"]["name"] == checkpoint.name
        }
        _write(config, files[checkpoint.name], checkpoint, record, judged)


def _file(config: pytest.Config, run: Run, record: RunRecord, checkpoint: CheckpointRecord) -> Path:
    """Where a checkpoint's verdicts go, once it is sure that they may."""
    name = run.settings.accept_as or run.settings.kept_as(checkpoint.name)
    path: Path = config.hook.pytest_findings_expectations(name=name)
    old = read_expectations(path)
    reason = (
        old.stale(checkpoint.sha256, record.dataset_sha256, record.protocol_of(checkpoint)) if old else ""
    )
    if reason and run.settings.accept_as is None:
        raise HarnessError(
            f"--accept: {path.name} was {reason}; nothing is accepted. --accept-as {name} replaces what is "
            "on file, --accept-as with another name keeps it"
        )
    return path


def _write(
    config: pytest.Config,
    path: Path,
    checkpoint: CheckpointRecord,
    record: RunRecord,
    judged: dict[str, Judgement],
) -> None:
    """Write one checkpoint's expectations, after showing what changes."""
    old = read_expectations(path)
    same = (
        old
        if old and old.valid_for(checkpoint.sha256, record.dataset_sha256, record.protocol_of(checkpoint))
        else None
    )
    verdicts = {**(same.verdicts if same else {}), **{key: one.verdict for key, one in judged.items()}}
    reasons = {**(same.reasons if same else {}), **{key: why(one) for key, one in judged.items()}}
    for text in differences(old.verdicts if old else {}, verdicts):
        terminal.write_line(config, f"accept {path.stem} {text}")
    about = (checkpoint.sha256, record.dataset_sha256, record.protocol_of(checkpoint))
    write_expectations(path, Expectations(path, *about, verdicts, reasons, today()))


def why(judgement: Judgement) -> str:
    """The number that decided a verdict, in one line, for the file of expectations."""
    if not judgement.parts:
        return judgement.reason
    part = judgement.parts[0]
    where = f" at {part.where}" if part.where else ""
    return (
        f"{part.label}{where}: {part.estimate:.3g} [{part.lower:.3g}, {part.upper:.3g}], "
        f"claimed {part.asserts} {part.threshold:g}; {judgement.n_images} images"
    )
