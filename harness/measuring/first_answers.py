"""What a greedy answer begins with, by its token ids: marks and white space, then a word."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.checkpoint.tokenizing import text_of
from harness.measuring.answer_form import Begun

MOST_TOKENS = 16
"""Tokens of an answer that are looked at."""


def begun(checkpoint: Checkpoint, encoded: Encoded, said: Sequence[int], *, alike: bool) -> Begun:
    """Read what a greedy answer begins with.

    Args:
        checkpoint: the checkpoint.
        encoded: the prompt.
        said: the answer's token ids, as the model gave them.
        alike: whether the right answer's two forms begin with one token.
    """
    tokenizer = checkpoint.processor.tokenizer
    image = int(encoded.ids[encoded.regions["image"][0]])
    opening = tuple(takewhile(lambda token: token != image and _is_blank(tokenizer, token), said))
    before = text_of(tokenizer, opening)
    word = text_of(tokenizer, said[len(opening) :])
    first = word.lstrip()[:1]
    spaced, assumed = word[:1].isspace(), not (encoded.text + before)[-1].isspace()
    return Begun(
        opening,
        before,
        otherwise=spaced != assumed if first.isalnum() else None,
        capital=first.isupper() if first.isupper() or first.islower() else None,
        alike=alike,
        word=word if word.strip() else "",
    )


def _is_blank(tokenizer: Any, token: int) -> bool:  # noqa: ANN401 - transformers' tokenizers
    """Whether a token shows no word: white space, a special token, or a mark that was added (``<think>``)."""
    text = text_of(tokenizer, [token]).strip()
    marks = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    return not text or (token in marks and not text.isalnum())
