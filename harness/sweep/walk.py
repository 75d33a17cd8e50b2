"""The walk: all branches climb the layers together, each joining where its knockout begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.checkpoint import Checkpoint
from harness.sweep.packed import KeyValue, attend_shared
from harness.sweep.prefill import Prefill
from harness.sweep.schedule import Branch, Change, Cohort, Layout, Slot, cohorts, layouts
from harness.sweep.substitute import substituted
from harness.sweep.zero import zeroed_rows


@dataclass(frozen=True)
class Outcome:
    """What a walk yields for its branches, in the order given.

    Attributes:
        logits: ``[branches, vocabulary]``.
        hidden: ``[branches, L + 1, width]`` of the last position if asked for: entering layer 0, 1, …,
            and the final one, normalised.
    """

    logits: Tensor
    hidden: Tensor | None


@dataclass(frozen=True)
class PackedPlan:
    """Attention of one layer's packed batch."""

    base: Prefill
    layout: Layout
    top: bool = False
    """Whether nothing but the last position's row is read of what comes out."""

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scaling: float
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; see `harness.attention.Plan`."""
        _, heads, rows, width = query.shape
        only_last = self.top and not self.layout.zero  # norms may be lost of other rows' outputs
        output = (query.new_zeros if only_last else query.new_empty)(1, rows, heads, width)
        prefixes: dict[int, KeyValue] = {}
        # A question's slots come by first row, ascending: the last one reads the longest prefix.
        for slot in reversed(self.layout.slots):
            if slot.question not in prefixes:
                prefixes[slot.question] = self.base.prefix(layer, slot.question, slot.row)
            part = slice(slot.start, slot.stop)
            prefix = prefixes[slot.question].upto(slot.row)
            own = KeyValue(key[0, :, part], value[0, :, part])
            skipped = slot.rows - 1 if only_last else 0
            seen = _slot_attention(slot, layer, query[0, :, part], own, prefix, scaling, skipped)
            output[0, part].unflatten(0, (slot.branches, slot.rows))[:, skipped:] = seen
        return output, None


def _slot_attention(
    slot: Slot, layer: int, query: Tensor, own: KeyValue, prefix: KeyValue, scaling: float, skipped: int
) -> Tensor:
    """Attention of one cohort, ``[branches, rows - skipped, heads, head_dim]``.

    Args:
        slot: the cohort's slot.
        layer: the layer.
        query: ``[heads, branches · rows, head_dim]``.
        own: ``[kv_heads, branches · rows, head_dim]``.
        prefix: ``[kv_heads, prefix, head_dim]``.
        scaling: factor on the scores.
        skipped: how many of a branch's rows, the first ones, nobody will read.
    """
    shape = (slot.branches, slot.rows)
    folded = query.unflatten(1, shape).unflatten(0, (own.key.shape[0], -1)).transpose(1, 2)[..., skipped:, :]
    own = KeyValue(own.key.unflatten(1, shape), own.value.unflatten(1, shape))
    mask = None if slot.hidden is None else slot.hidden[:, skipped:].to(query.device)
    attended = attend_shared(folded, prefix, own, scaling, mask).permute(1, 3, 0, 2, 4).flatten(2, 3)
    for number, items in slot.substitutions:
        whole = prefix.then(KeyValue(own.key[:, number], own.value[:, number]))
        visible = _visible(slot, number)[skipped:]
        rows, seen = substituted(folded[:, number], whole, items, layer, scaling, visible)
        attended[number, rows] = seen
    return attended


def _visible(slot: Slot, number: int) -> Tensor:
    """Which keys each row of a slot's branch may read, ``[rows, n]``."""
    if slot.hidden is not None and number >= slot.branches - slot.hidden.shape[0]:
        return ~slot.hidden[number - slot.branches]
    return torch.ones(slot.rows, slot.row + slot.rows, dtype=torch.bool).tril_(slot.row)


def walk(checkpoint: Checkpoint, base: Prefill, branches: Sequence[Branch], *, hidden: bool) -> Outcome:
    """Carry branches from the layers they join to the logits.

    Args:
        checkpoint: the checkpoint.
        base: the base run they branch off.
        branches: the branches, at least one; each changes something.
        hidden: whether to keep the last position's hidden states.

    Raises:
        KnockoutError: if a row would keep no key.
    """
    found = cohorts(branches, base.tree)
    place = {branch: at for at, branch in enumerate(branches)}
    trace = torch.stack([base.base[branch.question].hidden for branch in branches]) if hidden else None
    layered = layouts(found, base.tree, checkpoint.n_layers)
    state = base.hidden[0][:0]
    for layer, (block, layout) in enumerate(zip(checkpoint.decoder.layers, layered, strict=True)):
        if layout is None:
            continue
        if layout.change is not None:
            state = _changed(state, base.hidden[layer], layout.change)
            rotary = base.rotary_at(layout.change.positions, state)
            members = torch.tensor([place[branch] for branch in _members(found, layer)])
        if trace is not None:
            for branch, left in (pair for cohort in found for pair in cohort.departing(layer)):
                trace[place[branch], :layer] = trace[place[left], :layer]
            trace[members.to(trace.device), layer] = _last_rows(state, layout).to(trace.device)
        with zeroed_rows(block, layout.zero):
            plan = PackedPlan(base, layout, top=layer == checkpoint.n_layers - 1)
            state = block(state[None], position_embeddings=rotary, plan=plan)[0]
    assert layout is not None, "every branch has joined"  # noqa: S101 - for the type checker
    final = checkpoint.decoder.norm(_last_rows(state, layout))
    packed = checkpoint.head(final)
    logits = torch.empty_like(packed)
    logits[members.to(logits.device)] = packed
    if trace is not None:
        trace[members.to(trace.device), -1] = final.to(trace.device)
    return Outcome(logits, trace)


def _changed(state: Tensor, base: Tensor, change: Change) -> Tensor:
    """The batch of a layer: rows from the layer below and rows of the base run, put in order."""
    new = base.index_select(0, change.joining.to(base.device))
    return torch.cat([state.to(base.device), new]).index_select(0, change.order.to(base.device))


def _last_rows(state: Tensor, layout: Layout) -> Tensor:
    """The last position's row of every branch in the batch."""
    ends = [torch.arange(slot.start + slot.rows - 1, slot.stop, slot.rows) for slot in layout.slots]
    return state[torch.cat(ends).to(state.device)]


def _members(found: Sequence[Cohort], layer: int) -> list[Branch]:
    """The branches in the batch of a layer, in its order."""
    return [cohort.branches[number] for cohort in found for number in cohort.active(layer)]
