"""Multiplications and additions that each way needs: what its speed could be at best."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from torch import nn

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.data.sample import Size
from harness.engine.sweep.reach import reach
from harness.interventions.knockout import Knockout


def released_count(checkpoint: Checkpoint, encoded: Encoded, knockouts: int) -> float:
    """Operations of the released way: whole model, vision tower, head on every row."""
    n = encoded.length
    per_pass = layer_count(checkpoint, n, n * (n + 1) / 2) * checkpoint.n_layers
    return knockouts * (per_pass + vision_count(checkpoint) + n * 2 * head_size(checkpoint))


def tidy_count(checkpoint: Checkpoint, encoded: Encoded, knockouts: int) -> float:
    """Operations of the tidy way: vision tower once, head on the last row."""
    n = encoded.length
    per_pass = layer_count(checkpoint, n, n * (n + 1) / 2) * checkpoint.n_layers
    return knockouts * (per_pass + 2 * head_size(checkpoint)) + vision_count(checkpoint)


def sweep_count(checkpoint: Checkpoint, encoded: Encoded, knockouts: Iterable[Knockout]) -> float:
    """Operations of the sweep: one clean run, then each knockout's own rows in its own layers."""
    n, layers = encoded.length, checkpoint.n_layers
    total = layer_count(checkpoint, n, n * (n + 1) / 2) * layers
    total += vision_count(checkpoint) + 2 * head_size(checkpoint)
    for knockout in knockouts:
        found = reach(knockout, n, layers, encoded.regions.two_way)
        if found is not None:
            rows = n - found.row
            pairs = rows * found.row + rows * (rows + 1) / 2
            total += layer_count(checkpoint, rows, pairs) * (layers - found.first)
            total += 2 * head_size(checkpoint)
    return total


@dataclass(frozen=True)
class LayerSize:
    """Sizes of one layer: numbers in its matrices, and the width of all its heads."""

    weights: int
    width: int

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Self:
        """The sizes of a checkpoint's first layer."""
        layer = checkpoint.decoder.layers[0]
        weights = sum(module.weight.numel() for module in layer.modules() if isinstance(module, nn.Linear))
        return cls(weights, int(layer.self_attn.o_proj.weight.shape[1]))

    def count(self, rows: float, pairs: float) -> float:
        """Operations on some rows, with so many pairs of query and key."""
        return 2.0 * rows * self.weights + 4.0 * pairs * self.width


def layer_count(checkpoint: Checkpoint, rows: float, pairs: float) -> float:
    """Operations of one layer on some rows, with so many pairs of query and key."""
    return LayerSize.of(checkpoint).count(rows, pairs)


def vision_count(checkpoint: Checkpoint, size: Size = (1, 1)) -> float:
    """Operations of all before the decoder on a picture of some (width, height) in pixels.

    Of towers whose patches are merged into fewer visual tokens it is too few.
    """
    model, tokens = checkpoint.model.model, checkpoint.pictures.layout(size).count
    weights = sum(
        module.weight.numel()
        for part in model.children()
        if part is not checkpoint.decoder
        for module in part.modules()
        if isinstance(module, nn.Linear)
    )
    config = checkpoint.model.config.vision_config
    attention = 4.0 * tokens**2 * int(config.hidden_size) * int(config.num_hidden_layers)
    return 2.0 * tokens * weights + attention


def head_size(checkpoint: Checkpoint) -> int:
    """Weights of the head."""
    return int(checkpoint.model.lm_head.weight.numel())
