"""Rotary positions that are not the numbers of the tokens: said by the engines, never left to the model."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from harness.checkpoint import loading
from harness.checkpoint.adapters import ADAPTERS
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded, encode, extended
from harness.checkpoint.info import CheckpointInfo
from harness.data.errors import CheckpointError, DataError
from harness.engine import decoding, reference
from harness.engine.sweep.sweeper import Sweeper
from harness.interventions.knockout import block
from harness.testing.building_blocks import QWEN
from harness.testing.cases import QUESTIONS, Case, noise_picture
from harness.testing.tiny_checkpoints import sample

LAYERS = 3
by_kind = pytest.mark.parametrize("kind", QWEN)


def ready(kind: str) -> tuple[Checkpoint, list[Encoded]]:
    case = Case("llama", LAYERS, (4, 2), 2, QUESTIONS[:2], kind)
    checkpoint = case.checkpoint()
    return checkpoint, case.encoded(checkpoint)


def said(checkpoint: Checkpoint, encoded: list[Encoded]) -> list[torch.Tensor]:
    """What both engines say, unblocked and blocked, with their greedy answers."""
    flows = [block(one.regions["image"], one.regions["question"], range(LAYERS)) for one in encoded]
    sweeper = Sweeper(checkpoint)
    clean = sweeper.clean_run(encoded)
    swept = sweeper.sweep(clean, [[flow] for flow in flows])
    slow = [reference.run(checkpoint, one, flow).logits for one, flow in zip(encoded, flows, strict=True)]
    fast = [torch.cat([one.clean.logits, one.logits[0]]) for one in swept]
    answers = decoding.answers(checkpoint, clean, limit=5)
    answers += [reference.answer(checkpoint, one, 5) for one in encoded]
    return [
        *slow,
        *fast,
        *(torch.tensor(one) for one in answers),
        *reference.keys_values(checkpoint, encoded[0])[0],
    ]


@by_kind
def test_what_an_earlier_picture_left_behind_is_not_used(kind: str) -> None:
    """transformers keeps by how much a picture shortened the positions, for the call after."""
    checkpoint, encoded = ready(kind)
    fresh = said(checkpoint, encoded)
    checkpoint.model.model.rope_deltas = torch.tensor([[1000]])
    try:
        for one, other in zip(said(checkpoint, encoded), fresh, strict=True):
            assert torch.equal(one, other)
    finally:
        checkpoint.model.model.rope_deltas = None


@by_kind
def test_counting_the_tokens_would_say_something_else(kind: str) -> None:
    """Told nothing, Qwen2.5's model counts the tokens without a word; the others raise."""
    checkpoint, (encoded, *_) = ready(kind)
    counted = reference.run(checkpoint, replace(encoded, positions=one_after_the_other(encoded))).logits
    assert not torch.allclose(reference.run(checkpoint, encoded).logits, counted, atol=1e-3)
    if kind == "qwen2_5_vl":
        with torch.inference_mode():
            silent = checkpoint.model(input_ids=encoded.ids[None], **encoded.visual).logits[0, -1]
        torch.testing.assert_close(counted, silent, rtol=0, atol=1e-12)


def one_after_the_other(encoded: Encoded) -> torch.Tensor:
    return torch.arange(encoded.length)[:, None].expand(-1, 3)


@by_kind
def test_positions_that_the_model_would_not_find_are_refused_at_the_first_run(kind: str) -> None:
    checkpoint, encoded = ready(kind)
    counted = replace(encoded[0], positions=one_after_the_other(encoded[0]))
    with pytest.raises(CheckpointError, match="is not what the model's own forward pass says"):
        Sweeper(checkpoint).clean_run([counted])


@by_kind
def test_a_model_type_whose_adapter_tells_no_positions_is_refused(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, _ = ready(kind)
    info = CheckpointInfo("tiny", "tiny", LAYERS)
    loading._check_decoder(checkpoint.model, info)
    monkeypatch.setitem(ADAPTERS, kind, replace(ADAPTERS[kind], positions=None))
    with pytest.raises(CheckpointError, match=r"finds rotary positions of its own \(get_rope_index\)"):
        loading._check_decoder(checkpoint.model, info)


@by_kind
def test_an_answer_goes_on_from_the_longer_side_of_the_picture(kind: str) -> None:
    _, (encoded, *_) = ready(kind)
    assert encoded.positions is not None
    longer = extended(encoded, [5, 6, 7])
    last = int(encoded.positions[-1, 0])
    assert longer.rotary_positions[-3:].tolist() == [[last + at] * 3 for at in (1, 2, 3)]
    assert last == encoded.length - 1 + 4 - 8  # two rows of four tokens
    _, (flat, *_) = ready_plain()
    assert extended(flat, [5, 6]).rotary_positions.tolist() == list(range(flat.length + 2))


def ready_plain() -> tuple[Checkpoint, list[Encoded]]:
    case = Case("llama", LAYERS, (4, 2), 2, QUESTIONS[:1])
    checkpoint = case.checkpoint()
    return checkpoint, case.encoded(checkpoint)


@by_kind
def test_pictures_of_equal_pixels_in_two_shapes_are_two_pictures(kind: str) -> None:
    checkpoint, _ = ready(kind)
    shapes = ((16, 8), (8, 16))
    wide, tall = (encode(checkpoint, sample(noise_picture(size), size=size)) for size in shapes)
    tall = replace(tall, pixels=wide.pixels)
    with pytest.raises(DataError, match="must be on one image"):
        Sweeper(checkpoint).clean_run([wide, tall])
