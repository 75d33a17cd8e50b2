"""Prompt formats as data: a prompt is a list of named segments, so every region is known by construction.

The paper's prompt is the conversation template *with* its system text, the image, a line break,
the question and a fixed instruction, tokenized by the released code's own call. The formats of the paper's
models are in `FORMATS`; a checkpoint directory may carry its own in ``prompt.json``; any other model's is
read off the chat template of its processor (`chat_format`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.checkpoint.chat_template import CLOCK, TODAY, TemplateError, render
from harness.checkpoint.untrusted_files import read_json
from harness.data.errors import CheckpointError
from harness.data.plain_text import one_line

IMAGE = "<image>"
"""How a segment writes the place of the visual tokens, whatever the tokenizer calls them."""
QUESTION = "{question}"
INSTRUCTION = "{instruction}"
_PLACES = re.compile(f"{re.escape(QUESTION)}|{re.escape(INSTRUCTION)}")
"""Both places at once: what is filled into one is not looked through for the other."""
LONGEST_NAME = 80
"""Characters of a format's name; it stands in headers and reports."""
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
        splits_at_image: whether the texts before and after the image are tokenized apart, as LLaVA's own
            code does; a SentencePiece-like tokenizer then begins the second with a word-start mark.
        as_released: whether they are tokenized by exactly the released code's call, which decides about BOS
            itself (`harness.checkpoint.tokenizing`).
    """

    name: str
    segments: tuple[tuple[str, str], ...]
    instructions: tuple[tuple[str, str], ...] = (("default", SINGLE_WORD),)
    adds_bos: bool = True
    splits_at_image: bool = False
    as_released: bool = False

    @property
    def may_end_in_full_stop(self) -> bool:
        """Whether "Red." is the answer "red", too; to the released code it is not."""
        return not self.as_released

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
        return [(region, _PLACES.sub(lambda place: filled[place[0]], text)) for region, text in self.segments]


LOWER_CASE = "Answer the question in lower case using a single word or phrase."
INSTRUCTIONS = (("default", SINGLE_WORD), ("lower", LOWER_CASE))
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
    INSTRUCTIONS,
    as_released=True,
)
LLAMA_3_SYSTEM = (
    "You are a helpful language and vision assistant. "
    "You are able to understand the visual content that the user provides, "
    "and assist the user with a variety of tasks using natural language."
)
LLAVA_LLAMA_3 = PromptFormat(
    "llava_llama_3",
    (
        (
            "system",
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n" + LLAMA_3_SYSTEM + "<|eot_id|>",
        ),
        ("roles", "<|start_header_id|>user<|end_header_id|>\n\n"),
        ("image", IMAGE),
        ("separator", "\n"),
        ("question", QUESTION),
        ("suffix", f" \n{INSTRUCTION}"),
        # The released code ends this prompt with " \n", and the 8b's only.
        ("roles", "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n \n"),
    ),
    INSTRUCTIONS,
    as_released=True,
)
"""The 8b's prompt as the released code gives it to the model: its template writes a BOS, and Llama 3's
tokenizer adds another. One that adds none makes the call drop the line break after the image instead."""
LLAVA_LLAMA_3_ONE_BOS = replace(
    LLAVA_LLAMA_3, name="llava_llama_3_one_bos", adds_bos=False, splits_at_image=True, as_released=False
)
"""The same text as it was meant: one BOS and the line break, whatever the tokenizer adds."""

FORMATS = {each.name: each for each in (VICUNA_V1, LLAVA_LLAMA_3, LLAVA_LLAMA_3_ONE_BOS)}
CHAT = "chat"
"""The name under which a processor's own chat template is asked for."""


def prompt_format(folder: Path, processor: Any, asked: str | None) -> PromptFormat:  # noqa: ANN401
    """The prompt format asked for, or a checkpoint's own.

    Args:
        folder: the checkpoint's directory; one that does not exist holds no format.
        processor: its processor.
        asked: a name of `FORMATS`, ``chat`` or a file in the form of ``prompt.json``. If None:
            ``prompt.json``, else the chat template of the processor or the tokenizer.

    Raises:
        CheckpointError: if there is no such format, none is known, or it cannot be used.
    """
    written = _written_format(folder, asked)
    if written is not None:
        return written
    if asked is None and not template_of(processor):
        raise CheckpointError(
            "no prompt format is known: there is no prompt.json, and neither its processor nor its tokenizer "
            f"has a chat template; name one with --prompt: {', '.join(FORMATS)} or a file"
        )
    return chat_format(processor)


