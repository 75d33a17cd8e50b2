"""Processors of transformers as their model types have them, where making one wants torchvision.

Made without their ``__init__``, which asks for a video processor; what they do with pictures and texts is
their own.
"""

from __future__ import annotations

import re
from typing import Any

from transformers import InternVLProcessor, SmolVLMProcessor

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


def own_processor(checkpoint: Checkpoint) -> Any:
    """The processor class of the model type itself, on a checkpoint's tokenizer and image processor."""
    kind = checkpoint.model.config.model_type
    if kind not in {"smolvlm", "internvl"}:
        return checkpoint.processor
    made: Any = object.__new__(SmolVLMProcessor if kind == "smolvlm" else InternVLProcessor)
    images, tokenizer = checkpoint.processor.image_processor, checkpoint.processor.tokenizer
    length = {"image_seq_len": 81} if kind == "smolvlm" else {"image_seq_length": 256}
    names = {**(SMOLVLM if kind == "smolvlm" else INTERNVL), **length}
    for name, value in {"image_processor": images, "tokenizer": tokenizer, **names}.items():
        setattr(made, name, value)
    made.video_processor = None
    made.multimodal_pattern = re.compile("(?P<image><IMG_CONTEXT>)|(?P<video><video>)")  # InternVL's
    for name in SMOLVLM | INTERNVL:
        if isinstance(token := names.get(name), str):
            setattr(made, f"{name}_id", tokenizer.convert_tokens_to_ids(token))
    return made
