"""Rotary positions that are not the numbers of the tokens: those of a picture's rows and columns.

Some decoders turn queries and keys by three numbers a token (time, row, column), and count on after a picture
from its longer side instead of its tokens. transformers works them out where it is told which tokens are a
picture's; where it is not, Qwen2.5-VL counts the tokens without a word, and generation may go on from the
picture of an earlier call. So the engines always say the positions, and no call of theirs leaves them to the
model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from harness.checkpoint.patches import TokenLayout

if TYPE_CHECKING:
    from jaxtyping import Int

MODALITIES = "mm_token_type_ids"
"""By what models are told which tokens are a picture's (1), to find the positions themselves."""
FINDS_POSITIONS = "get_rope_index"
"""The method by which a transformers model finds positions that are not the numbers of the tokens."""


def grid_positions(layout: TokenLayout, image: Sequence[int], length: int) -> Int[Tensor, "length 3"]:
    """Time, row and column of every token: a text's are equal, a picture's those of its grid.

    Args:
        layout: the picture, on one grid and without marks.
        image: where its tokens stand in the prompt; one after the other.
        length: tokens of the prompt.
    """
    rows, columns = len(layout.base.rows.shown), len(layout.base.columns.shown)
    start, tokens = image[0], torch.arange(rows * columns)
    inside = torch.stack([torch.zeros_like(tokens), tokens // columns, tokens % columns], dim=1) + start
    after = torch.arange(length - start - rows * columns) + start + max(rows, columns)
    before = torch.arange(start)
    return torch.cat([before[:, None].expand(-1, 3), inside, after[:, None].expand(-1, 3)])


def as_inputs(positions: Tensor) -> Tensor:
    """Positions as decoders and their rotary embeddings take them.

    Args:
        positions: ``[rows]``, or ``[rows, axes]``.

    Returns:
        ``[1, rows]``, or ``[axes, 1, rows]``.
    """
    return positions[None] if positions.ndim == 1 else positions.T[:, None]


def following(positions: Tensor, count: int) -> Tensor:
    """The position of a token that follows a prompt.

    Args:
        positions: the prompt's, ``[rows]`` or ``[rows, axes]``.
        count: which token, from 1; it and those before it are text.

    Returns:
        ``[]``, or ``[axes]``.
    """
    return torch.full_like(positions[-1], int(positions.max()) + count)
