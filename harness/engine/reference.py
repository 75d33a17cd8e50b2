"""The slow, obvious engine: one full masked forward pass per knockout, through the model's own forward.

It is the oracle that the fast sweep is tested against, so it reuses nothing: the vision tower runs
again, every row is computed, the mask is written out densely for every layer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from harness.checkpoint.attention import repeat_heads, softmax_attention
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded, extended
from harness.checkpoint.lengths import check_length
from harness.data.errors import CheckpointError, NumericsError
from harness.interventions.knockout import (
    Blocks,
    Knockout,
    ModuleZero,
    check,
    replaced,
    rows_by_substitution,
    visible,
)
from harness.interventions.permanent_edges import permanent_edges

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Pass:
    """What one forward pass says.

    Attributes:
        logits: ``[vocabulary]`` of the next token after the prompt.
        hidden: ``[L + 1, width]``, the last position's hidden state entering layer 0, 1, …, and the
            final one (normalised) at L.
    """

    logits: Float[Tensor, " vocabulary"]
    hidden: Float[Tensor, "layers+1 width"]


@dataclass(frozen=True)
class DensePlan:
    """Per layer a dense mask; rows that see substituted keys or values are computed again."""

    knockout: Knockout
    length: int
    two_way: Blocks
    attended: set[int] = field(default_factory=set)
    """The layers whose attention has asked."""

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scaling: float
    ) -> tuple[Tensor, Tensor | None]:
        """Attend with this layer's mask; see `harness.checkpoint.attention.Plan`."""
        self.attended.add(layer)
        heads = query.shape[1]
        mask = visible(self.knockout, layer, self.length, self.two_way).to(query.device)
        output, weights = softmax_attention(
            query, repeat_heads(key, heads), repeat_heads(value, heads), scaling, mask
        )
        here = [item for item in self.knockout.substitutions if layer in item.layers]
        for seen, rows in rows_by_substitution(here).items():
            other_key, other_value = replaced(key, value, seen, layer)
            changed, changed_weights = softmax_attention(
                query, repeat_heads(other_key, heads), repeat_heads(other_value, heads), scaling, mask
            )
            output[:, :, rows] = changed[:, :, rows]
            weights[:, :, rows] = changed_weights[:, :, rows]
        return output.transpose(1, 2).contiguous(), weights


@torch.inference_mode()
def run(checkpoint: Checkpoint, encoded: Encoded, knockout: Knockout | None = None) -> Pass:
    """One full forward pass of the whole model under a knockout.

    Args:
        checkpoint: the checkpoint.
        encoded: the encoded sample.
        knockout: what is done to it; nothing unless given.

    Raises:
        CheckpointError: if the prompt is so long that the decoder attends otherwise than to shorter ones.
        KnockoutError: if a position or layer is out of range, or a row would keep no key.
        NumericsError: if the logits are not finite.
    """
    check_length(checkpoint.name, checkpoint.model.config, encoded.length)
    knockout = (knockout or Knockout()).beside(permanent_edges(checkpoint.permanent_blocks, encoded.regions))
    check(knockout, encoded.length, checkpoint.n_layers)
    plan = DensePlan(knockout, encoded.length, encoded.regions.two_way)
    with zeroed_modules(checkpoint, knockout.zeroed):
        output = checkpoint.model(
            input_ids=encoded.ids[None].to(checkpoint.device),
            **encoded.visual,
            **encoded.placed,
            plan=plan,
            output_hidden_states=True,
            use_cache=False,
            logits_to_keep=1,
        )
    check_plan_reached(checkpoint, len(plan.attended))
    logits = output.logits[0, -1]
    check_finite(logits, encoded)
    return Pass(logits, torch.stack([state[0, -1].to(logits.device) for state in output.hidden_states]))


def check_plan_reached(checkpoint: Checkpoint, layers: int) -> None:
    """Refuse a decoder whose layers keep to themselves what they are given for their attention.

    Blocked edges would then be open without a word.

    Args:
        checkpoint: the checkpoint.
        layers: how many layers' attention asked the plan.

    Raises:
        CheckpointError: if it is not every layer.
    """
    kind = type(checkpoint.decoder.layers[0]).__name__
    if layers > checkpoint.n_layers:
        raise CheckpointError(
            f"{checkpoint.name}: {kind} attends more than once ({layers} times in {checkpoint.n_layers} "
            "layers), which the engine does not know; it cannot be measured"
        )
    if layers != checkpoint.n_layers:
        raise CheckpointError(
            f"{checkpoint.name}: {kind} does not hand its keyword arguments to its attention, so no edge "
            f"can be blocked ({layers} of {checkpoint.n_layers} layers asked); it cannot be measured"
        )


