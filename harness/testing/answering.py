"""A small checkpoint that always says the same, in any form: for tests of how answers are written."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import encode
from harness.data.sample import Sample
from harness.testing.tiny_checkpoints import tiny_checkpoint

PULL = 12.0
"""Length of a token's own direction: about twice the rest of its hidden state."""
QUIET = 0.02
"""What is left of what layers write, so that knockouts change how surely a token is said, not which."""


def saying(asked: Sample, pieces: Sequence[str], *, kind: str = "llava") -> Checkpoint:
    """A copy of a small checkpoint whose greedy answer is made of some tokens, and then ends.

    Every token of the chain, the prompt's last one first, has a direction of its own among the hidden
    dimensions, which the head reads as the token that follows.

    Args:
        asked: a sample; every prompt of the checkpoint ends like its own.
        pieces: tokens by name.
        kind: the model type.
    """
    made = tiny_checkpoint("llama", heads=8, kv_heads=4, dtype=torch.float64, seed=3, kind=kind)
    made = replace(made, model=copy.deepcopy(made.model))
    tokenizer = made.processor.tokenizer
    said = [*tokenizer.convert_tokens_to_ids(list(pieces)), tokenizer.eos_token_id]
    chain = [int(encode(made, asked).ids[-1]), *said]
    assert len(set(chain)) == len(chain), "a token cannot ask for two"
    embeddings, head = made.model.get_input_embeddings().weight, made.model.lm_head.weight
    with torch.no_grad():
        for layer in made.decoder.layers:
            layer.self_attn.o_proj.weight *= QUIET
            layer.mlp.down_proj.weight *= QUIET
        for number, (token, following) in enumerate(pairwise(chain)):
            embeddings[:, number] = 0.0
            head[:, number] = 0.0
            embeddings[token, number] = PULL
            head[following, number] = 1.5
    made.model.generation_config.eos_token_id = tokenizer.eos_token_id
    return made
