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
from harness.checkpoint.encode import Encoded, encode
from harness.checkpoint.loading import refuse_unsupported_attention
from harness.checkpoint.positions import as_inputs
from harness.data.errors import CheckpointError
from harness.engine.decoding import answers
from harness.engine.engines import ReferenceEngine
from harness.engine.reference import answer, run
from harness.engine.selfcheck import own_distribution, own_inputs
from harness.engine.sweep.sweeper import Sweeper
from harness.interventions.knockout import block
from harness.testing import building_blocks as blocks
from harness.testing.cases import QUESTIONS, noise_picture
from harness.testing.tiny_checkpoints import sample, tiny_checkpoint, tokenizer

EXACT = (
    "cohere",
    "gemma",
    "glm4",
    "granite",
    "llama",
    "ministral3",
    "mistral",
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
    "gemma2": "soft-capped attention is not supported",
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


def checkpoint(model_type: str, **more: Any) -> Checkpoint:
    """A small LLaVA with random weights on a decoder of this type."""
    torch.manual_seed(0)
    made: Any = CONFIG_MAPPING[model_type]
    text = made(vocab_size=len(tokenizer()), **{**SIZE, **more})
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


def encoded(made: Checkpoint) -> list[Encoded]:
    return [encode(made, sample(noise_picture(), question)) for question in QUESTIONS[1:]]


def first_run(made: Checkpoint) -> None:
    Sweeper(made).clean_run(encoded(made))


def first_run_by_reference(model_type: str) -> None:
    made = checkpoint(model_type)
    ReferenceEngine(made).clean_run(encoded(made))


@pytest.mark.parametrize("model_type", EXACT)
def test_a_decoder_is_exact(model_type: str) -> None:
    first_run(checkpoint(model_type))


def test_queries_that_are_scaled_by_their_positions_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Ministral 3's are: here from the eighth token on, on the hub from the sixteen thousandth."""
    scaled = {
        "rope_type": "yarn",
        "rope_theta": 10_000.0,
        "factor": 16.0,
        "original_max_position_embeddings": 8,
        "llama_4_scaling_beta": 0.5,
    }
    made = checkpoint("ministral3", rope_parameters=scaled)
    first_run(made)
    asked = encoded(made)
    assert answers(made, Sweeper(made).clean_run(asked), limit=3) == [answer(made, one, 3) for one in asked]
    monkeypatch.setattr("harness.engine.sweep.rotary.as_inputs", lambda positions: 0 * as_inputs(positions))
    with pytest.raises(CheckpointError, match="is not what the model's own forward pass says"):
        first_run(made)


@pytest.mark.parametrize("model_type", REFUSED)
def test_a_decoder_is_refused_by_name(model_type: str) -> None:
    with pytest.raises(CheckpointError, match=REFUSED[model_type]):
        first_run(checkpoint(model_type))


NOT_WALKED = [name for name, told in REFUSED.items() if told.endswith("cannot be run by the engine")]


@pytest.mark.parametrize("model_type", NOT_WALKED)
def test_the_reference_measures_what_the_sweep_cannot_walk_through(model_type: str) -> None:
    made = checkpoint(model_type)
    with pytest.raises(CheckpointError, match=r"the sweep cannot measure it \(--reference may, slowly\)"):
        first_run(made)
    engine = ReferenceEngine(made)
    (one, *_) = found = encoded(made)
    clean = engine.clean_run(found)
    assert engine.agreement is not None and engine.agreement < 1e-6
    image, question = one.regions["image"], one.regions["question"]
    flow = block(image, question, range(made.n_layers))
    ((swept,), *others) = clean.sweep([[flow], *[[]] * (len(found) - 1)])
    own = own_distribution(made, one, flow, own_inputs(made, one))
    assert torch.allclose(swept.softmax(-1), own, atol=1e-6)
    assert not torch.allclose(swept, clean.passes[0].logits, atol=1e-4)
    assert all(not len(other) for other in others)


@pytest.mark.parametrize("model_type", [name for name in REFUSED if name not in NOT_WALKED])
def test_the_reference_does_not_measure_what_cannot_be_masked(model_type: str) -> None:
    with pytest.raises(CheckpointError, match=REFUSED[model_type]) as refusal:
        first_run_by_reference(model_type)
    assert "--reference" not in str(refusal.value)


WINDOWED: dict[str, dict[str, Any]] = {
    "mistral": {},
    "qwen2": {"use_sliding_window": True, "max_window_layers": 2},
}
"""Decoders with a window in all layers, and in some."""


def longest() -> int:
    return max(encode(tiny_checkpoint(), sample(noise_picture(), one)).length for one in QUESTIONS[1:])


@pytest.mark.parametrize("model_type", WINDOWED)
def test_a_sliding_window_as_long_as_the_prompt_is_plain_attention(model_type: str) -> None:
    first_run(checkpoint(model_type, sliding_window=longest(), **WINDOWED[model_type]))


@pytest.mark.parametrize("model_type", WINDOWED)
def test_a_prompt_longer_than_the_sliding_window_is_refused_by_both_lengths(model_type: str) -> None:
    window = longest() - 1
    made = checkpoint(model_type, sliding_window=window, **WINDOWED[model_type])
    told = f"{model_type}: a prompt of {window + 1} tokens is longer than .* sliding window of {window}:"
    with pytest.raises(CheckpointError, match=told):
        first_run(made)
    with pytest.raises(CheckpointError, match=told):
        run(made, encode(made, sample(noise_picture(), QUESTIONS[2])))


def test_an_answer_that_leaves_the_sliding_window_is_refused() -> None:
    made = checkpoint("mistral", sliding_window=longest(), eos_token_id=None)
    clean = Sweeper(made).clean_run([encode(made, sample(noise_picture(), QUESTIONS[2]))])
    with pytest.raises(CheckpointError, match="is longer than the decoder's sliding window"):
        answers(made, clean, limit=3)


def stretched(kind: str, fixed: int) -> Checkpoint:
    """A Llama whose rotary positions are others for prompts of more tokens than so many."""
    rope: dict[str, Any] = {"rope_type": kind, "factor": 4.0, "rope_theta": 1e4}
    if kind == "longrope":
        rope |= {
            "original_max_position_embeddings": fixed,
            "short_factor": [1.0] * 4,
            "long_factor": [4.0] * 4,
        }
        return checkpoint("llama", rope_parameters=rope)
    return checkpoint("llama", rope_parameters=rope, max_position_embeddings=fixed)


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_rotary_positions_that_no_prompt_changes_are_exact(kind: str) -> None:
    first_run(stretched(kind, longest()))


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_a_prompt_that_changes_the_rotary_positions_of_shorter_ones_is_refused(kind: str) -> None:
    fixed = longest() - 1
    made = stretched(kind, fixed)
    told = f"a prompt of {fixed + 1} tokens changes .* rotary positions, which are fixed up to {fixed}:"
    with pytest.raises(CheckpointError, match=told):
        first_run(made)
    with pytest.raises(CheckpointError, match=told):
        run(made, encode(made, sample(noise_picture(), QUESTIONS[2])))


@pytest.mark.parametrize("kind", ["linear", "yarn"])
def test_rotary_positions_stretched_alike_for_all_prompts_are_exact(kind: str) -> None:
    first_run(stretched(kind, 16))


def test_a_model_that_attends_both_ways_only_when_told_is_refused() -> None:
    with pytest.raises(CheckpointError, match="clean run of PaliGemmaForConditionalGeneration on GemmaModel"):
        first_run(prefix_attending())
