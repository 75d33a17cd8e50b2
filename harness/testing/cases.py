"""Small models and questions on one noise picture, for the tests of the engines."""

from __future__ import annotations

import copy
import functools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded, encode
from harness.data.sample import Size
from harness.engine import decoding
from harness.engine.sweep.sweeper import Sweeper
from harness.interventions.knockout import Knockout, block
from harness.testing import building_blocks as blocks
from harness.testing.tiny_checkpoints import picture, sample, tiny_checkpoint

QUESTIONS = (
    "is the circle red or blue ?",
    "what color is the hat ?",
    "is the large square left or right of the small red object in the picture ?",
)

WIDE = (16, 8)
"""A picture whose rows and columns count differently, for model types that keep its shape."""


def shape_for(kind: str) -> Size:
    """(Width, height) of the picture that a model type is shown."""
    return WIDE if kind in blocks.ANY_SHAPE else (8, 8)


@functools.cache
def noise_picture(size: Size = (8, 8)) -> Path:
    return picture(Path(tempfile.mkdtemp()), size=size)


@dataclass(frozen=True)
class Case:
    family: str
    layers: int
    heads: tuple[int, int]
    per_side: int
    questions: tuple[str, ...]
    kind: str = "llava"

    def checkpoint(self, dtype: torch.dtype = torch.float64) -> Checkpoint:
        return tiny_checkpoint(
            self.family,
            layers=self.layers,
            heads=self.heads[0],
            kv_heads=self.heads[1],
            per_side=self.per_side,
            dtype=dtype,
            kind=self.kind,
        )

    def encoded(self, checkpoint: Checkpoint) -> list[Encoded]:
        size = shape_for(self.kind)
        shown = noise_picture(size)
        return [encode(checkpoint, sample(shown, question, size)) for question in self.questions]


def greedy_answer(checkpoint: Checkpoint, encoded: Encoded, limit: int = decoding.LIMIT) -> tuple[int, ...]:
    """The answer to one question, token ids without the one that ends it."""
    return decoding.answers(checkpoint, Sweeper(checkpoint).clean_run([encoded]), limit=limit)[0]


def brief(checkpoint: Checkpoint, encoded: Sequence[Encoded], least: int = 2) -> Checkpoint:
    """A copy that ends its answers to some questions after a few tokens.

    A small model of random weights never ends one, and the 128 tokens that are decoded instead cost most of
    the time of what is tested beside them.

    Args:
        checkpoint: the checkpoint.
        encoded: the questions.
        least: how many tokens the answers have, or more.
    """
    said = [greedy_answer(checkpoint, one, least + 8) for one in encoded]
    kept = {token for answer in said for token in answer[:least]}
    stops = {token for answer in said for token in answer[least:] if token not in kept}
    made = replace(checkpoint, model=copy.deepcopy(checkpoint.model))
    made.model.generation_config.eos_token_id = sorted(stops | checkpoint.stop_tokens)
    return made


def doubled(checkpoint: Checkpoint) -> Checkpoint:
    """The same weights, computed with in float64."""
    return replace(checkpoint, model=copy.deepcopy(checkpoint.model).double())


def windows(encoded: Encoded, layers: int) -> list[Knockout]:
    """Every window of the usual flows, and one block of all layers each."""
    regions = encoded.regions
    pairs = [("image", "question"), ("image", "last"), ("question", "last"), ("last", "last")]
    pairs += [("question", "suffix"), ("image", "image"), ("suffix", "question")]
    spans = [tuple(range(max(0, at - 1), min(layers, at + 2))) for at in range(layers)]
    return [
        block(regions[source], regions[target], span)
        for source, target in pairs
        for span in [*spans, tuple(range(layers))]
    ]
