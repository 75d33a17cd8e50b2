"""The released experiment's prompts, token for token."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import encode
from harness.checkpoint.loading import load
from harness.checkpoint.prompt import FORMATS, SINGLE_WORD, VICUNA_SYSTEM
from harness.checkpoint.tokenizing import tokens_of
from harness.data.errors import CheckpointError, RegionError
from harness.data.sample import Box, Sample
from harness.measuring.readout import FirstTokens
from harness.testing import realistic_checkpoints as realistic
from harness.testing.fidelity_samples import QUESTION, sample

VICUNA_PROMPT = f"{VICUNA_SYSTEM} USER: <image>\n{QUESTION} \n{SINGLE_WORD} ASSISTANT:"
LLAMA_3_PROMPT = (
    "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
    "You are a helpful language and vision assistant. You are able to understand the visual content that "
    "the user provides, and assist the user with a variety of tasks using natural language.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\n"
    "<image>\nIs the jar full or empty? \nAnswer the question using a single word or phrase.<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n \n"
)


def released_call(tokenizer: Any, prompt: str, image: int, count: int) -> list[int]:
    """What LLaVA-NeXT's ``tokenizer_image_token`` does, in our words; the model then puts visual tokens in.

    Every text between images is tokenized with the tokenizer's defaults. Where the first begins with a BOS,
    that one BOS is put first and *every* text loses its first token.
    """
    texts = [tokenizer(text)["input_ids"] for text in prompt.split("<image>")]
    bos = texts[0][:1] if texts[0][:1] == [tokenizer.bos_token_id] else []
    joined = list(bos)
    for number, ids in enumerate(texts):
        joined += [image] * count if number else []
        joined += ids[len(bos) :]
    return joined


@pytest.mark.parametrize("name", ["llava", "llava_next", "llama_3", "llama_3_without_bos"])
def test_the_paper_s_prompts_are_the_released_call_token_for_token(
    name: str, checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    """Whatever the tokenizer adds of itself."""
    checkpoint, prompt = checkpoints(name), LLAMA_3_PROMPT if "llama_3" in name else VICUNA_PROMPT
    encoded = encode(checkpoint, sample(tmp_path))
    count = len(encoded.regions["image"])
    assert count == (576 if name == "llava" else 2340)
    assert encoded.text.replace("<image>" * count, "<image>") == prompt
    image = checkpoint.model.config.image_token_id
    assert encoded.ids.tolist() == released_call(checkpoint.processor.tokenizer, prompt, image, count)


@pytest.mark.parametrize("adds_bos", [True, False])
@pytest.mark.parametrize("kind", ["vicuna_v1", "llava_llama_3"])
def test_so_is_a_prompt_with_an_answer(kind: str, adds_bos: bool) -> None:  # noqa: FBT001
    """Without a model: both formats, tokenizers with and without a BOS of their own."""
    prompt = VICUNA_PROMPT if kind == "vicuna_v1" else LLAMA_3_PROMPT
    tokenizer = (
        realistic.sentencepiece_like(adds_bos=adds_bos)
        if kind == "vicuna_v1"
        else realistic.byte_level(*realistic.LLAMA_3_SPECIAL, adds_bos=adds_bos)
    )
    assert (tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id) == adds_bos
    start = prompt.index("<image>")
    text = f"{prompt} yes".replace("<image>", "<image>" * 3)
    ids, places = tokens_of(tokenizer, FORMATS[kind], text, (start, start + 3 * len("<image>")), "it")
    image: Any = tokenizer.convert_tokens_to_ids("<image>")
    assert ids == released_call(tokenizer, f"{prompt} yes", image, count=3)
    assert len(places) == len(ids) and [text[a:b] for a, b in places].count("<image>") == 3


@pytest.mark.parametrize(
    ("name", "prompt", "bos", "after"),
    [
        ("llama_3", "llava_llama_3", 2, ["Ċ", "Is"]),
        ("llama_3", "llava_llama_3_one_bos", 1, ["Ċ", "Is"]),
        ("llama_3_without_bos", "llava_llama_3", 1, ["Is", "Ġthe"]),
        ("llama_3_without_bos", "llava_llama_3_one_bos", 1, ["Ċ", "Is"]),
    ],
)
def test_what_the_released_call_does_to_llama_3(
    name: str, prompt: str, bos: int, after: list[str], folders: Callable[[str], Path], tmp_path: Path
) -> None:
    """Two BOS where the tokenizer adds one; where it adds none, the line break after the image is lost."""
    checkpoint = load(folders(name), prompt=prompt)
    encoded = encode(checkpoint, sample(tmp_path))
    tokenizer, image = checkpoint.processor.tokenizer, encoded.regions["image"]
    tokens = tokenizer.convert_ids_to_tokens(encoded.ids.tolist())
    assert tokens.count("<|begin_of_text|>") == bos and tokens[:bos] == ["<|begin_of_text|>"] * bos
    assert tokens[image[-1] + 1 : image[-1] + 3] == after
    assert encoded.regions.found("separator") == ((image[-1] + 1,) if after[0] == "Ċ" else ())
    assert tokenizer.convert_ids_to_tokens([encoded.ids[encoded.regions["question"][0]]]) == ["Is"]
    assert tokens[-2:] == ["<|end_header_id|>", "ĊĊĠĊ"]
    assert tokenizer.convert_ids_to_tokens([FirstTokens(checkpoint)(encoded, "yes")]) == ["yes"]


def test_around_vicuna_s_image(checkpoints: Callable[[str], Checkpoint], tmp_path: Path) -> None:
    checkpoint = checkpoints("llava")
    encoded = encode(checkpoint, sample(tmp_path))
    around = checkpoint.processor.tokenizer.convert_ids_to_tokens(encoded.ids.tolist())
    start = encoded.regions["image"][0]
    assert around[start - 1] == "▁"
    assert around[start + 576 : start + 579] == ["▁", "<0x0A>", "Is"]


@pytest.mark.parametrize(
    ("name", "token"),
    [("llava", "▁yes"), ("llava_next", "▁yes"), ("llama_3", "yes"), ("llava_onevision", "yes")],
)
def test_an_answer_s_first_token_follows_the_prompt(
    name: str, token: str, checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    """After the role words comes a word start; after a line break there is no space to begin with."""
    checkpoint = checkpoints(name)
    encoded = encode(checkpoint, sample(tmp_path))
    tokenizer, first = checkpoint.processor.tokenizer, FirstTokens(checkpoint)
    found = first(encoded, "yes")
    assert tokenizer.convert_ids_to_tokens([found]) == [token]
    assert tokenizer.decode([*encoded.ids.tolist(), found]).endswith("yes")
    again = encode(checkpoint, sample(tmp_path, question="Is the hat full, or is it empty?"))
    assert first(again, "yes") == FirstTokens(checkpoint)(again, "yes") == found, "remembered or not"


def test_another_models_prompt_is_its_chat_template(
    checkpoints: Callable[[str], Checkpoint], folders: Callable[[str], Path], tmp_path: Path
) -> None:
    checkpoint = checkpoints("llava_onevision")
    text = encode(checkpoint, sample(tmp_path)).text
    assert text.replace("<image>" * (text.count("<image>")), "<image>") == (
        f"<|im_start|>user <image>\n{QUESTION} \n{SINGLE_WORD}<|im_end|>\n<|im_start|>assistant\n"
    )
    own = tmp_path / "mine.json"
    own.write_text(
        '{"name": "mine", "segments": [["image", "<image>"], ["separator", " "], ["question", "{question}"], '
        '["suffix", " {instruction}"]], "instructions": {"default": "Say it."}}',
        encoding="utf-8",
    )
    other = load(folders("llava_onevision"), prompt=str(own))
    assert encode(other, sample(tmp_path)).text.endswith("<image> Is the jar full or empty? Say it.")
    with pytest.raises(CheckpointError, match="no prompt format 'vicuna': give a file, or one of vicuna_v1"):
        load(folders("llava_onevision"), prompt="vicuna")


@pytest.mark.parametrize("name", ["llava", "llama_3", "llava_onevision"])
@pytest.mark.parametrize(
    ("question", "true", "false", "object_name"),
    [
        (QUESTION, "empty", "full", "jar"),
        ("What is on the left, a hat or a cat?", "hat", "cat", "left"),
        ("Is it light brown or brown?", "brown", "light brown", "it"),
        ("Is the naïve Ωmega café's sign red or  blue ?", "red", "blue", "café's sign"),
    ],
)
def test_decoding_a_region_gives_back_its_words(
    name: str,
    question: str,
    true: str,
    false: str,
    object_name: str,
    checkpoints: Callable[[str], Checkpoint],
    tmp_path: Path,
) -> None:
    """Whole words, never "hat" in "What", whatever the tokenizer."""
    checkpoint = checkpoints(name)
    asked = Sample(
        *("7", "ChooseAttr", "1", sample(tmp_path).image_path, question, true, true, false),
        (Box(object_name, 0, 0, 9, 9),),
        (640, 480),
    )
    encoded = encode(checkpoint, asked)

    def said(region: str) -> str:
        ids = [int(encoded.ids[at]) for at in encoded.regions[region]]
        return " ".join(checkpoint.processor.tokenizer.decode(ids).split())

    assert said("question") == " ".join(question.split())
    assert (said("true_option"), said("false_option")) == (true, false)
    assert said("central_object").lower() == object_name
    assert said("suffix") == SINGLE_WORD
    rest = set(encoded.regions["question"]) - set(encoded.regions["true_option+false_option"])
    assert set(encoded.regions["question_without_options"]) == rest
    if (true, false) == ("brown", "light brown"):
        assert encoded.regions["true_option"][0] > encoded.regions["false_option"][-1]


@pytest.mark.parametrize("question", ["What is <image> here?", "Is it </s> or <s>?"])
def test_words_that_are_special_tokens_exclude_the_sample(
    question: str, checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    with pytest.raises(RegionError, match=r"image tokens in the prompt|the question's tokens say"):
        encode(checkpoints("llava"), sample(tmp_path, question=question))
