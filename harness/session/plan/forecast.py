"""A prediction for one checkpoint on the processes and the device of a run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import pytest

from harness.checkpoint.fingerprint import weights_size
from harness.checkpoint.info import CheckpointInfo
from harness.checkpoint.without_weights import sized_checkpoint
from harness.data.errors import HarnessError
from harness.session.gpu import cuda_devices
from harness.session.plan.cost import Cost
from harness.session.plan.prediction import SAMPLED, Planned, Prediction
from harness.session.plan.rates import DEFAULT, Rate, measured, stated
from harness.session.read_settings import measuring_processes, worker_threads
from harness.session.run import Run
from harness.verdicts.claims import Claim
from harness.verdicts.expectations import read_expectations
from harness.verdicts.record import PredictedCost

SAMPLED_BY_RUN = 2
"""Samples of a task that a run counts before it begins; `--plan` counts more."""


@dataclass(frozen=True)
class Forecast:
    """What a run would measure, and how fast.

    Attributes:
        prediction: what.
        rate: operations per second of one process.
        processes: processes that measure.
    """

    prediction: Prediction
    rate: Rate
    processes: int

    def range(self, cost: Cost) -> tuple[float, float]:
        """Shortest and longest time, in seconds, that is expected of a cost."""
        return cost.range(self.rate, self.processes)


def forecast(
    config: pytest.Config,
    run: Run,
    info: CheckpointInfo,
    claims: Sequence[Claim],
    given: Rate | None = None,
    sampled: int = SAMPLED,
) -> Forecast:
    """Predict what a checkpoint's claims would take.

    Args:
        config: pytest's configuration.
        run: the run.
        info: the checkpoint.
        claims: the claims on it.
        given: how fast the device is said to be, or None.
        sampled: samples of a task that are counted.

    Raises:
        HarnessError: if the checkpoint's configuration or processor, or the data, cannot be used.
    """
    planned = run.examination(info, Planned)
    dtype, device = planned.settings.dtype, run.settings.device
    checkpoint = sized_checkpoint(planned.info, dtype)
    kept_as = run.settings.kept_as(planned.info.name)
    known = read_expectations(config.hook.pytest_findings_expectations(name=kept_as))
    workers = int(getattr(config.option, "numprocesses", None) or 0) or _workers(config)
    processes = workers or measuring_processes(run.settings.processes, device, weights_size(info.path))
    if given is None and (device == "cpu" or cuda_devices()):
        threads = worker_threads(1 if workers else processes)
        given = measured(checkpoint, device.partition(":")[0].replace("auto", "cuda"), dtype, threads)
    return Forecast(
        Prediction(planned, claims, checkpoint, known, sampled), given or stated(DEFAULT), processes
    )


def predicted_costs(config: pytest.Config, run: Run, claims: Sequence[Claim]) -> dict[str, PredictedCost]:
    """What each checkpoint's measuring is predicted to take, by name, where nothing is stored of it.

    Args:
        config: pytest's configuration.
        run: the run.
        claims: its claims.
    """
    found = {}
    for name, info in run.info.items():
        mine = [claim for claim in claims if claim.checkpoint == name]
        with suppress(HarnessError):  # the run meets the same error, and says it
            if mine and run.examination(info, Planned).begins_afresh:
                found[info.name] = _record(forecast(config, run, info, mine, sampled=SAMPLED_BY_RUN))
    return found


def _record(told: Forecast) -> PredictedCost:
    most, (expected, derived) = told.prediction.most, told.prediction.expected
    shortest, longest = told.range(expected)
    return PredictedCost(
        round(expected.passes),
        round(most.passes),
        round(expected.row_layers),
        round(most.row_layers),
        round(shortest, 1),
        round(longest, 1),
        derived,
        told.rate.source,
    )


def _workers(config: pytest.Config) -> int:
    """How many workers of xdist there are, this process being one of them; else none."""
    return int(getattr(config, "workerinput", {}).get("workercount", 0))
