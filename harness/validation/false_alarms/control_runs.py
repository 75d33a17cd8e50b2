"""Compare control checkpoints with a baseline: ``python -m harness.validation control-runs``.

A control is the baseline's checkpoint changed in a way whose effect on every curve is known, at least in
some windows (`fixtures.control_checkpoints`). What ``--accept`` keeps of a control is named
``control-….parquet``. The table says whether the known windows are as they must be, which curves are
reported as moved, and how far apart the curves truly are on the images compared.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.data.depth import Grid, window_layers
from harness.data.errors import HarnessError
from harness.data.flow import Flow
from harness.interventions.measurements import Quantity, Sweep
from harness.statistics.curves import Curves, Floats
from harness.statistics.forms import DROP
from harness.validation.tables import Page, table
from harness.verdicts.regression.baseline import Baseline, read_baseline
from harness.verdicts.regression.changes import Change, Sides, compare

INSERTED = 3
"""Identity layers of ``control-identity``, below all others."""
ZEROED = range(4, 7)
"""Layers of ``control-zeroed`` whose attention gives nothing."""
FROM_IMAGE = ("image", "related_patches", "other_patches")

Known = Callable[[Floats, Flow, Grid, Grid], Floats]
"""From the baseline's per-image curves to a control's; not a number where nothing is known."""


def identity(old: Floats, flow: Flow, old_grid: Grid, grid: Grid) -> Floats:
    """Curves of the checkpoint with layers inserted below that change nothing: the old ones, moved up.

    A window wholly inside the new layers does nothing; one that reaches from them into part of the first
    old window is new.
    """
    del flow
    new = np.full((len(old), grid.points), np.nan)
    new[:, INSERTED:] = old[:, : old_grid.points]
    inside = [window_layers(at, grid.size, grid.layers)[-1] < INSERTED for at in grid.centres]
    new[:, inside] = 0.0
    return new


def zeroed(old: Floats, flow: Flow, old_grid: Grid, grid: Grid) -> Floats:
    """Curves of the checkpoint without attention in some layers: nothing inside them, unknown elsewhere."""
    del flow, old_grid
    new = np.full((len(old), grid.points), np.nan)
    windows = [window_layers(at, grid.size, grid.layers) for at in grid.centres]
    new[:, [window[0] in ZEROED and window[-1] in ZEROED for window in windows]] = 0.0
    return new


def masked(old: Floats, flow: Flow, old_grid: Grid, grid: Grid) -> Floats:
    """Curves of the checkpoint that can never read the image after it: nothing comes from the image."""
    del old_grid
    return np.full((len(old), grid.points), 0.0 if flow.source in FROM_IMAGE else np.nan)


CONTROLS: Mapping[str, Known] = {
    "control-identity": identity,
    "control-zeroed": zeroed,
    "control-masked": masked,
}


@dataclass(frozen=True)
class Compared:
    """One curve of a control.

    Attributes:
        flow: the flow.
        change: what it is reported to have become.
        apart: how far the two mean curves are apart at most, in points, on the images of each side.
        off: how far the control's curves are, image by image, from what is known of them; not a number
            where nothing is known.
        images: images of the control.
    """

    flow: str
    change: Change
    apart: float
    off: float
    images: int


def compared(baseline: Baseline, control: Baseline) -> list[Compared]:
    """Every curve of a control against the baseline, on the images that both have.

    Raises:
        HarnessError: if nothing is known of such a control.
    """
    known = CONTROLS.get(control.about.checkpoint)
    if known is None:
        raise HarnessError(f"no control {control.about.checkpoint!r}; there are {', '.join(CONTROLS)}")
    grids = (
        Grid(baseline.about.layers, baseline.about.window),
        Grid(control.about.layers, control.about.window),
    )
    found = []
    for quantity, new in control.curves.items():
        flow = _flow(quantity)
        old = baseline.curves[Quantity(quantity.task, Sweep(flow, grids[0].size), "p_c")]
        old, same = on(old, new.images), on(new, old.images)
        expected = known(old.values, flow, *grids)
        off = np.abs(same.values - expected)[np.isfinite(expected)].max(initial=-np.inf)
        change = compare(Sides(quantity, old, grids[0], new, grids[1])).change
        apart = float(np.abs(_at_the_depths_of(*grids, old, new)).max())
        found.append(Compared(str(flow), change, apart, float(off), len(new.images)))
    return found


def on(curves: Curves, images: Sequence[str]) -> Curves:
    """A curve on those of its images that are among some."""
    rows = np.flatnonzero(np.isin(curves.images, images))
    kept = tuple(curves.images[row] for row in rows)
    return replace(curves, images=kept, values=curves.values[rows])


def _at_the_depths_of(old_grid: Grid, grid: Grid, old: Curves, new: Curves) -> Floats:
    """The difference of two mean curves at the depths of the coarser grid, as comparisons take it."""
    coarse = min(old_grid, grid, key=lambda one: one.points).depths
    before = np.interp(coarse, old_grid.depths, old.values.mean(axis=0))
    return np.asarray(np.interp(coarse, grid.depths, new.values.mean(axis=0)) - before)


def _flow(quantity: Quantity) -> Flow:
    assert isinstance(quantity.measurement, Sweep), "baselines keep sweeps"  # noqa: S101 - for the type checker
    return quantity.measurement.flow


PAGE = """\
# Control checkpoints against a baseline

