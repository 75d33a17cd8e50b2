"""Small random-weight checkpoints of every decoder the engines are tested on."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaProcessor,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
    SiglipVisionConfig,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
    LlavaOnevisionImageProcessorPil,
)

from harness.checkpoint.adapters import ADAPTERS
from harness.checkpoint.attention import ATTENTION_NAME, register
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.prompt import IMAGE, INSTRUCTION, QUESTION, PromptFormat
from harness.data.sample import Box, Sample

FAMILIES: dict[str, type[Any]] = {
    "llama": LlamaConfig,
    "mistral": MistralConfig,
    "qwen2": Qwen2Config,
    "qwen3": Qwen3Config,
}
KINDS = ("llava", "llava_next", "llava_onevision")
"""Model types."""
WORDS = (
    "a chat user assistant what color is the red blue green circle square or left right of to answer "
    "with one word object in picture hat large small and"
)
SHORT_PROMPT = PromptFormat(
    "short",
    (
        ("system", "a chat "),
        ("roles", "USER: "),
        ("image", IMAGE),
        ("separator", "\n"),
        ("question", QUESTION),
        ("suffix", f"\n{INSTRUCTION}"),
        ("roles", " ASSISTANT:"),
    ),
    (("default", "answer with one word ."),),
)


def tokenizer() -> PreTrainedTokenizerFast:
    """A Unigram tokenizer with Llama-like word starts, single characters as a fallback."""
    words = sorted(
        {form for word in WORDS.split() for form in (word, word.capitalize())} | {"USER", "ASSISTANT"}
    )
    characters = [chr(code) for code in range(33, 127)]
    pieces = ["<unk>", "<s>", "</s>", "<pad>", "<image>", "\n", "▁"]
    pieces += [f"▁{word}" for word in words] + characters
    scores = [(piece, -1.0 if len(piece) > 1 else -5.0) for piece in pieces]
    core = Tokenizer(models.Unigram(scores, unk_id=0))
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split("\n", "isolated"), pre_tokenizers.Metaspace(prepend_scheme="never")]
    )
    core.decoder = decoders.Metaspace()
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        extra_special_tokens={"image_token": "<image>"},
    )


@functools.cache
def processor(side: int, patch: int) -> LlavaProcessor:
    image_processor = CLIPImageProcessorPil(
        size={"shortest_edge": side}, crop_size={"height": side, "width": side}
    )
    return LlavaProcessor(
        image_processor=image_processor,
        tokenizer=tokenizer(),
        patch_size=patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )


@functools.lru_cache(maxsize=16)
def tiny_checkpoint(
    family: str = "llama",
    *,
    layers: int = 4,
    heads: int = 4,
    kv_heads: int = 2,
    per_side: int = 2,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    kind: str = "llava",
) -> Checkpoint:
    """A random LLaVA whose knockouts matter: larger weights than the usual initialisation."""
    patch = 4
    side = per_side * patch
    torch.manual_seed(seed)
    model = _MODELS[kind](_text(family, layers, heads, kv_heads), side, patch)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if (weight.ndim > 1 or name.endswith("bias")) and "vision" not in name:
                weight.normal_(0.0, 0.3, generator=torch.Generator().manual_seed(len(name)))
    model.to(dtype).eval()
    register()
    model.set_attn_implementation({"text_config": ATTENTION_NAME})
    made = processor(side, patch)
    name = f"{kind}-{family}-{layers}-{heads}-{kv_heads}-{per_side}-{dtype}-{seed}"
    pictures = ADAPTERS[kind].pictures(model, _IMAGES[kind](side), ADAPTERS[kind].handling(None))
    return Checkpoint(name, name, model, made, SHORT_PROMPT, pictures, name)


def _text(family: str, layers: int, heads: int, kv_heads: int) -> Any:
    return FAMILIES[family](
        vocab_size=len(tokenizer()),
        hidden_size=8 * heads,
        intermediate_size=48,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=8,
        initializer_range=0.3,
        tie_word_embeddings=False,
        **({"sliding_window": None} if family == "mistral" else {}),
    )


def _vision(kind: type[Any], side: int, patch: int, **more: Any) -> Any:
    return kind(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=side,
        patch_size=patch,
        initializer_range=0.3,
        **more,
    )


def _image_token() -> Any:
    return tokenizer().convert_tokens_to_ids("<image>")


def _pinpoints(side: int) -> list[list[int]]:
    return [[side, 2 * side], [2 * side, side], [2 * side, 2 * side]]


def _llava(text: Any, side: int, patch: int) -> Any:
    vision = _vision(CLIPVisionConfig, side, patch, projection_dim=16)
    config = LlavaConfig(text_config=text, vision_config=vision, image_token_index=_image_token())
    return LlavaForConditionalGeneration(config)


def _llava_next(text: Any, side: int, patch: int) -> Any:
    vision = _vision(CLIPVisionConfig, side, patch, projection_dim=16)
    config = LlavaNextConfig(
        text_config=text,
        vision_config=vision,
        image_token_index=_image_token(),
        image_grid_pinpoints=_pinpoints(side),
    )
    return LlavaNextForConditionalGeneration(config)


def _llava_onevision(text: Any, side: int, patch: int) -> Any:
    config = LlavaOnevisionConfig(
        text_config=text,
        vision_config=_vision(SiglipVisionConfig, side, patch, vision_use_head=False),
        image_token_index=_image_token(),
        video_token_index=len(tokenizer()) - 2,
        image_grid_pinpoints=_pinpoints(side),
        vision_aspect_ratio="anyres_max_2",
    )
    return LlavaOnevisionForConditionalGeneration(config)


_MODELS: dict[str, Callable[[Any, int, int], Any]] = {
    "llava": _llava,
    "llava_next": _llava_next,
    "llava_onevision": _llava_onevision,
}
_IMAGES: dict[str, Callable[[int], Any]] = {
    "llava": lambda side: CLIPImageProcessorPil(
        size={"shortest_edge": side}, crop_size={"height": side, "width": side}
    ),
    "llava_next": lambda side: LlavaNextImageProcessorPil(
        size={"shortest_edge": side},
        crop_size={"height": side, "width": side},
        image_grid_pinpoints=_pinpoints(side),
    ),
    "llava_onevision": lambda side: LlavaOnevisionImageProcessorPil(
        size={"height": side, "width": side}, image_grid_pinpoints=_pinpoints(side)
    ),
}


def picture(folder: Path, seed: int = 0, size: tuple[int, int] = (8, 8)) -> Path:
    """A noise picture, saved once."""
    path = folder / f"noise{seed}-{size[0]}x{size[1]}.png"
    if not path.exists():
        noise = torch.randint(
            0, 256, (size[1], size[0], 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
        )
        Image.fromarray(noise.numpy()).save(path)
    return path


def sample(
    image: Path,
    question: str = "is the circle red or blue ?",
    size: tuple[int, int] = (8, 8),
    box: Box | None = None,
) -> Sample:
    """A ChooseAttr sample on that picture."""
    return Sample(
        id="0001",
        task="ChooseAttr",
        image_id=image.stem,
        image_path=image,
        question=question,
        answer="red",
        true_option="red",
        false_option="blue",
        objects=(box or Box("circle", 0, 0, 4, 4),),
        image_size=size,
    )
