"""Processors of transformers as their model types have them, where making one wants torchvision.

Made without their ``__init__``, which asks for a video processor; what they do with pictures and texts is
their own.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any
from unittest.mock import patch

from transformers import InternVLProcessor, Qwen2_5_VLProcessor, Qwen3VLProcessor, SmolVLMProcessor

from harness.checkpoint.checkpoint import Checkpoint

SMOLVLM = {
    "image_token": "<image>",
    "video_token": "<video>",
    "fake_image_token": "<fake_token_around_image>",
    "global_image_token": "<global-img>",
}
INTERNVL = {
    "image_token": "<IMG_CONTEXT>",
    "video_token": "<video>",
    "start_image_token": "<img>",
    "end_image_token": "</img>",
}

MISTRAL = {
    "image_token": "[IMG]",
    "image_break_token": "[IMG_BREAK]",
    "image_end_token": "[IMG_END]",
}
QWEN = {"image_token": "<|image_pad|>", "video_token": "<|video_pad|>"}


def _pixtral() -> Any:
    """Mistral 3's; its module asks for torchvision as it is imported, for what no test of ours calls."""
    with patch("transformers.utils.is_vision_available", return_value=False):
        return import_module("transformers.models.pixtral.processing_pixtral").PixtralProcessor


OWN: dict[str, tuple[Any, dict[str, Any]]] = {
    "smolvlm": (SmolVLMProcessor, {**SMOLVLM, "image_seq_len": 81}),
    "internvl": (InternVLProcessor, {**INTERNVL, "image_seq_length": 256}),
    "qwen2_5_vl": (Qwen2_5_VLProcessor, QWEN),
    "qwen3_vl": (Qwen3VLProcessor, QWEN),
    "mistral3": (_pixtral(), {**MISTRAL, "patch_size": 14, "spatial_merge_size": 2}),
}
"""By model type, the class and the attributes that its ``__init__`` would set."""


def own_processor(checkpoint: Checkpoint) -> Any:
    """The processor class of the model type itself, on a checkpoint's tokenizer and image processor."""
    kind = checkpoint.model.config.model_type
    if kind not in OWN:
        return checkpoint.processor
    own, names = OWN[kind]
    made: Any = object.__new__(own)
    images, tokenizer = checkpoint.processor.image_processor, checkpoint.processor.tokenizer
    for name, value in {"image_processor": images, "tokenizer": tokenizer, **names}.items():
        setattr(made, name, value)
    made.video_processor = None
    made.multimodal_pattern = re.compile("(?P<image><IMG_CONTEXT>)|(?P<video><video>)")  # InternVL's
    for name, token in names.items():
        if isinstance(token, str):
            number = tokenizer.convert_tokens_to_ids(token)
            setattr(made, f"{name}_id", number)
            if not isinstance(getattr(own, f"{name}_ids", None), property):
                setattr(made, f"{name}_ids", [number])
    made.audio_token_ids = []
    return made
