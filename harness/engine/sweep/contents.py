"""Keys and values of a prompt's beginning: what other prompts read in place of their own.

Causal attention makes them independent of what follows, so neither later tokens are run nor what the top
layer does with them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.checkpoint.lengths import check_length
from harness.engine.reference import check_plan_reached
from harness.engine.sweep.clean_run import Tree, after_layer, begun, first_target
from harness.engine.sweep.keys_values_only import keys_and_values
from harness.engine.sweep.packed_attention import CachedKeyValues
from harness.interventions.knockout import EdgeBlock, Positions, block_around
from harness.interventions.permanent_edges import permanent_edges


@torch.inference_mode()
def beginning(checkpoint: Checkpoint, encoded: Encoded, stop: int) -> list[CachedKeyValues]:
    """Every layer's keys and values of a prompt's first tokens, ``[kv_heads, stop or more, head_dim]``.

    Args:
        checkpoint: the checkpoint.
        encoded: the prompt.
        stop: how many tokens; all of a block whose rows read each other both ways.

    Raises:
        CheckpointError: if the prompt is so long that the decoder attends otherwise than to shorter ones.
    """
    check_length(checkpoint.name, checkpoint.model.config, encoded.length)
    two_way = encoded.regions.two_way
    _, stop = block_around(stop - 1, two_way)
    permanent = (_within(permanent_edges(checkpoint.permanent_blocks, encoded.regions), stop),)
    tree = Tree.of([encoded.ids[:stop]], first_target(permanent), [two_way])
    done, state = begun(checkpoint, [encoded], tree, permanent)
    top = checkpoint.n_layers - 1
    for layer in range(top):
        state = after_layer(checkpoint, done, layer, state)
    check_plan_reached(checkpoint, len(done.cache) + 1)
    return [*done.cache, keys_and_values(checkpoint.decoder.layers[top], state, done.rotary[top])]


def _within(edges: Sequence[EdgeBlock], stop: int) -> tuple[EdgeBlock, ...]:
    """What blocked edges block among the first tokens."""
    cut = (EdgeBlock(_below(stop, one.sources), _below(stop, one.targets), one.layers) for one in edges)
    return tuple(one for one in cut if one.sources and one.targets)


def _below(stop: int, positions: Positions) -> Positions:
    return tuple(at for at in positions if at < stop)
