"""Which keys rows may not read: the future, and blocked edges.

A mask is boolean where it is made, and a *bias* where it is used: 0 where a query may read a key, -inf
where it may not. On a CPU a bias is added many times faster than a mask is filled in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.data.errors import KnockoutError
from harness.interventions.knockout import Blocks, EdgeBlock

Mask: TypeAlias = NDArray[np.bool_]


def hidden_edges(edges: Sequence[EdgeBlock], row: int, length: int, layer: int, two_way: Blocks = ()) -> Mask:
    """True where a query at ``row`` or later may not read a key: the future, and the blocked edges.

    Args:
        edges: the blocked edges.
        row: the first query; in no block but at its start.
        length: prompt length.
        layer: named in errors.
        two_way: blocks in which the future may be read.

    Returns:
        ``[length - row, length]``.

    Raises:
        KnockoutError: if a row would keep no key.
    """
    mask = np.triu(np.ones((length - row, length), dtype=np.bool_), k=row + 1)
    for start, stop in two_way:
        if start >= row:
            mask[start - row : stop - row, start:stop] = False
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


def bias_of(mask: Mask) -> Tensor:
    """The bias of a mask, in float32."""
    return torch.zeros(mask.shape).masked_fill_(torch.from_numpy(mask), -torch.inf)


@dataclass(frozen=True)
class Biases:
    """The biases of several branches, of which many are the same.

    Attributes:
        distinct: ``[different ones, rows, keys]``.
        which: for every branch, which of them is its own, ``[branches]``.
    """

    distinct: Tensor
    which: Tensor

    def of_last(self, rows: int, like: Tensor) -> Tensor:
        """The bias of every branch's last rows, ``[branches, rows, keys]``, on the device of ``like``."""
        last = self.distinct[:, -rows:].to(like)
        return last.index_select(0, self.which.to(like.device))


def bias_at(
    edges: Sequence[EdgeBlock], layer: int, row: int, length: int, like: Tensor, two_way: Blocks = ()
) -> Tensor | None:
    """The bias of rows from ``row`` on in a layer, ``[1, length - row, length]``, on the device of ``like``.

    Args:
        edges: blocked edges.
        layer: the layer.
        row: the first row; in no block but at its start.
        length: how many keys there are.
        like: says device and dtype.
        two_way: blocks whose rows read each other both ways.

    Returns:
        None if attention is plainly causal there.

    Raises:
        KnockoutError: if a row would keep no key.
    """
    here = [edge for edge in edges if layer in edge.layers]
    ahead = tuple(one for one in two_way if row <= one[0] < length)
    if not here and not ahead:
        return None
    return bias_of(hidden_edges(here, row, length, layer, ahead))[None].to(like)
