"""Small random-weight checkpoint directories of every supported class, with real processors and geometry.

336-pixel pictures and 14-pixel patches for LLaVA and LLaVA-NeXT, 384 and 14 for LLaVA-OneVision, the true
grid pinpoints; the geometry of SmolVLM-256M (as ``idefics3``), of SmolVLM2-2.2B, of InternVL3, of
Qwen2.5-VL, of Qwen3-VL, of Gemma 3 and of Mistral Small 3.1, their files in the form that they have on the
hub. Tokenizers of both kinds, trained in a moment on a few sentences.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AddedToken,
    Gemma3TextConfig,
    LlamaConfig,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
)
from transformers.models.smolvlm.processing_smolvlm import DEFAULT_CHAT_TEMPLATE

from harness.checkpoint.prompt import LLAMA_3_SYSTEM, SINGLE_WORD, VICUNA_SYSTEM
from harness.testing import building_blocks as blocks

PATCH = 14
NEXT_PINPOINTS = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]
EDGES = [384, 768, 1152, 1536, 1920, 2304]
ONEVISION_PINPOINTS = [[height, width] for height in EDGES for width in EDGES]
LLAMA_3_SPECIAL = ("<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>")
LLAMA_3_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
"""How Llama 3 cuts text into words."""
SENTENCES = [
    VICUNA_SYSTEM,
    LLAMA_3_SYSTEM,
    f"USER: Is the jar full or empty? {SINGLE_WORD} ASSISTANT: empty",
    "What color is the hat on the left? Is that a light brown or a dark brown cat?",
    "Is the surfer to the left or to the right of the surfboard?",
    "red blue green white black large small wood metal plastic yes no color",
]
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + ' ' }}"
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    "{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""A template in the manner of LLaVA-OneVision's."""
INTERNVL_TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n'}}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<IMG_CONTEXT>\n' }}"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}{{'<|im_end|>\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{'<|im_start|>assistant\n' }}{% endif %}"
)
"""A template in the manner of InternVL3's."""
QWEN_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% elif 'text' in part %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""A template in the manner of Qwen2.5-VL's."""
QWEN3_TEMPLATE = (
    "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\n' }}"
    "{%- for part in message.content %}{%- if part.type == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{%- elif 'text' in part %}{{- part.text }}{%- endif %}"
    "{%- endfor %}{{- '<|im_end|>\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"
)
"""A template in the manner of Qwen3-VL's."""
QWEN_MARKS = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
GEMMA_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\n' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<start_of_image>' }}"
    "{% elif part['type'] == 'text' %}{{ part['text'] | trim }}{% endif %}{% endfor %}"
    "{{ '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
"""A template in the manner of Gemma 3's."""
MISTRAL_TEMPLATE = (
    "{%- set today = strftime_now('%Y-%m-%d') %}{{- bos_token }}"
    "{%- if messages[0]['role'] == 'system' %}{%- set system = messages[0]['content'] %}"
    "{%- set asked = messages[1:] %}{%- else %}"
    "{%- set system = 'You are a helpful assistant. The current date is ' + today + '.' %}"
    "{%- set asked = messages %}{%- endif %}{{- '[SYSTEM_PROMPT]' + system + '[/SYSTEM_PROMPT]' }}"
    "{%- for message in asked %}{%- if message['role'] == 'user' %}{{- '[INST]' }}"
    "{%- for block in message['content'] %}{%- if block['type'] == 'text' %}{{- block['text'] }}"
    "{%- elif block['type'] in ['image', 'image_url'] %}{{- '[IMG]' }}{%- endif %}{%- endfor %}"
    "{{- '[/INST]' }}{%- endif %}{%- endfor %}"
)
"""A template in the manner of Mistral Small 3.1's: it tells the date, and writes nothing behind the image."""
MISTRAL_MARKS = (
    "[INST]",
    "[/INST]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[IMG]",
    "[IMG_BREAK]",
    "[IMG_END]",
)
BEGINS = ("<|begin_of_text|>", "<s>")
"""What tokenizers of bytes put before every text, if they put anything."""
HALF = [0.5, 0.5, 0.5]
PROMPTS = {
    "llava": "vicuna_v1",
    "llava_next": "vicuna_v1",
    "llama_3": "llava_llama_3",
    "llama_3_without_bos": "llava_llama_3",
}
"""The released formats; LLaVA-OneVision has a chat template."""


