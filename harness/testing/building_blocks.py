"""The parts that small checkpoints of every model type are put together from."""

from typing import Any

from transformers import (
    CLIPVisionConfig,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3Processor,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    InternVLConfig,
    InternVLForConditionalGeneration,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextProcessor,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaProcessor,
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    PixtralVisionConfig,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    SiglipVisionConfig,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.idefics3.configuration_idefics3 import Idefics3VisionConfig
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.internvl.configuration_internvl import InternVLVisionConfig
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
    LlavaOnevisionImageProcessorPil,
)
from transformers.models.pixtral.image_processing_pil_pixtral import PixtralImageProcessorPil
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import (
    Qwen2_5_VLTextConfig,
    Qwen2_5_VLVisionConfig,
)
from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLTextConfig, Qwen2VLVisionConfig
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.qwen3_vl.configuration_qwen3_vl import Qwen3VLTextConfig, Qwen3VLVisionConfig
from transformers.models.smolvlm.configuration_smolvlm import SmolVLMVisionConfig
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

Pinpoints = list[list[int]]
CLASSES: dict[str, tuple[Any, Any]] = {
    "llava": (LlavaConfig, LlavaForConditionalGeneration),
    "llava_next": (LlavaNextConfig, LlavaNextForConditionalGeneration),
    "llava_onevision": (LlavaOnevisionConfig, LlavaOnevisionForConditionalGeneration),
    "idefics3": (Idefics3Config, Idefics3ForConditionalGeneration),
    "smolvlm": (SmolVLMConfig, SmolVLMForConditionalGeneration),
    "internvl": (InternVLConfig, InternVLForConditionalGeneration),
    "qwen2_vl": (Qwen2VLConfig, Qwen2VLForConditionalGeneration),
    "qwen2_5_vl": (Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration),
    "qwen3_vl": (Qwen3VLConfig, Qwen3VLForConditionalGeneration),
    "gemma3": (Gemma3Config, Gemma3ForConditionalGeneration),
    "mistral3": (Mistral3Config, Mistral3ForConditionalGeneration),
}
PROCESSORS: dict[str, Any] = {"llava": LlavaProcessor, "llava_next": LlavaNextProcessor}
"""Those of LLaVA-OneVision, SmolVLM2, InternVL, Qwen-VL and Mistral 3 are missing: they want torchvision."""
SHUFFLED = ("idefics3", "smolvlm", "internvl")
"""Model types that make one visual token of several patches by a pixel shuffle, on squares."""
GEMMA = "gemma3"
"""The model type that pools them, and whose images attend both ways; its decoder is Gemma's own."""
MISTRAL = "mistral3"
"""The model type that merges them in pictures of any shape, a mark behind each row."""
QWEN: dict[str, tuple[Any, Any]] = {
    "qwen2_vl": (Qwen2VLTextConfig, Qwen2VLVisionConfig),
    "qwen2_5_vl": (Qwen2_5_VLTextConfig, Qwen2_5_VLVisionConfig),
    "qwen3_vl": (Qwen3VLTextConfig, Qwen3VLVisionConfig),
}
"""Model types whose decoder turns by time, row and column: the configurations of decoder and vision tower."""
ANY_SHAPE = (*QWEN, MISTRAL)
"""Model types that keep a picture's shape."""
SECTIONS = (1, 1, 2)
"""How many of the four frequencies of a head of eight go to time, row and column."""
TOWERS: dict[str, Any] = {
    "idefics3": Idefics3VisionConfig,
    "smolvlm": SmolVLMVisionConfig,
    "internvl": InternVLVisionConfig,
}
TILES: dict[str, Any] = {"idefics3": Idefics3ImageProcessorPil, "smolvlm": SmolVLMImageProcessorPil}
LONGEST: dict[str, Any] = {**TILES, MISTRAL: PixtralImageProcessorPil}
"""Image processors that are told a picture's longest edge."""
MARKS = {
    "image_token": "<image>",
    "context_image_token": "<image>",
    "fake_image_token": "<fake_token_around_image>",
    "global_image_token": "<global-img>",
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "boi_token": "<img>",
    "eoi_token": "</img>",
    "image_break_token": "[IMG_BREAK]",
    "image_end_token": "[IMG_END]",
}
"""Tokens around visual tokens, by what the processors call them."""


