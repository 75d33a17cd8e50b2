"""A loaded checkpoint: a model that sees, with its processor and prompt format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from harness.checkpoint.adapters import ANALYTIC_BOXES, Pictures
from harness.checkpoint.boxes import tokens_under
from harness.checkpoint.permanent_mask import PermanentBlock
from harness.checkpoint.prompt import PromptFormat
from harness.data.depth import rule_window
from harness.data.sample import Box, Size


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint.

    Attributes:
        name: how the user called it.
        path: the directory or hub id it was loaded from.
        model: the transformers model, in evaluation mode, on ``device``.
        processor: its processor.
        prompt: its prompt format.
        pictures: how its pictures become visual tokens.
        sha256: hash over the files that decide its results.
        boxes: the rule by which boxes become patches; see `harness.checkpoint.boxes`.
        permanent_blocks: flows that are blocked always; see `harness.checkpoint.permanent_mask`.
        opening: token ids that its answers always begin with, before their word: part of every prompt.
    """

    name: str
    path: str
    model: Any
    processor: Any
    prompt: PromptFormat
    pictures: Pictures
    sha256: str
    permanent_blocks: tuple[PermanentBlock, ...] = ()
    boxes: str = ANALYTIC_BOXES
    opening: tuple[int, ...] = ()

    def tokens_under(self, size: Size, boxes: Sequence[Box]) -> tuple[int, ...]:
        """Numbers of the visual tokens that show at least one of some boxes, by the checkpoint's rule.

        Args:
            size: (width, height) of the picture in pixels.
            boxes: in pixels of the picture.
        """
        return tokens_under(self.pictures, self.boxes, size, boxes)

    @cached_property
    def decoder(self) -> Any:  # noqa: ANN401 - transformers has no common base for decoders
        """The text model: ``layers``, ``norm``, ``rotary_emb``."""
        return self.model.model.get_decoder()

    @property
    def head(self) -> nn.Module:
        """The matrix from hidden state to logits."""
        head: nn.Module = self.model.lm_head
        return head

    @cached_property
    def n_layers(self) -> int:
        """L, the number of decoder layers."""
        return len(self.decoder.layers)

    @property
    def window(self) -> int:
        """k, the window size of the rule: 9 for 40 layers, 7 for 32, about 0.22·L otherwise."""
        return rule_window(self.n_layers)

    @property
    def device(self) -> torch.device:
        """Where the token embeddings lie, and so where a prompt enters."""
        weight: Tensor = self.model.get_input_embeddings().weight
        return weight.device

    @cached_property
    def devices(self) -> frozenset[torch.device]:
        """Where the decoder lies: one device, or those that it is spread over."""
        return frozenset({self.device, *(weight.device for weight in self.decoder.parameters())})

    @property
    def dtype(self) -> torch.dtype:
        """The decoder's dtype."""
        weight: Tensor = self.model.get_input_embeddings().weight
        return weight.dtype

    @cached_property
    def stop_tokens(self) -> frozenset[int]:
        """Token ids that end an answer."""
        ids = self.model.generation_config.eos_token_id
        ids = self.processor.tokenizer.eos_token_id if ids is None else ids
        return frozenset(ids if isinstance(ids, list) else [ids])
