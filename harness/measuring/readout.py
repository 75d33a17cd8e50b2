"""Read one sample's forward passes: is it kept, what is its answer, what did each knockout do."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.checkpoint.tokenizing import tokens_of
from harness.engine.lens import lens
from harness.engine.reference import Pass
from harness.measuring.answer_form import RULE, AnswerForm

if TYPE_CHECKING:
    from jaxtyping import Float

FirstToken = Callable[..., int]
"""`FirstTokens`, or the same with its option given."""
SMALLEST_P = 1e-12
"""Below this an answer's probability is rounding; relative changes of it mean nothing."""


@dataclass(frozen=True)
class Tokens:
    """First tokens of the texts that are followed through the layers.

    Attributes:
        own: the model's own first answer token; its probability is p1 and p2.
        distractor: the first token of the wrong answer, written as the model wrote its own; None if the
            task has no single wrong answer.
        forms: lens readings by name (lower, capital, false_lower, false_capital).
        wrong: first tokens of the answers that a right one must be told from.
    """

    own: int
    distractor: int | None
    forms: Mapping[str, int]
    wrong: frozenset[int] = frozenset()


class FirstTokens:
    """The tokens that answers begin with, each in the context of the prompt it follows.

    Prompts that end alike after their question are asked once.

    Args:
        checkpoint: the checkpoint.
        form: how it writes its answers.
    """

    def __init__(self, checkpoint: Checkpoint, form: AnswerForm = RULE) -> None:
        self._checkpoint = checkpoint
        self.form = form
        self._known: dict[tuple[str, str, bool], int] = {}

    def __call__(self, encoded: Encoded, text: str, *, otherwise: bool = False) -> int:
        """The token an answer would begin with.

        Args:
            encoded: the encoded sample.
            text: the answer, e.g. ``"Red"``.
            otherwise: with a space where the checkpoint's answers have none, or without one.
        """
        end = encoded.text[encoded.offsets[encoded.regions["question"][-1]][1] :]
        key = (end, text, otherwise)
        if key not in self._known:
            self._known[key] = self._found(encoded, text, otherwise=otherwise)
        return self._known[key]

    def _found(self, encoded: Encoded, text: str, *, otherwise: bool) -> int:
        # After a line break an answer begins without a space of its own, unless it was found to have one.
        spaced = encoded.text[-1].isspace() == (self.form.otherwise != otherwise)
        said = encoded.text + (" " if spaced else "") + text
        checkpoint, picture = self._checkpoint, encoded.picture_span
        tokenizer = checkpoint.processor.tokenizer
        ids, _ = tokens_of(tokenizer, checkpoint.prompt, said, picture, checkpoint.name)
        assumed = self.form == RULE and not otherwise
        if not assumed and ids[: encoded.length] != encoded.ids.tolist():  # grown together with its end
            return _behind_a_line_break(tokenizer, f"{' ' if spaced else ''}{text}")
        return ids[encoded.length]


def _behind_a_line_break(tokenizer: Any, text: str) -> int:  # noqa: ANN401
    """The first token of a text that does not begin one: tokenizers may put a space before that."""
    start, whole = (tokenizer(one, add_special_tokens=False)["input_ids"] for one in ("\n", f"\n{text}"))
    kept = whole[: len(start)] == start and len(whole) > len(start)
    found: int = whole[len(start)] if kept else tokenizer(text, add_special_tokens=False)["input_ids"][0]
    return found


def answer_tokens(
    first_token: FirstTokens, encoded: Encoded, clean: Pass, distractor: str | None, wrong: Sequence[str] = ()
) -> Tokens:
    """Find the tokens to follow.

    Where the model wrote the right answer with a space and others without, or the reverse, all forms of it
    are taken as it wrote them.

    Args:
        first_token: says what answers begin with, by the form that was found.
        encoded: the encoded sample.
        clean: its unblocked pass.
        distractor: the wrong answer in lower case, if the task has one.
        wrong: the answers, in lower case, that a right one must be told from.
    """
    own = int(clean.logits.argmax())
    answer = encoded.sample.answer
    as_answered = _as_answered(first_token, encoded, own)
    forms = {"lower": answer, "capital": answer.capitalize()}
    if distractor is not None:
        forms |= {"false_lower": distractor, "false_capital": distractor.capitalize()}
    ids = {name: as_answered(encoded, text) for name, text in forms.items()}
    capital = first_token.form.capital if own not in ids.values() else own != ids["lower"]
    distractor_form = "false_capital" if capital else "false_lower"
    others = frozenset(as_answered(encoded, form) for text in wrong for form in (text, text.capitalize()))
    return Tokens(own, ids.get(distractor_form), ids, others)


