"""An engine's first run is checked before anything is measured with it.

On one image it must say what the model's own forward pass says, without and with knockouts (`selfcheck`),
and an answer cut off from the image must not depend on the pixels (`pixel_check`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.checkpoint.processor import first_line
from harness.data.errors import CheckpointError, HarnessError
from harness.engine import selfcheck
from harness.engine.pixel_check import PixelCheck, check_pixels, cut, other_pixels
from harness.engine.sweep.memory_budget import out_of_memory
from harness.interventions.knockout import Knockout

Runs: TypeAlias = Callable[[Sequence[Encoded], Sequence[Sequence[Knockout]]], list[tuple[Tensor, Tensor]]]
"""Runs the questions on one image: of each its unblocked logits ``[vocabulary]``, and those of its
knockouts ``[knockouts, vocabulary]``."""


@dataclass(frozen=True)
class FirstRun:
    """What the check of an engine's first run found.

    Attributes:
        agreement: largest total variation between the engine and the model's own forward pass.
        pixels: what other pixels change with the image cut off and without.
    """

    agreement: float
    pixels: PixelCheck


@torch.inference_mode()
def checked(checkpoint: Checkpoint, encoded: Sequence[Encoded], runs: Runs, otherwise: str) -> FirstRun:
    """Run the questions on one image with an engine, and compare.

    Args:
        checkpoint: the checkpoint.
        encoded: the questions.
        runs: the engine.
        otherwise: what a refusal ends with: what cannot be done, and what can.

    Raises:
        CheckpointError: if clean run or knockouts are not what the model's own forward pass says, the answer
            depends on the pixels though all rows after the image are cut off from it, or the model does
            whatever the engine does not expect.
    """
    with _expected(checkpoint, otherwise):
        chosen = selfcheck.prompts_to_check(encoded)
        agreement = _agreement(checkpoint, encoded, chosen, runs, otherwise)
        return FirstRun(agreement, _pixels(checkpoint, encoded[chosen[0]], runs))


def _agreement(
    checkpoint: Checkpoint, encoded: Sequence[Encoded], chosen: Sequence[int], runs: Runs, otherwise: str
) -> float:
    asked = [
        selfcheck.knockouts_to_check(checkpoint, one) if number in chosen else []
        for number, one in enumerate(encoded)
    ]
    found = runs(encoded, asked)
    compared = []
    for number in chosen:
        clean, logits = found[number]
        knocked_out = dict(zip(asked[number], logits, strict=True))
        compared.append(selfcheck.compare(checkpoint, encoded[number], clean, knocked_out, otherwise))
    return max(compared)


def _pixels(checkpoint: Checkpoint, encoded: Encoded, runs: Runs) -> PixelCheck:
    (own,) = runs([encoded], [[cut(checkpoint, encoded)]])
    negative = other_pixels(encoded)
    (other,) = runs([negative], [[cut(checkpoint, negative)]])
    return check_pixels(checkpoint, (own[0], own[1][0]), (other[0], other[1][0]))


@contextmanager
def _expected(checkpoint: Checkpoint, otherwise: str) -> Iterator[None]:
    """Whatever a model does that the engine does not expect shows at its first run."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise
        what = f"{type(checkpoint.model).__name__} on {type(checkpoint.decoder).__name__}"
        raise CheckpointError(
            f"{checkpoint.name}: {what} cannot be run by the engine ({type(error).__name__}: "
            f"{first_line(error)}); {otherwise}"
        ) from error
