"""Hooks by which the other packages plug into the harness; the packages themselves depend one way."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checkpoint.info import CheckpointInfo
from harness.data.dataset import Dataset
from harness.measuring.worker import Load
from harness.verdicts.record import RunRecord


@pytest.hookspec(firstresult=True)
def pytest_findings_checkpoint(name: str) -> CheckpointInfo | None:
    """Return the facts of a checkpoint that a plugin brings along, or None."""


@pytest.hookspec(firstresult=True)
def pytest_findings_dataset(config: pytest.Config, path: Path | None, images: Path | None) -> Dataset | None:
    """Load the data set in ``path``, or the default one; raise `HarnessError` if it cannot be used."""


@pytest.hookspec(firstresult=True)
def pytest_findings_measurer(
    info: CheckpointInfo, dataset: Dataset, device: str, dtype: str, threads: int
) -> Load | None:
    """Return what loads the measurer of a checkpoint, or None for the suite's own engines; it must pickle."""


@pytest.hookspec(firstresult=True)
def pytest_findings_expectations(name: str) -> Path | None:
    """Return the file that holds what is known about a checkpoint; it need not exist."""


@pytest.hookspec(firstresult=True)
def pytest_findings_baseline(name: str) -> Path | None:
    """Return the file of a checkpoint's baseline; it need not exist."""


@pytest.hookspec(firstresult=True)
def pytest_findings_report(config: pytest.Config, record: RunRecord) -> Path | None:
    """Write the report of a run; return the file to open."""