def _as_answered(first_token: FirstToken, encoded: Encoded, own: int) -> FirstToken:
    """The tokens of answers written as the model wrote this one: with a space before them, or without."""
    answer = encoded.sample.answer
    forms = (answer, answer.capitalize())
    if own in {first_token(encoded, form) for form in forms}:
        return first_token
    otherwise = partial(first_token, otherwise=True)
    return otherwise if own in {otherwise(encoded, form) for form in forms} else first_token


def confusable_forms(tokens: Tokens) -> str:
    """Say why the lens cannot tell these tokens apart, or return an empty text.

    Forms or options that share their first token cannot be told apart (released data).
    """
    forms, false = tokens.forms, _false(tokens)
    if forms["lower"] == forms["capital"] or (false and forms["false_lower"] == forms["false_capital"]):
        return "lower-case and capitalised answer share their first token"
    return "the two options share their first token" if false & _right(tokens) else ""


def confusable_answers(tokens: Tokens) -> str:
    """Say why a first token cannot tell whether the answer is right, or return an empty text."""
    return "another answer of the task has the same first token" if tokens.wrong & _right(tokens) else ""


def _right(tokens: Tokens) -> frozenset[int]:
    return frozenset({tokens.forms["lower"], tokens.forms["capital"]})


def _false(tokens: Tokens) -> frozenset[int]:
    return frozenset(tokens.forms[name] for name in ("false_lower", "false_capital") if name in tokens.forms)


def read_sweep(
    clean: Float[Tensor, " vocabulary"], blocked: Float[Tensor, "knockouts vocabulary"], tokens: Tokens
) -> dict[str, tuple[float, ...]]:
    """Readings of knocked-out passes against the unblocked one.

    Args:
        clean: unblocked logits ``[vocabulary]``.
        blocked: logits ``[knockouts, vocabulary]``.
        tokens: the tokens to follow.

    Returns:
        ``p`` (the answer's probability under the knockout) and ``flip`` (whether the first token
        changed); where there is a distractor also ``log_odds`` (the change against it) and ``distractor``
        (relative change, in per cent, of the answer's share of the two); one value per knockout.
    """
    against = tokens.distractor if tokens.distractor is not None and tokens.distractor != tokens.own else None
    followed = [tokens.own] if against is None else [tokens.own, against]
    before, after = log_probabilities(clean, followed), log_probabilities(blocked, followed)
    readings = {
        "p": after[:, 0].exp(),
        "flip": (blocked.argmax(dim=-1) != tokens.own).double(),
    }
    if against is not None:
        first, second = before[0] - before[1], after[:, 0] - after[:, 1]
        readings["log_odds"] = second - first
        readings["distractor"] = 100.0 * (second.sigmoid() / first.sigmoid() - 1.0)
    return {name: tuple(values.tolist()) for name, values in readings.items()}


def read_right(logits: Float[Tensor, "rows vocabulary"], tokens: Tokens) -> tuple[float, ...]:
    """Whether the first token is that of the right answer, in either case; one value per row of logits.

    Means something only where no wrong answer begins alike: see `confusable_answers`.
    """
    right = torch.tensor(sorted(_right(tokens)), device=logits.device)
    return tuple(torch.isin(logits.argmax(dim=-1), right).double().tolist())


def read_lens(
    checkpoint: Checkpoint, clean: Pass, tokens: Tokens, *, norm: bool
) -> dict[str, tuple[float, ...]]:
    """Lens readings of the unblocked pass, one value per layer 0 … L.

    Each form, and the answer and the wrong one in either case: the sum, if no two forms share their token
    (`confusable_forms`).
    """
    probabilities = lens(checkpoint, clean.hidden, norm=norm).double()
    read = {name: probabilities[:, token] for name, token in tokens.forms.items()}
    either = {"either": _right(tokens), "false_either": _false(tokens)}
    read |= {name: probabilities[:, sorted(found)].sum(dim=1) for name, found in either.items() if found}
    return {name: tuple(values.tolist()) for name, values in read.items()}


def log_probabilities(
    logits: Float[Tensor, "*rows vocabulary"], tokens: Sequence[int]
) -> Float[Tensor, "*rows tokens"]:
    """Float64 log-probabilities of some tokens, ``[…, vocabulary]`` to ``[…, tokens]``, from any dtype."""
    precise = logits.to(torch.float64)
    found: Tensor = precise[..., list(tokens)] - precise.logsumexp(dim=-1, keepdim=True)
    return found


def probability(clean: Tensor, token: int) -> float:
    """p1: the probability of a token at the first generated step."""
    return math.exp(float(log_probabilities(clean, [token])[0]))
