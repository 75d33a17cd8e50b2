"""Greedy answers against the model's own generate()."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.engine import decoding
from harness.engine.sweep.sweeper import Sweeper
from harness.testing.cases import QUESTIONS, Case, greedy_answer
from harness.testing.tiny_checkpoints import FAMILIES, KINDS

LIMIT = 9


def _case(family: str = "llama", kind: str = "llava") -> tuple[Checkpoint, list[Encoded]]:
    case = Case(family, 3, (4, 2), 2, QUESTIONS, kind)
    checkpoint = case.checkpoint()
    return checkpoint, case.encoded(checkpoint)


def _generated(checkpoint: Checkpoint, encoded: Encoded) -> tuple[int, ...]:
    out = checkpoint.model.generate(
        input_ids=encoded.ids[None],
        attention_mask=torch.ones(1, encoded.length, dtype=torch.long),
        **encoded.visual,
        **encoded.modalities(checkpoint.model.config.image_token_id),
        do_sample=False,
        eos_token_id=sorted(checkpoint.stop_tokens),
        max_new_tokens=LIMIT,
        pad_token_id=checkpoint.processor.tokenizer.pad_token_id,
    )
    tokens = out[0, encoded.length :].tolist()
    return tuple(tokens[:-1] if tokens[-1] in checkpoint.stop_tokens else tokens)


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_those_of_generate(family: str, kind: str) -> None:
    checkpoint, encoded = _case(family, kind)
    clean = Sweeper(checkpoint).clean_run(encoded)
    expected = [_generated(checkpoint, one) for one in encoded]
    assert decoding.answers(checkpoint, clean, limit=LIMIT) == expected
    assert [greedy_answer(checkpoint, one, LIMIT) for one in encoded] == expected


def test_an_answer_ends_at_a_stop_token_and_does_not_hold_it(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint, encoded = _case()
    whole = greedy_answer(checkpoint, encoded[0], LIMIT)
    end = next(at for at, token in enumerate(whole) if at and token not in whole[:at])
    monkeypatch.setitem(checkpoint.__dict__, "stop_tokens", frozenset([whole[end]]))
    assert greedy_answer(checkpoint, encoded[0], LIMIT) == whole[:end]


def test_a_wrong_answer_is_given_up_and_a_right_one_is_not() -> None:
    checkpoint, encoded = _case()
    clean = Sweeper(checkpoint).clean_run(encoded[:1])
    (whole,) = decoding.answers(checkpoint, clean, limit=LIMIT)
    right = decoding.read(checkpoint, whole).strip().lower()
    assert decoding.answers(checkpoint, clean, [right], LIMIT) == [whole]
    assert decoding.reads_as(decoding.read(checkpoint, whole), right)
    (wrong,) = decoding.answers(checkpoint, clean, ["no such answer"], LIMIT)
    assert len(wrong) < len(whole)
    assert not decoding.reads_as(decoding.read(checkpoint, wrong), "no such answer")


def _saying(checkpoint: Checkpoint, *words: str) -> Checkpoint:
    """The checkpoint, made to say these tokens one after the other, and then the end."""
    said = iter([*checkpoint.processor.tokenizer.convert_tokens_to_ids(list(words)), *checkpoint.stop_tokens])
    model = copy.deepcopy(checkpoint.model)

    class Head(torch.nn.Linear):
        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            logits = super().forward(rows)
            logits[..., next(said)] = 1e3
            return logits

    model.lm_head.__class__ = Head
    return replace(checkpoint, model=model)


@pytest.mark.parametrize(("as_released", "right"), [(False, True), (True, False)])
def test_a_full_stop_ends_a_right_answer_but_for_the_released_code(*, as_released: bool, right: bool) -> None:
    """The released code compares the whole text; a prompt of another kind may be answered by a sentence."""
    checkpoint, encoded = _case()
    clean = Sweeper(checkpoint).clean_run(encoded[:1])
    prompt = replace(checkpoint.prompt, as_released=as_released)
    saying = replace(_saying(checkpoint, "."), prompt=prompt)
    red = checkpoint.processor.tokenizer.convert_tokens_to_ids("▁Red")
    first = torch.nn.functional.one_hot(torch.tensor(red), len(clean.passes[0].logits)).double()
    clean.passes = (replace(clean.passes[0], logits=first),)
    (said,) = decoding.answers(saying, clean, ["red"], LIMIT)
    text = decoding.read(saying, said)
    assert text.strip() == "Red."
    allowed = prompt.may_end_in_full_stop
    assert allowed is right
    assert decoding.reads_as(text, "red", full_stop=allowed) is right
    assert decoding.without_full_stop(saying, said) == (red,)
    assert decoding.without_full_stop(saying, (red,)) == (red,)


def test_an_answer_that_goes_on_is_not_the_expected_one() -> None:
    checkpoint, encoded = _case()
    clean = Sweeper(checkpoint).clean_run(encoded[:1])
    (whole,) = decoding.answers(checkpoint, clean, limit=LIMIT)
    start = decoding.read(checkpoint, whole[:3]).strip().lower()
    (given_up,) = decoding.answers(checkpoint, clean, [start], LIMIT)
    assert len(given_up) >= 4
    assert not decoding.reads_as(decoding.read(checkpoint, given_up), start)


@pytest.mark.parametrize(
    ("text", "expected", "may"),
    [
        ("", "red", True),
        (" Re", "red", True),
        ("red\ufffd", "red", True),
        ("light  b", "light blue", True),
        ("blue", "red", False),
        ("red .", "red", False),
        ("red .", "red.", True),
        ("red. ", "red.", True),
        ("red..", "red.", False),
    ],
)
def test_when_a_text_may_still_become_the_answer(text: str, expected: str, *, may: bool) -> None:
    assert decoding._may_become(text, expected) is may
