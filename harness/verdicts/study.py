"""What a claim test is given: names for what can be measured, and `judge`.

A claim test names its quantities, builds the statement from `harness.statistics.forms`, and hands it to
`Study.judge`. The same function is called several times: once to learn what it needs (nothing has
been measured yet), then at every look, then by pytest. It must therefore do nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from harness.checkpoint.regions import check_region_names
from harness.data.condition import CONDITIONS, Condition
from harness.data.depth import Band, Grid, LensGrid, Points, TooShallowError, window_layers
from harness.data.flow import Flow
from harness.interventions.measurements import (
    LENS_READINGS,
    PART_READINGS,
    RIGHT,
    SWEEP_READINGS,
    Accuracy,
    ActivationPatch,
    BlockFromLayer,
    Chance,
    Lens,
    Measurement,
    Mediators,
    Modules,
    OpenPathsOnly,
    Quantity,
    Route,
    Sweep,
)
from harness.statistics.curves import CurveSource
from harness.statistics.forms import DROP, deepest, deepest_pair, share_responding_at_both
from harness.statistics.inference import FEWEST_IMAGES
from harness.statistics.trees import Tree
from harness.verdicts.hypothesis import EvidenceView, Hypothesis, Peer
from harness.verdicts.notes import Note


class Study:
    """One checkpoint under study, as a claim test sees it.

    Args:
        checkpoint: the checkpoint's name.
        layers: decoder layers, L.
        window: window size k in layers.
        tasks: the tasks of the data set.
        seen: what has been measured; None before anything has: then everything counts as measured.
        on_judge: receives the hypothesis.
        peers: the other checkpoints of the run.
    """

    def __init__(
        self,
        checkpoint: str,
        layers: int,
        window: int,
        tasks: tuple[str, ...],
        seen: EvidenceView | None,
        on_judge: Callable[[Hypothesis], None],
        peers: tuple[Peer, ...] = (),
    ) -> None:
        self.checkpoint = checkpoint
        self.peers = peers
        self.tasks = tasks
        self.layers = layers
        self.grid = Grid(layers, window)
        self.lens_grid = LensGrid(layers)
        self._seen = seen
        self._on_judge = on_judge
        self._named: dict[Quantity, None] = {}
        self._located_on: dict[Quantity, None] = {}
        self._needed: dict[Quantity, None] = {}

    # ------------------------------------------------------------------------------- grids and depths

    def windows(self, *sizes: int) -> tuple[Grid, ...]:
        """Return grids of these window sizes and of the rule's own, each once, narrowest first.

        Of evidence that was measured elsewhere only the sizes there are.
        """
        layers, there = self.grid.layers, None if self._seen is None else self._seen.window_sizes
        wanted = {size for size in sizes if there is None or size in there} | {self.grid.size}
        return tuple(Grid(layers, size) for size in sorted(wanted) if size <= layers)

    def odd_windows(self) -> tuple[Grid, ...]:
        """Return grids of odd window sizes up to half the decoder: 1, 3, 5, the rule's and the widest.

        Raises:
            TooShallowError: if there are not two.
        """
        half = self.layers // 2
        sizes = {1, 3, 5, self.grid.size, half - (half + 1) % 2}
        fitting = sorted(size for size in sizes if size % 2 and 0 < size <= half)
        if len(fitting) < 2:  # noqa: PLR2004 - to compare
            raise TooShallowError(f"{self.layers} layers have no two odd window sizes up to half of them")
        return tuple(Grid(self.layers, size) for size in fitting)

    def windows_inside(self, band: Band) -> Grid:
        """Return the grid of the rule's windows inside a band alone, for effects of which no other is read.

        Raises:
            TooShallowError: if there are none.
        """
        return self.grid.within(band)

    def layer_at(self, depth: float) -> int:
        """The first layer that lies wholly above a relative depth, e.g. 0.5: the upper half's first.

        Raises:
            ValueError: if there is none.
        """
        layer = math.ceil(depth * self.layers - 1e-9)
        if not 0 <= layer < self.layers:
            raise ValueError(f"no layer of {self.layers} lies above depth {depth:g}")
        return layer

    # ------------------------------------------------------------------------------- effects

    def effect(
        self,
        flow: str,
        task: str,
        *,
        on: Grid | None = None,
        reading: str = "p_c",
        condition: Condition = "plain",
        of: Peer | None = None,
    ) -> Quantity:
        """Name the effect of a flow's knockout: one value per window.

        Args:
            flow: e.g. ``"image->question"``.
            task: the task.
            on: the grid of windows; the rule's unless given.
            reading: see `measurements.SWEEP_READINGS`; ``"per_token"`` for parts of the question.
            condition: how the sample is put to the model, see `harness.data.condition`.
            of: another checkpoint of the run, on its own grid.

        Raises:
            KnockoutError: if the flow cannot be read.
            RegionError: if a region does not exist.
            ValueError: if the reading or the condition does not exist.
        """
        _one_of("reading", reading, (*SWEEP_READINGS, *PART_READINGS))
        _one_of("condition", condition, CONDITIONS)
        grid = of.grid if of else on or self.grid
        measurement = Sweep(_flow(flow), grid.size, condition, grid.only)
        return self._note(Quantity(task, measurement, reading, checkpoint=of.name if of else ""))

    def random_control(self, flow: str, task: str, *, on: Grid | None = None) -> Quantity | None:
        """Name the effect of a flow's random-source control, or None where the data set has none.

        ``on``: the grid of windows; the rule's unless given.
        """
        grid = on or self.grid
        measurement = Sweep(_flow(flow).random_control(), grid.size, only=grid.only)
        return self.if_defined(self._name(task, measurement, "p_c"))

    def patched(
        self, flow: str, task: str, *, by: Literal["mean", "other"], on: Grid | None = None
    ) -> Quantity:
        """Name the effect of reading other contents along a flow.

        ``by``: the data set's mean value, or the contents of an image that calls for another answer: the
        minimal pair where the data set has one. ``on``: the grid of windows; the rule's unless given.
        """
        grid = on or self.grid
        return self._name(task, ActivationPatch(_flow(flow), grid.size, by, grid.only), "p_c")

    def module(
        self,
        module: Literal["attention", "mlp"],
        region: str,
        task: str,
        *,
        control: bool = False,
        on: Grid | None = None,
    ) -> Quantity:
        """Name the effect of zeroing a module's output at a region; as a control, of as much of it elsewhere.

        ``control``: as many random other rows lose outputs of equal norm. ``on``: the grid of windows; the
        rule's unless given.
        """
        check_region_names(region)
        grid = on or self.grid
        return self._name(task, Modules(module, region, grid.size, 0 if control else None, grid.only), "p_c")

    def blocked_from(self, flow: str, task: str, *, start: int = 0) -> Quantity:
        """Name the effect of a flow blocked in every layer from ``start`` on: one value."""
        return self._name(task, BlockFromLayer(_flow(flow), (start,)), "p_c")

    def mediators(self, source: str, mediators: Sequence[str], task: str) -> Quantity:
        """Name the effects of hiding a source from every subset of mediators: one value per subset."""
        for name in (source, *mediators):
            check_region_names(name)
        return self._name(task, Mediators(source, tuple(mediators)), "p_c")

    # ------------------------------------------------------------------------------- accuracies

    def accuracy(self, task: str, *, condition: Condition = "plain") -> Quantity:
        """Name the share of right answers, on all samples (by the first token, in either case)."""
        return self._name(task, Accuracy(condition), RIGHT)

    def accuracy_with_only(
        self, routes: Mapping[str, Sequence[int]], task: str, *, closed: Sequence[str]
    ) -> Quantity:
        """Name the accuracy when of some flows only parts stay open.

        Args:
            routes: by flow, the windows in which it stays open.
            task: the task.
            closed: the flows that are blocked everywhere else.
        """
        kept = tuple(
            Route(_flow(flow), layers[0], layers[-1])
            for flow, windows in routes.items()
            for layers in (window_layers(at, self.grid.size, self.layers) for at in windows)
        )
        return self._name(task, OpenPathsOnly(tuple(map(_flow, closed)), kept), RIGHT)

    def accuracy_by_start(self, flow: str, task: str, *, start: int | None = None) -> Quantity:
        """Name the accuracy with a flow blocked from each layer on: one value per layer 0 … L-1.

        ``start``: from this layer on alone; one value.
        """
        only = None if start is None else Points((start,), self.layers)
        starts = tuple(range(self.layers))
        return self._name(task, BlockFromLayer(_flow(flow), starts, unfiltered=True, only=only), RIGHT)

    def chance(self, task: str) -> Quantity:
        """Name what answering without image and model would get."""
        return self._name(task, Chance(), RIGHT)

    # ------------------------------------------------------------------------------- the logit lens

    def lens(self, form: str, task: str, *, norm: bool = False, condition: Condition = "plain") -> Quantity:
        """Name the probability of a form of the answer at the last position: one value per layer 0 … L.

        Args:
            form: ``"lower"``, ``"capital"`` or ``"either"`` of the two; the same of the false option with
                ``"false_"`` before it.
            task: the task.
            norm: whether the final norm is applied below the top.
            condition: how the sample is put to the model.

        Raises:
            ValueError: if the form does not exist.
        """
        _one_of("form", form, LENS_READINGS)
        return self._name(task, Lens(norm, condition), form)

    # ------------------------------------------------------------------------------- locating a layer

    def deepest_window(self, flow: str, band: Band, *, after: int | None = None) -> int:
        """The window of a band where a flow's effect is deepest, pooled over tasks.

        ``after``: only windows that leave room for a window between them and this one.

        Located on a quarter of the first look's images; test it on the others (`on_other_images`): a
        layer picked where a curve is deepest looks deep on the images it was picked on.

        Raises:
            TooShallowError: if the band has no such window.
        """
        measurement = Sweep(_flow(flow), self.grid.size)
        pooled = [Quantity(task, measurement, "p_c", part="locating") for task in self.tasks]
        self._located_on |= dict.fromkeys(pooled)
        first = {} if self._seen is None else self._seen.first
        curves = [first[quantity] for quantity in pooled if quantity in first]
        allowed = self.grid.inside(band) & (np.arange(self.layers) > (-1 if after is None else after + 1))
        if not allowed.any():
            raise TooShallowError(f"no window of the {band.name} band lies deep enough for another before it")
        return deepest(curves, allowed) if curves else int(allowed.argmax())

    def on_other_images(self, quantity: Quantity) -> Quantity:
        """The same quantity on the images that no layer is located on."""
        self._named.pop(quantity, None)
        return self._note(replace(quantity, part="testing"))

    # ------------------------------------------------------------------------------- judging

    def has(self, quantity: Quantity) -> bool:
        """Whether a quantity has values; everything has before anything is measured."""
        return self._seen is None or quantity in self._seen.now

    def if_defined(self, quantity: Quantity) -> Quantity | None:
        """The quantity, or None where it is undefined on this data set: then the claim does without it."""
        if self.has(quantity):
            return quantity
        del self._named[quantity]
        return None

    def undefined(self, quantity: Quantity) -> bool:
        """Whether a quantity was tried on enough images, and does not exist on any: a claim cannot be asked.

        Where too few were tried the claim is to be judged, and comes out INCONCLUSIVE. It is measured first:
        a claim that cannot be asked has nothing else measured.
        """
        self._needed[quantity] = None
        return self._seen is not None and self._seen.undefined(quantity) >= FEWEST_IMAGES

    def unclipped(self, form: Callable[..., Tree], *effects: Quantity, **how: Band) -> Note:
        """Name, beside a claim, the same claim on windows that have all their layers.

        The windows at both ends are shorter and so block less.

        Args:
            form: the claim's form.
            effects: what it speaks of.
            how: what else it is given.
        """
        label = "unclipped windows only"
        try:
            return Note(label, form(*effects, grid=self.grid, unclipped=True, **how))
        except TooShallowError as error:
            reason = str(error)
            return Note(label, lambda _: reason)

    def both_dips(self, effect: Quantity, first: Band, second: Band) -> Note:
        """Name, beside a claim of two dips, the share of images that respond at both.

        A mixture of images that respond at one of two depths each also makes two dips.

        Args:
            effect: a sweep's effect at the rule's windows.
            first: the band of the first dip.
            second: the band of the second.
        """

        def told(evidence: CurveSource) -> str:
            curves = evidence[effect]
            try:
                pair = deepest_pair(curves, self.grid, first, second)
            except TooShallowError as error:
                return str(error)
            share, where = share_responding_at_both(curves, *pair), [self.grid.labels[at] for at in pair]
            return f"{share:.0%} of {len(curves.images)} images drop at both {' and '.join(where)}"

        return Note("both dips", told)

    def judge(
        self,
        claim: Tree,
        *,
        bands: tuple[Band, ...] = (),
        threshold: float | None = -DROP,
        beside: Sequence[Note] = (),
    ) -> None:
        """Judge the claim on the evidence; pytest passes if it is SUPPORTED.

        Args:
            claim: the statement.
            bands: the depth bands it speaks of, shaded in its plot.
            threshold: the line of its plot in the unit of its curves, or None.
            beside: facts to show beside its verdict.

        Raises:
            ClaimRefutedError: if the evidence shows the opposite.
            ClaimUndecidedError: if it shows neither.
        """
        __tracebackhide__ = True
        quantities, located, needed = tuple(self._named), tuple(self._located_on), tuple(self._needed)
        self._on_judge(Hypothesis(claim, quantities, located, needed, bands, threshold, tuple(beside)))

    def not_applicable(self, reason: str) -> None:
        """Say that the claim does not apply to this checkpoint or task."""
        __tracebackhide__ = True
        self._on_judge(Hypothesis(None, (), not_applicable=reason))

    def _name(self, task: str, measurement: Measurement, reading: str) -> Quantity:
        return self._note(Quantity(task, measurement, reading))

    def _note(self, quantity: Quantity) -> Quantity:
        self._named[quantity] = None
        return quantity


def _flow(text: str) -> Flow:
    """Read a flow and check its regions."""
    flow = Flow.parse(text)
    check_region_names(flow.source)
    check_region_names(flow.target)
    return flow


def _one_of(what: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ValueError(f"{what} {value!r}; there are {', '.join(known)}")
