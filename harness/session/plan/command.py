"""``pytest findings --plan``: what a run with the same options would measure and take, and then no run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.checkpoint.info import CheckpointInfo
from harness.data.errors import HarnessError
from harness.session import terminal
from harness.session.plan.forecast import Forecast, forecast
from harness.session.plan.needed import POWER, Spread, images_needed, spread_of
from harness.session.plan.plan_options import PlanOptions, plan_options
from harness.session.plan.prediction import SAMPLED
from harness.session.progress import clock
from harness.session.run import Run
from harness.verdicts.claims import Claim
from harness.verdicts.regression.baseline import read_baseline

GIB = 1 << 30


def say_plan(config: pytest.Config, run: Run, claims: Sequence[Claim]) -> None:
    """Write the plan of every checkpoint.

    Args:
        config: pytest's configuration.
        run: the run that would be.
        claims: what it would judge.

    Raises:
        pytest.UsageError: if a checkpoint or the data cannot be used.
    """
    asked = plan_options(config)
    for name, info in run.info.items():
        mine = [claim for claim in claims if claim.checkpoint == name]
        try:
            lines = _plan(config, run, info, mine, asked) if mine else []
        except HarnessError as error:
            raise pytest.UsageError(f"--plan: {error}") from error
        for line in lines:
            terminal.write_line(config, line)


def _plan(
    config: pytest.Config, run: Run, info: CheckpointInfo, claims: Sequence[Claim], asked: PlanOptions
) -> list[str]:
    """The lines of one checkpoint's plan."""
    told = forecast(config, run, info, claims, asked.rate)
    dataset = run.dataset
    images = [len({one.image_id for one in of}) for of in dataset.by_task.values()]
    samples = sum(map(len, dataset.by_task.values()))
    on = f"{samples:,} samples, at most {max(images, default=0)} images a task"
    return [
        "",
        f"plan of {info.name}, as if nothing were stored: {len(told.prediction.claims)} verdicts on {on}",
        *_totals(told),
        *_memory(told, run),
        f"  counted on {SAMPLED} samples of each task where there are more, all taken as answered rightly;",
        f"  expected: {told.prediction.expected[1]}",
        f"  time, roughly, with {told.processes} measuring at once: {told.rate.source};",
        "  judging and the report come on top",
        "",
        *_by_claim(config, told, run, asked.effect),
    ]


def _totals(told: Forecast) -> list[str]:
    most, (expected, _) = told.prediction.most, told.prediction.expected
    rows = [
        ("knocked-out passes", f"{most.passes:,.0f}", f"{expected.passes:,.0f}"),
        ("rows × layers", f"{most.row_layers:,.0f}", f"{expected.row_layers:,.0f}"),
        ("operations, TFLOP", f"{most.operations / 1e12:,.2f}", f"{expected.operations / 1e12:,.2f}"),
        ("time", _range(told.range(most)), _range(told.range(expected))),
    ]
    head = f"  {'':20} {'at most':>20} {'expected':>20}"
    return [head, *(f"  {name:20} {most:>20} {expected:>20}" for name, most, expected in rows)]


def _range(seconds: tuple[float, float]) -> str:
    return f"{clock(seconds[0])} to {clock(seconds[1])}"


def _memory(told: Forecast, run: Run) -> list[str]:
    count, questions = told.prediction.typical()
    if count is None:
        return ["  no sample can be put to the checkpoint: `python -m harness doctor` says why"]
    least, full = told.prediction.sizes.memory(count, questions, run.settings.device, run.settings.memory)
    if run.settings.reference:
        return [f"  memory of a process: {least / GIB:.1f} GiB, and what one full pass takes"]
    return [f"  memory of a process: {least / GIB:.1f} GiB, {full / GIB:.1f} with the largest packed batch"]


def _by_claim(config: pytest.Config, told: Forecast, run: Run, effect: float) -> list[str]:
    """What each claim costs, and how many images it needs."""
    prediction, spread = told.prediction, _spread(config, run.settings.kept_as(told.prediction.name))
    head = (
        f"  {'claim':6} {'passes alone':>13} {'time alone':>19} {'passes it adds':>15} {'of the run':>10} "
        f"{'images needed':>13}"
    )
    rows, whole = [], prediction.most.operations or 1.0
    plan = run.settings.look_plan
    for one in prediction.by_claim():
        points = max(prediction.points(one.id), 1)
        needed = images_needed(points, effect, spread.points, plan)
        rows.append(
            f"  {one.id:6} {one.alone.passes:>13,.0f} {_range(told.range(one.alone)):>19} "
            f"{one.adds.passes:>15,.0f} {one.adds.operations / whole:>10.1%} {needed:>13,}"
        )
    return [
        head,
        *rows,
        "  alone: if no other claim were run; adds: passes no other claim asks for; both to the last look",
        f"  images needed: answered rightly, for a truth {effect:g} points beyond its threshold to be",
        f"  shown with a chance of {POWER:.0%}; effects spread by {spread.points:.0f} points over images",
        f"  ({spread.source}); a claim of several parts needs more",
    ]


def _spread(config: pytest.Config, kept_as: str) -> Spread:
    path = config.hook.pytest_findings_baseline(name=kept_as)
    return spread_of(read_baseline(path) if path is not None and path.is_file() else None)