`python -m harness.validation control-runs`. Baseline: {baseline}, {date}. Curves are compared
on the images that both sides have. *Apart* is the largest difference of the two mean curves: what is more
than {drop:g} points apart should be reported as moved, and nothing else. *Off* is the largest
difference, image by image, from what must hold for a control by its construction; a dash where nothing must.
"""
SECTION = """
## {name}

{curves} curves of {fewest} to {most} images. Reported as moved though {drop:g} points apart at most: {wrong};
reported as equivalent though {drop:g} or more apart: {missed}.

{table}"""


def markdown(baseline: Baseline, controls: Sequence[tuple[Baseline, Sequence[Compared]]]) -> str:
    """The tables."""
    head = PAGE.format(baseline=baseline.about.checkpoint, date=baseline.about.date, drop=DROP)
    return head + "".join(_section(control, found) for control, found in controls)


def _section(control: Baseline, found: Sequence[Compared]) -> str:
    flows = dict.fromkeys(one.flow for one in found)
    return SECTION.format(
        name=control.about.checkpoint,
        curves=len(found),
        fewest=min(one.images for one in found),
        most=max(one.images for one in found),
        drop=DROP,
        wrong=sum(one.change.moved and one.apart <= DROP for one in found),
        missed=sum(one.change is Change.EQUIVALENT and one.apart >= DROP for one in found),
        table=table(
            "flow | reported | apart, moved | apart, equivalent | apart, undecided | off:",
            (_cells(flow, [one for one in found if one.flow == flow]) for flow in flows),
        ),
    )


def _cells(flow: str, found: Sequence[Compared]) -> Sequence[str]:
    changes = Counter(one.change.value for one in found).most_common()
    told = ", ".join(f"{number} {change}" for change, number in changes)
    moved = _range([one.apart for one in found if one.change.moved])
    alike = _range([one.apart for one in found if one.change is Change.EQUIVALENT])
    undecided = _range([one.apart for one in found if one.change is Change.UNDECIDED])
    off = max(one.off for one in found)
    known = f"{off:.2g}" if np.isfinite(off) else "–"
    return (flow, told, moved, alike, undecided, known)


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.1f} to {max(values):.1f}" if values else "–"


def run(options: argparse.Namespace) -> Page:
    """Compare controls with a baseline.

    Raises:
        HarnessError: if a baseline cannot be read, or nothing is known of a control.

    """
    baseline = read_baseline(options.baseline)
    controls = [read_baseline(path) for path in options.accepted]
    text = markdown(baseline, [(control, compared(baseline, control)) for control in controls])
    return Page("regression-controls", text)
