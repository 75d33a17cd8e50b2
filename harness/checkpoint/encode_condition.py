"""How a sample is put to the model: as it is, or under one of the conditions a claim asks about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded, encode, extended
from harness.data.condition import Condition
from harness.data.errors import CheckpointError, RegionError
from harness.data.sample import Sample

LOWER = "lower"
"""The name of the instruction that asks for an answer in lower case."""


def encode_under(checkpoint: Checkpoint, sample: Sample, condition: Condition) -> Encoded:
    """Encode a sample under a condition that can be prepared before the model has answered.

    Args:
        checkpoint: the checkpoint.
        sample: the sample.
        condition: ``plain``, ``grey`` or ``lower``.

    Raises:
        RegionError: if the sample, or the prompt format, does not have it.
        DataError: if the image cannot be read.
    """
    if condition == "lower":
        return _asking_for_lower_case(checkpoint, sample)
    encoded = encode(checkpoint, sample)
    return replace(encoded, pixels=grey(encoded.pixels)) if condition == "grey" else encoded


def grey(pixels: torch.Tensor) -> torch.Tensor:
    """An even picture of the data's mean colour: after normalisation, zeros of the same shape.

    Zero by less than any rounding: Idefics3 takes a tile of exact zeros for padding and drops it.
    """
    return torch.full_like(pixels, torch.finfo(pixels.dtype).tiny)


def continued(encoded: Encoded, answer: Sequence[int], condition: Condition) -> Encoded:
    """The prompt of a sample whose answer has several sub-words, ready to predict the first or last one.

    For the last one the others follow the prompt (teacher forcing), and the last position is the one
    that predicts it; every other region stays where it is.

    Args:
        encoded: the encoded sample.
        answer: the model's own answer as token ids.
        condition: ``first_subword`` or ``last_subword``.

    Raises:
        RegionError: if the answer is one token, or holds an image's, which stands for no picture there.
    """
    if len(answer) < 2:  # noqa: PLR2004 - a first and a last
        raise RegionError("the answer is one token")
    if condition == "first_subword":
        return encoded
    if int(encoded.ids[encoded.regions["image"][0]]) in answer[:-1]:
        raise RegionError("the answer holds an image token")
    return extended(encoded, answer[:-1])


def _asking_for_lower_case(checkpoint: Checkpoint, sample: Sample) -> Encoded:
    try:
        return encode(checkpoint, sample, LOWER)
    except CheckpointError as error:
        raise RegionError(f"the prompt format has no instruction {LOWER!r}") from error
