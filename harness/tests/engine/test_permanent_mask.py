"""Checkpoints with planted flows: the masks hold in every pass of both engines."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import encode
from harness.checkpoint.permanent_mask import PermanentBlock, read_permanent_mask
from harness.data.errors import CheckpointError
from harness.data.flow import Flow
from harness.engine import decoding, reference
from harness.engine.sweep.contents import beginning
from harness.engine.sweep.sweeper import Sweeper
from harness.interventions.knockout import Knockout, ModuleZero, Substitution, block
from harness.interventions.permanent_edges import permanent_edges
from harness.testing.cases import QUESTIONS, noise_picture, windows
from harness.testing.tiny_checkpoints import sample, tiny_checkpoint

LAYERS = 4
FLOWS = ("image->question", "image->suffix", "image->last", "question->last", "image->after_image")
EVERYWHERE = tuple(range(LAYERS))


def planted(*flows: PermanentBlock, family: str = "llama") -> Checkpoint:
    made = tiny_checkpoint(family, layers=LAYERS, per_side=2, dtype=torch.float64, seed=7)
    return replace(made, permanent_blocks=flows)


def never_saying_image(checkpoint: Checkpoint) -> Checkpoint:
    """A random model may answer with the token that stands for a picture's; a trained one does not."""
    model = copy.deepcopy(checkpoint.model)
    with torch.no_grad():
        model.lm_head.weight[model.config.image_token_id] = 0.0
    return replace(checkpoint, model=model)


