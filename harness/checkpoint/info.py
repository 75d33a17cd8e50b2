"""What is known of a checkpoint before it is loaded: enough to plan a run, without torch."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from harness.checkpoint.adapters import ADAPTERS
from harness.checkpoint.adapters.refused import REFUSED
from harness.checkpoint.door import checkpoint_door
from harness.checkpoint.tried_tokenizer import try_tokenizer
from harness.checkpoint.untrusted_files import check_text_files, read_json
from harness.data.errors import CheckpointError
from harness.data.user_paths import user_path

MOST_LAYERS = 1000
"""More layers than any decoder has; a configuration with more is a mistake."""
QUANTIZED = ("quantization_config", "quantization")
"""What says in a ``config.json`` that weights are quantized: transformers' name, and MLX's."""


@dataclass(frozen=True)
class CheckpointInfo:
    """A checkpoint by name.

    Attributes:
        name: how the user called it, or the last part of its path.
        path: the directory or hub id it is loaded from.
        layers: decoder layers, L.
        gpu: whether it is one of the paper's, which need a GPU.
        revision: of a hub id the branch, tag or commit, or None for its default branch.
        prompt: name or file of the prompt format, or None for the checkpoint's own.
        image_handling: how pictures are handled, or None for the model type's own way.
        boxes: the rule by which boxes become patches, or None for the default.
        dtype: name of the dtype that its configuration says it was saved in, or None if it does not say.
    """

    name: str
    path: str
    layers: int
    gpu: bool = False
    revision: str | None = None
    prompt: str | None = None
    image_handling: str | None = None
    boxes: str | None = None
    dtype: str | None = None


@cache
def registry() -> dict[str, dict[str, Any]]:
    """The checkpoints that have an alias, as data: the paper's, and some of today."""
    text = (Path(__file__).parent / "registry.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def papers() -> tuple[str, ...]:
    """The aliases of the paper's checkpoints."""
    return tuple(alias for alias, known in registry().items() if _of_the_paper(known))


def _of_the_paper(known: Mapping[str, Any]) -> bool:
    return bool(known.get("paper", True))


def checkpoint_info(name: str) -> CheckpointInfo:
    """What is known of an alias, a directory or a hub id.

    Raises:
        CheckpointError: if there is no such checkpoint, it has no weights or its type is not supported.
    """
    for alias, known in registry().items():
        if name in {alias, known["hub_id"]}:
            return CheckpointInfo(
                name=alias,
                path=str(known["hub_id"]),
                layers=int(known["layers"]),
                gpu=_of_the_paper(known),
                revision=str(known["revision"]),
                prompt=known.get("prompt"),
                image_handling=known.get("image_handling"),
                dtype=known.get("dtype"),
            )
    if is_directory(name):
        return directory_info(user_path(name))
    return _hub_info(name)


def is_directory(name: str) -> bool:
    """Whether a checkpoint is named by a path rather than a hub id."""
    return Path(name).exists() or name.startswith((".", "/", "~")) or name.count("/") != 1


def directory_info(folder: Path, name: str | None = None) -> CheckpointInfo:
    """Read a checkpoint directory's configuration.

    Args:
        folder: the directory.
        name: its name in reports; the directory's own unless given.

    Raises:
        CheckpointError: if the directory, its configuration or its weights are missing or unsupported,
            or its tokenizer takes what none needs.
    """
    config = folder / "config.json"
    if not folder.is_dir():
        known = ", ".join(["embedded", *registry()])
        raise CheckpointError(f"no checkpoint {str(folder)!r}; give a directory, a hub id, or one of {known}")
    if not config.is_file():
        raise CheckpointError(f"{config}: missing; is {folder} a checkpoint directory?")
    check_text_files(folder)
    data = read_json(config)
    if not isinstance(data.get("model_type"), str):
        raise CheckpointError(f"{config}: not a model configuration (it has no model_type)")
    check_supported(data["model_type"], str(folder))
    check_unquantized(data, str(folder))
    if not any(folder.glob("*.safetensors")):
        raise CheckpointError(f"{folder}: no weights (*.safetensors) in this directory")
    depth = _depth(config, data)
    _check_counts(config, data)
    try_tokenizer(folder)
    return CheckpointInfo(name or folder.resolve().name, str(folder), depth, dtype=_stated_dtype(data))


def _stated_dtype(data: Mapping[str, Any]) -> str | None:
    """The dtype that a configuration states, for the whole model or else for its decoder."""
    decoder = data.get("text_config")
    for part in (data, decoder if isinstance(decoder, dict) else {}):
        for name in ("dtype", "torch_dtype"):  # transformers 5, and before
            if part.get(name) is not None:
                return str(part[name]).removeprefix("torch.")
    return None


def _check_counts(config: Path, data: Mapping[str, Any]) -> None:
    """Refuse what would be made one by one for ever: a vision tower of a milliard layers, say."""
    for name, value in data.items():
        if isinstance(value, dict):
            _check_counts(config, value)
        numbered = name.startswith("num_") and name.endswith(("_layers", "_experts", "_blocks"))
        if (numbered or name == "depth") and isinstance(value, int) and value > MOST_LAYERS:
            raise CheckpointError(f"{config}: {name} is more than {MOST_LAYERS}")


def _depth(config: Path, data: Mapping[str, Any]) -> int:
    """The decoder's layers: as written, else as its own configuration class has them by default.

    The first Qwen-VL checkpoints state their decoder's settings beside the vision tower's.
    """
    decoder = data.get("text_config")
    if decoder is None and "num_hidden_layers" in data:
        decoder = data
    if not isinstance(decoder, dict):
        raise CheckpointError(f"{config}: has no text_config with num_hidden_layers")
    layers = decoder["num_hidden_layers"] if "num_hidden_layers" in decoder else _default_depth(config)
    if not isinstance(layers, int) or not 0 < layers <= MOST_LAYERS:
        raise CheckpointError(f"{config}: num_hidden_layers is not a whole number from 1 to {MOST_LAYERS}")
    return layers


def _default_depth(config: Path) -> object:
    from transformers import AutoConfig  # noqa: PLC0415 - takes seconds; only who leaves the depth out pays

    with checkpoint_door(str(config), "has no text_config with num_hidden_layers"):
        return AutoConfig.from_pretrained(
            config.parent, trust_remote_code=False
        ).text_config.num_hidden_layers


def check_supported(model_type: str, source: str) -> None:
    """Raise `CheckpointError` if the harness cannot run this model type."""
    if model_type in REFUSED:
        raise CheckpointError(f"{source}: model type {model_type!r} is not supported: {REFUSED[model_type]}")
    if model_type not in ADAPTERS:
        known = ", ".join(sorted(ADAPTERS))
        raise CheckpointError(f"{source}: model type {model_type!r} is not supported; supported: {known}")


def check_unquantized(config: Mapping[str, Any], source: str) -> None:
    """Refuse weights in a quantized format, which a sweep does not compute row by row as a full pass does.

    Args:
        config: what ``config.json`` holds, or a part of it.
        source: the checkpoint, for the message.

    Raises:
        CheckpointError: if the whole or a part is quantized; it names the method.
    """
    for name, value in config.items():
        if name in QUANTIZED and value:
            method = value.get("quant_method", name) if isinstance(value, dict) else name
            raise CheckpointError(
                f"{source}: its weights are quantized ({method}); not supported: take the checkpoint it was "
                "made from, or save it dequantized"
            )
        if isinstance(value, dict):
            check_unquantized(value, source)


def _hub_info(name: str) -> CheckpointInfo:
    from transformers import AutoConfig  # noqa: PLC0415 - takes seconds; only hub ids pay

    try:
        config = AutoConfig.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        known = ", ".join(["embedded", *registry()])
        raise CheckpointError(
            f"no checkpoint {name!r}: no directory, not one of {known}, not given by the hub ({reason})"
        ) from error
    check_supported(str(config.model_type), name)
    check_unquantized(config.to_dict(), name)
    layers = int(config.text_config.num_hidden_layers)
    return CheckpointInfo(name.rpartition("/")[2], name, layers, dtype=_stated_dtype(config.to_dict()))


def pinned(info: CheckpointInfo) -> CheckpointInfo:
    """The same checkpoint with the commit that a hub's branch or tag stands for now.

    What is measured is stored under it: a branch that moves must not meet the old evidence.

    Raises:
        CheckpointError: if the hub does not give it.
    """
    if is_directory(info.path):
        return info
    from transformers.utils.hub import cached_file, extract_commit_hash  # noqa: PLC0415 - takes seconds

    try:
        file = cached_file(info.path, "config.json", revision=info.revision)
    except (OSError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CheckpointError(f"{info.path}: not given by the hub ({reason})") from error
    return replace(info, revision=extract_commit_hash(file, None) or info.revision)