def qwen_vision(kind: str, patch: int, width: int, **more: Any) -> Any:
    """A vision tower of two layers on pictures of any shape, for a decoder of a width, as a configuration."""
    more |= {"depth": 2, "num_heads": 2, "patch_size": patch}
    if kind == "qwen2_vl":
        return QWEN[kind][1](embed_dim=16, hidden_size=width, mlp_ratio=2, **more)
    if kind == "qwen2_5_vl":
        more |= {"window_size": 4 * patch, "fullatt_block_indexes": [1]}
    else:
        more |= {"num_position_embeddings": 16, "deepstack_visual_indexes": [0, 1]}
    return QWEN[kind][1](hidden_size=16, intermediate_size=32, out_hidden_size=width, **more)


def vision(kind: str, side: int, patch: int, **more: Any) -> Any:
    """A vision tower of two layers on squares of ``side`` pixels, or within them, as a configuration."""
    more |= {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    more |= {"image_size": side, "patch_size": patch}
    if kind in SHUFFLED:
        return TOWERS[kind](**more)
    if kind == MISTRAL:
        return PixtralVisionConfig(**more)
    if kind in {"llava_onevision", GEMMA}:
        return SiglipVisionConfig(vision_use_head=False, **more)
    return CLIPVisionConfig(projection_dim=16, **more)


def image_processor(kind: str, side: int, pinpoints: Pinpoints | None = None, **more: Any) -> Any:
    """What makes squares of ``side`` pixels of a picture, in tiles for all but LLaVA."""
    square = {"height": side, "width": side}
    if kind in LONGEST:
        tile = {"max_image_size": {"longest_edge": side}} if kind in TILES else {}
        return LONGEST[kind](**{"size": {"longest_edge": 4 * side}, **tile, **more})
    if kind in QWEN:
        size = {"shortest_edge": side**2, "longest_edge": 16 * side**2}
        return Qwen2VLImageProcessorPil(**{"size": size, **more})
    squares = {"internvl": GotOcr2ImageProcessorPil, GEMMA: Gemma3ImageProcessorPil}
    if kind in squares:
        return squares[kind](size=square, **more)
    if kind == "llava_onevision":
        return LlavaOnevisionImageProcessorPil(size=square, image_grid_pinpoints=pinpoints or [], **more)
    more |= {"size": {"shortest_edge": side}, "crop_size": square}
    if kind == "llava_next":
        return LlavaNextImageProcessorPil(image_grid_pinpoints=pinpoints or [], **more)
    return CLIPImageProcessorPil(**more)


def processor(kind: str, images: Any, tokenizer: PreTrainedTokenizerFast, patch: int) -> Any:
    """The model type's own; ``patch`` is a patch's side in pixels, of Idefics3 and Gemma 3 visual tokens."""
    if kind == GEMMA:
        return Gemma3Processor(images, tokenizer, image_seq_length=patch)
    if kind == "idefics3":
        return Idefics3Processor(images, tokenizer, image_seq_len=patch)
    return PROCESSORS[kind](
        images,
        tokenizer,
        patch_size=patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )


WRITTEN = ("<IMG_CONTEXT>", "<|image_pad|>", "[IMG]", "<image>")
"""How model types write one visual token."""


def image_token(tokenizer: PreTrainedTokenizerFast) -> int:
    known = tokenizer.get_vocab()
    return next(known[token] for token in WRITTEN if token in known)


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
    if kind == GEMMA:
        known = tokenizer.get_vocab()
        marks = {"boi": tokenizer.boi_token, "eoi": tokenizer.eoi_token, "image": tokenizer.image_token}
        more |= {f"{name}_token_index": known[token] for name, token in marks.items()}
    elif kind in SHUFFLED or kind in QWEN:
        more["image_token_id"] = image_token(tokenizer)
    else:
        more["image_token_index"] = image_token(tokenizer)
    return made(configuration(text_config=decoder, vision_config=tower, **more))
