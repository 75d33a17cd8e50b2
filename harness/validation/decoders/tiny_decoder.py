"""A small LLaVA with random weights on a decoder of any type, by transformers' own mappings."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import LlavaConfig, LlavaForConditionalGeneration
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from harness.testing import building_blocks as blocks
from harness.testing.tiny_checkpoints import tokenizer

SIDE, PATCH = 8, 4
MOST_WEIGHTS = 20_000_000
"""A model with more was not made small: its configuration names its sizes in a way of its own."""
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 512,
    "pad_token_id": 3,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "tie_word_embeddings": False,
    # Low ranks of queries, keys and values.
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8,
    "v_head_dim": 8,
    # Experts.
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "n_shared_experts": 1,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 16,
    "shared_expert_intermediate_size": 16,
    "first_k_dense_replace": 1,
    "n_group": 1,
    "topk_group": 1,
    # What other names the same sizes have.
    "ffn_dim": 48,
    "d_ff": 48,
    "encoder_layers": 1,
    "decoder_layers": 4,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
}
"""Set where a decoder's configuration has the attribute."""


FULL = {"layer_types": ["full_attention"] * SIZES["num_hidden_layers"]}
"""The same, for attention of every layer to everything before it."""
NO_WINDOW = {"sliding_window": None, "use_sliding_window": False}
"""The same; not every configuration takes it."""


class NotMadeError(Exception):
    """A decoder of which transformers makes no small LLaVA; says why in one line."""


def decoder_types() -> list[str]:
    """All model types that transformers has a causal language model of."""
    return sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def tiny_llava(model_type: str, *, plain: bool = False, seed: int = 0) -> Any:  # noqa: ANN401 - transformers' class
    """A small LLaVA in float32 whose weights are so large that what is knocked out matters.

    Args:
        model_type: the decoder's type.
        plain: whether every layer is to attend to everything before it, whatever is usual for the type.
        seed: of the weights.

    Raises:
        NotMadeError: if transformers does not make it.
    """
    reasons = []
    for more in ({**FULL, **NO_WINDOW}, FULL) if plain else ({},):
        try:
            return _made(model_type, more, seed)
        except Exception as error:  # noqa: BLE001 - whatever transformers says is the reason
            reasons.append(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
    raise NotMadeError(reasons[-1])


def _made(model_type: str, more: dict[str, Any], seed: int) -> nn.Module:
    config = _llava(_decoder(model_type, more))
    with torch.device("meta"):
        size = sum(weight.numel() for weight in LlavaForConditionalGeneration(config).parameters())
    if size > MOST_WEIGHTS:
        raise NotMadeError(f"it has {size:,} weights, since its configuration calls its sizes otherwise")
    torch.manual_seed(seed)
    made: nn.Module = LlavaForConditionalGeneration(config).float().eval()
    _draw_weights(made, seed)
    return made


def _decoder(model_type: str, more: dict[str, Any]) -> Any:  # noqa: ANN401
    """The decoder's configuration; of a type that holds several models, that of its language model."""
    default: Any = CONFIG_MAPPING[model_type]().get_text_config(decoder=True)
    known = {name: value for name, value in {**SIZES, **more}.items() if _takes(default, name)}
    if "kv_lora_rank" in known:  # every head has keys of its own, made of a few numbers
        known["num_key_value_heads"] = known["num_attention_heads"]
    return type(default)(vocab_size=len(tokenizer()), **known)


def _takes(config: Any, name: str) -> bool:  # noqa: ANN401
    """Whether a configuration has an attribute that can be set."""
    found = getattr(type(config), name, None)
    if isinstance(found, property) and found.fset is None:
        return False
    try:
        return hasattr(config, name)
    except Exception:  # noqa: BLE001 - an attribute that differs by layer raises errors of its own
        return True


def _llava(decoder: Any) -> LlavaConfig:  # noqa: ANN401
    tower = blocks.vision("llava", SIDE, PATCH, initializer_range=0.3)
    return LlavaConfig(
        text_config=decoder, vision_config=tower, image_token_index=blocks.image_token(tokenizer())
    )


@torch.no_grad()
def _draw_weights(model: nn.Module, seed: int) -> None:
    """Matrices and biases at random, gains around what they are: nothing may be hidden by a zero."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator, dtype=torch.float64).to(weight.dtype)
        if "vision_tower" not in name:
            weight.copy_(0.3 * noise if weight.ndim > 1 else weight + 0.2 * noise)
