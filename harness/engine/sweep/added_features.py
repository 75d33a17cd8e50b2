"""Features of a picture that a decoder adds to its visual rows after some of its first layers (DeepStack)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

FEATURES = "deepstack_visual_embeds"
"""The keyword by which transformers gives them to a decoder."""


@dataclass(frozen=True)
class AddedFeatures:
    """What is added to the rows of a clean run.

    Attributes:
        tables: by layer, from the lowest, ``[visual tokens + 1, width]``, the last row zero; empty where
            nothing is added.
        which: ``[rows]``, the row of every table that a row of the clean run is given.
    """

    tables: tuple[Tensor, ...]
    which: Tensor

    @classmethod
    def of(cls, features: Sequence[Tensor], visual: Tensor) -> AddedFeatures:
        """Features by layer, ``[visual tokens, width]`` each.

        Args:
            features: of the one picture that all prompts are on.
            visual: ``[rows]``, the number of a row's visual token, or -1.
        """
        tables = tuple(torch.cat([table, torch.zeros_like(table[:1])]) for table in features)
        return cls(tables, visual)

    def after(self, layer: int, state: Tensor, rows: Tensor | None = None) -> Tensor:
        """What leaves a layer, with its features.

        Args:
            layer: the layer.
            state: its output, ``[n, width]``.
            rows: the row of the clean run that each one was, ``[n]``; None: all of them, in order.
        """
        if layer >= len(self.tables):
            return state
        at = self.which if rows is None else self.which[rows]
        table = self.tables[layer]
        return state + table[at.to(table.device)].to(state.device, state.dtype)
