"""How the cost of a sweep grows, with fitted exponents.

One thing grows at a time from a small geometry; for each size the sweep runs whole and the released
way runs a few knockouts, in the same moment. An exponent is the slope of a straight line through the
logarithms: 1 doubles the cost with the size, 2 makes it four times as much. Small models pay more for
starting operations than for doing them, so exponents of the counted operations stand beside.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.data.depth import window_layers
from harness.data.flow import Flow
from harness.engine.operations import released_count, sweep_count
from harness.engine.sweep.sweeper import Sweeper
from harness.interventions.knockout import Knockout, block
from harness.validation.speed.baseline_ways import released
from harness.validation.speed.clock import timed
from harness.validation.speed.conditions import conditions
from harness.validation.speed.geometry import QUESTION, Geometry
from harness.validation.speed.measure import FLOWS
from harness.validation.tables import Page, listed, report_progress, table

BASE = Geometry("small", 8, 512, 1376, 8, 8, 16, 1024, 128)
"""Where everything starts: 256 visual tokens."""
SOURCES = ("image", "related_patches", "other_patches", "system")
WORDS = tuple(QUESTION.removesuffix(" ?").split())
RAN = 2
"""Knockouts that the released way runs per size."""


@dataclass(frozen=True)
class SizedSweep:
    """One size.

    Attributes:
        axis: what grows.
        value: how large it is.
        checkpoint: the model.
        questions: the questions on the picture.
        flows: what is swept.
    """

    axis: str
    value: int
    checkpoint: Checkpoint
    questions: tuple[Encoded, ...]
    flows: tuple[Flow, ...] = FLOWS

    def knockouts(self) -> list[list[Knockout]]:
        """All windows of the flows, for every question."""
        layers = self.checkpoint.n_layers
        windows = [window_layers(centre, self.checkpoint.window, layers) for centre in range(layers)]
        return [
            [
                block(one.regions[flow.source], one.regions[flow.target], span)
                for flow in self.flows
                for span in windows
            ]
            for one in self.questions
        ]


@dataclass(frozen=True)
class Point:
    """What a size costs: seconds measured, operations counted (None where questions share a picture)."""

    axis: str
    value: int
    sweep: float
    released: float
    sweep_operations: float | None
    released_operations: float | None

    @property
    def times(self) -> float:
        """How many times as long the released way takes."""
        return self.released / self.sweep


def sizes() -> Iterator[SizedSweep]:
    """Every size of every axis, one model at a time."""
    for layers in (4, 8, 16, 32):
        yield _size("layers", layers, dataclasses.replace(BASE, layers=layers))
    for side in (8, 16, 24, 32):
        yield _size("image tokens", side**2, dataclasses.replace(BASE, per_side=side))
    for words in (8, 16, 32, 64):
        text = " ".join(WORDS[number % len(WORDS)] for number in range(words - 1)) + " ?"
        size = _size("question tokens", words, BASE, (text,))
        yield dataclasses.replace(size, value=len(size.questions[0].regions["question"]))
    for count in (2, 4, 8):
        flows = tuple(Flow(source, to) for source in SOURCES[: count // 2] for to in ("question", "last"))
        yield dataclasses.replace(_size("flows", count, BASE), flows=flows)
    for count in (1, 2, 4, 8):
        texts = tuple(" ".join(WORDS[turn:] + WORDS[:turn]) + " ?" for turn in range(count))
        yield _size("samples on an image", count, BASE, texts)


def _size(axis: str, value: int, geometry: Geometry, texts: Sequence[str] = (QUESTION,)) -> SizedSweep:
    checkpoint = geometry.checkpoint()
    questions = tuple(geometry.question(checkpoint, text) for text in texts)
    return SizedSweep(axis, value, checkpoint, questions)


def cost(size: SizedSweep, repetitions: int) -> Point:
    """Measure a size: medians over some repetitions, both ways in each.

    Args:
        size: the size.
        repetitions: how often.
    """
    sweeper, knockouts = Sweeper(size.checkpoint), size.knockouts()
    number = sum(len(some) for some in knockouts)
    few = [knockouts[0][at * len(knockouts[0]) // RAN] for at in range(RAN)]
    sweeper.image(size.questions, [some[:1] for some in knockouts])  # warm up, and the check
    swept, slow = [], []
    for _ in range(repetitions):
        swept.append(timed(partial(sweeper.image, size.questions, knockouts))[0])
        slow.append(timed(partial(released, size.checkpoint, size.questions[0], few))[0] / RAN * number)
    alone = len(size.questions) == 1
    one = size.questions[0]
    return Point(
        size.axis,
        size.value,
        statistics.median(swept),
        statistics.median(slow),
        sweep_count(size.checkpoint, one, knockouts[0]) if alone else None,
        released_count(size.checkpoint, one, number) if alone else None,
    )


def exponent(points: Sequence[tuple[float, float | None]]) -> float | None:
    """The slope of log cost over log size, by least squares; None where a cost is missing."""
    costs = [amount for _, amount in points if amount is not None]
    if len(costs) < len(points):
        return None
    return float(np.polyfit(np.log([size for size, _ in points]), np.log(costs), 1)[0])


def run(options: argparse.Namespace) -> Page:
    """Measure every size on one thread."""
    torch.set_num_threads(1)
    load, points = os.getloadavg(), []
    for size in sizes():
        points.append(cost(size, options.repetitions))
        report_progress(points[-1])
    return page(points, conditions(load))


def page(points: Sequence[Point], info: Mapping[str, str]) -> Page:
    """Return exponents, and the points they come from."""
    axes = list(dict.fromkeys(point.axis for point in points))
    exponents = (_exponents(axis, [one for one in points if one.axis == axis]) for axis in axes)
    seconds = (
        (one.axis, f"{one.value:,}", f"{one.sweep:.2f}", f"{one.released:.1f}", f"{one.times:.1f}")
        for one in points
    )
    return Page(
        "growth",
        f"# How the cost of a sweep grows, {info['date']}\n\n"
        f"{table('what grows | from–to: | sweep: | counted: | released way: | counted:', exponents)}\n"
        "Exponents, fitted to CPU time and to counted operations. All windows of six flows (where not "
        f"flows grow), from\n{BASE.layers} layers, width {BASE.width}, {BASE.per_side**2} visual tokens and "
        "one question; random float32 weights. With samples, the\nstem of the prompt runs once and counts "
        f"are left out. The released way ran {RAN} knockouts of each size.\nBelow 1: a part of the cost, the "
        "clean run for one, does not grow with it.\n\n## Seconds\n\n"
        f"{table('what grows | size: | sweep, s: | released way, s (scaled up): | ×:', seconds)}\n"
        f"{listed(info)}",
    )


def _exponents(axis: str, points: Sequence[Point]) -> Sequence[str]:
    kinds = ("sweep", "sweep_operations", "released", "released_operations")
    found = [exponent([(one.value, getattr(one, kind)) for one in points]) for kind in kinds]
    cells = ("–" if one is None else f"{one:.2f}" for one in found)
    return (axis, f"{points[0].value:,}–{points[-1].value:,}", *cells)
