"""How a sample is put to the model: as it is, or under one of the conditions a claim asks about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from harness.checkpoint import Checkpoint
from harness.encode import Encoded, encode
from harness.errors import CheckpointError, RegionError
from harness.probes import Condition
from harness.regions import Regions
from harness.sample import Sample

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
    """An even picture of the data's mean colour: after normalisation, zeros of the same shape."""
    return torch.zeros_like(pixels)


def continued(
    checkpoint: Checkpoint, encoded: Encoded, answer: Sequence[int], condition: Condition
) -> Encoded:
    """The prompt of a sample whose answer has several sub-words, ready to predict the first or last one.

    For the last one the others follow the prompt (teacher forcing), and the last position is the one
    that predicts it; every other region stays where it is.

    Args:
        checkpoint: the checkpoint.
        encoded: the encoded sample.
        answer: the model's own answer as token ids.
        condition: ``first_subword`` or ``last_subword``.

    Raises:
        RegionError: if the answer is one token.
    """
    if len(answer) < 2:  # noqa: PLR2004 - a first and a last
        raise RegionError("the answer is one token")
    if condition == "first_subword":
        return encoded
    given = torch.tensor(list(answer[:-1]), dtype=encoded.ids.dtype)
    text = encoded.text + checkpoint.processor.tokenizer.decode(given.tolist())
    end = (len(text), len(text))
    length = encoded.length + len(given)
    last = {"last": (length - 1,), "before_last": tuple(range(1, length - 1))}
    last["after_image"] = tuple(range(encoded.regions["after_image"][0], length))
    regions = Regions({**encoded.regions.positions, **last}, length)
    return replace(
        encoded,
        ids=torch.cat([encoded.ids, given]),
        regions=regions,
        text=text,
        offsets=(*encoded.offsets, *[end] * len(given)),
    )


def _asking_for_lower_case(checkpoint: Checkpoint, sample: Sample) -> Encoded:
    try:
        return encode(checkpoint, sample, LOWER)
    except CheckpointError as error:
        raise RegionError(f"the prompt format has no instruction {LOWER!r}") from error
