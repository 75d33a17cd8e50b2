"""Which keys rows may not read: the future, and blocked edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import KnockoutError
from harness.knockout import EdgeBlock

Mask: TypeAlias = NDArray[np.bool_]


def hidden_edges(edges: Sequence[EdgeBlock], row: int, length: int, layer: int) -> Mask:
    """True where a query at ``row`` or later may not read a key: the future, and the blocked edges.

    Returns:
        ``[length - row, length]``.

    Raises:
        KnockoutError: if a row would keep no key.
    """
    mask = np.triu(np.ones((length - row, length), dtype=np.bool_), k=row + 1)
    for edge in edges:
        targets = np.array([target - row for target in edge.targets if target >= row], dtype=np.int64)
        mask[targets[:, None], np.array(edge.sources, dtype=np.int64)] = True
    empty = np.flatnonzero(mask.all(axis=1))
    if len(empty):
        raise KnockoutError(
            f"layer {layer}: row {row + int(empty[0])} would keep no key; "
            "leave the first position out of the sources"
        )
    return mask


def hidden_at(
    edges: Sequence[EdgeBlock], layer: int, row: int, length: int, device: torch.device
) -> Tensor | None:
    """The keys that rows from ``row`` on may not read in a layer, ``[1, length - row, length]``.

    Returns:
        None if attention is plainly causal there.

    Raises:
        KnockoutError: if a row would keep no key.
    """
    here = [edge for edge in edges if layer in edge.layers]
    if not here:
        return None
    return torch.from_numpy(hidden_edges(here, row, length, layer))[None].to(device)
