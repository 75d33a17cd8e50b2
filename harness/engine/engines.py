"""Engines as measuring uses them: the fast sweep, and the reference to check it by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.engine import decoding, reference
from harness.engine.reference import Pass
from harness.engine.sweep.clean_run import Prefill
from harness.engine.sweep.sweeper import Sweeper
from harness.interventions.knockout import Knockout, Positions
from harness.interventions.patching import Contents


@dataclass(frozen=True)
class SweepBase:
    """A base run of the fast sweep."""

    sweeper: Sweeper
    prefill: Prefill

    @property
    def passes(self) -> Sequence[Pass]:
        """See `harness.measuring.measurer.Base`."""
        return self.prefill.base

    @cached_property
    def answers(self) -> list[tuple[int, ...]]:
        """See `harness.measuring.measurer.Base`."""
        expected = [item.sample.answer for item in self.prefill.encoded]
        return decoding.answers(self.sweeper.checkpoint, self.prefill, expected)

    def sweep(self, knockouts: Sequence[Sequence[Knockout]]) -> list[Tensor]:
        """See `harness.measuring.measurer.Base`."""
        return [swept.logits for swept in self.sweeper.sweep(self.prefill, knockouts)]


class SweepEngine:
    """The fast sweep as an engine.

    Args:
        checkpoint: the checkpoint.
        memory: bytes a packed batch may take; None for what is free.
    """

    def __init__(self, checkpoint: Checkpoint, memory: int | None = None) -> None:
        self._sweeper = Sweeper(checkpoint, memory)

    def base(self, encoded: Sequence[Encoded]) -> SweepBase:
        """See `harness.measuring.measurer.Engine`."""
        return SweepBase(self._sweeper, self._sweeper.prefill(encoded))

    def contents(self, encoded: Encoded, positions: Positions) -> Contents:
        """See `harness.measuring.measurer.Engine`."""
        cache = self._sweeper.prefill([encoded]).cache
        at = list(positions)
        return Contents(
            tuple(layer.value[:, at] for layer in cache), tuple(layer.key[:, at] for layer in cache)
        )


@dataclass(frozen=True)
class ReferenceBase:
    """Full passes, one by one."""

    checkpoint: Checkpoint
    encoded: Sequence[Encoded]

    @cached_property
    def passes(self) -> list[Pass]:
        """See `harness.measuring.measurer.Base`."""
        return [reference.run(self.checkpoint, item) for item in self.encoded]

    @cached_property
    def answers(self) -> list[tuple[int, ...]]:
        """See `harness.measuring.measurer.Base`; transformers' own greedy generation."""
        return [reference.answer(self.checkpoint, item) for item in self.encoded]

    def sweep(self, knockouts: Sequence[Sequence[Knockout]]) -> list[Tensor]:
        """See `harness.measuring.measurer.Base`."""
        return [
            torch.stack([reference.run(self.checkpoint, item, knockout).logits for knockout in wanted])
            if wanted
            else torch.empty(0)
            for item, wanted in zip(self.encoded, knockouts, strict=True)
        ]


class ReferenceEngine:
    """The reference as an engine: the oracle of tests, and a check on one's own checkpoint."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint

    def base(self, encoded: Sequence[Encoded]) -> ReferenceBase:
        """See `harness.measuring.measurer.Engine`."""
        return ReferenceBase(self._checkpoint, encoded)

    def contents(self, encoded: Encoded, positions: Positions) -> Contents:
        """See `harness.measuring.measurer.Engine`."""
        keys, values = reference.keys_values(self._checkpoint, encoded)
        at = list(positions)
        return Contents(tuple(value[:, at] for value in values), tuple(key[:, at] for key in keys))
