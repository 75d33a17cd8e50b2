"""A checkpoint's configuration, as transformers reads it."""

from __future__ import annotations

from typing import Any

from harness.checkpoint.door import checkpoint_door
from harness.checkpoint.info import CheckpointInfo, check_unquantized
from harness.data.errors import CheckpointError


def configuration(info: CheckpointInfo) -> Any:  # noqa: ANN401 - transformers' classes
    """The configuration of a checkpoint; no code of it is run.

    Raises:
        CheckpointError: if it cannot be read, asks for code from the hub, or is of quantized weights.
    """
    from transformers import AutoConfig  # noqa: PLC0415 - takes seconds

    with checkpoint_door(info.path, "its configuration cannot be read"):
        config = AutoConfig.from_pretrained(info.path, revision=info.revision, trust_remote_code=False)
        for part in (config, *(getattr(config, name) for name in config.sub_configs)):
            _refuse_kernels(part)
        check_unquantized(config.to_dict(), info.path)
    return config


def _refuse_kernels(config: Any) -> None:  # noqa: ANN401
    """Refuse it: an attention that is named like a repository is fetched and run."""
    named = getattr(config, "_attn_implementation", None)
    if named is not None and "/" in str(named):
        raise CheckpointError(f"its configuration asks for attention from {named!r}; leave that out")