def format_name(folder: Path, asked: str | None) -> str:
    """The name of the prompt format that a checkpoint is asked in; loads no processor.

    Args:
        folder: the checkpoint's directory; one that does not exist holds no format.
        asked: as in `prompt_format`.

    Raises:
        CheckpointError: if there is no such format, or its file cannot be used.
    """
    written = _written_format(folder, asked)
    return CHAT if written is None else written.name


def follows_release(folder: Path, asked: str | None) -> bool:
    """Whether a checkpoint is asked by the released code's own call; as `format_name`."""
    written = _written_format(folder, asked)
    return written is not None and written.as_released


def _written_format(folder: Path, asked: str | None) -> PromptFormat | None:
    """The format asked for, or a checkpoint's own; None where its chat template has to write it."""
    own = folder / "prompt.json"
    if asked is None:
        return read_format(own) if own.is_file() else None
    if asked == CHAT:
        return None
    if asked in FORMATS:
        return FORMATS[asked]
    if not Path(asked).is_file():
        raise CheckpointError(
            f"no prompt format {asked!r}: give a file, or one of {', '.join([*FORMATS, CHAT])}"
        )
    return read_format(Path(asked))


def template_of(processor: Any) -> str | None:  # noqa: ANN401 - transformers' processors have no common base
    """The chat template of a processor, else of its tokenizer; of several named ones the default."""
    for owner in (processor, processor.tokenizer):
        template = getattr(owner, "chat_template", None)
        template = template.get("default") if isinstance(template, dict) else template
        if template:
            return str(template)
    return None


def date_told(processor: Any) -> str:  # noqa: ANN401 - transformers' processors have no common base
    """The date that a processor's chat template is told, if it asks; else empty."""
    return f"{TODAY:%Y-%m-%d}" if CLOCK in (template_of(processor) or "") else ""


def chat_format(processor: Any) -> PromptFormat:  # noqa: ANN401 - transformers' processors have no common base
    """The format that a processor's chat template writes.

    A template does not say where its system text ends: all that stands before the image is called
    ``system``, all that follows the instruction ``roles``.

    Raises:
        CheckpointError: if there is no template, it fails, or it puts the question before the image.
    """
    text = f"{QUESTION} \n{INSTRUCTION}"
    template = template_of(processor)
    if template is None:
        raise CheckpointError("it has no chat template; name a format with --prompt")
    content = [{"type": "image"}, {"type": "text", "text": text}]
    try:
        written = render(
            template, [{"role": "user", "content": content}], processor.tokenizer.special_tokens_map
        )
    except TemplateError as error:
        raise CheckpointError(
            f"its chat template cannot be used ({error}); name a format with --prompt"
        ) from error
    before, image, after = written.partition(processor.image_token)
    separator, question, end = after.partition(text)
    if not (image and question) or processor.image_token in end:
        raise CheckpointError(
            "its chat template does not write one image followed by the question; name a format with --prompt"
        )
    bos = processor.tokenizer.bos_token
    segments = (
        ("system", before),
        ("image", IMAGE),
        ("separator", separator),
        ("question", QUESTION),
        ("suffix", f" \n{INSTRUCTION}"),
        ("roles", end),
    )
    return PromptFormat(
        CHAT,
        tuple((name, part) for name, part in segments if part),
        INSTRUCTIONS,
        adds_bos=not (bos and written.startswith(bos)),
    )


def read_format(path: Path) -> PromptFormat:
    """Read a format from a file, e.g. a checkpoint's ``prompt.json``.

    Raises:
        CheckpointError: if the file is not of the form that `PromptFormat` describes.
    """
    data = read_json(path)
    try:
        segments = tuple((str(region), str(text)) for region, text in data["segments"])
        instructions = tuple((str(name), str(text)) for name, text in data["instructions"].items())
        read = PromptFormat(
            one_line(data["name"], LONGEST_NAME),
            segments,
            instructions,
            bool(data.get("adds_bos", True)),
            bool(data.get("splits_at_image", False)),
            bool(data.get("as_released", False)),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
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
    for name, marker in (("image", IMAGE), ("question", QUESTION)):
        if sum(text.count(marker) for text in texts) != 1:
            raise CheckpointError(f"{path}: the segments must hold {marker} exactly once")
        if marker not in "".join(text for region, text in read.segments if region == name):
            raise CheckpointError(f"{path}: {marker} must stand in a segment called {name!r}")
    if "default" not in dict(read.instructions):
        raise CheckpointError(f"{path}: instructions need a 'default'")
    return read
