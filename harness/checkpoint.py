"""A checkpoint: a LLaVA-family model with its processor and prompt format, ready to be knocked out.

Loading refuses what would make a measurement wrong without a word: missing or unexpected weights,
weights that are not safetensors, decoders whose attention is not plain causal attention. The text
model is switched to the harness's own attention function (`harness.attention`); the vision tower
keeps its own.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.attention import ATTENTION_NAME, register
from harness.depth import rule_window
from harness.errors import CheckpointError
from harness.patches import SquarePadding
from harness.prompt import VICUNA_V1, PromptFormat, read_format

SUPPORTED = {"llava": "LlavaForConditionalGeneration"}
"""Model types by their ``config.json`` and the transformers class that loads them."""
HASHED_SUFFIXES = {".safetensors", ".json", ".jinja", ".model", ".txt"}


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint.

    Attributes:
        name: how the user called it.
        path: the directory or hub id it was loaded from.
        model: the transformers model, in evaluation mode, on ``device``.
        processor: its processor.
        prompt: its prompt format.
        geometry: how its pictures become patches.
        sha256: hash over the files that decide its results.
    """

    name: str
    path: str
    model: Any
    processor: Any
    prompt: PromptFormat
    geometry: SquarePadding
    sha256: str

    @property
    def decoder(self) -> Any:  # noqa: ANN401 - transformers has no common base for decoders
        """The text model: ``layers``, ``norm``, ``rotary_emb``."""
        return self.model.model.language_model

    @property
    def head(self) -> nn.Module:
        """The matrix from hidden state to logits."""
        head: nn.Module = self.model.lm_head
        return head

    @property
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


def load(
    path: str | Path, *, name: str | None = None, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> Checkpoint:
    """Load a checkpoint directory or hub id.

    Args:
        path: a directory in transformers' format, or a hub id.
        name: how reports call it; the last part of the path unless given.
        device: a torch device.
        dtype: the dtype of all weights.

    Raises:
        CheckpointError: if there is no such checkpoint, its type is not supported, weights are
            missing, unexpected or unsafe, or its decoder attends in a way the engines cannot
            reproduce exactly.
    """
    source = str(path)
    model_type = _model_type(source)
    if model_type not in SUPPORTED:
        raise CheckpointError(
            f"{source}: model type {model_type!r} is not supported; supported: {', '.join(sorted(SUPPORTED))}"
        )
    model = _load_model(source, SUPPORTED[model_type], dtype).to(device).eval()
    _refuse_unsupported_attention(model, source)
    register()
    model.set_attn_implementation({"text_config": ATTENTION_NAME})
    processor = _load_processor(source)
    return Checkpoint(
        name=name or Path(source).name,
        path=source,
        model=model,
        processor=processor,
        prompt=_prompt_format(source),
        geometry=_geometry(processor, model, source),
        sha256=fingerprint(source),
    )


def fingerprint(path: str) -> str:
    """SHA-256 over names and bytes of the files that decide a checkpoint's results.

    Args:
        path: a directory; a hub id hashes to its own name until it has been fetched.
    """
    digest = hashlib.sha256()
    folder = Path(path)
    if not folder.is_dir():
        return hashlib.sha256(path.encode()).hexdigest()
    for file in sorted(folder.iterdir()):
        if file.suffix in HASHED_SUFFIXES and file.is_file():
            digest.update(file.name.encode() + b"\0")
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _model_type(source: str) -> str:
    """Read the model type without importing model classes; explain what is missing."""
    folder = Path(source)
    if folder.exists() or source.startswith((".", "/")):
        config = folder / "config.json"
        if not folder.is_dir():
            raise CheckpointError(f"{source}: no such checkpoint directory")
        if not config.is_file():
            raise CheckpointError(f"{config}: missing; is {source} a checkpoint directory?")
        if not any(folder.glob("*.safetensors")):
            raise CheckpointError(f"{source}: no weights (*.safetensors) in this directory")
        try:
            return str(json.loads(config.read_text(encoding="utf-8"))["model_type"])
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{config}: not a model configuration ({error})") from error
    return _hub_model_type(source)


def _hub_model_type(source: str) -> str:
    from transformers import AutoConfig  # noqa: PLC0415 - takes seconds; collection must not pay

    try:
        return str(AutoConfig.from_pretrained(source, trust_remote_code=False).model_type)
    except (OSError, ValueError) as error:
        first_line = str(error).strip().splitlines()[0]
        raise CheckpointError(
            f"{source}: neither a directory nor a checkpoint the hub would give ({first_line})"
        ) from error


def _load_model(source: str, class_name: str, dtype: torch.dtype) -> Any:  # noqa: ANN401
    import transformers  # noqa: PLC0415 - takes seconds; collection must not pay

    model_class = getattr(transformers, class_name)
    try:
        model, info = model_class.from_pretrained(
            source, dtype=dtype, use_safetensors=True, output_loading_info=True
        )
    except Exception as error:  # noqa: BLE001 - whatever transformers raises, the user needs one line
        raise CheckpointError(f"{source}: weights cannot be loaded ({_first_line(error)})") from error
    for kind in ("missing_keys", "mismatched_keys", "unexpected_keys"):
        keys = sorted(str(key) for key in info.get(kind) or ())
        if keys:
            words = kind.replace("_keys", "")
            raise CheckpointError(
                f"{source}: {len(keys)} {words} weights, e.g. {keys[0]}; a model with them would be partly "
                "random. Save the checkpoint again with the installed transformers"
            )
    return model


def _load_processor(source: str) -> Any:  # noqa: ANN401
    from transformers import AutoProcessor  # noqa: PLC0415 - takes seconds; collection must not pay

    try:
        processor = AutoProcessor.from_pretrained(source, trust_remote_code=False)
    except Exception as error:  # noqa: BLE001 - the same
        raise CheckpointError(f"{source}: its processor cannot be loaded ({_first_line(error)})") from error
    if getattr(processor, "image_token", None) is None:
        raise CheckpointError(f"{source}: its processor has no image token; is it a text-only model?")
    return processor


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0]


def _refuse_unsupported_attention(model: Any, source: str) -> None:  # noqa: ANN401
    """Refuse attention that is not plain causal attention: windows, chunks, soft caps, sinks."""
    config = model.config.text_config
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"}:
        raise CheckpointError(f"{source}: attention {min(kinds - {'full_attention'})} is not supported")
    if getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True):
        raise CheckpointError(f"{source}: sliding-window attention is not supported")
    if getattr(config, "attn_logit_softcapping", None):
        raise CheckpointError(f"{source}: soft-capped attention is not supported")


def _prompt_format(source: str) -> PromptFormat:
    own = Path(source) / "prompt.json"
    return read_format(own) if own.is_file() else VICUNA_V1


def _geometry(processor: Any, model: Any, source: str) -> SquarePadding:  # noqa: ANN401
    vision = model.config.vision_config
    crop = getattr(processor.image_processor, "crop_size", None) or processor.image_processor.size
    side = crop["height"] if "height" in crop else crop["shortest_edge"]
    if side != vision.image_size:
        raise CheckpointError(
            f"{source}: the processor makes {side}-pixel pictures, the vision tower wants {vision.image_size}"
        )
    return SquarePadding(side, vision.patch_size)
