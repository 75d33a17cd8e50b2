"""Curves for the record: what a quantity measures, at which depths its values lie, in which role."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.data.depth import Grid, LensGrid
from harness.data.flow import Flow
from harness.interventions.measurements import (
    ActivationPatch,
    BlockFromLayer,
    Lens,
    Measurement,
    Modules,
    Quantity,
    Sweep,
    only_of,
)
from harness.statistics.curves import Curves
from harness.statistics.summaries import curve_band
from harness.verdicts.record import Curve, MeasurementRecord

UNITS = {
    "p_c": "change of the answer's probability in per cent",
    "distractor": "change of the answer's share against the wrong answer in per cent",
    "log_odds": "change of the log-odds against the wrong answer",
    "flip": "minus the rate of changed answers in per cent",
    "per_token": "change of the answer's probability in per cent, per source token",
    "right": "share of right answers",
    "probability": "probability at the last position",
}
CONTROL_REGIONS = frozenset({"random_patches", "most_patches", "shifted_patches", "foreign_patches"})
"""Sources that stand for what a claim's own source must beat."""


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


def grid_axis(grid: Grid) -> Axis:
    """The axis of a sweep's windows."""
    return Axis(tuple(grid.centres), tuple(grid.depths.tolist()), grid.size)


def axis_of(measurement: Measurement, layers: int) -> Axis | None:
    """Where a measurement's values lie in depth; None for single values and for values without a depth.

    Args:
        measurement: the measurement.
        layers: L.
    """
    match measurement:
        case Sweep() | ActivationPatch() | Modules():
            return grid_axis(Grid(layers, measurement.window, only_of(measurement)))
        case Lens():
            return Axis(tuple(range(layers + 1)), tuple(LensGrid(layers).depths.tolist()))
        case BlockFromLayer(_, starts) if len(starts) > 1 and only_of(measurement) is None:
            return Axis(starts, tuple(start / layers for start in starts))
        case _:
            return None


def measurement_record(quantity: Quantity) -> MeasurementRecord:
    """What a quantity's curve shows, as the record says it.

    Raises:
        ValueError: if its measurement has no curve over depth.
    """
    of = quantity.checkpoint
    match quantity.measurement:
        case Sweep(Flow(source, target, draw), _, condition):
            return MeasurementRecord("sweep", source, target, draw, condition, checkpoint=of)
        case ActivationPatch(Flow(source, target, draw), _, by):
            return MeasurementRecord("activation_patch", source, target, draw, replacement=by, checkpoint=of)
        case BlockFromLayer(Flow(source, target, draw)):
            return MeasurementRecord("block_from_layer", source, target, draw, checkpoint=of)
        case Modules(module, region, _, draw):
            return MeasurementRecord("modules", region, draw=draw, module=module, checkpoint=of)
        case Lens(norm, condition):
            form = quantity.reading
            return MeasurementRecord("lens", condition=condition, form=form, norm=norm, checkpoint=of)
        case other:
            raise ValueError(f"{other} has no curve over depth")


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


def mean_curve(quantity: Quantity, data: Curves, axis: Axis, as_role: str = "") -> Curve:
    """The mean over images with its simultaneous 95 % band; ``as_role`` if it is not `role`."""
    band = curve_band(data, str(quantity))
    series = (band.mean.tolist(), band.lower.tolist(), band.upper.tolist())
    return _curve(quantity, axis, series, len(data.images), as_role)


def sample_curve(quantity: Quantity, values: Sequence[float], axis: Axis) -> Curve:
    """A single sample's values; it has no band."""
    nothing = [float("nan")] * len(values)
    return _curve(quantity, axis, (values, nothing, nothing), 1)


def _curve(
    quantity: Quantity, axis: Axis, series: tuple[Sequence[float], ...], images: int, as_role: str = ""
) -> Curve:
    reading = "probability" if isinstance(quantity.measurement, Lens) else quantity.reading
    mean, lower, upper = map(tuple, series)
    return Curve(
        measurement=measurement_record(quantity),
        task=quantity.task,
        reading=reading,
        unit=UNITS[reading],
        role=as_role or role(quantity.measurement),
        window=axis.window,
        points=axis.points,
        depth=axis.depth,
        mean=mean,
        lower=lower,
        upper=upper,
        n_images=images,
    )
