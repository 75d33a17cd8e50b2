"""How a measurement's values are drawn: at which depths, under which name, in which role."""

from __future__ import annotations

from dataclasses import dataclass

from harness.data.depth import Grid, LensGrid
from harness.interventions.measurements import (
    ActivationPatch,
    BlockFromLayer,
    Lens,
    Measurement,
    Modules,
    Quantity,
    Sweep,
)


@dataclass(frozen=True)
class Axis:
    """Where the values of a curve lie.

    Attributes:
        points: centre layers, layers passed, or first blocked layers.
        depth: relative depth of each.
        window: window size k in layers, or None.
    """

    points: tuple[int, ...]
    depth: tuple[float, ...]
    window: int | None = None


def axis_of(measurement: Measurement, layers: int) -> Axis | None:
    """Where a measurement's values lie in depth; None for a single value and for values without a depth.

    Args:
        measurement: the measurement.
        layers: L.
    """
    match measurement:
        case Sweep() | ActivationPatch() | Modules():
            grid = Grid(layers, measurement.window)
            return Axis(tuple(grid.centres), tuple(grid.depths.tolist()), measurement.window)
        case Lens():
            lens = LensGrid(layers)
            return Axis(tuple(range(layers + 1)), tuple(lens.depths.tolist()))
        case BlockFromLayer(_, starts) if len(starts) > 1:
            return Axis(starts, tuple(start / layers for start in starts))
        case _:
            return None


def label(quantity: Quantity) -> str:
    """What a curve is called in plots."""
    return f"{_own_label(quantity)}, {quantity.checkpoint}" if quantity.checkpoint else _own_label(quantity)


def _own_label(quantity: Quantity) -> str:
    match quantity.measurement:
        case Lens(norm, condition):
            text = _FORMS[quantity.reading] + (", final norm applied" if norm else "")
            return text if condition == "plain" else f"{text}, {_CONDITIONS[condition]}"
        case Sweep(flow, _, condition):
            return str(flow) if condition == "plain" else f"{flow}, {_CONDITIONS[condition]}"
        case ActivationPatch(flow, _, by):
            return f"{flow}, reading {_CONTENTS[by]} instead"
        case Modules(module, region, _, draw):
            name = "MLP" if module == "mlp" else "attention"
            own = f"{name} zeroed at {region}"
            return own if draw is None else f"as much of the {name} taken from as many random rows"
        case BlockFromLayer(flow):
            return f"{flow} in all layers from here on"
        case _:
            return str(quantity.measurement)


def role(measurement: Measurement) -> str:
    """``lens``, ``control`` (random sources, or another control) or ``effect``."""
    match measurement:
        case Lens():
            return "lens"
        case Sweep(flow):
            return "effect" if flow.draw is None and flow.source not in CONTROL_REGIONS else "control"
        case Modules():
            return "effect" if measurement.draw is None else "control"
        case ActivationPatch():
            return "control"
        case _:
            return "effect"


CONTROL_REGIONS = frozenset({"random_patches", "most_patches", "shifted_patches", "foreign_patches"})
"""Sources that stand for what a claim's own source must beat."""

_FORMS = {
    "lower": "lower answer",
    "capital": "capital answer",
    "either": "answer in either case",
    "false_lower": "false lower answer",
    "false_capital": "false capital answer",
    "false_either": "false answer in either case",
}
_CONTENTS = {"mean": "the mean value", "other": "an image with another answer (minimal pair if any)"}
_CONDITIONS = {
    "grey": "grey picture",
    "lower": "asked for lower case",
    "first_subword": "first of several sub-words",
    "last_subword": "last of several sub-words",
}
