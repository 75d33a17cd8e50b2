"""What becomes of one type of decoder: exact, refused, or not made; anything else is a fault of ours."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import LlavaForConditionalGeneration

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded, encode
from harness.checkpoint.loading import load
from harness.checkpoint.processor import first_line
from harness.data.errors import CheckpointError
from harness.engine import decoding
from harness.engine.engines import SweepRun, engine_for
from harness.engine.protocol import EngineRun
from harness.interventions.knockout import Knockout
from harness.testing.cases import QUESTIONS, noise_picture, windows
from harness.testing.tiny_checkpoints import SHORT_PROMPT, processor, sample
from harness.validation.decoders.oracle import generated, oracle
from harness.validation.decoders.tiny_decoder import PATCH, SIDE, NotMadeError, tiny_llava

ROUNDING = 1e-4
"""Largest total variation that rounding explains, in float32: experts are not computed in float64."""
MATTERS = 1e-2
"""Total variation that the strongest knockout must bring about, for the comparison to mean something."""

TOKENS = 4
"""Tokens of an answer that are compared."""


class Kind(Enum):
    """What became of a decoder."""

    EXACT = "exact"
    REFUSED = "refused"
    NOT_MADE = "not made"
    FAULT = "FAULT"


@dataclass(frozen=True)
class Outcome:
    """What became of one type of decoder.

    Attributes:
        model_type: its type.
        kind: what became of it.
        reason: the error's one line; of an exact one, how far it was off and how much knockouts mattered.
    """

    model_type: str
    kind: Kind
    reason: str


def outcome(model_type: str, *, plain: bool = False, by_reference: bool = False) -> Outcome:
    """Make a small LLaVA on a decoder, save it, load it as a user would, and compare it with the oracle.

    Args:
        model_type: the decoder's type.
        plain: whether every layer attends to everything before it; else as is usual for the type.
        by_reference: whether the slow reference measures it; else the sweep.
    """
    try:
        model = tiny_llava(model_type, plain=plain)
        with tempfile.TemporaryDirectory() as folder:
            _save(model, Path(folder))
            return _measured(model_type, Path(folder), by_reference=by_reference)
    except NotMadeError as error:
        return Outcome(model_type, Kind.NOT_MADE, str(error))


def _save(model: Any, folder: Path) -> None:  # noqa: ANN401 - transformers' class
    try:
        model.save_pretrained(folder)
        processor(SIDE, PATCH).save_pretrained(folder)
        LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    except Exception as error:
        raise NotMadeError(
            f"transformers does not save and load it ({type(error).__name__}: {first_line(error)})"
        ) from error


def _measured(model_type: str, folder: Path, *, by_reference: bool) -> Outcome:
    try:
        loaded = load(folder, name=model_type, dtype=torch.float32, prompt="vicuna_v1")
        checkpoint = replace(loaded, prompt=SHORT_PROMPT)
        encoded = [encode(checkpoint, sample(noise_picture(), question)) for question in QUESTIONS]
        asked = [windows(one, checkpoint.n_layers) for one in encoded]
        clean = engine_for(checkpoint, None, by_reference=by_reference).clean_run(encoded)
        swept = clean.sweep(asked)
        answers = _answers(checkpoint, clean)
    except CheckpointError as error:
        told = str(error).replace(str(folder), model_type)
        return Outcome(model_type, Kind.REFUSED, told)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return Outcome(model_type, Kind.FAULT, f"a traceback: {type(error).__name__}: {first_line(error)}")
    said = [
        Said(one, knockouts, [unblocked.logits, *found], answer)
        for one, knockouts, unblocked, found, answer in zip(
            encoded, asked, clean.passes, swept, answers, strict=True
        )
    ]
    return _compared(model_type, folder, said, checkpoint.stop_tokens)


def _answers(checkpoint: Checkpoint, clean: EngineRun) -> list[tuple[int, ...]]:
    """The first tokens of every answer, whatever was expected."""
    if isinstance(clean, SweepRun):
        return decoding.answers(checkpoint, clean.clean, limit=TOKENS)
    return [answer[:TOKENS] for answer in clean.answers]


@dataclass(frozen=True)
class Said:
    """What the engine says of one question.

    Attributes:
        encoded: the question.
        knockouts: what was knocked out.
        logits: ``[vocabulary]`` each: without a knockout, then under each of them.
        answer: token ids of the answer, at most `TOKENS`.
    """

    encoded: Encoded
    knockouts: Sequence[Knockout]
    logits: Sequence[Tensor]
    answer: tuple[int, ...]


def _compared(model_type: str, folder: Path, said: Sequence[Said], stop: frozenset[int]) -> Outcome:
    own: Any = LlavaForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    off, matters = 0.0, 0.0
    for one in said:
        for knockout, logits in zip([Knockout(), *one.knockouts], one.logits, strict=True):
            off = max(off, _variation(oracle(own, one.encoded, knockout), logits))
            matters = max(matters, _variation(one.logits[0], logits))
    words = f"off by {off:.1e}; knockouts change up to {matters:.2f}"
    if not off <= ROUNDING:
        return Outcome(model_type, Kind.FAULT, f"silently wrong: {words}")
    if any(generated(own, one.encoded, TOKENS, stop) not in {None, one.answer} for one in said):
        return Outcome(model_type, Kind.FAULT, f"silently wrong: another answer; {words}")
    return Outcome(model_type, Kind.EXACT if matters >= MATTERS else Kind.FAULT, words)


def _variation(one: Tensor, other: Tensor) -> float:
    return float((one.softmax(-1) - other.softmax(-1)).abs().sum() / 2)
