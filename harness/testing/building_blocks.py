"""The parts that small checkpoints of every model type are put together from."""

from typing import Any

from transformers import (
    CLIPVisionConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextProcessor,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    SiglipVisionConfig,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
    LlavaOnevisionImageProcessorPil,
)

Pinpoints = list[list[int]]
CLASSES: dict[str, tuple[Any, Any]] = {
    "llava": (LlavaConfig, LlavaForConditionalGeneration),
    "llava_next": (LlavaNextConfig, LlavaNextForConditionalGeneration),
    "llava_onevision": (LlavaOnevisionConfig, LlavaOnevisionForConditionalGeneration),
}
PROCESSORS: dict[str, Any] = {"llava": LlavaProcessor, "llava_next": LlavaNextProcessor}
"""The class of LLaVA-OneVision's is missing: it wants torchvision."""


def vision(kind: str, side: int, patch: int, **more: Any) -> Any:
    """A vision tower of two layers on squares of ``side`` pixels, as a configuration."""
    more |= {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    more |= {"image_size": side, "patch_size": patch}
    if kind == "llava_onevision":
        return SiglipVisionConfig(vision_use_head=False, **more)
    return CLIPVisionConfig(projection_dim=16, **more)


def image_processor(kind: str, side: int, pinpoints: Pinpoints | None = None, **more: Any) -> Any:
    """What makes squares of ``side`` pixels of a picture, in tiles for all but LLaVA."""
    square = {"height": side, "width": side}
    if kind == "llava_onevision":
        return LlavaOnevisionImageProcessorPil(size=square, image_grid_pinpoints=pinpoints or [], **more)
    more |= {"size": {"shortest_edge": side}, "crop_size": square}
    if kind == "llava_next":
        return LlavaNextImageProcessorPil(image_grid_pinpoints=pinpoints or [], **more)
    return CLIPImageProcessorPil(**more)


def processor(kind: str, images: Any, tokenizer: PreTrainedTokenizerFast, patch: int) -> Any:
    return PROCESSORS[kind](
        images,
        tokenizer,
        patch_size=patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )


def image_token(tokenizer: PreTrainedTokenizerFast) -> int:
    token = tokenizer.convert_tokens_to_ids("<image>")
    assert isinstance(token, int)
    return token


def model(
    kind: str,
    decoder: Any,
    tower: Any,
    tokenizer: PreTrainedTokenizerFast,
    pinpoints: Pinpoints | None = None,
    **more: Any,
) -> Any:
    """A model with random weights of transformers' initialisation."""
    configuration, made = CLASSES[kind]
    if kind == "llava_onevision":
        more["video_token_index"] = len(tokenizer) - 2
    if pinpoints is not None:
        more["image_grid_pinpoints"] = pinpoints
    token = image_token(tokenizer)
    return made(configuration(text_config=decoder, vision_config=tower, image_token_index=token, **more))
