"""What a claim test is given: names for what can be measured, and `judge`.

A claim test names its measures, builds the statement from `harness.forms`, and hands it to
`Study.judge`. The same function is called several times: once to learn what it needs (nothing has
been measured yet), then at every look, then by pytest. It must therefore do nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.depth import Band, Grid, LensGrid
from harness.flow import Flow
from harness.forms import DROP
from harness.probes import LENS_READINGS, SWEEP_READINGS, Lens, Measure, Sweep
from harness.regions import check_region_names
from harness.statistics import Tree


@dataclass(frozen=True)
class Hypothesis:
    """What a claim test handed to `Study.judge`.

    Attributes:
        tree: the statement.
        measures: everything the test named, in order: what must be measured, and what is drawn.
        bands: the depth bands it speaks of.
        threshold: the horizontal line of its plot, or None.
    """

    tree: Tree
    measures: tuple[Measure, ...]
    bands: tuple[Band, ...]
    threshold: float | None


class Study:
    """One checkpoint under study, as a claim test sees it.

    Args:
        checkpoint: the checkpoint's name.
        layers: decoder layers, L.
        window: window size k in layers.
        tasks: the tasks of the data set.
        measured: says whether a measure has values; everything has before anything is measured.
        on_judge: receives the hypothesis.
    """

    def __init__(
        self,
        checkpoint: str,
        layers: int,
        window: int,
        tasks: tuple[str, ...],
        measured: Callable[[Measure], bool],
        on_judge: Callable[[Hypothesis], None],
    ) -> None:
        self.checkpoint = checkpoint
        self.tasks = tasks
        self.grid = Grid(layers, window)
        self.lens_grid = LensGrid(layers)
        self._measured = measured
        self._on_judge = on_judge
        self._named: dict[Measure, None] = {}

    def windows(self, *sizes: int) -> tuple[Grid, ...]:
        """Return grids of these window sizes and of the rule's own, each once, narrowest first."""
        layers = self.grid.layers
        return tuple(Grid(layers, size) for size in sorted({*sizes, self.grid.size}) if size <= layers)

    def effect(self, flow: str, task: str, *, on: Grid | None = None, reading: str = "p_c") -> Measure:
        """Name the effect of a flow's knockout: one value per window.

        Args:
            flow: e.g. ``"image->question"``.
            task: the task.
            on: the grid of windows; the rule's unless given.
            reading: ``"p_c"`` (per cent), ``"log_odds"`` or ``"flip"``.

        Raises:
            KnockoutError: if the flow cannot be read.
            RegionError: if a region does not exist.
            ValueError: if the reading does not exist.
        """
        if reading not in SWEEP_READINGS:
            raise ValueError(f"reading {reading!r}; the readings of a sweep are {', '.join(SWEEP_READINGS)}")
        parsed = Flow.parse(flow)
        check_region_names(parsed.source)
        check_region_names(parsed.target)
        return self._name(Measure(task, Sweep(parsed, (on or self.grid).size), reading))

    def null(self, flow: str, task: str) -> Measure | None:
        """Name the effect of a flow's null block, or None where it is undefined on this data set."""
        measure = self._name(Measure(task, Sweep(Flow.parse(flow).null(), self.grid.size), "p_c"))
        if self._measured(measure):
            return measure
        del self._named[measure]
        return None

    def lens(self, form: str, task: str, *, norm: bool = False) -> Measure:
        """Name the probability of a form of the answer at the last position: one value per layer 0 … L.

        Args:
            form: ``"lower"``, ``"capital"``, ``"false_lower"`` or ``"false_capital"``.
            task: the task.
            norm: whether the final norm is applied below the top.

        Raises:
            ValueError: if the form does not exist.
        """
        if form not in LENS_READINGS:
            raise ValueError(f"form {form!r}; the forms are {', '.join(LENS_READINGS)}")
        return self._name(Measure(task, Lens(norm), form))

    def judge(self, claim: Tree, *, bands: tuple[Band, ...] = (), threshold: float | None = -DROP) -> None:
        """Judge the claim on the evidence; pytest passes if it is SUPPORTED.

        Args:
            claim: the statement.
            bands: the depth bands it speaks of, shaded in its plot.
            threshold: the line of its plot in the unit of its curves, or None.

        Raises:
            ClaimRefuted: if the evidence shows the opposite.
            ClaimUndecided: if it shows neither.
        """
        __tracebackhide__ = True
        self._on_judge(Hypothesis(claim, tuple(self._named), bands, threshold))

    def _name(self, measure: Measure) -> Measure:
        self._named[measure] = None
        return measure
