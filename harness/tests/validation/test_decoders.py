"""The corpus of decoders: what it finds, and that wrong numbers and tracebacks pass for nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from harness.validation.decoders.outcomes import Kind, Outcome, outcome
from harness.validation.decoders.report import Tried, page

CHOSEN = {
    "llama": (Kind.EXACT, "off by"),
    "mixtral": (Kind.EXACT, "off by"),
    "deepseek_v3": (Kind.EXACT, "off by"),  # its values are narrower than its keys
    "gpt2": (
        Kind.REFUSED,
        "GPT2Model is not built as the engine knows decoders (it has no layers and no norm",
    ),
    "phi": (Kind.REFUSED, "PhiModel is not built as the engine knows decoders (it has no norm)"),
    "diffllama": (Kind.REFUSED, "DiffLlamaDecoderLayer attends more than once (8 times in 4 layers)"),
    "doge": (Kind.REFUSED, "on DogeModel is not what the model's own forward pass says"),
    "mistral": (Kind.EXACT, "off by"),  # its windows are longer than any prompt here
    "trocr": (Kind.NOT_MADE, "Unrecognized configuration class"),
}


@pytest.mark.parametrize("model_type", CHOSEN)
def test_a_decoder_is_exact_or_refused_by_name(model_type: str) -> None:
    kind, told = CHOSEN[model_type]
    found = outcome(model_type)
    assert found.kind is kind
    assert told in found.reason


def test_with_full_attention_a_decoder_of_windows_is_exact() -> None:
    assert outcome("mistral", plain=True).kind is Kind.EXACT


def test_the_reference_measures_what_the_sweep_refuses() -> None:
    assert outcome("deepseek_v2").kind is Kind.REFUSED
    assert outcome("deepseek_v2", by_reference=True).kind is Kind.EXACT
    assert outcome("doge", by_reference=True).kind is Kind.REFUSED


def test_numbers_that_are_silently_wrong_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.engine.selfcheck.compare", lambda *_: 0.0)
    found = outcome("doge")
    assert (found.kind, found.reason[:15]) == (Kind.FAULT, "silently wrong:")


def test_a_traceback_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Any:
        raise AttributeError("has no layers")

    monkeypatch.setattr("harness.validation.decoders.outcomes.load", broken)
    assert outcome("llama") == Outcome("llama", Kind.FAULT, "a traceback: AttributeError: has no layers")


def test_the_page_counts_and_shows_every_decoder() -> None:
    exact, refused = (
        Outcome("a", Kind.EXACT, "off by 0"),
        Outcome("a", Kind.REFUSED, "a: its | is not supported"),
    )
    made = page([Tried(refused, exact, exact), Tried(refused, refused, refused)])
    assert "| full attention in every layer | 1 | 1 | 0 | 0 |" in made.text
    assert "| as usual, what the sweep refuses by the reference | 1 | 1 | 0 | 0 |" in made.text
    shown = "**refused**: its \\| is not supported"
    assert f"| a | {shown} | **exact**: off by 0 | **exact**: off by 0 |" in made.text
    assert f"| a | {shown} | {shown} |  |" in made.text
    one = page([Tried(exact, exact, None)])
    assert one.data == {"a": [{"kind": "exact", "reason": "off by 0"}] * 2}
