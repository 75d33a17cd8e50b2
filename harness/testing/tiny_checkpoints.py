"""Small random-weight checkpoints of every decoder the engines are tested on."""

import functools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    Gemma3TextConfig,
    LlamaConfig,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

from harness.checkpoint.adapters import ADAPTERS
from harness.checkpoint.attention import ATTENTION_NAME, register
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.prompt import IMAGE, INSTRUCTION, QUESTION, PromptFormat
from harness.data.sample import Box, Sample
from harness.testing import building_blocks as blocks

FAMILIES: dict[str, type[Any]] = {
    "llama": LlamaConfig,
    "mistral": MistralConfig,
    "qwen2": Qwen2Config,
    "qwen3": Qwen3Config,
    "gemma3": Gemma3TextConfig,
}
KINDS = (
    "llava",
    "llava_next",
    "llava_onevision",
    *blocks.SHUFFLED,
    *blocks.QWEN,
    blocks.GEMMA,
    blocks.MISTRAL,
)
"""Model types. Qwen-VL and Gemma 3 come on their own decoders, whichever is asked for."""
MERGED = 2
"""Patches along each side of what becomes one visual token, in model types that merge any."""
LARGEST = 4
"""Squares along each side of the largest picture, in model types that keep its shape."""
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
        extra_special_tokens=blocks.MARKS,
    )


@functools.cache
def processor(side: int, patch: int) -> Any:
    return blocks.processor("llava", blocks.image_processor("llava", side), tokenizer(), patch)


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
    family = "gemma3" if kind == blocks.GEMMA else family
    torch.manual_seed(seed)
    model = _model(kind, _text(family, layers, heads, kv_heads, kind), side, patch)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if (weight.ndim > 1 or name.endswith("bias")) and "vision" not in name:
                weight.normal_(0.0, 0.3, generator=torch.Generator().manual_seed(len(name)))
    model.to(dtype).eval()
    register()
    model.set_attn_implementation({"text_config": ATTENTION_NAME})
    made, images = processor(side, patch), _images(kind, side)
    name = f"{kind}-{family}-{layers}-{heads}-{kv_heads}-{per_side}-{dtype}-{seed}"
    own = SimpleNamespace(image_processor=images, tokenizer=made.tokenizer)
    pictures = ADAPTERS[kind].pictures(model, own, ADAPTERS[kind].handling(None))
    return Checkpoint(name, name, model, made, SHORT_PROMPT, pictures, name)


def _text(family: str, layers: int, heads: int, kv_heads: int, kind: str) -> Any:
    """A decoder of a family; a Qwen-VL has its own."""
    own = blocks.QWEN[kind][0] if kind in blocks.QWEN else FAMILIES[family]
    sections = {"rope_theta": 10_000.0, "rope_type": "default", "mrope_section": list(blocks.SECTIONS)}
    more: dict[str, dict[str, Any]] = {
        "mistral": {"sliding_window": None},
        # Every second layer has a window, and a rotary base of its own.
        "gemma3": {"sliding_window": 512, "sliding_window_pattern": 2, "query_pre_attn_scalar": 8},
    }
    turned = {"rope_parameters": sections, "bos_token_id": 1, "eos_token_id": 2}
    return own(
        vocab_size=len(tokenizer()),
        hidden_size=8 * heads,
        intermediate_size=48,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=8,
        initializer_range=0.3,
        tie_word_embeddings=False,
        **(turned if kind in blocks.QWEN else more.get(family, {})),
    )


def _model(kind: str, text: Any, side: int, patch: int) -> Any:
    if kind in blocks.QWEN:
        tower = blocks.qwen_vision(kind, patch // MERGED, text.hidden_size, initializer_range=0.3)
        return blocks.model(kind, text, tower, tokenizer())
    merged = MERGED if kind in {*blocks.SHUFFLED, blocks.GEMMA, blocks.MISTRAL} else 1
    largest = LARGEST * side if kind == blocks.MISTRAL else side
    tower = blocks.vision(kind, largest, patch // merged, initializer_range=0.3)
    more: dict[str, dict[str, Any]] = {
        "llava_onevision": {"vision_aspect_ratio": "anyres_max_2"},
        blocks.GEMMA: {"mm_tokens_per_image": (side // patch) ** 2},
        blocks.MISTRAL: {"tie_word_embeddings": False},  # the class's default would tie them
    }
    return blocks.model(kind, text, tower, tokenizer(), _pinpoints(kind, side), **more.get(kind, {}))


def _pinpoints(kind: str, side: int) -> blocks.Pinpoints | None:
    several = kind in {"llava_next", "llava_onevision"}
    return [[side, 2 * side], [2 * side, side], [2 * side, 2 * side]] if several else None


def _images(kind: str, side: int) -> Any:
    """What makes a picture's squares: at most four tiles."""
    more: dict[str, Any] = {"size": {"longest_edge": 2 * side}} if kind in blocks.TILES else {}
    if kind == "internvl":
        more = {"min_patches": 2, "max_patches": 4}
    if kind in blocks.QWEN:
        more = {"patch_size": 4 // MERGED, "merge_size": MERGED}
    if kind == blocks.MISTRAL:
        more = {"size": {"longest_edge": LARGEST * side}}
    return blocks.image_processor(kind, side, _pinpoints(kind, side), **more)


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
