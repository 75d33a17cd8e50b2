"""Read one sample's forward passes: is it kept, what is its answer, what did each knockout do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.checkpoint import Checkpoint
from harness.encode import Encoded
from harness.lens import lens
from harness.reference import Pass

SMALLEST_P = 1e-12
"""Below this an answer's probability is rounding; relative changes of it mean nothing."""


@dataclass(frozen=True)
class Tokens:
    """First tokens of the texts that are followed through the layers.

    Attributes:
        own: the model's own first answer token; its probability is p1 and p2.
        foil: the first token of the wrong answer, written as the model wrote its own; None if the
            task has no single wrong answer.
        forms: lens readings by name (lower, capital, false_lower, false_capital).
    """

    own: int
    foil: int | None
    forms: Mapping[str, int]


def first_token(checkpoint: Checkpoint, encoded: Encoded, text: str) -> int:
    """The token an answer would begin with, in the prompt's own context.

    Args:
        checkpoint: the checkpoint.
        encoded: the encoded sample.
        text: the answer, e.g. ``"Red"``.
    """
    ids = checkpoint.processor.tokenizer(
        f"{encoded.text} {text}", add_special_tokens=checkpoint.prompt.adds_bos
    )["input_ids"]
    return int(ids[encoded.length])


def answer_tokens(checkpoint: Checkpoint, encoded: Encoded, base: Pass, foil: str | None) -> Tokens:
    """Find the tokens to follow.

    Args:
        checkpoint: the checkpoint.
        encoded: the encoded sample.
        base: its unblocked pass.
        foil: the wrong answer in lower case, if the task has one.
    """
    own = int(base.logits.argmax())
    answer = encoded.sample.answer
    forms = {"lower": answer, "capital": answer.capitalize()}
    if foil is not None:
        forms |= {"false_lower": foil, "false_capital": foil.capitalize()}
    ids = {name: first_token(checkpoint, encoded, text) for name, text in forms.items()}
    foil_form = "false_lower" if own == ids["lower"] else "false_capital"
    return Tokens(own, ids.get(foil_form), ids)


def unusable(tokens: Tokens) -> str:
    """Say why the lens cannot tell these tokens apart, or return an empty text.

    Forms or options that share their first token cannot be told apart (released data).
    """
    if tokens.forms["lower"] == tokens.forms["capital"]:
        return "lower-case and capitalised answer share their first token"
    if tokens.forms.get("false_lower") == tokens.forms["lower"]:
        return "the two options share their first token"
    return ""


def read_sweep(base: Tensor, blocked: Tensor, tokens: Tokens) -> dict[str, tuple[float, ...]]:
    """Readings of knocked-out passes against the unblocked one.

    Args:
        base: unblocked logits ``[vocabulary]``.
        blocked: logits ``[knockouts, vocabulary]``.
        tokens: the tokens to follow.

    Returns:
        ``p`` (the answer's probability under the knockout) and ``flip`` (whether the first token
        changed); where there is a foil also ``log_odds`` (the change against it) and ``foil``
        (relative change, in per cent, of the answer's share of the two); one value per knockout.
    """
    before, after = log_probabilities(base), log_probabilities(blocked)
    readings = {
        "p": after[:, tokens.own].exp(),
        "flip": (blocked.argmax(dim=-1) != tokens.own).double(),
    }
    if tokens.foil is not None and tokens.foil != tokens.own:
        first = before[tokens.own] - before[tokens.foil]
        second = after[:, tokens.own] - after[:, tokens.foil]
        readings["log_odds"] = second - first
        readings["foil"] = 100.0 * (second.sigmoid() / first.sigmoid() - 1.0)
    return {name: tuple(values.tolist()) for name, values in readings.items()}


def read_right(logits: Tensor, tokens: Tokens) -> tuple[float, ...]:
    """Whether the first token is that of the right answer, in either case; one value per row of logits."""
    right = torch.tensor([tokens.forms["lower"], tokens.forms["capital"]], device=logits.device)
    return tuple(torch.isin(logits.argmax(dim=-1), right).double().tolist())


def read_lens(
    checkpoint: Checkpoint, base: Pass, tokens: Tokens, *, norm: bool
) -> dict[str, tuple[float, ...]]:
    """Lens readings of the unblocked pass, one value per layer 0 … L."""
    probabilities = lens(checkpoint, base.hidden, norm=norm)
    return {name: tuple(probabilities[:, token].double().tolist()) for name, token in tokens.forms.items()}


def log_probabilities(logits: Tensor) -> Tensor:
    """Log-softmax in float64, whatever the logits' dtype."""
    return logits.to(torch.float64).log_softmax(dim=-1)


def probability(base: Tensor, token: int) -> float:
    """p1: the probability of a token at the first generated step."""
    return math.exp(float(log_probabilities(base)[token]))
