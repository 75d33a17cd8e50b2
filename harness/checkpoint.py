"""A checkpoint: a LLaVA-family model with its processor and prompt format, ready to be knocked out.

Loading refuses what would make a measurement wrong without a word: missing or unexpected weights,
weights that are not safetensors, decoders whose attention is not plain causal attention. The text
model is switched to the harness's own attention function (`harness.attention`); the vision tower
keeps its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.adapters import ADAPTERS, Pictures
from harness.attention import ATTENTION_NAME, register
from harness.depth import rule_window
from harness.errors import CheckpointError
from harness.facts import Facts, check_supported, facts_of
from harness.fingerprint import fingerprint
from harness.planted import FILE as PLANTED_FILE, Planted, read_planted
from harness.prompt import PromptFormat, prompt_format

AUTO = "auto"
"""The device of a model that is spread over all GPUs."""


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
        planted: flows that are blocked always; see `harness.planted`.
    """

    name: str
    path: str
    model: Any
    processor: Any
    prompt: PromptFormat
    pictures: Pictures
    sha256: str
    planted: tuple[Planted, ...] = ()

    @cached_property
    def decoder(self) -> Any:  # noqa: ANN401 - transformers has no common base for decoders
        """The text model: ``layers``, ``norm``, ``rotary_emb``."""
        return self.model.model.language_model

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
    path: str | Path | Facts,
    *,
    name: str | None = None,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    prompt: str | None = None,
    image_handling: str | None = None,
) -> Checkpoint:
    """Load a checkpoint directory, hub id or alias.

    Args:
        path: a directory in transformers' format, a hub id, an alias, or facts already known.
        name: how reports call it; the alias or the last part of the path unless given.
        device: a torch device, or ``auto``: spread over all GPUs and, where they do not suffice, memory.
        dtype: the dtype of all weights.
        prompt: name or file of a prompt format, instead of the checkpoint's own.
        image_handling: ``square`` or ``tiles``, instead of the checkpoint's own.

    Raises:
        CheckpointError: if there is no such checkpoint, its type is not supported, weights are
            missing, unexpected or unsafe, or its decoder attends in a way the engines cannot
            reproduce exactly.
    """
    facts = path if isinstance(path, Facts) else facts_of(str(path))
    source = facts.path
    model = _load_model(facts, device, dtype).eval()
    _refuse_unsupported_attention(model, source)
    register()
    model.set_attn_implementation({"text_config": ATTENTION_NAME})
    processor = _load_processor(facts)
    try:
        _check_image_token(processor, model)
        adapter = ADAPTERS[model.config.model_type]
        handling = adapter.handling(image_handling or facts.image_handling)
        pictures = adapter.pictures(model, processor.image_processor, handling)
        prompting = prompt_format(Path(source), processor, prompt or facts.prompt)
    except CheckpointError as error:
        raise CheckpointError(f"{source}: {error}") from error
    return Checkpoint(
        name=name or facts.name,
        path=source,
        model=model,
        processor=processor,
        prompt=prompting,
        pictures=pictures,
        sha256=fingerprint(source, facts.revision),
        planted=read_planted(Path(source) / PLANTED_FILE, len(model.model.language_model.layers)),
    )


def _load_model(facts: Facts, device: str, dtype: torch.dtype) -> Any:  # noqa: ANN401
    import transformers  # noqa: PLC0415 - takes seconds; collection must not pay

    transformers.utils.logging.disable_progress_bar()  # the terminal shows progress of its own
    source, spread = facts.path, _spread(device)
    try:
        config = transformers.AutoConfig.from_pretrained(
            source, revision=facts.revision, trust_remote_code=False
        )
        check_supported(str(config.model_type), source)
        model_class = getattr(transformers, ADAPTERS[config.model_type].model_class)
        model, info = model_class.from_pretrained(
            source,
            revision=facts.revision,
            dtype=dtype,
            use_safetensors=True,
            output_loading_info=True,
            **spread,
        )
    except CheckpointError:
        raise
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
    return model if spread else model.to(device)


def _spread(device: str) -> dict[str, str]:
    """What transformers is told about devices: nothing, unless the model is to be spread over several."""
    if device != AUTO:
        return {}
    if find_spec("accelerate") is None:
        raise CheckpointError(
            "device auto: spreading a model over GPUs needs accelerate; pip install accelerate"
        )
    return {"device_map": "auto"}


@dataclass(frozen=True)
class ImageProcessing:
    """What the harness needs of a processor, for model types whose processor wants more than is there.

    LLaVA-OneVision's brings a video processor, which needs torchvision.
    """

    tokenizer: Any
    image_processor: Any
    image_token: str | None
    chat_template: str | None

    def apply_chat_template(self, messages: list[dict[str, Any]], **options: Any) -> Any:  # noqa: ANN401
        """See transformers' processors."""
        return self.tokenizer.apply_chat_template(messages, chat_template=self.chat_template, **options)


def _load_processor(facts: Facts) -> Any:  # noqa: ANN401
    from transformers import AutoImageProcessor, AutoProcessor  # noqa: PLC0415 - takes seconds

    source = facts.path
    options: dict[str, Any] = {"revision": facts.revision, "trust_remote_code": False}
    try:
        try:
            processor: Any = AutoProcessor.from_pretrained(source, **options)
        except ImportError:
            processor = _without_video(source, options)
        if find_spec("torchvision") is not None and hasattr(processor, "image_processor"):
            # The pixels of the paper, and of machines without torchvision, are PIL's.
            processor.image_processor = AutoImageProcessor.from_pretrained(source, backend="pil", **options)
    except Exception as error:
        raise CheckpointError(f"{source}: its processor cannot be loaded ({_first_line(error)})") from error
    if getattr(processor, "image_token", None) is None or not hasattr(processor, "image_processor"):
        raise CheckpointError(f"{source}: its processor has no image token; is it a text-only model?")
    return processor


def _without_video(source: str, options: dict[str, Any]) -> ImageProcessing:
    from transformers import AutoImageProcessor, AutoTokenizer  # noqa: PLC0415 - takes seconds
    from transformers.processing_utils import ProcessorMixin  # noqa: PLC0415

    tokenizer = AutoTokenizer.from_pretrained(source, **options)
    images = AutoImageProcessor.from_pretrained(source, backend="pil", **options)
    settings = ProcessorMixin.get_processor_dict(source, **options)[0]
    token = getattr(tokenizer, "image_token", None) or settings.get("image_token")
    template = settings.get("chat_template") or tokenizer.chat_template
    return ImageProcessing(tokenizer, images, token, template)


def _check_image_token(processor: Any, model: Any) -> None:  # noqa: ANN401
    """The tokenizer must write the very token that the model puts its visual tokens in place of."""
    written = processor.tokenizer.convert_tokens_to_ids(processor.image_token)
    if written != model.config.image_token_id:
        raise CheckpointError(
            f"its tokenizer's image token {processor.image_token!r} has id {written}, the model's image "
            f"token has id {model.config.image_token_id}"
        )


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
