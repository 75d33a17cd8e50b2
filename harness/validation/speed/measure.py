"""Paired timing: in a pair all ways run right after one another, so that a busy machine slows them alike.

A full forward pass costs the same whatever window it masks, so the slow ways run a few windows and
are scaled up to all of them; the report says how many ran. The sweep always runs whole.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.data.depth import window_layers
from harness.data.flow import Flow
from harness.engine.operations import released_count, sweep_count, tidy_count
from harness.engine.sweep.sweeper import Sweeper
from harness.interventions.knockout import Knockout, block
from harness.validation.speed.baseline_ways import additive, released, start_rows, tidy
from harness.validation.speed.clock import timed

FLOWS = tuple(
    Flow.parse(text)
    for text in (
        "question->last",
        "image->last",
        "last->last",
        "image->question",
        "related_patches->question",
        "other_patches->question",
    )
)


class Model(Protocol):
    """What is timed: a model and one question to it."""

    @property
    def name(self) -> str:
        """How the report calls it."""

    def checkpoint(self) -> Checkpoint:
        """The model."""

    def question(self, checkpoint: Checkpoint) -> Encoded:
        """The question; its picture stays while it is timed."""


@dataclass
class Row:
    """One line of the report: a set of knockouts on one model.

    Attributes:
        model: the geometry's name.
        what: which knockouts.
        knockouts: how many.
        ran: how many of them the slow ways ran in each pair.
        bound_released: how many times fewer operations the sweep needs than the released way.
        bound_tidy: the same for the tidy way.
        released: per pair, the released way's time over the sweep's.
        tidy: per pair, the tidy way's time over the sweep's.
        seconds: per pair, the sweep's time.
        difference: largest difference in log-probability between sweep and released way, over the
            knockouts that ran.
    """

    model: str
    what: str
    knockouts: int
    ran: int
    bound_released: float
    bound_tidy: float
    released: list[float] = field(default_factory=list)
    tidy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    difference: float = 0.0

    @property
    def reached(self) -> float:
        """The share of what the operation count allows against the tidy way, median."""
        return statistics.median(self.tidy) / self.bound_tidy


def knockout_sets(checkpoint: Checkpoint, encoded: Encoded) -> dict[str, list[Knockout]]:
    """What is swept: six flows, one flow alone, and one block of all layers per flow."""
    layers, regions = checkpoint.n_layers, encoded.regions
    windows = [window_layers(centre, checkpoint.window, layers) for centre in range(layers)]
    by_flow = {
        flow: [block(regions[flow.source], regions[flow.target], span) for span in windows] for flow in FLOWS
    }
    return {
        "six flows, all windows": [one for some in by_flow.values() for one in some],
        "image->question, all windows": by_flow[Flow("image", "question")],
        "six flows, all layers at once": [
            block(regions[flow.source], regions[flow.target], range(layers)) for flow in FLOWS
        ],
    }


def measure(model: Model, pairs: int, ran: int, report: Callable[[str], None]) -> list[Row]:
    """Time one model.

    Args:
        model: the model and its question.
        pairs: how many pairs.
        ran: how many knockouts the slow ways run in each pair.
        report: called with each line of progress.
    """
    checkpoint = model.checkpoint()
    encoded = model.question(checkpoint)
    sweeper = Sweeper(checkpoint)
    sets = knockout_sets(checkpoint, encoded)
    rows = {what: _row(model, checkpoint, encoded, what, some) for what, some in sets.items()}
    first = next(iter(sets.values()))
    sweeper.image([encoded], [first[:1]])  # warm up, and the check against the model
    draw = random.Random(0)  # which windows the slow ways run
    for number in range(pairs):
        chosen = draw.sample(range(len(first)), ran)
        slow = _slow(checkpoint, encoded, [first[at] for at in chosen])
        for what, some in sets.items():
            took, swept = timed(partial(sweeper.image, [encoded], [some]))
            row = rows[what]
            row.ran = ran
            row.seconds.append(took)
            row.released.append(slow.released * len(some) / took)
            row.tidy.append(slow.tidy * len(some) / took)
            if some is first:
                row.difference = max(row.difference, _difference(swept[0].logits[chosen], slow.logits))
            report(f"{model.name} pair {number + 1}/{pairs}: {what}: {row.released[-1]:.1f}×")
    return list(rows.values())


def _row(model: Model, checkpoint: Checkpoint, encoded: Encoded, what: str, some: list[Knockout]) -> Row:
    least = sweep_count(checkpoint, encoded, some)
    long = released_count(checkpoint, encoded, len(some)) / least
    short = tidy_count(checkpoint, encoded, len(some)) / least
    return Row(model.name, what, len(some), 0, long, short)


@dataclass(frozen=True)
class _Slow:
    """Seconds per knockout of the slow ways, and the logits of the released one."""

    released: float
    tidy: float
    logits: Tensor


def _slow(checkpoint: Checkpoint, encoded: Encoded, chosen: list[Knockout]) -> _Slow:
    plans = [additive(one, encoded.length, checkpoint.dtype) for one in chosen]
    start = start_rows(checkpoint, encoded)
    long, logits = timed(partial(released, checkpoint, encoded, chosen))
    short, _ = timed(partial(tidy, checkpoint, start, plans))
    return _Slow(long / len(chosen), short / len(chosen), logits)


def _difference(swept: Tensor, slow: Tensor) -> float:
    return float((swept.log_softmax(-1) - slow.log_softmax(-1)).abs().max())
