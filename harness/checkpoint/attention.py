"""The attention function the harness gives the text model, written to be read.

transformers lets an attention function be registered by name, together with the function that
makes its mask. Both are needed: a name without a mask function makes the mask None, and padding is
then ignored without a word. The function receives queries and keys after rotary embedding and
normalisation, keys and values not yet repeated for grouped queries.

Without a plan it is ordinary causal attention. With one, each layer's mask and substitutions come
from the knockout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Float

ATTENTION_NAME = "findings"


class Plan(Protocol):
    """What an engine passes down to every layer as the keyword ``plan``."""

    def attend(
        self,
        layer: int,
        query: Float[Tensor, "batch heads rows head_dim"],
        key: Float[Tensor, "batch kv_heads keys head_dim"],
        value: Float[Tensor, "batch kv_heads keys head_dim"],
        scaling: float,
    ) -> tuple[Float[Tensor, "batch rows heads head_dim"], Tensor | None]:
        """Attention of one layer: ``[batch, rows, heads, head_dim]``, and the weights if it has them."""


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    plan: Plan | None = None,
    **_: Any,  # noqa: ANN401 - transformers passes what other attention functions need
) -> tuple[Tensor, Tensor | None]:
    """Attend as the plan says; without a plan, plainly.

    Args:
        module: the attention module; its ``layer_idx`` tells the layer.
        query: ``[batch, heads, rows, head_dim]``.
        key: ``[batch, kv_heads, keys, head_dim]``.
        value: ``[batch, kv_heads, keys, head_dim]``.
        attention_mask: None (causal), or additive ``[batch, 1, rows, keys]``.
        scaling: factor on the scores.
        plan: the engine's plan.

    Returns:
        ``[batch, rows, heads, head_dim]``, and the attention weights where they exist.
    """
    if plan is not None:
        return plan.attend(int(module.layer_idx), query, key, value, scaling)  # type: ignore[arg-type]
    causal = attention_mask is None and query.shape[2] > 1
    output = nn.functional.scaled_dot_product_attention(
        query,
        repeat_heads(key, query.shape[1]),
        repeat_heads(value, query.shape[1]),
        attn_mask=attention_mask,
        is_causal=causal,
        scale=scaling,
    )
    return output.transpose(1, 2).contiguous(), None


def repeat_heads(states: Tensor, heads: int) -> Tensor:
    """Repeat keys or values so that every query head has its own (grouped-query attention).

    Args:
        states: ``[batch, kv_heads, keys, head_dim]``.
        heads: number of query heads.
    """
    return states.repeat_interleave(heads // states.shape[1], dim=1)


def softmax_attention(
    query: Tensor, key: Tensor, value: Tensor, scaling: float, visible: Tensor
) -> tuple[Tensor, Tensor]:
    """Softmax attention with an explicit mask; hidden keys get weight exactly 0.

    Args:
        query: ``[batch, heads, rows, head_dim]``.
        key: ``[batch, heads, keys, head_dim]``.
        value: ``[batch, heads, keys, head_dim]``.
        scaling: factor on the scores.
        visible: bool, broadcast to ``[batch, heads, rows, keys]``.

    Returns:
        Output ``[batch, heads, rows, head_dim]`` and weights ``[batch, heads, rows, keys]``.
    """
    scores = query @ key.transpose(-1, -2) * scaling
    scores = scores.masked_fill(~visible, torch.finfo(scores.dtype).min)
    precise = torch.promote_types(scores.dtype, torch.float32)
    weights = scores.softmax(dim=-1, dtype=precise).to(query.dtype)
    return weights @ value, weights


def register() -> None:
    """Tell transformers of `attention` and of the mask it expects (that of sdpa)."""
    from transformers import AttentionInterface, AttentionMaskInterface  # noqa: PLC0415 - takes seconds
    from transformers.masking_utils import sdpa_mask  # noqa: PLC0415

    registered: Callable[..., Any] = attention
    AttentionInterface.register(ATTENTION_NAME, registered)
    AttentionMaskInterface.register(ATTENTION_NAME, sdpa_mask)