def sentencepiece_like(*, adds_bos: bool = True) -> PreTrainedTokenizerFast:
    """Word-start marks, a mark before every text, bytes for what is unknown (line breaks): as Vicuna's."""
    special = ["<unk>", "<s>", "</s>"]
    marks = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    strip = [decoders.Strip(" ", 1, 0)]
    core = _pieces(marks, r"\w+|[^\w\s]", special, strip)
    if adds_bos:
        core.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens={"image_token": "<image>"},
    )


def gemma_like() -> PreTrainedTokenizerFast:
    """Word-start marks between words only, a BOS, runs of line breaks as one token each: as Gemma's."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>"]
    core = _pieces(normalizers.Replace(" ", "▁"), r" ?\w+|[^\w\s]", special, [])
    core.add_tokens([AddedToken("\n" * many, normalized=False) for many in (1, 2, 3, 4)])
    core.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 2)])
    made = PreTrainedTokenizerFast(
        tokenizer_object=core,
        unk_token="<unk>",
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        extra_special_tokens={
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
            "image_token": "<image_soft_token>",
        },
    )
    made.add_special_tokens({"additional_special_tokens": ["<start_of_turn>", "<end_of_turn>"]})
    return made


def _pieces(marks: Any, words: str, special: list[str], last: list[Any]) -> Tokenizer:
    """A BPE tokenizer of pieces with word-start marks, with bytes for what is unknown."""
    core = Tokenizer(models.BPE(unk_token="<unk>"))
    core.normalizer = marks
    core.train_from_iterator(
        [part for sentence in SENTENCES for part in re.findall(words, sentence)],
        trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False),
    )
    trained = json.loads(core.to_str())
    vocabulary = trained["model"]["vocab"]
    for byte in range(256):
        vocabulary.setdefault(f"<0x{byte:02X}>", len(vocabulary))
    trained["model"] |= {"byte_fallback": True, "fuse_unk": True}
    core = Tokenizer.from_str(json.dumps(trained))
    core.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *last]
    )
    return core


def byte_level(
    *special: str,
    adds_bos: bool = True,
    named: Mapping[str, str] = MappingProxyType({"image_token": "<image>"}),
) -> PreTrainedTokenizerFast:
    """Bytes written as letters, no unknown text: as Llama 3's (which may add a BOS) and Qwen2's.

    The first two special tokens begin and end a text; ``named`` are those that a processor knows by a name.
    """
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LLAMA_3_WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator([*SENTENCES, " \n", "\n\n \n"], trainer)
    if adds_bos and special[0] in BEGINS:
        core.post_processor = processors.TemplateProcessing(
            single=f"{special[0]} $A", special_tokens=[(special[0], 0)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=special[0],
        eos_token=special[1],
        extra_special_tokens=dict(named),
    )


def decoder(tokenizer: PreTrainedTokenizerFast, family: type[Any] = LlamaConfig, **more: Any) -> Any:
    return family(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=16384,
        eos_token_id=tokenizer.eos_token_id,
        **more,
    )


def save(model: Any, folder: Path) -> None:
    """Save a model whose weights are large enough that knockouts matter."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1 and "vision" not in name:
                weight.normal_(0.0, 0.2, generator=generator)
    model.generation_config.eos_token_id = model.config.text_config.eos_token_id
    model.save_pretrained(folder)


