"""The walk: all branches climb the layers together, each joining where its knockout begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.engine.sweep.clean_run import CleanRun
from harness.engine.sweep.keys_values_only import keys_and_values
from harness.engine.sweep.packed_attention import CachedKeyValues, attend_shared
from harness.engine.sweep.rotary import Rotary
from harness.engine.sweep.schedule import (
    BatchChange,
    Branch,
    Cohort,
    PackedLayer,
    Slot,
    cohorts,
    packed_layers,
)
from harness.engine.sweep.substituted_rows import substituted
from harness.engine.sweep.zeroed_modules import zeroed_rows
from harness.engine.walked import Walked

if TYPE_CHECKING:
    from jaxtyping import Float

WORTH_A_START = 1 << 15
"""So many numbers (rows times width) must need no output of the top layer to pay for its second start."""


@dataclass(frozen=True)
class PackedPlan:
    """Attention of one layer's packed batch."""

    clean: CleanRun
    batch: PackedLayer
    whole: CachedKeyValues | None = None
    """Keys and values of the batch, ``[kv_heads, rows, head_dim]``, where the queries are those of its
    branches' last rows alone."""

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scaling: float
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; see `harness.checkpoint.attention.Plan`."""
        _, heads, stop, _ = query.shape
        whole = self.whole or CachedKeyValues(key[0], value[0])
        output = query.new_empty(1, stop, heads, whole.value.shape[2])
        prefixes: dict[int, CachedKeyValues] = {}
        # A question's slots come by first row, ascending: the last one reads the longest prefix.
        for slot in reversed(self.batch.slots):
            if slot.question not in prefixes:
                prefixes[slot.question] = self.clean.prefix(layer, slot.question, slot.row)
            start = stop - slot.branches * (1 if self.whole else slot.rows)
            seen = _slot_attention(
                slot,
                layer,
                query[0, :, start:stop].unflatten(1, (slot.branches, -1)),
                whole.between(slot.start, slot.stop),
                prefixes[slot.question].upto(slot.row),
                scaling,
            )
            output[0, start:stop].view(seen.shape).copy_(seen)
            stop = start
        return output, None


def _slot_attention(
    slot: Slot, layer: int, query: Tensor, own: CachedKeyValues, prefix: CachedKeyValues, scaling: float
) -> Tensor:
    """Attention of one cohort, ``[branches, queries, heads, head_dim]``.

    Args:
        slot: the cohort's slot.
        layer: the layer.
        query: ``[heads, branches, queries, head_dim]``, of each branch's last rows.
        own: ``[kv_heads, branches · rows, head_dim]``.
        prefix: ``[kv_heads, prefix, head_dim]``.
        scaling: factor on the scores.
    """
    shape = (slot.branches, slot.rows)
    folded = query.unflatten(0, (own.key.shape[0], -1)).transpose(1, 2)
    own = CachedKeyValues(own.key.unflatten(1, shape), own.value.unflatten(1, shape))
    bias = None if slot.biases is None else slot.biases.of_last(query.shape[2], query)
    attended = _by_branch(attend_shared(folded, prefix, own, scaling, bias))
    for shared in slot.substitutions:
        for rows, seen in substituted(folded, prefix, own, shared, layer, scaling):
            attended[torch.tensor(shared.branches)[:, None], rows] = _by_branch(seen)
    return attended


def _by_branch(attended: Tensor) -> Tensor:
    """From ``[kv_heads, branches, group, queries, head_dim]`` to ``[branches, queries, heads, head_dim]``."""
    return attended.permute(1, 3, 0, 2, 4).flatten(2, 3)


def walk(
    checkpoint: Checkpoint, clean: CleanRun, branches: Sequence[Branch], walked: Walked
) -> Float[Tensor, "branches vocabulary"]:
    """Carry branches from the layers they join to the logits, in their order.

    Args:
        checkpoint: the checkpoint.
        clean: the clean run they branch off.
        branches: the branches, at least one; each changes something.
        walked: counts the rows of every layer as it is done.

    Raises:
        KnockoutError: if a row would keep no key.
    """
    found = cohorts(branches, clean.tree)
    place = {branch: at for at, branch in enumerate(branches)}
    layered = packed_layers(found, checkpoint.n_layers)
    state = clean.hidden[0][:0]
    for layer, (block, batch) in enumerate(zip(checkpoint.decoder.layers, layered, strict=True)):
        if batch is None:
            continue
        if batch.change is not None:
            state = _changed(state, clean.hidden[layer], batch.change)
            at, table = batch.change.rows, None
            members = torch.tensor([place[branch] for branch in _members(found, layer)])
        if table is not clean.rotary[layer]:
            table = clean.rotary[layer]
            rotary = table.of(at, state)
        rows = len(state)
        if layer == checkpoint.n_layers - 1:
            state = _top(block, clean, batch, state, rotary)
        else:
            state = clean.added.after(layer, _through(block, clean, batch, state, rotary), at)
        walked.row_layers += rows
    packed = checkpoint.head(checkpoint.decoder.norm(state))
    logits = torch.empty_like(packed)
    logits[members.to(logits.device)] = packed
    return logits


def _through(block: Any, clean: CleanRun, batch: PackedLayer, state: Tensor, rotary: Rotary) -> Tensor:  # noqa: ANN401
    """The batch after a layer."""
    with zeroed_rows(block, batch.zero):
        after: Tensor = block(state[None], **rotary.inputs, plan=PackedPlan(clean, batch))
    return after[0]


def _top(block: Any, clean: CleanRun, batch: PackedLayer, state: Tensor, rotary: Rotary) -> Tensor:  # noqa: ANN401
    """The last rows of all branches after the top layer, ``[branches, width]``: nothing else is read of it.

    Every row's keys and values are needed, but only the last ones' outputs.
    """
    ends = _ends(batch).to(state.device)
    # Of zeroed modules, norms may be lost of other rows' outputs.
    if batch.zero or (len(state) - len(ends)) * state.shape[1] < WORTH_A_START:
        return _through(block, clean, batch, state, rotary)[ends]
    whole = keys_and_values(block, state, rotary)
    placed = rotary.of(ends, state)
    last: Tensor = block(state[ends][None], **placed.inputs, plan=PackedPlan(clean, batch, whole))
    return last[0]


def _changed(state: Tensor, clean: Tensor, change: BatchChange) -> Tensor:
    """The batch of a layer: rows from the layer below and rows of the clean run, put in order."""
    new = clean.index_select(0, change.joining.to(clean.device))
    return torch.cat([state.to(clean.device), new]).index_select(0, change.order.to(clean.device))


def _ends(batch: PackedLayer) -> Tensor:
    """Where the last position's row of every branch lies in the batch."""
    slots = batch.slots
    return torch.cat([torch.arange(slot.start + slot.rows - 1, slot.stop, slot.rows) for slot in slots])


def _members(found: Sequence[Cohort], layer: int) -> list[Branch]:
    """The branches in the batch of a layer, in its order."""
    return [cohort.branches[number] for cohort in found for number in cohort.active(layer)]
