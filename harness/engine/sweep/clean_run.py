"""The clean run of all questions on one image: once through the model, everything kept.

Questions on one image begin with the same tokens (the *stem*: at least the system text and the
image, where the prompt has the image first) and differ after it (their *tails*). Stem and tails
walk up the layers as one row of tokens; a tail attends to the stem and to itself. What entered
every layer, and every layer's keys and values, are kept: knockouts start from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.checkpoint.lengths import check_length
from harness.data.errors import DataError
from harness.engine.reference import Pass, check_finite, check_plan_reached
from harness.engine.sweep.added_features import AddedFeatures
from harness.engine.sweep.first_layer_rows import entering
from harness.engine.sweep.masks import bias_at
from harness.engine.sweep.packed_attention import CachedKeyValues, attend_causal, attend_shared
from harness.engine.sweep.rotary import Rotary, rotary_tables
from harness.interventions.knockout import Blocks, EdgeBlock
from harness.interventions.permanent_edges import permanent_edges


@dataclass(frozen=True)
class Tree:
    """How several prompts with a common beginning lie in one row of tokens.

    Attributes:
        stem: number of common tokens.
        starts: where each prompt's tail begins in the row.
        lengths: length of each prompt.
        two_way: of each prompt the blocks whose rows read each other both ways; the stem's end cuts none.
    """

    stem: int
    starts: tuple[int, ...]
    lengths: tuple[int, ...]
    two_way: tuple[Blocks, ...]

    @classmethod
    def of(
        cls, prompts: Sequence[Tensor], longest: int | None = None, two_way: Sequence[Blocks] | None = None
    ) -> Tree:
        """The tree of these token ids, each ``[n]``, with a stem of at most ``longest`` tokens."""
        stem = min(len(ids) for ids in prompts)
        stem = stem if longest is None else min(stem, longest)
        for ids in prompts[1:]:
            different = (ids[:stem] != prompts[0][:stem]).nonzero()
            stem = int(different[0]) if len(different) else stem
        blocks = tuple(two_way or [()] * len(prompts))
        # No row of the stem may read one behind it.
        stem = min([stem, *(start for one in blocks for start, stop in one if start < stem < stop)])
        starts, at = [], stem
        for ids in prompts:
            starts.append(at)
            at += len(ids) - stem
        return cls(stem, tuple(starts), tuple(len(ids) for ids in prompts), blocks)

    def row(self, prompt: int, position: int) -> int:
        """Where a prompt's token lies in the row."""
        return position if position < self.stem else self.starts[prompt] + position - self.stem

    def rows(self, prompt: int, first: int) -> Tensor:
        """Where a prompt's tokens from ``first`` on lie in the row."""
        positions = torch.arange(first, self.lengths[prompt])
        return torch.where(positions < self.stem, positions, positions + self.starts[prompt] - self.stem)

    def pack(self, prompts: Sequence[Tensor]) -> Tensor:
        """Stem and tails of per-token tensors ``[n, …]`` or longer ones, one after the other."""
        tails = zip(prompts, self.lengths, strict=True)
        return torch.cat([prompts[0][: self.stem], *(tensor[self.stem : length] for tensor, length in tails)])


@dataclass(eq=False)
class CleanRun:
    """The clean run of the questions on one image.

    Attributes:
        encoded: the questions.
        tree: how they lie in one row of tokens.
        hidden: what enters every layer, ``[rows, width]`` each.
        cache: every layer's keys and values, ``[kv_heads, rows, head_dim]`` each.
        rotary: where the rows stand, as every layer is told.
        added: what is added to its rows after the first layers.
        passes: per question the unblocked pass.
        permanent: per question the edges that the checkpoint blocks always; none starts in the stem.
    """

    encoded: tuple[Encoded, ...]
    tree: Tree
    rotary: tuple[Rotary, ...]
    added: AddedFeatures
    hidden: list[Tensor] = field(default_factory=list)
    cache: list[CachedKeyValues] = field(default_factory=list)
    passes: tuple[Pass, ...] = ()
    permanent: tuple[tuple[EdgeBlock, ...], ...] = ()

    def prefix(self, layer: int, question: int, stop: int) -> CachedKeyValues:
        """Keys and values of a question's first ``stop`` tokens, copied only if in two pieces."""
        kept, stem = self.cache[layer], self.tree.stem
        if stop <= stem or self.tree.starts[question] == stem:
            return kept.upto(stop)
        tail = slice(self.tree.starts[question], self.tree.starts[question] + stop - stem)
        return kept.upto(stem).then(CachedKeyValues(kept.key[:, tail], kept.value[:, tail]))