flows = st.builds(
    lambda name, layers: PermanentBlock(Flow.parse(name), tuple(sorted(layers))),
    st.sampled_from(FLOWS),
    st.sets(st.integers(0, LAYERS - 1)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(flows, min_size=1, max_size=3),
    st.lists(st.sampled_from(QUESTIONS), min_size=1, max_size=3),
    st.sampled_from(["llama", "qwen3"]),
    st.data(),
)
def test_the_sweep_equals_the_reference(
    always: list[PermanentBlock], questions: list[str], family: str, data: st.DataObject
) -> None:
    checkpoint = planted(*always, family=family)
    encoded = [encode(checkpoint, sample(noise_picture(), question)) for question in questions]
    asked = [data.draw(st.lists(st.sampled_from(windows(one, LAYERS)), max_size=3)) for one in encoded]
    swept = Sweeper(checkpoint).image(encoded, asked)
    for one, knockouts, found in zip(encoded, asked, swept, strict=True):
        clean = reference.run(checkpoint, one)
        torch.testing.assert_close(found.clean.logits, clean.logits, atol=1e-10, rtol=0)
        torch.testing.assert_close(found.clean.hidden, clean.hidden, atol=1e-10, rtol=0)
        for number, knockout in enumerate(knockouts):
            slow = reference.run(checkpoint, one, knockout)
            torch.testing.assert_close(found.logits[number], slow.logits, atol=1e-10, rtol=0)


def test_a_planted_flow_changes_the_model_and_blocking_it_again_changes_nothing() -> None:
    checkpoint = planted(PermanentBlock(Flow.parse("image->question"), (1, 2)))
    free = planted()
    encoded = encode(checkpoint, sample(noise_picture()))
    clean = reference.run(checkpoint, encoded).logits
    assert not torch.allclose(clean, reference.run(free, encoded).logits)
    again = block(encoded.regions["image"], encoded.regions["question"], (1, 2))
    (swept,) = Sweeper(checkpoint).image([encoded], [[again]])
    torch.testing.assert_close(swept.logits[0], swept.clean.logits, atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", ["zero", "swap"])
def test_other_interventions_go_with_planted_flows(kind: str) -> None:
    checkpoint = planted(PermanentBlock(Flow.parse("image->question"), (0, 3)))
    encoded = encode(checkpoint, sample(noise_picture()))
    rows, image = encoded.regions["question"], encoded.regions["image"]
    values = (torch.zeros(2, len(image), 8, dtype=torch.float64),) * 2
    knockout = Knockout(
        (ModuleZero("mlp", rows, (1, 2)),) if kind == "zero" else (Substitution(image, rows, (1, 2), values),)
    )
    (swept,) = Sweeper(checkpoint).image([encoded], [[knockout]])
    slow = reference.run(checkpoint, encoded, knockout)
    torch.testing.assert_close(swept.logits[0], slow.logits, atol=1e-10, rtol=0)


def test_cut_off_from_the_image_the_answer_does_not_know_it() -> None:
    """Answers included: a planted flow into Last concerns the answer's own positions too."""
    checkpoint = planted(PermanentBlock(Flow.parse("image->after_image"), EVERYWHERE))
    one = encode(checkpoint, sample(noise_picture()))
    other = replace(one, pixels=-2 * one.pixels)
    first, second = (Sweeper(checkpoint).clean_run([picture]) for picture in (one, other))
    torch.testing.assert_close(first.passes[0].logits, second.passes[0].logits, atol=1e-12, rtol=0)
    assert decoding.answers(checkpoint, first, limit=8) == decoding.answers(checkpoint, second, limit=8)


@pytest.mark.parametrize("flow", FLOWS)
def test_answers_are_those_of_whole_passes(flow: str) -> None:
    checkpoint = never_saying_image(planted(PermanentBlock(Flow.parse(flow), (0, 1, 3))))
    encoded = [encode(checkpoint, sample(noise_picture(), question)) for question in QUESTIONS]
    clean = Sweeper(checkpoint).clean_run(encoded)
    expected = [reference.answer(checkpoint, one, limit=6) for one in encoded]
    assert decoding.answers(checkpoint, clean, limit=6) == expected
    assert any(len(said) > 1 for said in expected)


@pytest.mark.parametrize("before_the_end", [0, 1, 4])
def test_contents_are_read_with_the_planted_flows(before_the_end: int) -> None:
    """Also where the blocked edges reach beyond the last row that is run."""
    checkpoint = planted(PermanentBlock(Flow.parse("image->question"), EVERYWHERE))
    encoded = encode(checkpoint, sample(noise_picture()))
    stop = encoded.regions["question"][-1] + 1 - before_the_end
    keys, values = reference.keys_values(checkpoint, encoded)
    for layer, found in enumerate(beginning(checkpoint, encoded, stop)):
        torch.testing.assert_close(found.key, keys[layer][:, :stop], atol=1e-10, rtol=0)
        torch.testing.assert_close(found.value, values[layer][:, :stop], atol=1e-10, rtol=0)


def test_a_mask_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "mask.json"
    assert read_permanent_mask(path, 4) == ()
    path.write_text(json.dumps({"blocked": [{"flow": "image->question", "layers": [3, 0, 0]}]}))
    (one,) = read_permanent_mask(path, 4)
    assert one == PermanentBlock(Flow("image", "question"), (0, 3))
    edges = permanent_edges([one], encode(planted(), sample(noise_picture())).regions)
    assert edges[0].layers == (0, 3)


def test_an_answers_own_positions_are_last_at_both_ends() -> None:
    alone = encode(planted(), sample(noise_picture())).regions
    longer = replace(alone, length=alone.length + 2)
    (edge,) = permanent_edges([PermanentBlock(Flow("last", "last"), (0,))], longer)
    answering = (alone.length - 1, alone.length, alone.length + 1)
    assert edge.sources == edge.targets == answering


def test_a_region_that_a_sample_lacks_blocks_nothing() -> None:
    regions = encode(planted(), sample(noise_picture())).regions
    gone = replace(regions, positions={k: v for k, v in regions.positions.items() if k != "other_patches"})
    assert permanent_edges([PermanentBlock(Flow("other_patches", "question"), (0,))], gone) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "holds no JSON object"),
        ("{}", "not a mask"),
        ('{"blocked": [{"flow": "image", "layers": [0]}]}', "write it as SOURCE->TARGET"),
        ('{"blocked": [{"flow": "imgae->last", "layers": [0]}]}', "unknown region 'imgae'"),
        ('{"blocked": [{"flow": "image->last", "layers": 3}]}', "layers must be a list"),
        ('{"blocked": [{"flow": "image->last", "layers": [4]}]}', "layer 4 does not exist"),
    ],
)
def test_a_mask_that_cannot_be_read_is_one_clear_error(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mask.json"
    path.write_text(text)
    with pytest.raises(CheckpointError, match=message):
        read_permanent_mask(path, 4)
