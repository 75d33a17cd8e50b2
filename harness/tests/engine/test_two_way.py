"""Blocks that attend both ways: an image whose rows read later rows of it, too, as Gemma 3's do."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded, encode, extended
from harness.checkpoint.loading import refuse_unsupported_attention
from harness.checkpoint.permanent_mask import PermanentBlock
from harness.checkpoint.prompt import IMAGE, INSTRUCTION, QUESTION, PromptFormat
from harness.data.errors import CheckpointError
from harness.data.flow import Flow
from harness.engine import reference
from harness.engine.sweep import packed_attention, walk
from harness.engine.sweep.clean_run import Tree
from harness.engine.sweep.reach import Reach, reach
from harness.engine.sweep.sweeper import Sweeper
from harness.interventions.knockout import (
    EdgeBlock,
    Knockout,
    ModuleZero,
    block,
    block_around,
    open_paths_only,
    visible,
)
from harness.testing.cases import QUESTIONS, Case, noise_picture, windows
from harness.testing.tiny_checkpoints import SHORT_PROMPT, sample

LAYERS = 4
CASE = Case("gemma3", LAYERS, (4, 2), 2, QUESTIONS, "gemma3")
QUESTION_FIRST = PromptFormat(
    "question first",
    (
        ("roles", "USER: "),
        ("question", QUESTION),
        ("separator", "\n"),
        ("image", IMAGE),
        ("suffix", f"\n{INSTRUCTION}"),
        ("roles", " ASSISTANT:"),
    ),
    SHORT_PROMPT.instructions,
)
FORMATS = (SHORT_PROMPT, QUESTION_FIRST)
ALL = tuple(range(LAYERS))


def encoded_in(
    prompt: PromptFormat, questions: tuple[str, ...] = QUESTIONS
) -> tuple[Checkpoint, list[Encoded]]:
    """The checkpoint with a prompt format, and questions in it."""
    checkpoint = replace(CASE.checkpoint(), prompt=prompt)
    return checkpoint, [encode(checkpoint, sample(noise_picture(), one)) for one in questions]


def demand_equal(checkpoint: Checkpoint, encoded: list[Encoded], asked: list[list[Knockout]]) -> None:
    for one, knockouts, got in zip(encoded, asked, Sweeper(checkpoint).image(encoded, asked), strict=True):
        clean = reference.run(checkpoint, one)
        torch.testing.assert_close(got.clean.logits, clean.logits, rtol=0, atol=1e-10)
        torch.testing.assert_close(got.clean.hidden, clean.hidden, rtol=0, atol=1e-9)
        for number, knockout in enumerate(knockouts):
            long = reference.run(checkpoint, one, knockout).logits
            torch.testing.assert_close(got.logits[number], long, rtol=0, atol=1e-10)


@st.composite
def around_the_image(draw: st.DrawFn, one: Encoded) -> Knockout:
    """Edges, zeroed modules and permanent routes among the image's rows and their neighbours."""
    start, stop = one.regions.two_way[0]
    near = st.sets(st.integers(max(1, start - 2), min(stop + 1, one.length - 1)), min_size=1, max_size=5)
    items: list[EdgeBlock | ModuleZero] = []
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(0, LAYERS - 1))
        layers = tuple(range(first, draw(st.integers(first, LAYERS - 1)) + 1))
        sources, targets = (tuple(sorted(draw(near))) for _ in range(2))
        if draw(st.integers(0, 3)) == 0:
            like = tuple(draw(st.integers(0, one.length - 1)) for _ in targets) if draw(st.booleans()) else ()
            items.append(ModuleZero("mlp" if draw(st.booleans()) else "attention", targets, layers, like))
        else:
            items.append(EdgeBlock(sources, targets, layers))
    return Knockout(tuple(items))


@given(st.data(), st.sampled_from(FORMATS), st.sampled_from([0, walk.WORTH_A_START]))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_sweep_is_exact_inside_a_block_and_around_it(
    data: st.DataObject, prompt: PromptFormat, worth_a_start: int
) -> None:
    questions = tuple(data.draw(st.lists(st.sampled_from(QUESTIONS), min_size=1, max_size=3)))
    checkpoint, encoded = encoded_in(prompt, questions)
    asked = [data.draw(st.lists(around_the_image(one), max_size=4)) for one in encoded]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk, "WORTH_A_START", worth_a_start)
        demand_equal(checkpoint, encoded, asked)


@pytest.mark.parametrize("prompt", FORMATS, ids=lambda prompt: str(prompt.name))
def test_every_window_of_the_usual_flows_is_exact(prompt: PromptFormat) -> None:
    checkpoint, encoded = encoded_in(prompt)
    more = [[block(one.regions["question"], one.regions["image"], ALL)] for one in encoded]
    demand_equal(
        checkpoint, encoded, [windows(one, LAYERS) + own for one, own in zip(encoded, more, strict=True)]
    )


@pytest.mark.parametrize("long_bytes", [1, 3_000])
def test_scores_taken_in_halves_cut_no_block(long_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_attention, "LONG_BYTES", long_bytes)
    monkeypatch.setitem(packed_attention.BLOCK_BYTES, "cpu", long_bytes)
    checkpoint, encoded = encoded_in(SHORT_PROMPT, QUESTIONS[:2])
    demand_equal(checkpoint, encoded, [windows(one, LAYERS)[::3] for one in encoded])


