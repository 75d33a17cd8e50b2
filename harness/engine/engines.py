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
from harness.engine.first_run import FirstRun, checked
from harness.engine.pixel_check import PixelCheck
from harness.engine.protocol import Engine
from harness.engine.reference import Pass
from harness.engine.selfcheck import UNMEASURED
from harness.engine.sweep.clean_run import CleanRun
from harness.engine.sweep.contents import beginning
from harness.engine.sweep.sweeper import Sweeper
from harness.engine.walked import Walked
from harness.interventions.knockout import Knockout, Positions
from harness.interventions.patching import KeyValues


@dataclass(frozen=True)
class SweepRun:
    """A clean run of the fast sweep."""

    sweeper: Sweeper
    clean: CleanRun

    @property
    def passes(self) -> Sequence[Pass]:
        """See `harness.engine.protocol.EngineRun`."""
        return self.clean.passes

    @cached_property
    def answers(self) -> list[tuple[int, ...]]:
        """See `harness.engine.protocol.EngineRun`."""
        expected = [item.sample.answer for item in self.clean.encoded]
        return decoding.answers(self.sweeper.checkpoint, self.clean, expected)

    def beginnings(self, most: int) -> list[tuple[int, ...]]:
        """See `harness.engine.protocol.EngineRun`."""
        return decoding.answers(self.sweeper.checkpoint, self.clean, limit=most)

    def sweep(self, knockouts: Sequence[Sequence[Knockout]]) -> list[Tensor]:
        """See `harness.engine.protocol.EngineRun`."""
        return [swept.logits for swept in self.sweeper.sweep(self.clean, knockouts)]


class SweepEngine:
    """The fast sweep as an engine.

    Args:
        checkpoint: the checkpoint.
        memory: bytes a packed batch may take; None for what is free.
    """

    def __init__(self, checkpoint: Checkpoint, memory: int | None = None) -> None:
        self._sweeper = Sweeper(checkpoint, memory)

    @property
    def agreement(self) -> float | None:
        """See `harness.engine.protocol.Engine`."""
        return self._sweeper.agreement

    @property
    def pixels(self) -> PixelCheck | None:
        """See `harness.engine.protocol.Engine`."""
        return self._sweeper.pixels

    @property
    def walked(self) -> Walked:
        """See `harness.engine.protocol.Engine`."""
        return self._sweeper.walked

    def clean_run(self, encoded: Sequence[Encoded]) -> SweepRun:
        """See `harness.engine.protocol.Engine`."""
        return SweepRun(self._sweeper, self._sweeper.clean_run(encoded))

    def contents(self, encoded: Encoded, positions: Positions) -> KeyValues:
        """See `harness.engine.protocol.Engine`."""
        cache = beginning(self._sweeper.checkpoint, encoded, 1 + max(positions))
        at = list(positions)
        return KeyValues(
            tuple(layer.value[:, at] for layer in cache), tuple(layer.key[:, at] for layer in cache)
        )


@dataclass(frozen=True)
class ReferenceRun:
    """Full passes, one by one."""

    checkpoint: Checkpoint
    encoded: Sequence[Encoded]
    walked: Walked

    @cached_property
    def passes(self) -> list[Pass]:
        """See `harness.engine.protocol.EngineRun`."""
        return [reference.run(self.checkpoint, item) for item in self.encoded]

    @cached_property
    def answers(self) -> list[tuple[int, ...]]:
        """See `harness.engine.protocol.EngineRun`; transformers' own greedy generation."""
        return [reference.answer(self.checkpoint, item) for item in self.encoded]

    def beginnings(self, most: int) -> list[tuple[int, ...]]:
        """See `harness.engine.protocol.EngineRun`."""
        return [reference.answer(self.checkpoint, item, most) for item in self.encoded]

    def sweep(self, knockouts: Sequence[Sequence[Knockout]]) -> list[Tensor]:
        """See `harness.engine.protocol.EngineRun`."""
        return [
            torch.stack([self._knocked_out(item, knockout) for knockout in wanted])
            if wanted
            else torch.empty(0)
            for item, wanted in zip(self.encoded, knockouts, strict=True)
        ]

    def _knocked_out(self, item: Encoded, knockout: Knockout) -> Tensor:
        self.walked.passes += 1
        self.walked.row_layers += item.length * self.checkpoint.n_layers
        return reference.run(self.checkpoint, item, knockout).logits


class ReferenceEngine:
    """The reference as an engine: the oracle of tests, and for decoders that the sweep cannot walk through.

    Args:
        checkpoint: the checkpoint.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self.walked = Walked()
        self._first_run: FirstRun | None = None

    @property
    def agreement(self) -> float | None:
        """See `harness.engine.protocol.Engine`."""
        return None if self._first_run is None else self._first_run.agreement

    @property
    def pixels(self) -> PixelCheck | None:
        """See `harness.engine.protocol.Engine`."""
        return None if self._first_run is None else self._first_run.pixels

    def clean_run(self, encoded: Sequence[Encoded]) -> ReferenceRun:
        """See `harness.engine.protocol.Engine`; the first one is checked against the model."""
        if self._first_run is None:
            self._first_run = checked(self._checkpoint, encoded, self._runs, UNMEASURED)
        return ReferenceRun(self._checkpoint, encoded, self.walked)

    def _runs(
        self, encoded: Sequence[Encoded], knockouts: Sequence[Sequence[Knockout]]
    ) -> list[tuple[Tensor, Tensor]]:
        """See `harness.engine.first_run.Runs`."""
        run = ReferenceRun(self._checkpoint, encoded, self.walked)
        return [(one.logits, logits) for one, logits in zip(run.passes, run.sweep(knockouts), strict=True)]

    def contents(self, encoded: Encoded, positions: Positions) -> KeyValues:
        """See `harness.engine.protocol.Engine`."""
        keys, values = reference.keys_values(self._checkpoint, encoded)
        at = list(positions)
        return KeyValues(tuple(value[:, at] for value in values), tuple(key[:, at] for key in keys))


def engine_for(checkpoint: Checkpoint, memory: int | None, *, by_reference: bool) -> Engine:
    """The engine that measures a checkpoint.

    Args:
        checkpoint: the checkpoint.
        memory: bytes a packed batch of the sweep may take; None for what is free.
        by_reference: whether the slow reference is asked for.
    """
    return ReferenceEngine(checkpoint) if by_reference else SweepEngine(checkpoint, memory)
