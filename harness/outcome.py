"""Read one sample's forward passes: is it kept, what is its answer, what did each knockout do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class Outcome:
    """What was measured on one sample.

    Attributes:
        answer: the model's own answer, decoded.
        p1: probability of its first token without a knockout.
        reason: why the sample is left out of every claim; empty if it is kept.
        curves: values by (probe name, reading).
        missing: why a probe is undefined for this sample, by probe name.
    """

    answer: str
    p1: float
    reason: str = ""
    curves: Mapping[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


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
    """Readings of one sweep.

    Args:
        base: unblocked logits ``[vocabulary]``.
        blocked: logits ``[windows, vocabulary]``.
        tokens: the tokens to follow.

    Returns:
        ``p`` (the answer's probability under the knockout), ``flip``, and ``log_odds`` where there
        is a foil; one value per window.
    """
    before, after = log_probabilities(base), log_probabilities(blocked)
    readings = {
        "p": after[:, tokens.own].exp(),
        "flip": (blocked.argmax(dim=-1) != tokens.own).double(),
    }
    if tokens.foil is not None and tokens.foil != tokens.own:
        odds = after[:, tokens.own] - after[:, tokens.foil]
        readings["log_odds"] = odds - (before[tokens.own] - before[tokens.foil])
    return {name: tuple(values.tolist()) for name, values in readings.items()}


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