@dataclass(frozen=True)
class TreePlan:
    """Attention of a tree of prompts, less permanent edges; keeps keys and values as they pass."""

    tree: Tree
    cache: list[CachedKeyValues]
    permanent: Sequence[Sequence[EdgeBlock]]

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scaling: float
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; see `harness.checkpoint.attention.Plan`."""
        self.cache.append(CachedKeyValues(key[0].contiguous(), value[0].contiguous()))
        stem = self.tree.stem
        output = query.new_empty(*query.shape[:3], value.shape[3])
        prefix = CachedKeyValues(key[0, :, :stem], value[0, :, :stem])
        in_stem = bias_at((), layer, 0, stem, query, self.tree.two_way[0])
        output[0, :, :stem] = attend_causal(query[0, :, :stem], prefix, scaling, in_stem)
        prompts = zip(self.tree.starts, self.tree.lengths, self.permanent, self.tree.two_way, strict=True)
        for start, length, edges, two_way in prompts:
            tail = slice(start, start + length - stem)
            if length > stem:
                folded = query[0, :, tail].unflatten(0, (key.shape[1], -1))[:, None]
                own = CachedKeyValues(key[0, :, None, tail], value[0, :, None, tail])
                bias = bias_at(edges, layer, stem, length, query, two_way)
                output[0, :, tail] = attend_shared(folded, prefix, own, scaling, bias)[:, 0].flatten(0, 1)
        return output.transpose(1, 2).contiguous(), None


def clean_run(checkpoint: Checkpoint, encoded: Sequence[Encoded]) -> CleanRun:
    """Run all questions on one image through the model once.

    Args:
        checkpoint: the checkpoint.
        encoded: the questions; all on the same image.

    Raises:
        DataError: if there is no question, or the images differ.
        CheckpointError: if a prompt is so long that the decoder attends otherwise than to shorter ones.
        NumericsError: if the logits are not finite.
    """
    if not encoded:
        raise DataError("a sweep needs at least one question")
    if not all(_same_picture(one, encoded[0]) for one in encoded[1:]):
        raise DataError("the questions of one sweep must be on one image")
    check_length(checkpoint.name, checkpoint.model.config, max(one.length for one in encoded))
    permanent = tuple(permanent_edges(checkpoint.permanent_blocks, one.regions) for one in encoded)
    blocks = [one.regions.two_way for one in encoded]
    tree = Tree.of([one.ids for one in encoded], first_target(permanent), blocks)
    done, state = begun(checkpoint, encoded, tree, permanent)
    for layer in range(checkpoint.n_layers):
        done.hidden.append(state)
        state = after_layer(checkpoint, done, layer, state)
    check_plan_reached(checkpoint, len(done.cache))
    done.passes = _passes(checkpoint, done, state)
    return done


def begun(
    checkpoint: Checkpoint,
    encoded: Sequence[Encoded],
    tree: Tree,
    permanent: tuple[tuple[EdgeBlock, ...], ...],
) -> tuple[CleanRun, Tensor]:
    """A clean run of which no layer is done yet, and the rows that enter the first, ``[rows, width]``.

    Args:
        checkpoint: the checkpoint.
        encoded: the questions.
        tree: which of their tokens are run, and how they lie in one row.
        permanent: per question the edges of these tokens that are blocked always.
    """
    found = entering(checkpoint, encoded)
    state = tree.pack(found.rows)
    added = AddedFeatures.of(found.added, tree.pack([_visual(checkpoint, one) for one in encoded]))
    positions = tree.pack([one.rotary_positions for one in encoded]).to(state.device)
    tables = rotary_tables(checkpoint, state, positions)
    return CleanRun(tuple(encoded), tree, tables, added, permanent=permanent), state


def after_layer(checkpoint: Checkpoint, done: CleanRun, layer: int, state: Tensor) -> Tensor:
    """Rows ``[rows, width]`` after a layer, whose keys and values join those of a clean run."""
    plan = TreePlan(done.tree, done.cache, done.permanent)
    block: Any = checkpoint.decoder.layers[layer]
    after: Tensor = block(state[None], **done.rotary[layer].inputs, plan=plan)
    return done.added.after(layer, after[0])


def _visual(checkpoint: Checkpoint, encoded: Encoded) -> Tensor:
    """The number of every token's visual token, ``[n]``; -1 for all others."""
    visual = encoded.ids == checkpoint.model.config.image_token_id
    return torch.where(visual, visual.cumsum(0) - 1, -1)


def _same_picture(one: Encoded, other: Encoded) -> bool:
    """Whether two prompts show the model the same: an even picture has the same pixels in another shape."""
    alike = all(torch.equal(value, other.extra[name]) for name, value in one.extra.items())
    return alike and torch.equal(one.pixels, other.pixels)


def first_target(permanent: Sequence[Sequence[EdgeBlock]]) -> int | None:
    """The first row that a permanent edge concerns: a stem must end before it."""
    return min((min(edge.targets) for edges in permanent for edge in edges), default=None)


def _passes(checkpoint: Checkpoint, done: CleanRun, top: Tensor) -> tuple[Pass, ...]:
    ends = torch.tensor([done.tree.row(number, n - 1) for number, n in enumerate(done.tree.lengths)])
    final = checkpoint.decoder.norm(top[ends.to(top.device)])
    logits = checkpoint.head(final)
    below = torch.stack([state[ends.to(state.device)].to(logits.device) for state in done.hidden], dim=1)
    hidden = torch.cat([below, final[:, None].to(logits.device)], dim=1)
    for one, row in zip(done.encoded, logits, strict=True):
        check_finite(row, one)
    return tuple(Pass(row, states) for row, states in zip(logits, hidden, strict=True))
