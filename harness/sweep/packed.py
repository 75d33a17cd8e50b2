"""Attention of rows that share a prefix: many variants of one prompt's end, one copy of its beginning.

Keys of the prefix are read by every variant and stored once; each variant adds the keys of its own
rows. Scores against both stand side by side in one buffer, so one softmax weighs them together and
nothing has to be merged afterwards. Query heads that share a key head are folded into rows, so keys
are never repeated for grouped queries. Variants are taken in blocks that keep the buffer small.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK_BYTES = {"cpu": 1 << 21, "cuda": 1 << 28}
"""How large the buffer of scores may grow, by device: on a CPU it should stay in cache."""

LONG_BYTES = 1 << 27
"""Above this the scores of a single variant are taken in two halves of its rows."""


@dataclass(frozen=True)
class KeyValue:
    """Keys and values of some rows: each ``[kv_heads, …, rows, head_dim]``."""

    key: Tensor
    value: Tensor

    def upto(self, row: int) -> KeyValue:
        """Those of the rows before ``row``; not a copy."""
        return KeyValue(self.key[:, :row], self.value[:, :row])

    def then(self, other: KeyValue) -> KeyValue:
        """These rows and another's after them."""
        return KeyValue(
            torch.cat([self.key, other.key], dim=-2), torch.cat([self.value, other.value], dim=-2)
        )


def attend_shared(
    query: Tensor, prefix: KeyValue, own: KeyValue, scaling: float, hidden: Tensor | None = None
) -> Tensor:
    """Attention of variants that share a prefix.

    Args:
        query: ``[kv_heads, variants, group, rows, head_dim]``; group = query heads per key head.
        prefix: keys and values ``[kv_heads, prefix, head_dim]``, read by every variant.
        own: ``[kv_heads, variants, own, head_dim]``, what follows the prefix in each variant; the queries
            are its last rows.
        scaling: factor on the scores.
        hidden: bool ``[m, rows, prefix + own]``, True where a query may not read a key (the future
            included), for the last m variants; the ones before are plainly causal.

    Returns:
        ``[kv_heads, variants, group, rows, head_dim]``.
    """
    keys = prefix.key.shape[1] + own.key.shape[2]
    if query.shape[3] > 1 and _variant_bytes(query, keys) > LONG_BYTES:
        return _in_halves(query, prefix, own, scaling, hidden)
    variants = query.shape[1]
    masked_from = variants - (0 if hidden is None else hidden.shape[0])
    budget = BLOCK_BYTES.get(query.device.type, BLOCK_BYTES["cuda"])
    step = max(1, budget // _variant_bytes(query, keys))
    future = _future(query.shape[3], own.key.shape[2], query.device)
    blocks = []
    for start, stop in [*_ranges(0, masked_from, step), *_ranges(masked_from, variants, step)]:
        scores = _scores(query[:, start:stop], prefix.key, own.key[:, start:stop])
        scores.mul_(scaling)
        if hidden is not None and start >= masked_from:
            mask = hidden[start - masked_from : stop - masked_from]
            scores.masked_fill_(mask[None, :, None], -torch.inf)
        elif future is not None:
            scores[..., prefix.key.shape[1] :].masked_fill_(future, -torch.inf)
        blocks.append(_weigh(scores, prefix.value, own.value[:, start:stop]))
    return blocks[0] if len(blocks) == 1 else torch.cat(blocks, dim=1)


def _in_halves(
    query: Tensor, prefix: KeyValue, own: KeyValue, scaling: float, hidden: Tensor | None
) -> Tensor:
    """The earlier rows, which need not see the later rows' keys, and then the later rows."""
    rows, keys = query.shape[3], own.key.shape[2]
    half = rows // 2
    seen = keys - rows + half
    early_own = KeyValue(own.key[:, :, :seen], own.value[:, :, :seen])
    early_hidden = late_hidden = None
    if hidden is not None:
        early_hidden = hidden[:, :half, : prefix.key.shape[1] + seen]
        late_hidden = hidden[:, half:]
    early = attend_shared(query[:, :, :, :half], prefix, early_own, scaling, early_hidden)
    late = attend_shared(query[:, :, :, half:], prefix, own, scaling, late_hidden)
    return torch.cat([early, late], dim=3)


def _scores(query: Tensor, prefix: Tensor, own: Tensor) -> Tensor:
    """Scores ``[kv_heads, variants, group, rows, prefix + own]``, not yet scaled."""
    heads, variants, group, rows, width = query.shape
    to_prefix = query.reshape(heads, -1, width) @ prefix.transpose(1, 2)
    to_own = query.reshape(heads, variants, group * rows, width) @ own.transpose(2, 3)
    return torch.cat(
        [
            to_prefix.view(heads, variants, group, rows, prefix.shape[1]),
            to_own.view(heads, variants, group, rows, own.shape[2]),
        ],
        dim=-1,
    )


def _weigh(scores: Tensor, prefix: Tensor, own: Tensor) -> Tensor:
    """Softmax over all keys, then the weighted sum of the values."""
    heads, variants, group, rows, _ = scores.shape
    split = prefix.shape[1]
    precise = torch.promote_types(scores.dtype, torch.float32)
    weights = scores.softmax(dim=-1, dtype=precise).to(scores.dtype)
    flat = weights.view(heads, variants * group * rows, -1)[..., :split]
    alone = weights.view(heads * variants, group * rows, -1)[..., split:]
    from_prefix = (flat @ prefix).view(heads * variants, group * rows, -1)
    # Added inside the product: one rounding less, and one pass over memory less.
    both = torch.baddbmm(from_prefix, alone, own.reshape(heads * variants, own.shape[2], -1))
    return both.view(heads, variants, group, rows, -1)


def _variant_bytes(query: Tensor, keys: int) -> int:
    """Bytes of one variant's scores; softmax is taken in float32 at least."""
    heads, _, group, rows, _ = query.shape
    return int(max(1, heads * group * rows * keys * max(query.element_size(), 4)))


def _ranges(start: int, stop: int, step: int) -> list[tuple[int, int]]:
    return [(at, min(at + step, stop)) for at in range(start, stop, step)]


def _future(rows: int, own: int, device: torch.device) -> Tensor | None:
    """Which own keys lie in each row's future; None where there is none."""
    if rows == 1:
        return None
    return torch.ones(rows, own, dtype=torch.bool, device=device).triu_(1 + own - rows)
