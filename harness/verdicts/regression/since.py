"""A run against a baseline: which of its curves moved, and the baseline that a run leaves behind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from harness.data.atomic_files import write_whole
from harness.data.dataset import Dataset
from harness.data.depth import Grid
from harness.data.errors import HarnessError
from harness.interventions.measurements import Quantity, Sweep
from harness.statistics.curves import Curves
from harness.statistics.looks import LOOKS
from harness.verdicts.curve_axes import grid_axis, mean_curve
from harness.verdicts.examination import Examination
from harness.verdicts.expectations import option_that_differs
from harness.verdicts.record import ChangeRecord
from harness.verdicts.regression.baseline import About, Baseline, kept_quantities, to_bytes
from harness.verdicts.regression.changes import Sides, compare
from harness.verdicts.settings import Settings

CURVE_OPTIONS = ("window", "dtype", "prompt", "image handling")
"""Options that a curve depends on, whatever the samples; they must be those of the baseline."""


def curve_protocol(settings: Settings) -> dict[str, str]:
    """The options that a curve depends on, resolved."""
    return {name: settings.protocol[name] for name in CURVE_OPTIONS if name in settings.protocol}


def check_comparable(baseline: Baseline, path: Path, dataset: Dataset, settings: Settings) -> None:
    """Refuse a baseline that was measured on other data or in another way.

    Raises:
        HarnessError: in one line that names what differs.
    """
    about = baseline.about
    if about.dataset_sha256 != dataset.sha256:
        raise HarnessError(
            f"{path}: measured on data set {about.dataset} ({about.dataset_sha256[:12]}), this run is on "
            f"{dataset.name} ({dataset.sha256[:12]}); a baseline holds for one data set"
        )
    differs = option_that_differs(about.protocol, curve_protocol(settings))
    if differs:
        raise HarnessError(f"{path}: measured with {differs}")


def changes_since(baseline: Baseline, examination: Examination, alpha: float) -> tuple[ChangeRecord, ...]:
    """What became of the baseline's curves on a checkpoint, as far as the run has measured them.

    Args:
        baseline: the baseline; see `check_comparable`.
        examination: the checkpoint, measured.
        alpha: largest error of each statement.
    """
    look = examination.look(len(LOOKS) - 1)
    old_grid = Grid(baseline.about.layers, baseline.about.window)
    new_grid = Grid(examination.info.layers, examination.window)
    found = []
    for quantity, old in baseline.curves.items():
        assert isinstance(quantity.measurement, Sweep), "baselines keep sweeps"  # noqa: S101 - for the type checker
        here = Quantity(quantity.task, Sweep(quantity.measurement.flow, examination.window), "p_c")
        if here in look:
            sides = Sides(here, old, old_grid, look[here], new_grid)
            found.append(_record(baseline, examination, sides, alpha))
    return tuple(found)


def _record(baseline: Baseline, examination: Examination, sides: Sides, alpha: float) -> ChangeRecord:
    found = compare(sides, alpha)
    return ChangeRecord(
        checkpoint=examination.info.name,
        baseline=f"{baseline.about.checkpoint} of {baseline.about.date}",
        task=sides.quantity.task,
        change=found.change.value,
        moved=found.change.moved,
        difference=found.difference,
        images_on_both=found.images[0],
        images_on_one=found.images[1],
        old=mean_curve(sides.quantity, sides.old, grid_axis(sides.old_grid), "baseline"),
        new=mean_curve(sides.quantity, sides.new, grid_axis(sides.new_grid)),
        reason=found.reason,
    )


def write_baseline(path: Path, examination: Examination) -> None:
    """Write a checkpoint's curves as the baseline that later runs are compared with.

    Raises:
        HarnessError: if the file cannot be written.
    """
    look = examination.look(len(LOOKS) - 1)
    quantities = kept_quantities(examination.dataset.tasks, examination.window)
    kept: Mapping[Quantity, Curves] = {one: look[one] for one in quantities if one in look}
    about = About(
        checkpoint=examination.info.name,
        sha256=examination.sha256,
        layers=examination.info.layers,
        window=examination.window,
        dataset=examination.dataset.name,
        dataset_sha256=examination.dataset.sha256,
        protocol=curve_protocol(examination.settings),
        date=dt.datetime.now(dt.UTC).date().isoformat(),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, to_bytes(Baseline(about, kept)))
    except OSError as error:
        raise HarnessError(f"{path}: the baseline cannot be written ({error.strerror})") from error
