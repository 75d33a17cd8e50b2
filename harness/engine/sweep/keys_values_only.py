"""Keys and values of a layer alone, taken from the layer itself.

How a layer comes from its rows to keys and values (norms, biases, rotary embedding) is its own
business. So it is started, and stopped where it would attend. What comes after, its output matrix and
its MLP, is most of its work.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from harness.engine.sweep.packed_attention import CachedKeyValues
from harness.engine.sweep.rotary import Rotary


class _AboutToAttendError(Exception):
    """Stops a layer before it attends; carries what it would have read."""

    def __init__(self, whole: CachedKeyValues) -> None:
        super().__init__()
        self.whole = whole


class _Stop:
    """The plan that stops a layer."""

    def attend(
        self, _layer: int, _query: Tensor, key: Tensor, value: Tensor, _scaling: float
    ) -> tuple[Tensor, Tensor | None]:
        """Stop; see `harness.checkpoint.attention.Plan`."""
        raise _AboutToAttendError(CachedKeyValues(key[0], value[0]))


def keys_and_values(block: Any, state: Tensor, rotary: Rotary) -> CachedKeyValues:  # noqa: ANN401
    """Keys (after rotary embedding) and values, ``[kv_heads, rows, head_dim]`` each.

    Args:
        block: the decoder layer.
        state: what enters it, ``[rows, width]``.
        rotary: where these rows stand.
    """
    try:
        block(state[None], **rotary.inputs, plan=_Stop())
    except _AboutToAttendError as stopped:
        return stopped.whole
    raise AssertionError("a layer that never attended")
