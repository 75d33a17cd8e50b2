"""The sizes that a configuration states, held against the weights that are there.

transformers makes what weights lack, in full size, before anybody can say that they lack: a stranger's
configuration of a few bytes would take all memory.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

from harness.data.errors import CheckpointError

SMALLEST = 2
"""Values in a byte of the smallest type of weights, four bits each."""
SPARE = 1 << 24
"""Values beyond the weights': what models compute when they are made, such as positions."""


def refuse_unbacked_sizes(model_class: Any, config: Any, folder: Path) -> None:  # noqa: ANN401
    """Refuse a configuration of a model that is larger than its weights.

    Args:
        model_class: transformers' class.
        config: its configuration.
        folder: the checkpoint's folder; a hub id, which is none, passes.

    Raises:
        CheckpointError: if the model has more values than the files of weights can hold.
    """
    import torch  # noqa: PLC0415 - takes seconds

    if not folder.is_dir():
        return
    with torch.device("meta"):  # sizes only, nothing is allocated
        model = model_class(config)
    values = sum(one.numel() for one in chain(model.parameters(), model.buffers()))
    held = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    if values > SMALLEST * held + SPARE:
        raise CheckpointError(
            f"{folder}: config.json describes a model of {values:,} values, its weights are {held:,} bytes"
        )
