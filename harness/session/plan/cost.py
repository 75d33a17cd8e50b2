"""What some passes cost: operations, time and memory, from a checkpoint's sizes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from harness.checkpoint.checkpoint import Checkpoint
from harness.data.machine import available_memory
from harness.data.sample import Size
from harness.engine.operations import LayerSize, head_size, vision_count
from harness.engine.sweep.memory_budget import ROWS, SHARE, row_bytes
from harness.session.plan.counting import Carried, SampleCount
from harness.session.plan.rates import HIGH, LOAD_SECONDS, LOW, PASS_SECONDS, SAMPLE_SECONDS, Rate

RUNTIME = 400 << 20
"""Bytes of a process before it holds weights: interpreter and libraries, measured."""


@dataclass(frozen=True)
class Cost:
    """What is run.

    Attributes:
        passes: knocked-out passes.
        row_layers: rows times layers computed for them, shared ones once.
        operations: multiplications and additions, unblocked passes included.
        samples: samples.
    """

    passes: float = 0.0
    row_layers: float = 0.0
    operations: float = 0.0
    samples: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.passes + other.passes,
            self.row_layers + other.row_layers,
            self.operations + other.operations,
            self.samples + other.samples,
        )

    def times(self, factor: float) -> Cost:
        """So many times as much."""
        return Cost(
            factor * self.passes, factor * self.row_layers, factor * self.operations, factor * self.samples
        )

    def seconds(self, rate: Rate, processes: int) -> float:
        """The predicted time of processes that share the work evenly, once they are loaded."""
        alone = self.operations / rate.operations + self.passes * PASS_SECONDS + self.samples * SAMPLE_SECONDS
        return alone / processes

    def range(self, rate: Rate, processes: int) -> tuple[float, float]:
        """Shortest and longest time that is expected, loading included; nothing takes nothing."""
        if not self.samples:
            return 0.0, 0.0
        seconds = self.seconds(rate, processes)
        return LOW * seconds + LOAD_SECONDS / 2, HIGH * seconds + 2 * LOAD_SECONDS


class Sizes:
    """Costs on one checkpoint.

    Args:
        checkpoint: the checkpoint; its weights need no values.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._layer, self._head = LayerSize.of(checkpoint), head_size(checkpoint)
        self._vision = cache(lambda size: vision_count(checkpoint, size))

    def passes(self, carried: Iterable[Carried]) -> Cost:
        """What knocked-out passes cost beside the unblocked one."""
        found = list(carried)
        operations = sum(
            self._layer.count(one.rows, one.pairs) * one.layers
            + 2 * self._head
            + (self._vision(one.picture) if one.picture else 0)
            for one in found
            if one.rows
        )
        return Cost(len(found), sum(one.row_layers for one in found), operations)

    def unblocked(self, count: SampleCount) -> Cost:
        """What a sample's own unblocked passes cost, its picture shared with others."""
        length = count.stem + count.tail
        own = self._prefill(length) - self._prefill(count.stem)
        return Cost(operations=own + count.prefills * self._prefill(length) + 2 * self._head, samples=1)

    def picture(self, count: SampleCount, size: Size) -> Cost:
        """What a picture costs, once for all questions on it."""
        return Cost(operations=self._prefill(count.stem) + self._vision(size))

    def memory(self, count: SampleCount, questions: int, device: str, budget: int | None) -> tuple[int, int]:
        """Bytes of a process: what it holds at least, and with a full packed batch.

        Args:
            count: of a typical sample.
            questions: questions on one image.
            device: torch device.
            budget: ``--memory`` in bytes, or None.
        """
        model = self._checkpoint.model
        weights = sum(one.numel() * one.element_size() for one in model.parameters())
        config = model.config.text_config
        heads = int(config.num_attention_heads)
        keys = int(getattr(config, "num_key_value_heads", None) or heads)
        head = int(getattr(config, "head_dim", None) or config.hidden_size // heads)
        tokens = count.stem + questions * count.tail
        numbers = int(config.num_hidden_layers) * tokens * (int(config.hidden_size) + 2 * keys * head)
        kept = numbers * self._checkpoint.dtype.itemsize
        least = RUNTIME + weights + kept
        return least, least + self._batch(device, budget)

    def _batch(self, device: str, budget: int | None) -> int:
        """Bytes of the packed batch at its largest; see `harness.engine.sweep.memory_budget`."""
        if budget is not None:
            return budget
        each = row_bytes(self._checkpoint)
        if device != "cpu":
            return ROWS["cuda"] * each
        return min(ROWS["cpu"] * each, int(available_memory() * SHARE))

    def _prefill(self, tokens: int) -> float:
        """Operations of an unblocked pass over so many tokens."""
        return self._layer.count(tokens, tokens * (tokens + 1) / 2) * self._checkpoint.n_layers
