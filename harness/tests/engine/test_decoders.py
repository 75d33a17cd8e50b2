"""Decoders that transformers' LLaVA accepts by configuration: each is exact, or refused by name.

Exact is what the check of the first run finds: clean run and knockouts of two questions against the model's
own forward pass under explicit masks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from harness.checkpoint.attention import ATTENTION_NAME, register
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import encode
from harness.checkpoint.loading import refuse_unsupported_attention
from harness.data.errors import CheckpointError
from harness.engine.sweep.sweeper import Sweeper
from harness.testing import building_blocks as blocks
from harness.testing.cases import QUESTIONS, noise_picture
from harness.testing.tiny_checkpoints import sample, tiny_checkpoint, tokenizer

EXACT = (
    "cohere",
    "gemma",
    "glm4",
    "granite",
    "llama",
    "olmo",
    "olmo2",
    "phi3",
    "qwen2",
    "qwen3",
    "smollm3",
    "starcoder2",
)
REFUSED = {
    "stablelm": "StableLmDecoderLayer does not hand its keyword arguments to its attention",
    "nemotron": "NemotronDecoderLayer does not hand its keyword arguments to its attention",
    "phi": "on PhiModel cannot be run by the engine",
    "gpt_neox": "on GPTNeoXModel cannot be run by the engine",
    "gemma2": "attention sliding_attention is not supported",
    "mistral": "sliding-window attention is not supported",
}
SIZE = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def checkpoint(model_type: str) -> Checkpoint:
    """A small LLaVA with random weights on a decoder of this type."""
    torch.manual_seed(0)
    made: Any = CONFIG_MAPPING[model_type]
    text = made(vocab_size=len(tokenizer()), **SIZE)
    model = blocks.model("llava", text, blocks.vision("llava", 8, 4), tokenizer(), None).double().eval()
    refuse_unsupported_attention(model, model_type)
    register()
    model.set_attn_implementation({"text_config": ATTENTION_NAME})
    return replace(tiny_checkpoint(), model=model, name=model_type)


def prefix_attending() -> Checkpoint:
    """A small PaliGemma with random weights: its whole prompt attends both ways, if it is told so."""
    torch.manual_seed(0)
    made: Any = CONFIG_MAPPING["gemma"]
    config = PaliGemmaConfig(
        text_config=made(vocab_size=len(tokenizer()), head_dim=8, **SIZE),
        vision_config=blocks.vision("llava_onevision", 8, 4, projection_dim=SIZE["hidden_size"]),
        image_token_index=blocks.image_token(tokenizer()),
        projection_dim=SIZE["hidden_size"],
    )
    model = PaliGemmaForConditionalGeneration(config).double().eval()
    register()
    model.set_attn_implementation({"text_config": ATTENTION_NAME})
    return replace(tiny_checkpoint(), model=model, name="paligemma")


def first_run(made: Checkpoint) -> None:
    Sweeper(made).clean_run([encode(made, sample(noise_picture(), question)) for question in QUESTIONS[1:]])


@pytest.mark.parametrize("model_type", EXACT)
def test_a_decoder_is_exact(model_type: str) -> None:
    first_run(checkpoint(model_type))


@pytest.mark.parametrize("model_type", REFUSED)
def test_a_decoder_is_refused_by_name(model_type: str) -> None:
    with pytest.raises(CheckpointError, match=REFUSED[model_type]):
        first_run(checkpoint(model_type))


def test_a_model_that_attends_both_ways_only_when_told_is_refused() -> None:
    with pytest.raises(CheckpointError, match="clean run of PaliGemmaForConditionalGeneration on GemmaModel"):
        first_run(prefix_attending())
