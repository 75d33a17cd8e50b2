"""The options of a plan, checked; importing them loads nothing heavy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from harness.session.options import option
from harness.session.plan.rates import DEFAULT, Rate, stated

DEFAULT_EFFECT = 10.0
"""Points of p_c beyond a claim's threshold, unless asked for."""


@dataclass(frozen=True)
class PlanOptions:
    """What ``--plan`` was asked beside the options of a run.

    Attributes:
        rate: how fast the device is said to be, or None: it is measured.
        effect: points of p_c by which a truth is supposed to lie beyond its claim's threshold.
    """

    rate: Rate | None
    effect: float


def plan_options(config: pytest.Config) -> PlanOptions:
    """Read the options of the plan.

    Raises:
        pytest.UsageError: if one cannot be used.
    """
    for name in ("plan_rate", "plan_effect"):
        if config.getoption(name) is not None and not config.getoption("plan"):
            raise pytest.UsageError(f"--{name.replace('_', '-')}: it is about a plan; add --plan")
    rate, effect = option(config, "plan_rate"), option(config, "plan_effect")
    try:
        given = None if rate is None else stated(str(rate))
    except ValueError as error:
        raise pytest.UsageError(
            f"--plan-rate {rate}: must be tera operations per second, e.g. 40, or a device such as {DEFAULT}"
        ) from error
    try:
        points = DEFAULT_EFFECT if effect is None else float(effect)
    except ValueError:
        points = math.nan
    if not 0 < points <= 100:  # noqa: PLR2004 - per cent
        raise pytest.UsageError(f"--plan-effect {effect}: must be points of p_c, above 0 and at most 100")
    return PlanOptions(given, points)
