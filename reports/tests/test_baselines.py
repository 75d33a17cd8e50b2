"""The committed baselines: of the checkpoint and data they name, and of the curves that were accepted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from fixtures import embedded, evaluation
from fixtures.plugin import pytest_findings_expectations
from harness.checkpoint.fingerprint import fingerprint
from harness.statistics.inference import FEWEST_IMAGES
from harness.verdicts.expectations import read_expectations
from harness.verdicts.regression.baseline import Baseline, kept_flows, read_baseline
from reports.plugin import BASELINES, pytest_findings_baseline
from reports.tests.tolerant import WithinErrors, within_errors

ACCEPTED = sorted(path.stem for path in BASELINES.glob("*.parquet"))


def curves(baseline: Baseline) -> dict[str, Any]:
    """Mean curves with the standard error of each point."""
    return {
        f"{quantity.task}, {quantity.measurement}": {
            "mean": found.values.mean(axis=0).round(2).tolist(),
            "error": (found.values.std(axis=0, ddof=1) / len(found.images) ** 0.5).round(3).tolist(),
        }
        for quantity, found in baseline.curves.items()
    }


def test_the_baseline_of_the_embedded_checkpoint_is_of_its_files() -> None:
    about = read_baseline(pytest_findings_baseline("embedded")).about
    assert about.sha256 == fingerprint(str(embedded())), "the checkpoint has changed: accept it again"


@pytest.mark.parametrize("name", ACCEPTED)
def test_verdicts_and_curves_were_accepted_together(name: str) -> None:
    about = read_baseline(pytest_findings_baseline(name)).about
    expected = read_expectations(pytest_findings_expectations(name))
    assert expected is not None
    assert expected.checkpoint_sha256 == about.sha256
    assert expected.dataset_sha256 == about.dataset_sha256


@pytest.mark.parametrize("name", ACCEPTED)
def test_curves_were_accepted_on_the_data_of_today(name: str) -> None:
    about = read_baseline(pytest_findings_baseline(name)).about
    assert about.dataset_sha256 == evaluation().sha256, "the data have changed: accept it again"


@pytest.mark.parametrize("name", ACCEPTED)
def test_the_baseline_holds_every_flow_on_every_task(name: str) -> None:
    baseline = read_baseline(pytest_findings_baseline(name))
    assert set(baseline.flows) == set(kept_flows(evaluation().tasks))


def test_the_baseline_of_the_embedded_checkpoint_has_images_enough_to_compare_every_curve() -> None:
    curves_ = read_baseline(pytest_findings_baseline("embedded")).curves
    assert min(len(found.images) for found in curves_.values()) >= FEWEST_IMAGES


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_curves(name: str, snapshot: SnapshotAssertion) -> None:
    """Measured again they may differ by their standard errors, not more; else update the snapshot too."""
    found = curves(read_baseline(pytest_findings_baseline(name)))
    assert found == snapshot(extension_class=WithinErrors)


def test_the_tolerance_follows_from_the_standard_errors() -> None:
    rng = np.random.default_rng(1)
    values = np.where(rng.uniform(size=(400, 12)) < 0.4, -100.0, 0.0)

    def half(rows: slice, by: float = 0.0) -> dict[str, Any]:
        part = values[rows] + by
        error = part.std(axis=0, ddof=1) / 200**0.5
        return {"flow": {"mean": part.mean(axis=0).tolist(), "error": error.tolist()}}

    first, second = slice(0, 200), slice(200, 400)
    assert within_errors(half(first), half(second))
    assert not within_errors(half(first), half(first, by=25.0))
    assert not within_errors(half(first), {})
    quiet = {"flow": {"mean": [0.0], "error": [0.0]}}
    assert within_errors(quiet, {"flow": {"mean": [0.01], "error": [0.0]}})
    assert not within_errors(quiet, {"flow": {"mean": [0.5], "error": [0.0]}})
    assert not within_errors(quiet, {"flow": {"mean": [0.0, 0.0], "error": [0.0, 0.0]}})