def llava(folder: Path, tokenizer: PreTrainedTokenizerFast | None = None) -> Path:
    """LLaVA-1.5's geometry, a SentencePiece-like tokenizer."""
    return _saved("llava", folder, tokenizer or sentencepiece_like(), 336)


def llava_next(folder: Path, tokenizer: PreTrainedTokenizerFast, side: int = 336) -> Path:
    """LLaVA-NeXT's geometry; with another ``side`` than 336 pixels, the same canvases in its terms."""
    pinpoints = [[edge * side // 336 for edge in canvas] for canvas in NEXT_PINPOINTS]
    return _saved("llava_next", folder, tokenizer, side, pinpoints)


def llava_onevision(folder: Path) -> Path:
    """LLaVA-OneVision's geometry, its processor's files written by hand: the class wants torchvision."""
    tokenizer, kind = byte_level("<|im_start|>", "<|im_end|>"), "llava_onevision"
    tokenizer.save_pretrained(folder)
    half = [0.5] * 3
    blocks.image_processor(kind, 384, ONEVISION_PINPOINTS, image_mean=half, image_std=half).save_pretrained(
        folder
    )
    settings = {
        "processor_class": "LlavaOnevisionProcessor",
        "image_token": "<image>",
        "num_image_tokens": 729,
        "vision_feature_select_strategy": "full",
    }
    (folder / "processor_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
    text, tower = decoder(tokenizer, Qwen2Config), blocks.vision(kind, 384, PATCH)
    save(blocks.model(kind, text, tower, tokenizer, ONEVISION_PINPOINTS), folder)
    return folder


def smolvlm_256m(folder: Path, side: int = 512) -> Path:
    """SmolVLM of 2024, which is an ``idefics3``: 512-pixel tiles of 64 tokens each, or smaller ones."""
    tokenizer = byte_level("<|im_start|>", "<end_of_utterance>", *_marks(), named={})
    images = {"size": {"longest_edge": 4 * side}, "max_image_size": {"longest_edge": side}}
    _write(folder, "preprocessor_config.json", _tiles("Idefics3", **images))
    return _smolvlm("idefics3", folder, tokenizer, side, 16, 4, {"image_seq_len": (side // 64) ** 2})


def smolvlm2(folder: Path) -> Path:
    """SmolVLM2-2.2B: 384-pixel tiles of 27 patches a side, three by three patches a token."""
    named = {
        "fake_image_token": "<fake_token_around_image>",
        "global_image_token": "<global-img>",
        "image_token": "<image>",
    }
    tokenizer = byte_level("<|im_start|>", "<end_of_utterance>", *_marks(), named=named)
    images = {"size": {"longest_edge": 1536}, "max_image_size": {"longest_edge": 384}}
    _write(folder, "preprocessor_config.json", _tiles("SmolVLM", **images))
    return _smolvlm("smolvlm", folder, tokenizer, 384, PATCH, 3, {"image_seq_len": 81})


def internvl(folder: Path, side: int = 448) -> Path:
    """InternVL3's geometry: 448-pixel tiles of 256 tokens each, or smaller ones, on a Qwen2 decoder."""
    named = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    tokenizer, kind = byte_level("<|im_start|>", "<|im_end|>", named=named), "internvl"
    tokenizer.save_pretrained(folder)
    size = {
        "size": {"height": side, "width": side},
        "crop_to_patches": False,
        "min_patches": 1,
        "max_patches": 12,
    }
    images = {"image_processor_type": "GotOcr2ImageProcessorFast", "processor_class": "InternVLProcessor"}
    _write(folder, "preprocessor_config.json", {**images, **_scales(), **size})
    _write(
        folder,
        "processor_config.json",
        {"image_seq_length": (side // 28) ** 2, "processor_class": "InternVLProcessor"},
    )
    (folder / "chat_template.jinja").write_text(INTERNVL_TEMPLATE, encoding="utf-8")
    text, tower = decoder(tokenizer, Qwen2Config), blocks.vision(kind, side, PATCH)
    save(blocks.model(kind, text, tower, tokenizer), folder)
    return folder


def qwen2_5_vl(folder: Path) -> Path:
    """Qwen2.5-VL-3B's geometry, 28 pixels a token; its decoder's settings lie beside its tower's."""
    tokenizer, kind = byte_level("<|im_start|>", "<|im_end|>", *QWEN_MARKS, named={}), "qwen2_5_vl"
    tokenizer.save_pretrained(folder)
    pixels = {"min_pixels": 3136, "max_pixels": 12_845_056}
    _write(folder, "preprocessor_config.json", _native("Qwen2_5_VLProcessor", PATCH, **pixels))
    _write(folder, "chat_template.json", {"chat_template": QWEN_TEMPLATE})
    text, tower = _turned(kind, tokenizer), blocks.qwen_vision(kind, PATCH, 32)
    save(blocks.model(kind, text, tower, tokenizer, tie_word_embeddings=True), folder)
    _flatten(folder / "config.json")
    return folder


def qwen3_vl(folder: Path) -> Path:
    """Qwen3-VL-2B's geometry, 32 pixels a token; the tower gives the decoder's first two layers features."""
    tokenizer, kind = byte_level("<|im_start|>", "<|im_end|>", *QWEN_MARKS, named={}), "qwen3_vl"
    tokenizer.save_pretrained(folder)
    size = {"size": {"longest_edge": 16_777_216, "shortest_edge": 65_536}}
    _write(folder, "preprocessor_config.json", _native("Qwen3VLProcessor", 16, **size))
    (folder / "chat_template.jinja").write_text(QWEN3_TEMPLATE, encoding="utf-8")
    text, tower = _turned(kind, tokenizer, head_dim=8), blocks.qwen_vision(kind, 16, 32)
    save(blocks.model(kind, text, tower, tokenizer, tie_word_embeddings=True), folder)
    return folder


def _turned(kind: str, tokenizer: PreTrainedTokenizerFast, **more: Any) -> Any:
    """A decoder that turns by time, row and column."""
    rope = {"rope_theta": 1e6, "rope_type": "default", "mrope_section": list(blocks.SECTIONS)}
    return decoder(
        tokenizer, blocks.QWEN[kind][0], rope_parameters=rope, bos_token_id=tokenizer.bos_token_id, **more
    )


def _native(processor: str, patch: int, **more: Any) -> dict[str, Any]:
    images = {"image_processor_type": "Qwen2VLImageProcessor", "processor_class": processor}
    return {**images, **_scales(), "patch_size": patch, "temporal_patch_size": 2, "merge_size": 2, **more}


def _flatten(file: Path) -> None:
    """Write a configuration in the form of the first Qwen-VL checkpoints."""
    data = json.loads(file.read_text(encoding="utf-8"))
    text = data.pop("text_config")
    rope = text.pop("rope_parameters")
    text |= {"rope_theta": rope["rope_theta"]}
    text |= {"rope_scaling": {"type": "mrope", "mrope_section": rope["mrope_section"]}}
    data["vision_config"]["model_type"] = data["model_type"]
    file.write_text(json.dumps({**text, **data}), encoding="utf-8")


def gemma3(folder: Path, side: int = 896) -> Path:
    """Gemma 3's geometry: 896-pixel squares of 256 tokens, or smaller; windows in three of four layers."""
    tokenizer, kind = gemma_like(), "gemma3"
    tokenizer.save_pretrained(folder)
    tokens = (side // 56) ** 2
    size = {"size": {"height": side, "width": side}, "do_pan_and_scan": None}
    images = {"image_processor_type": "Gemma3ImageProcessor", "processor_class": "Gemma3Processor"}
    _write(folder, "preprocessor_config.json", {**images, **_scales(), "resample": 2, **size})
    _write(
        folder, "processor_config.json", {"image_seq_length": tokens, "processor_class": "Gemma3Processor"}
    )
    _write(folder, "chat_template.json", {"chat_template": GEMMA_TEMPLATE})
    text = decoder(
        tokenizer,
        Gemma3TextConfig,
        head_dim=8,
        sliding_window=1024,
        sliding_window_pattern=4,
        query_pre_attn_scalar=8,
        rope_scaling={"factor": 8.0, "rope_type": "linear"},
    )
    tower = blocks.vision(kind, side, PATCH)
    save(blocks.model(kind, text, tower, tokenizer, mm_tokens_per_image=tokens), folder)
    return folder


def mistral3(folder: Path) -> Path:
    """Mistral Small 3.1's geometry: 28 pixels a token, sides up to 1540 pixels; its decoder has no window."""
    tokenizer, kind = byte_level("<s>", "</s>", *MISTRAL_MARKS, named={}), "mistral3"
    tokenizer.save_pretrained(folder)
    images = {"image_processor_type": "PixtralImageProcessorFast", "processor_class": "PixtralProcessor"}
    size = {"size": {"longest_edge": 1540}, "patch_size": PATCH, "resample": 3}
    _write(folder, "preprocessor_config.json", {**images, **_scales(), **size})
    settings = {
        "image_break_token": "[IMG_BREAK]",
        "image_end_token": "[IMG_END]",
        "image_token": "[IMG]",
        "patch_size": PATCH,
        "processor_class": "PixtralProcessor",
        "spatial_merge_size": 2,
    }
    _write(folder, "processor_config.json", settings)
    _write(folder, "chat_template.json", {"chat_template": MISTRAL_TEMPLATE})
    text = decoder(
        tokenizer, MistralConfig, head_dim=8, sliding_window=None, bos_token_id=tokenizer.bos_token_id
    )
    tower = blocks.vision(kind, 1540, PATCH)
    save(blocks.model(kind, text, tower, tokenizer, tie_word_embeddings=False), folder)
    return folder


def _marks() -> tuple[str, ...]:
    places = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    return ("<fake_token_around_image>", "<image>", "<global-img>", *places)


def _scales() -> dict[str, Any]:
    steps = {"do_convert_rgb": True, "do_resize": True, "do_rescale": True, "do_normalize": True}
    return {**steps, "image_mean": HALF, "image_std": HALF, "rescale_factor": 1 / 255, "resample": 1}


def _tiles(processor: str, **sizes: Any) -> dict[str, Any]:
    images = {
        "image_processor_type": f"{processor}ImageProcessor",
        "processor_class": f"{processor}Processor",
    }
    return {**images, **_scales(), "do_image_splitting": True, "do_pad": True, **sizes}


def _smolvlm(
    kind: str,
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    side: int,
    patch: int,
    merged: int,
    settings: dict[str, Any],
) -> Path:
    tokenizer.save_pretrained(folder)
    name = "Idefics3Processor" if kind == "idefics3" else "SmolVLMProcessor"
    _write(folder, "processor_config.json", {**settings, "processor_class": name})
    _write(folder, "chat_template.json", {"chat_template": DEFAULT_CHAT_TEMPLATE})
    text, tower = decoder(tokenizer), blocks.vision(kind, side, patch)
    save(blocks.model(kind, text, tower, tokenizer, scale_factor=merged), folder)
    return folder


def _write(folder: Path, name: str, data: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(data), encoding="utf-8")


def _saved(
    kind: str,
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    side: int,
    pinpoints: blocks.Pinpoints | None = None,
) -> Path:
    images = blocks.image_processor(kind, side, pinpoints)
    blocks.processor(kind, images, tokenizer, PATCH).save_pretrained(folder)
    tower = blocks.vision(kind, side, PATCH)
    save(blocks.model(kind, decoder(tokenizer), tower, tokenizer, pinpoints), folder)
    return folder
