"""Prompt formats as data: a prompt is a list of named segments, so every region is known by construction.

The paper's prompt is the conversation template *with* its system text, the image, a line break,
the question and a fixed instruction (released code). A checkpoint directory may carry its own
format in ``prompt.json``; the formats of the paper's models are in `FORMATS`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from harness.errors import CheckpointError

IMAGE = "<image>"
"""How a segment writes the place of the visual tokens, whatever the tokenizer calls them."""
QUESTION = "{question}"
INSTRUCTION = "{instruction}"
SINGLE_WORD = "Answer the question using a single word or phrase."
SEGMENT_NAMES = frozenset({"system", "roles", "image", "separator", "question", "suffix"})


@dataclass(frozen=True)
class PromptFormat:
    """Named segments whose texts, joined, are the prompt.

    Attributes:
        name: what reports call it.
        segments: (region, text) pairs in order. ``{question}`` and ``{instruction}`` are filled in.
        instructions: instruction texts by name; ``default`` is the paper's.
        adds_bos: whether the tokenizer is asked for its special tokens (a BOS before the text).
    """

    name: str
    segments: tuple[tuple[str, str], ...]
    instructions: tuple[tuple[str, str], ...] = (("default", SINGLE_WORD),)
    adds_bos: bool = True

    def fill(self, question: str, instruction: str = "default") -> list[tuple[str, str]]:
        """The segments with this question and the named instruction in their places.

        Raises:
            CheckpointError: if the format has no instruction of that name.
        """
        texts = dict(self.instructions)
        if instruction not in texts:
            raise CheckpointError(
                f"prompt format {self.name!r} has no instruction {instruction!r}; it has {', '.join(texts)}"
            )
        filled = {QUESTION: question.strip(), INSTRUCTION: texts[instruction]}
        return [
            (region, text.replace(INSTRUCTION, filled[INSTRUCTION]).replace(QUESTION, filled[QUESTION]))
            for region, text in self.segments
        ]


VICUNA_SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
VICUNA_V1 = PromptFormat(
    "vicuna_v1",
    (
        ("system", f"{VICUNA_SYSTEM} "),
        ("roles", "USER: "),
        ("image", IMAGE),
        ("separator", "\n"),
        ("question", QUESTION),
        ("suffix", f" \n{INSTRUCTION}"),
        ("roles", " ASSISTANT:"),
    ),
)

FORMATS = {VICUNA_V1.name: VICUNA_V1}


def read_format(path: Path) -> PromptFormat:
    """Read a checkpoint's ``prompt.json``.

    Raises:
        CheckpointError: if the file is not of the form that `PromptFormat` describes.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        segments = tuple((str(region), str(text)) for region, text in data["segments"])
        instructions = tuple((str(name), str(text)) for name, text in data["instructions"].items())
        read = PromptFormat(str(data["name"]), segments, instructions, bool(data.get("adds_bos", True)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path}: not a prompt format ({error}); it needs name, segments and instructions"
        ) from error
    return _checked(read, path)


def _checked(read: PromptFormat, path: Path) -> PromptFormat:
    unknown = {region for region, _ in read.segments} - SEGMENT_NAMES
    if unknown:
        raise CheckpointError(
            f"{path}: unknown segment {min(unknown)!r}; use one of {', '.join(sorted(SEGMENT_NAMES))}"
        )
    texts = [text for _, text in read.segments]
    for marker in (IMAGE, QUESTION):
        if sum(text.count(marker) for text in texts) != 1:
            raise CheckpointError(f"{path}: the segments must hold {marker} exactly once")
    if "default" not in dict(read.instructions):
        raise CheckpointError(f"{path}: instructions need a 'default'")
    return read
