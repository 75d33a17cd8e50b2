"""What rounding does: the sweep strays no further from the float64 truth than the reference does.

The truth is what the sweep says in float64, which `test_sweep` shows to be what the reference says. Errors
within one model are alike, so they are pooled over models with fresh weights. The seeds are fixed; the
margins leave room for other machines' arithmetic. Measured over 72 models in float32: a ratio of 1.05 ± 0.05,
and of 1.16 ± 0.05 where the clean run's attention was torch's fused one.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.engine import reference
from harness.engine.sweep.sweeper import Sweeper
from harness.testing.cases import QUESTIONS, Case, doubled, windows

CASE = Case("llama", 3, (4, 2), 2, QUESTIONS[:1])


def _reweighted(seed: int, spread: float, dtype: torch.dtype) -> Checkpoint:
    """The case's model with other weights."""
    checkpoint = CASE.checkpoint(dtype)
    model = copy.deepcopy(checkpoint.model)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1 and "vision" not in name:
                weight.copy_(torch.randn(weight.shape, generator=generator) * spread)
    return replace(checkpoint, model=model)


def _unchecked(checkpoint: Checkpoint) -> Sweeper:
    """A sweeper that takes for granted what it would compare with the model's own forward pass."""
    sweeper = Sweeper(checkpoint)
    sweeper.agreement = 0.0
    return sweeper


def _errors(seed: int, spread: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Log-probability errors of the clean run's answer token: the sweep's, the reference's."""
    rough = _reweighted(seed, spread, dtype)
    exact, encoded = doubled(rough), CASE.encoded(rough)
    asked = windows(encoded[0], CASE.layers)[::2]
    (swept,) = _unchecked(rough).image(encoded, [asked])
    token = int(swept.clean.logits.argmax())
    precise = replace(encoded[0], pixels=encoded[0].pixels.double())
    truth = _unchecked(exact).image([precise], [asked])[0].logits
    slow = torch.stack([reference.run(rough, encoded[0], one).logits for one in asked])
    right = truth.log_softmax(-1)[:, token]
    return tuple((row.double().log_softmax(-1)[:, token] - right).abs() for row in (swept.logits, slow))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("dtype", "spread"),
    [(torch.float32, 0.2), (torch.bfloat16, 0.2)],
    ids=["float32", "bfloat16"],
)
def test_errors_are_no_larger_than_those_of_the_reference(dtype: torch.dtype, spread: float) -> None:
    pairs = [_errors(seed, spread, dtype) for seed in range(36)]
    ratios = [math.log(float(ours.square().mean() / theirs.square().mean())) / 2 for ours, theirs in pairs]
    assert math.exp(sum(ratios) / len(ratios)) < 1.15
    if dtype == torch.float32:
        assert max(float(ours.max()) for ours, _ in pairs) < 2e-5
