"""A checkpoint without weights: it can encode samples, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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
