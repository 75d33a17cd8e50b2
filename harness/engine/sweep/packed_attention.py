"""Attention of rows that share a prefix: many variants of one prompt's end, one copy of its beginning.

Keys of the prefix are read by every variant and stored once; each variant adds the keys of its own
rows. Scores against both stand side by side in one buffer, so one softmax weighs them together and
nothing has to be merged afterwards. Query heads that share a key head are folded into rows, so keys
are never repeated for grouped queries. Variants are taken in blocks that keep the buffer small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from harness.checkpoint.attention import repeat_heads

if TYPE_CHECKING:
    from jaxtyping import Float

BLOCK_BYTES = {"cpu": 1 << 21, "cuda": 1 << 28}
"""How large the buffer of scores may grow, by device: on a CPU it should stay in cache."""

LONG_BYTES = 1 << 27
"""Above this the scores of a single variant are taken in two halves of its rows."""


@dataclass(frozen=True)
class CachedKeyValues:
    """Keys and values of some rows: each ``[kv_heads, …, rows, head_dim]``."""

    key: Float[Tensor, "kv_heads *between rows head_dim"]
    value: Float[Tensor, "kv_heads *between rows head_dim"]

    def upto(self, row: int) -> CachedKeyValues:
        """Those of the rows before ``row``; not a copy."""
        return CachedKeyValues(self.key[:, :row], self.value[:, :row])

    def between(self, start: int, stop: int) -> CachedKeyValues:
        """Those of the rows from ``start`` up to ``stop``; not a copy."""
        return CachedKeyValues(self.key[:, start:stop], self.value[:, start:stop])

    def then(self, other: CachedKeyValues) -> CachedKeyValues:
        """These rows and another's after them."""
        return CachedKeyValues(
            torch.cat([self.key, other.key], dim=-2), torch.cat([self.value, other.value], dim=-2)
        )


def attend_causal(
    query: Float[Tensor, "heads rows head_dim"],
    whole: CachedKeyValues,
    scaling: float,
    bias: Float[Tensor, "1 rows rows"] | None = None,
) -> Float[Tensor, "heads rows head_dim"]:
    """Causal attention of some rows to themselves, ``[heads, rows, head_dim]``.

    Where the scores are small they are made as `attend_shared` makes them: torch's fused attention is
    faster, but on a CPU its exponential is rougher, and made clean runs in float32 err 12 % more than the
    reference's.

    Args:
        query: ``[heads, rows, head_dim]``.
        whole: ``[kv_heads, rows, head_dim]``.
        scaling: factor on the scores.
        bias: where some of the rows read each other both ways, what none may read; see `attend_shared`.
    """
    heads, rows, _ = query.shape
    if bias is not None:
        folded = query.unflatten(0, (whole.key.shape[0], -1))[:, None]
        own = CachedKeyValues(whole.key[:, None], whole.value[:, None])
        return attend_shared(folded, whole.upto(0), own, scaling, bias)[:, 0].flatten(0, 1)
    if heads * rows * rows * max(query.element_size(), 4) <= _block_bytes(query.device):
        return _attend_plainly(query, whole, scaling)
    return nn.functional.scaled_dot_product_attention(
        query[None],
        repeat_heads(whole.key[None], heads),
        repeat_heads(whole.value[None], heads),
        is_causal=rows > 1,
        scale=scaling,
    )[0]


def _attend_plainly(query: Tensor, whole: CachedKeyValues, scaling: float) -> Tensor:
    """Causal attention by one buffer of scores; see `attend_causal`."""
    groups, rows = whole.key.shape[0], query.shape[1]
    scores = _scaled(query.unflatten(0, (groups, -1)).flatten(1, 2), whole.key, scaling)
    future = _future(rows, rows, query)
    if future is not None:
        by_head = scores.view(groups, -1, rows, rows)
        by_head += future
    return (_softmax(scores) @ whole.value).view(*query.shape[:2], -1)