@dataclass(frozen=True)
class ListeningPlan:
    """Unblocked attention that keeps every layer's keys and values."""

    permanent: Knockout
    two_way: Blocks
    keys: list[Tensor]
    values: list[Tensor]

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scaling: float
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; see `harness.checkpoint.attention.Plan`."""
        self.keys.append(key[0])
        self.values.append(value[0])
        plan = DensePlan(self.permanent, query.shape[2], self.two_way)
        return plan.attend(layer, query, key, value, scaling)


@torch.inference_mode()
def keys_values(checkpoint: Checkpoint, encoded: Encoded) -> tuple[list[Tensor], list[Tensor]]:
    """Every layer's keys (after rotary embedding) and values, ``[kv_heads, n, head_dim]`` each."""
    permanent = Knockout().beside(permanent_edges(checkpoint.permanent_blocks, encoded.regions))
    plan = ListeningPlan(permanent, encoded.regions.two_way, [], [])
    checkpoint.model(
        input_ids=encoded.ids[None].to(checkpoint.device),
        **encoded.visual,
        **encoded.placed,
        plan=plan,
        use_cache=False,
        logits_to_keep=1,
    )
    return plan.keys, plan.values


@torch.inference_mode()
def answer(checkpoint: Checkpoint, encoded: Encoded, limit: int = 128) -> tuple[int, ...]:
    """The model's own answer by greedy decoding, up to ``limit`` tokens: transformers' own.

    A planted flow is not a part of transformers' model; its answer is decoded by whole passes.

    Returns:
        Token ids, without the one that ends the answer.
    """
    if checkpoint.permanent_blocks:
        return _answer_by_passes(checkpoint, encoded, limit)
    ids = checkpoint.model.generate(
        input_ids=encoded.ids[None].to(checkpoint.device),
        attention_mask=torch.ones_like(encoded.ids)[None].to(checkpoint.device),
        **encoded.visual,
        **encoded.modalities(checkpoint.model.config.image_token_id),
        max_new_tokens=limit,
        do_sample=False,
        eos_token_id=sorted(checkpoint.stop_tokens),  # the tokenizer's, where no generation_config says any
    )
    said = ids[0, encoded.length :].tolist()
    return tuple(said[:-1] if said[-1] in checkpoint.stop_tokens else said)


def _answer_by_passes(checkpoint: Checkpoint, encoded: Encoded, limit: int) -> tuple[int, ...]:
    said: list[int] = []
    while len(said) < limit:
        token = int(run(checkpoint, extended(encoded, said)).logits.argmax())
        if token in checkpoint.stop_tokens:
            break
        said.append(token)
    return tuple(said)


def check_finite(logits: Tensor, encoded: Encoded) -> None:
    """Raise `NumericsError` if logits are NaN or infinite."""
    if not bool(torch.isfinite(logits).all()):
        raise NumericsError(
            f"sample {encoded.sample.id}: the logits are not finite; try --dtype float32 or bfloat16"
        )


@contextmanager
def zeroed_modules(checkpoint: Checkpoint, zeroed: tuple[ModuleZero, ...]) -> Iterator[None]:
    """Take the named modules' outputs away at the named rows, by hooks that are removed at the end."""
    rows: dict[tuple[int, str], list[Tensor]] = defaultdict(list)
    for item in zeroed:
        for layer in item.layers:
            rows[layer, item.module].append(torch.tensor(item.lost, dtype=torch.long))
    handles = []
    try:
        for (layer, name), found in rows.items():
            module = zeroed_module(checkpoint.decoder.layers[layer], name)
            handles.append(module.register_forward_hook(zero_rows(torch.cat(found, dim=1))))
        yield
    finally:
        for handle in handles:
            handle.remove()


def zeroed_module(layer: Any, module: str) -> nn.Module:  # noqa: ANN401 - layer classes differ by model
    """The module whose output `ModuleZero` zeroes, in one decoder layer: it is added to the residual stream.

    That is a matrix, unless its output is normalised once more: such a norm would undo a part that is taken.
    """
    if hasattr(layer, "post_feedforward_layernorm"):
        norm: nn.Module = (
            layer.post_attention_layernorm if module == "attention" else layer.post_feedforward_layernorm
        )
        return norm
    matrix: nn.Module = layer.self_attn.o_proj if module == "attention" else layer.mlp.down_proj
    return matrix


def zero_rows(rows: Tensor) -> Any:  # noqa: ANN401 - torch's hook type
    """A forward hook that takes output away from some rows of ``[1, rows, width]``.

    Args:
        rows: ``[2, n]``: rows that lose, along their own output, the norm of the output of other rows. One
            that loses its own norm is zero.
    """

    def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        changed, like = rows.to(output.device)
        # In half precision a norm may overflow; and a row without output has nothing to lose.
        wide = torch.promote_types(output.dtype, torch.float32)
        own, other = (torch.linalg.vector_norm(output[0, at], dim=-1, dtype=wide) for at in (changed, like))
        kept = torch.where(own > 0, 1.0 - other / own, 1.0)
        # A row that two interventions name loses to both, in whichever order.
        scale = torch.ones(output.shape[1], dtype=wide, device=output.device)
        scale.scatter_reduce_(0, changed, kept, "prod")
        scaled = output[0, changed] * scale[changed, None]
        return output.index_copy(1, changed, scaled.to(output.dtype)[None])

    return hook
