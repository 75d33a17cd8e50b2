"""Features of the picture that a decoder adds to its visual rows after its first layers (Qwen3-VL)."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from harness.checkpoint.prompt import IMAGE, QUESTION, PromptFormat
from harness.data.errors import CheckpointError
from harness.engine import reference
from harness.engine.sweep.added_features import AddedFeatures
from harness.engine.sweep.sweeper import Sweeper
from harness.interventions.knockout import block
from harness.testing.cases import QUESTIONS, Case, windows

LAYERS = 4
CASE = Case("llama", LAYERS, (4, 2), 2, QUESTIONS[:2], "qwen3_vl")


def test_a_row_is_given_the_features_of_its_own_visual_token() -> None:
    tables = [torch.arange(6.0).view(3, 2) * 10**layer for layer in (0, 1)]
    added = AddedFeatures.of(tables, torch.tensor([-1, 0, 1, 2, -1, 1]))
    state = torch.zeros(6, 2)
    assert added.after(0, state)[:, 1].tolist() == [0, 1, 3, 5, 0, 3]
    assert added.after(1, state[:3], torch.tensor([4, 2, 3]))[:, 1].tolist() == [0, 30, 50]
    assert added.after(2, state) is state


def test_they_are_those_that_the_model_adds() -> None:
    """What leaves a layer, less what enters the one above, by hooks on the model's own pass."""
    checkpoint = CASE.checkpoint()
    encoded, seen = CASE.encoded(checkpoint)[0], dict[tuple[int, str], torch.Tensor]()
    handles = []
    for number, layer in enumerate(checkpoint.decoder.layers):
        handles += [
            layer.register_forward_pre_hook(
                lambda _layer, inputs, at=number: seen.update({(at, "in"): inputs[0][0]})
            ),
            layer.register_forward_hook(
                lambda _layer, _inputs, output, at=number: seen.update({(at, "out"): output[0]})
            ),
        ]
    try:
        reference.run(checkpoint, encoded)
    finally:
        for handle in handles:
            handle.remove()
    added = Sweeper(checkpoint).clean_run([encoded]).added
    assert len(added.tables) == 2
    for layer in range(LAYERS - 1):
        own = seen[layer + 1, "in"] - seen[layer, "out"]
        ours = added.after(layer, torch.zeros_like(own))
        torch.testing.assert_close(ours, own, rtol=0, atol=1e-12)
        assert bool(own.any()) == (layer < 2)


def test_a_sweep_that_forgot_them_is_refused_at_the_first_run(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = CASE.checkpoint()
    monkeypatch.setattr(AddedFeatures, "after", lambda _self, _layer, state, _rows=None: state)
    with pytest.raises(CheckpointError, match="is not what the model's own forward pass says"):
        Sweeper(checkpoint).clean_run(CASE.encoded(checkpoint))


def test_rows_that_a_knockout_changes_are_given_them_too() -> None:
    """Image to image, and whatever comes before the image, in every window and in all layers."""
    checkpoint = CASE.checkpoint()
    encoded = CASE.encoded(checkpoint)
    asked = [
        [
            *windows(one, LAYERS),
            *(block(one.regions["system"][1:], one.regions["image"], (layer,)) for layer in range(LAYERS)),
        ]
        for one in encoded
    ]
    for one, flows, swept in zip(encoded, asked, Sweeper(checkpoint).image(encoded, asked), strict=True):
        for number, flow in enumerate(flows):
            slow = reference.run(checkpoint, one, flow).logits
            torch.testing.assert_close(swept.logits[number], slow, rtol=0, atol=1e-10)


def test_they_are_added_wherever_the_image_stands() -> None:
    """Questions before the image: every question then has visual rows of its own."""
    checkpoint = CASE.checkpoint()
    asked_first = PromptFormat(
        "asked first", (("system", "a chat "), ("question", QUESTION), ("image", IMAGE), ("roles", " answer"))
    )
    turned = replace(checkpoint, prompt=asked_first)
    encoded = CASE.encoded(turned)
    assert encoded[0].regions["image"] != encoded[1].regions["image"]
    asked = [[block(one.regions["question"], one.regions["image"], (0, 1))] for one in encoded]
    for one, (flow,), swept in zip(encoded, asked, Sweeper(turned).image(encoded, asked), strict=True):
        slow = reference.run(turned, one, flow).logits
        torch.testing.assert_close(swept.logits[0], slow, rtol=0, atol=1e-10)
