"""From a prompt's text to token ids and their places in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.checkpoint.prompt import PromptFormat
from harness.checkpoint.regions import Span
from harness.data.doors import door
from harness.data.errors import CheckpointError

Tokens = tuple[list[int], list[Span]]
"""Token ids, and where each stands in the text, in characters; (n, n) for tokens without text."""


def tokens_of(tokenizer: Any, prompt: PromptFormat, text: str, image: Span, name: str) -> Tokens:  # noqa: ANN401
    """Tokenize a whole prompt as its format wants it.

    Args:
        tokenizer: transformers' tokenizer, a fast one.
        prompt: the format.
        text: the prompt, its visual tokens written out; an answer may follow.
        image: where the visual tokens stand in it, in characters.
        name: what the checkpoint is called in errors.

    Raises:
        CheckpointError: if the tokenizer has no character offsets, or fails.
    """
    if not tokenizer.is_fast:
        raise CheckpointError(f"{name}: its tokenizer has no offsets; a fast tokenizer is needed")
    with door(CheckpointError, f"{name}: its tokenizer cannot tokenize the prompt"):
        if prompt.as_released:
            return _as_released(tokenizer, text, image)
        if not prompt.splits_at_image:
            return _first(tokenizer, text, adds_special=prompt.adds_bos)
        start, stop = image
        return _joined(
            _first(tokenizer, text[:start], adds_special=prompt.adds_bos),
            _part(tokenizer, text, (start, stop)),
            _part(tokenizer, text, (stop, len(text))),
        )


def text_of(tokenizer: Any, tokens: Sequence[int]) -> str:  # noqa: ANN401
    """What tokens add to a text, special ones included.

    Behind a letter, since decoders drop the space that a text begins with.
    """
    letter = tokenizer("a", add_special_tokens=False)["input_ids"]
    before, whole = (
        str(tokenizer.decode(ids, clean_up_tokenization_spaces=False)) for ids in (letter, [*letter, *tokens])
    )
    return whole.removeprefix(before)


def _as_released(tokenizer: Any, text: str, image: Span) -> Tokens:  # noqa: ANN401
    """The released code's call (``tokenizer_image_token`` of LLaVA-NeXT).

    The texts before and after the image are tokenized apart, each with the special tokens that the tokenizer
    adds of itself. If the first begins with a BOS, wherever that comes from, the first token of the second is
    taken for one, too, and dropped. Where the prompt's text has a BOS of its own (Llama 3), a tokenizer that
    adds one gives two, and with one that adds none the second text loses its first token: the line break.
    """
    start, stop = image
    before = _part(tokenizer, text, (0, start), adds_special=True)
    ids, places = _part(tokenizer, text, (stop, len(text)), adds_special=True)
    drop = int(before[0][:1] == [tokenizer.bos_token_id])
    return _joined(before, _part(tokenizer, text, image), (ids[drop:], places[drop:]))


def _first(tokenizer: Any, text: str, *, adds_special: bool) -> Tokens:  # noqa: ANN401
    """What a prompt begins with; a tokenizer that ends a text with EOS must not end a prompt."""
    ids, places = _part(tokenizer, text, (0, len(text)), adds_special=adds_special)
    if adds_special and ids and ids[-1] == tokenizer.eos_token_id and not text.endswith(tokenizer.eos_token):
        return ids[:-1], places[:-1]
    return ids, places


def _part(tokenizer: Any, text: str, span: Span, *, adds_special: bool = False) -> Tokens:  # noqa: ANN401
    start, stop = span
    encoding = tokenizer(
        text[start:stop],
        add_special_tokens=adds_special,
        return_offsets_mapping=True,
        return_tensors=None,
    )
    places = [(start + int(first), start + int(last)) for first, last in encoding["offset_mapping"]]
    return list(encoding["input_ids"]), places


def _joined(*parts: Tokens) -> Tokens:
    return [one for ids, _ in parts for one in ids], [place for _, places in parts for place in places]
