"""A checkpoint: a LLaVA-family model with its processor and prompt format, ready to be knocked out.

Loading refuses what would make a measurement wrong without a word: missing or unexpected weights,
weights that are not safetensors, decoders whose attention is not plain causal attention. The text
model is switched to the harness's own attention function (`harness.attention`); the vision tower
keeps its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.attention import ATTENTION_NAME, register
from harness.depth import rule_window
from harness.errors import CheckpointError
from harness.facts import SUPPORTED, facts_of
from harness.fingerprint import fingerprint
from harness.patches import SquarePadding
from harness.prompt import VICUNA_V1, PromptFormat, read_format


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
    facts = facts_of(source)
    source = facts.path
    model = _load_model(source, dtype).to(device).eval()
    _refuse_unsupported_attention(model, source)
    register()
    model.set_attn_implementation({"text_config": ATTENTION_NAME})
    processor = _load_processor(source)
    return Checkpoint(
        name=name or facts.name,
        path=source,
        model=model,
        processor=processor,
        prompt=_prompt_format(source),
        geometry=_geometry(processor, model, source),
        sha256=fingerprint(source),
    )


def _load_model(source: str, dtype: torch.dtype) -> Any:  # noqa: ANN401
    import transformers  # noqa: PLC0415 - takes seconds; collection must not pay

    transformers.utils.logging.disable_progress_bar()  # the terminal shows progress of its own
    try:
        config = transformers.AutoConfig.from_pretrained(source, trust_remote_code=False)
        model_class = getattr(transformers, SUPPORTED[config.model_type])
        model, info = model_class.from_pretrained(
            source, dtype=dtype, use_safetensors=True, output_loading_info=True
        )
    except Exception as error:
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
    except Exception as error:
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
