"""Engines as measuring uses them: the fast sweep, and the reference to check it by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from harness import decoding, reference
from harness.checkpoint import Checkpoint, load
from harness.encode import Encoded
from harness.facts import Facts
from harness.knockout import Knockout
from harness.measure import Engine
from harness.reference import Pass
from harness.sweep import Sweeper
from harness.sweep.prefill import Prefill


@dataclass(frozen=True)
class SweepBase:
    """A base run of the fast sweep."""

    sweeper: Sweeper
    prefill: Prefill

    @property
    def passes(self) -> Sequence[Pass]:
        """See `harness.measure.Base`."""
        return self.prefill.base

    @cached_property
    def answers(self) -> list[str]:
        """See `harness.measure.Base`."""
        checkpoint = self.sweeper.checkpoint
        expected = [item.sample.answer for item in self.prefill.encoded]
        return [
            decoding.read(checkpoint, tokens)
            for tokens in decoding.answers(checkpoint, self.prefill, expected)
        ]

    def sweep(self, knockouts: Sequence[Sequence[Knockout]]) -> list[Tensor]:
        """See `harness.measure.Base`."""
        return [swept.logits for swept in self.sweeper.sweep(self.prefill, knockouts)]


class SweepEngine:
    """The fast sweep as an engine."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._sweeper = Sweeper(checkpoint)

    def base(self, encoded: Sequence[Encoded]) -> SweepBase:
        """See `harness.measure.Engine`."""
        return SweepBase(self._sweeper, self._sweeper.prefill(encoded))


@dataclass(frozen=True)
class ReferenceBase:
    """Full passes, one by one."""

    checkpoint: Checkpoint
    encoded: Sequence[Encoded]

    @cached_property
    def passes(self) -> list[Pass]:
        """See `harness.measure.Base`."""
        return [reference.run(self.checkpoint, item) for item in self.encoded]

    @cached_property
    def answers(self) -> list[str]:
        """See `harness.measure.Base`; transformers' own greedy generation."""
        return [reference.answer(self.checkpoint, item) for item in self.encoded]

    def sweep(self, knockouts: Sequence[Sequence[Knockout]]) -> list[Tensor]:
        """See `harness.measure.Base`."""
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
        """See `harness.measure.Engine`."""
        return ReferenceBase(self._checkpoint, encoded)


def load_engine(facts: Facts, device: str, dtype: str, threads: int) -> tuple[Checkpoint, Engine]:
    """Load a checkpoint and the fast sweep on it.

    Args:
        facts: the checkpoint.
        device: torch device.
        dtype: name of a torch dtype.
        threads: cores torch may use.

    Raises:
        CheckpointError: if the checkpoint cannot be used.
    """
    torch.set_num_threads(threads)
    checkpoint = load(facts.path, name=facts.name, device=device, dtype=getattr(torch, dtype))
    return checkpoint, SweepEngine(checkpoint)
