"""A checkpoint without weights: it can encode samples, and its sizes can be read off it, nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from harness.checkpoint.adapters import ADAPTERS
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.configuration import configuration
from harness.checkpoint.door import checkpoint_door
from harness.checkpoint.info import CheckpointInfo, check_supported
from harness.checkpoint.processor import load_processor
from harness.checkpoint.prompt import prompt_format


@dataclass(frozen=True)
class Bare:
    """What encoding asks of a model.

    Attributes:
        config: its configuration.
        model: what adapters set on the model inside: how tiles are joined, say. It has nothing else.
    """

    config: Any
    model: SimpleNamespace = field(default_factory=SimpleNamespace)

    def get_input_embeddings(self) -> nn.Embedding:
        """An embedding on the CPU, where prompts are to be."""
        return nn.Embedding(1, 1)


def sized_checkpoint(info: CheckpointInfo, dtype: str) -> Checkpoint:
    """A checkpoint whose weights have shapes and no values: no file of weights is read, no memory taken.

    Args:
        info: the checkpoint.
        dtype: name of a torch dtype.

    Raises:
        CheckpointError: if its configuration or processor cannot be used, or it is larger than the files of
            its weights.
    """
    import transformers  # noqa: PLC0415 - takes seconds

    bare = bare_checkpoint(info)
    with checkpoint_door(info.path, "its model's sizes cannot be told"):
        model_class = getattr(transformers, ADAPTERS[bare.model.config.model_type].model_class)
        with torch.device("meta"):
            model = model_class(bare.model.config).to(getattr(torch, dtype)).eval()
    return replace(bare, model=model)


def bare_checkpoint(info: CheckpointInfo) -> Checkpoint:
    """A checkpoint's configuration, processor and prompt format.

    Raises:
        CheckpointError: if one of them cannot be used.
    """
    config = configuration(info)
    check_supported(str(config.model_type), info.path)
    model, processor = Bare(config), load_processor(info)
    with checkpoint_door(info.path, "its processor does not go with its model"):
        adapter = ADAPTERS[config.model_type]
        pictures = adapter.pictures(model, processor, adapter.handling(info.image_handling))
        prompting, boxes = (
            prompt_format(Path(info.path), processor, info.prompt),
            adapter.box_rule(info.boxes),
        )
    return Checkpoint(info.name, info.path, model, processor, prompting, pictures, sha256="", boxes=boxes)
