"""The released experiment's prompts, token for token."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import encode
from harness.checkpoint.loading import load
from harness.checkpoint.prompt import LLAMA_3_SYSTEM, SINGLE_WORD, VICUNA_SYSTEM
from harness.data.errors import CheckpointError, RegionError
from harness.data.sample import Box, Sample
from harness.measuring.readout import FirstTokens
from harness.testing.fidelity_samples import QUESTION, sample


def released_ids(tokenizer: Any, prompt: str, image: int, count: int) -> list[int]:
    """The released code's way: the texts around the image tokenized apart, one BOS kept."""
    before, after = (tokenizer(part)["input_ids"] for part in prompt.split("<image>"))
    bos = tokenizer.bos_token_id
    return [*before, *[image] * count, *(after[1:] if after[0] == bos else after)]


def test_vicuna_token_for_token(checkpoints: Callable[[str], Checkpoint], tmp_path: Path) -> None:
    for name, count in (("llava", 576), ("llava_next", 2340)):
        checkpoint = checkpoints(name)
        encoded = encode(checkpoint, sample(tmp_path))
        prompt = f"{VICUNA_SYSTEM} USER: <image>\n{QUESTION} \n{SINGLE_WORD} ASSISTANT:"
        tokenizer = checkpoint.processor.tokenizer
        ids = released_ids(tokenizer, prompt, checkpoint.model.config.image_token_id, count)
        assert encoded.ids.tolist() == ids
        assert encoded.text.replace("<image>" * count, "<image>") == prompt
        around = tokenizer.convert_ids_to_tokens(encoded.ids.tolist())
        start = encoded.regions["image"][0]
        assert around[start - 1] == "▁"
        assert around[start + count : start + count + 3] == ["▁", "<0x0A>", "Is"]


def test_llama_3_token_for_token(checkpoints: Callable[[str], Checkpoint], tmp_path: Path) -> None:
    checkpoint = checkpoints("llama_3")
    encoded = encode(checkpoint, sample(tmp_path))
    assert encoded.text.replace("<image>" * 2340, "<image>") == (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
        "You are a helpful language and vision assistant. You are able to understand the visual content that "
        "the user provides, and assist the user with a variety of tasks using natural language.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\n"
        "<image>\nIs the jar full or empty? \nAnswer the question using a single word or phrase.<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n \n"
    )
    tokens = checkpoint.processor.tokenizer.convert_ids_to_tokens(encoded.ids.tolist())
    assert tokens.count("<|begin_of_text|>") == 1
    assert tokens[-2:] == ["<|end_header_id|>", "ĊĊĠĊ"]
    assert LLAMA_3_SYSTEM in encoded.text


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