@pytest.mark.parametrize("flow", ["image->image", "image->question", "question->image"])
@pytest.mark.parametrize("prompt", FORMATS, ids=lambda prompt: str(prompt.name))
def test_a_planted_flow_inside_a_block_is_exact(prompt: PromptFormat, flow: str) -> None:
    checkpoint, encoded = encoded_in(prompt)
    planted = PermanentBlock(Flow.parse(flow), (1, 2))
    demand_equal(
        replace(checkpoint, permanent_blocks=(planted,)),
        encoded,
        [windows(one, LAYERS)[::4] for one in encoded],
    )


def test_an_earlier_row_of_the_image_reads_a_later_one() -> None:
    """As in transformers' own model, and not in a causal one: the blocked edge lies above the diagonal."""
    checkpoint, (one, *_) = encoded_in(SHORT_PROMPT)
    start, stop = one.regions.two_way[0]
    above = block((stop - 1,), (start,), ALL)
    clean, blocked = reference.run(checkpoint, one).logits, reference.run(checkpoint, one, above).logits
    assert not torch.allclose(clean, blocked, atol=1e-4)
    (swept,) = Sweeper(checkpoint).image([one], [[above]])
    torch.testing.assert_close(swept.logits[0], blocked, rtol=0, atol=1e-10)


def test_what_a_knockout_reaches_in_a_block() -> None:
    blocks, length = ((4, 8),), 12
    assert block_around(5, blocks) == (4, 8)
    assert block_around(8, blocks) == (8, 9)
    later = block((7,), (5,), (1,))
    assert reach(later, length, LAYERS) is None
    assert reach(later, length, LAYERS, blocks) == Reach(4, 1, 1)  # the rows of a block change together
    assert reach(block((8,), (5,), (1,)), length, LAYERS, blocks) is None  # behind the block
    assert reach(block((2,), (9,), (1,)), length, LAYERS, blocks) == Reach(9, 1, 1)
    seen = visible(Knockout(), 0, length, blocks)
    assert seen[4, 7] and not seen[4, 8] and not seen[3, 4] and seen[8, 4]


def test_open_paths_close_later_sources_of_a_block_too() -> None:
    kept = [EdgeBlock((4,), (5,), (0,))]
    made = open_paths_only(kept, range(1, 8), (5,), 1, ((4, 8),))
    assert made.edges == (EdgeBlock((1, 2, 3, 5, 6, 7), (5,), (0,)),)
    assert open_paths_only(kept, range(1, 8), (5,), 1).edges == (EdgeBlock((1, 2, 3, 5), (5,), (0,)),)


def test_questions_share_a_block_whole_or_not_at_all() -> None:
    prompts = [torch.tensor(ids) for ids in ([1, 9, 9, 9, 2], [1, 9, 9, 9, 3])]
    blocks = [((1, 4),), ((1, 4),)]
    assert Tree.of(prompts, None, blocks).stem == 4
    assert Tree.of(prompts, 3, blocks).stem == 1  # a permanent edge concerns a row inside
    assert Tree.of(prompts, 3).stem == 3


def test_token_types_are_those_of_the_prompt_and_of_an_answer_behind_it() -> None:
    _, (one, *_) = encoded_in(SHORT_PROMPT)
    types = extended(one, [3, 4]).visual["token_type_ids"]
    assert types.shape == (1, one.length + 2)
    assert types[0].nonzero().flatten().tolist() == list(one.regions["image"])


def test_only_part_of_what_a_normalised_module_adds_can_be_taken() -> None:
    """Gemma normalises what its modules give before it is added: a norm would undo what is taken before."""
    checkpoint, (one, *_) = encoded_in(SHORT_PROMPT)
    last, other = one.length - 1, one.length - 2
    part = Knockout((ModuleZero("mlp", (last,), (1,), like=(other,)),))
    clean, changed = reference.run(checkpoint, one).logits, reference.run(checkpoint, one, part).logits
    assert not torch.allclose(clean, changed, atol=1e-6)


def test_a_prompt_beyond_the_window_is_refused() -> None:
    checkpoint = replace(CASE.checkpoint(), model=copy.deepcopy(CASE.checkpoint().model))
    encoded = CASE.encoded(checkpoint)
    checkpoint.model.config.text_config.sliding_window = encoded[0].length
    Sweeper(checkpoint).clean_run(encoded[:1])
    with pytest.raises(CheckpointError, match=r"is longer than the decoder's sliding window of \d+"):
        Sweeper(checkpoint).clean_run(encoded)


def test_a_decoder_whose_whole_prompt_attends_both_ways_is_refused() -> None:
    model = copy.deepcopy(CASE.checkpoint().model)
    model.config.text_config.use_bidirectional_attention = True
    with pytest.raises(CheckpointError, match="a prompt that attends both ways is not supported"):
        refuse_unsupported_attention(model, "some")


def test_an_engine_that_takes_the_image_for_causal_is_refused() -> None:
    """The check of the first run compares with what the model says when it is told of its image."""
    checkpoint, encoded = encoded_in(SHORT_PROMPT)
    for one in encoded:
        object.__setattr__(one.regions, "two_way", ())
    with pytest.raises(
        CheckpointError, match=r"clean run of Gemma3.* is not what the model's own forward pass"
    ):
        Sweeper(checkpoint).clean_run(encoded)