def attend_shared(
    query: Float[Tensor, "kv_heads variants group rows head_dim"],
    prefix: CachedKeyValues,
    own: CachedKeyValues,
    scaling: float,
    bias: Float[Tensor, "masked rows keys"] | None = None,
) -> Float[Tensor, "kv_heads variants group rows head_dim"]:
    """Attention of variants that share a prefix.

    Args:
        query: ``[kv_heads, variants, group, rows, head_dim]``; group = query heads per key head.
        prefix: keys and values ``[kv_heads, prefix, head_dim]``, read by every variant.
        own: ``[kv_heads, variants, own, head_dim]``, what follows the prefix in each variant; the queries
            are its last rows.
        scaling: factor on the scores.
        bias: ``[m, rows, prefix + own]``, -inf where a query may not read a key (the future included) and 0
            elsewhere, for the last m variants; the ones before are plainly causal. Where it lets any row read
            a later one, it must be given for all variants.

    Returns:
        ``[kv_heads, variants, group, rows, head_dim]``.
    """
    keys = prefix.key.shape[1] + own.key.shape[2]
    if query.shape[3] > 1 and _variant_bytes(query, keys) > LONG_BYTES:
        return _in_halves(query, prefix, own, scaling, bias)
    variants = query.shape[1]
    masked_from = variants - (0 if bias is None else bias.shape[0])
    step = max(1, _block_bytes(query.device) // _variant_bytes(query, keys))
    future = _future(query.shape[3], own.key.shape[2], query)
    blocks = []
    for start, stop in [*_ranges(0, masked_from, step), *_ranges(masked_from, variants, step)]:
        scores = _scores(query[:, start:stop], prefix.key, own.key[:, start:stop], scaling)
        if bias is not None and start >= masked_from:
            scores += bias[None, start - masked_from : stop - masked_from, None]
        elif future is not None:
            scores[..., prefix.key.shape[1] :] += future
        blocks.append(_weigh(scores, prefix.value, own.value[:, start:stop]))
    return blocks[0] if len(blocks) == 1 else torch.cat(blocks, dim=1)


def _in_halves(
    query: Tensor, prefix: CachedKeyValues, own: CachedKeyValues, scaling: float, bias: Tensor | None
) -> Tensor:
    """The earlier rows, which need not see the later rows' keys unless they may, and then the later rows."""
    rows, keys = query.shape[3], own.key.shape[2]
    half = rows // 2
    seen, before = keys - rows + half, prefix.key.shape[1]
    if bias is not None and bool((bias[:, :half, before + seen :] == 0).any()):
        seen = keys
    early_own = CachedKeyValues(own.key[:, :, :seen], own.value[:, :, :seen])
    early_bias = late_bias = None
    if bias is not None:
        early_bias = bias[:, :half, : before + seen]
        late_bias = bias[:, half:]
    early = attend_shared(query[:, :, :, :half], prefix, early_own, scaling, early_bias)
    late = attend_shared(query[:, :, :, half:], prefix, own, scaling, late_bias)
    return torch.cat([early, late], dim=3)


def _scores(query: Tensor, prefix: Tensor, own: Tensor, scaling: float) -> Tensor:
    """Scaled scores ``[kv_heads, variants, group, rows, prefix + own]``."""
    heads, variants, group, rows, width = query.shape
    flat = query.reshape(heads, -1, width)
    each = flat.reshape(heads * variants, group * rows, width)
    to_prefix = _scaled(flat, prefix, scaling).view(heads, variants, group, rows, prefix.shape[1])
    to_own = _scaled(each, own.flatten(0, 1), scaling).view(heads, variants, group, rows, -1)
    return torch.cat([to_prefix, to_own], dim=-1)


def _scaled(query: Tensor, key: Tensor, scaling: float) -> Tensor:
    """Scores ``[n, rows, keys]``, scaled inside the product: one pass over memory less."""
    return torch.baddbmm(query.new_empty(()), query, key.transpose(1, 2), beta=0, alpha=scaling)


def _weigh(scores: Tensor, prefix: Tensor, own: Tensor) -> Tensor:
    """Softmax over all keys, then the weighted sum of the values."""
    heads, variants, group, rows, _ = scores.shape
    split = prefix.shape[1]
    weights = _softmax(scores)
    flat = weights.view(heads, variants * group * rows, -1)[..., :split]
    alone = weights.view(heads * variants, group * rows, -1)[..., split:]
    from_prefix = (flat @ prefix).view(heads * variants, group * rows, -1)
    # Added inside the product: one rounding less, and one pass over memory less.
    both = torch.baddbmm(from_prefix, alone, own.reshape(heads * variants, own.shape[2], -1))
    return both.view(heads, variants, group, rows, -1)


def _softmax(scores: Tensor) -> Tensor:
    """Weights over the last axis, reckoned in float32 at least."""
    precise = torch.promote_types(scores.dtype, torch.float32)
    return scores.softmax(dim=-1, dtype=precise).to(scores.dtype)


def _variant_bytes(query: Tensor, keys: int) -> int:
    """Bytes of one variant's scores; softmax is taken in float32 at least."""
    heads, _, group, rows, _ = query.shape
    return int(max(1, heads * group * rows * keys * max(query.element_size(), 4)))


def _block_bytes(device: torch.device) -> int:
    return BLOCK_BYTES.get(device.type, BLOCK_BYTES["cuda"])


def _ranges(start: int, stop: int, step: int) -> list[tuple[int, int]]:
    return [(at, min(at + step, stop)) for at in range(start, stop, step)]


def _future(rows: int, own: int, like: Tensor) -> Tensor | None:
    """The bias of own keys that lie in each row's future, ``[rows, own]``; None where there is none."""
    if rows == 1:
        return None
    return torch.full((rows, own), -torch.inf, dtype=like.dtype, device=like.device).triu_(1 + own - rows)
