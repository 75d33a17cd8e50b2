"""What the sweep refuses, what it survives, and that it leaves the model as it was."""

from __future__ import annotations

import copy
import ctypes
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded, encode
from harness.data.errors import CheckpointError, DataError, KnockoutError, MemoryLimitError, NumericsError
from harness.engine.reference import run
from harness.engine.selfcheck import prompts_to_check
from harness.engine.sweep.clean_run import Tree
from harness.engine.sweep.memory_budget import keep_freed_memory
from harness.engine.sweep.reach import Reach
from harness.engine.sweep.schedule import FROM_CLEAN, Branch, actions_by_layer, branch_points
from harness.engine.sweep.sweeper import Sweeper
from harness.engine.sweep.walk import walk
from harness.interventions.knockout import EdgeBlock, Intervention, Knockout, ModuleZero, Substitution, block
from harness.testing.cases import QUESTIONS, Case, windows
from harness.testing.tiny_checkpoints import picture, sample

CASE = Case("llama", 3, (4, 2), 2, QUESTIONS)


@pytest.fixture
def checkpoint() -> Checkpoint:
    return CASE.checkpoint()


@pytest.fixture
def encoded(checkpoint: Checkpoint) -> list[Encoded]:
    return CASE.encoded(checkpoint)


def _doctored(checkpoint: Checkpoint) -> Checkpoint:
    return replace(checkpoint, model=copy.deepcopy(checkpoint.model))


@pytest.mark.parametrize(
    ("knockout", "words"),
    [
        (block((1,), (999,), (0,)), "position 999 is outside"),
        (block((1,), (2,), (3,)), "layer 3 does not exist"),
        (block((-1,), (2,), (0,)), "position -1 is outside"),
        (Knockout((ModuleZero("mlp", (999,), (0,)),)), "position 999 is outside"),
        (Knockout((ModuleZero("mlp", (1,), (0,), like=(999,)),)), "position 999 is outside"),
        (Knockout((ModuleZero("mlp", (1, 2), (0,), like=(3,)),)), "2 rows cannot lose the norms of 1 others"),
        (block(range(12), (5,), (1,)), "row 5 would keep no key"),
        (block((0,), (0,), (2,)), "row 0 would keep no key"),
        (Knockout((Substitution((1, 2), (5,), (0,), (torch.zeros(2, 1, 8),)),)), "one tensor per layer"),
        (Knockout((Substitution((1,), (5,), (0, 1), (torch.zeros(2, 1, 8),)),)), "one tensor per layer"),
    ],
)
def test_refuses_what_does_not_fit(
    checkpoint: Checkpoint, encoded: list[Encoded], knockout: Knockout, words: str
) -> None:
    with pytest.raises(KnockoutError, match=words):
        Sweeper(checkpoint).image(encoded[:1], [[knockout]])


def test_refuses_no_question_and_two_images(
    checkpoint: Checkpoint, encoded: list[Encoded], tmp_path: Any
) -> None:
    with pytest.raises(DataError, match="at least one question"):
        Sweeper(checkpoint).image([], [])
    other = encode(checkpoint, sample(picture(tmp_path, seed=1)))
    with pytest.raises(DataError, match="one image"):
        Sweeper(checkpoint).image([encoded[0], other], [[], []])


def test_refuses_logits_that_are_not_finite(checkpoint: Checkpoint, encoded: list[Encoded]) -> None:
    broken = _doctored(checkpoint)
    with torch.no_grad():
        broken.model.lm_head.weight[5] = torch.inf
    with pytest.raises(NumericsError, match="0001: the logits are not finite"):
        Sweeper(broken).image(encoded[:1], [[]])


def test_refuses_a_decoder_that_attends_in_its_own_way(encoded: list[Encoded]) -> None:
    """A sliding window that the loader did not see: the clean run is not the model's own forward pass."""
    doctored = _doctored(Case("mistral", 3, (4, 2), 2, QUESTIONS).checkpoint())
    config = doctored.model.config.text_config
    config.sliding_window = 4
    config.layer_types, config.use_sliding_window = ["full_attention"] * 3, False
    with pytest.raises(CheckpointError, match=r"clean run of .* is not what the model's own forward pass"):
        Sweeper(doctored).image(encoded[:1], [[]])


def test_refuses_a_decoder_whose_layers_are_not_all_it_does(encoded: list[Encoded]) -> None:
    """Something between the layers that a walk from layer to layer would miss."""
    doctored = _doctored(CASE.checkpoint())

    class Scaled(nn.Module):
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, *inputs: Any, **named: Any) -> Any:
            scale = 1.0 if "plan" in named else 1.5
            return self.inner(*inputs, **named) * scale

    doctored.decoder.layers[1] = Scaled(doctored.decoder.layers[1])
    with pytest.raises(CheckpointError, match=r"clean run of .* is not what the model's own forward pass"):
        Sweeper(doctored).image(encoded[:1], [[]])


class Around(nn.Module):
    """A decoder layer inside another one."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner


def test_refuses_a_decoder_whose_layers_hide_the_plan_from_their_attention(encoded: list[Encoded]) -> None:
    """As StableLM's do: every blocked edge would be open, in the reference, too."""

    class Hiding(Around):
        def forward(self, *inputs: Any, plan: object = None, **named: Any) -> Any:  # noqa: ARG002
            return self.inner(*inputs, **named)

    doctored = _doctored(CASE.checkpoint())
    doctored.decoder.layers[1] = Hiding(doctored.decoder.layers[1])
    told = "Hiding does not hand its keyword arguments|2 of 3 layers asked"
    with pytest.raises(CheckpointError, match=told):
        Sweeper(doctored).image(encoded[:1], [[]])
    with pytest.raises(CheckpointError, match=told):
        run(doctored, encoded[0])


def test_refuses_a_decoder_for_which_only_knockouts_come_out_wrong(encoded: list[Encoded]) -> None:
    """Where the mask is not the model's own, its layer does something else."""

    class Wary(Around):
        def forward(self, *inputs: Any, attention_mask: Tensor | None = None, **named: Any) -> Any:
            scale = 1.0 if attention_mask is None or bool(attention_mask[0, 0, -1].eq(0).all()) else 1.5
            return self.inner(*inputs, attention_mask=attention_mask, **named) * scale

    doctored = _doctored(CASE.checkpoint())
    doctored.decoder.layers[1] = Wary(doctored.decoder.layers[1])
    with pytest.raises(CheckpointError, match=r"a knockout of .* is not what the model's own forward pass"):
        Sweeper(doctored).image(encoded[:1], [[]])


def test_the_check_is_of_a_short_and_a_long_question(encoded: list[Encoded]) -> None:
    lengths = [one.length for one in encoded]
    chosen = prompts_to_check(encoded)
    assert [lengths[number] for number in chosen] == [min(lengths), max(lengths)]
    assert prompts_to_check(encoded[:1]) == [0]


@pytest.mark.parametrize("memory", [1, 30_000, 200_000, 10**9])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_chunks_change_nothing_but_rounding(memory: int, dtype: torch.dtype) -> None:
    checkpoint = CASE.checkpoint(dtype)
    encoded = CASE.encoded(checkpoint)
    asked = [windows(one, CASE.layers)[::2] for one in encoded]
    whole = Sweeper(checkpoint).image(encoded, asked)
    parts = Sweeper(checkpoint, memory).image(encoded, asked)
    limit = 1e-12 if dtype == torch.float64 else 1e-4
    for one, other in zip(whole, parts, strict=True):
        assert torch.equal(one.clean.logits, other.clean.logits)
        assert float((one.logits - other.logits).abs().max()) < limit


@pytest.fixture
def small_machine(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A machine on which walks of more than five branches run out of memory; the sizes of the walks."""
    sizes: list[int] = []

    def limited(model: Checkpoint, clean: Any, branches: Any, walked: Any) -> Any:
        sizes.append(len(branches))
        if len(branches) > 5:
            raise torch.OutOfMemoryError
        return walk(model, clean, branches, walked)

    monkeypatch.setattr("harness.engine.sweep.sweeper.walk", limited)
    return sizes


def test_halves_when_memory_runs_out_and_loses_nothing(
    checkpoint: Checkpoint, encoded: list[Encoded], small_machine: list[int]
) -> None:
    asked = [windows(one, CASE.layers)[::2] for one in encoded]
    sweeper = Sweeper(checkpoint)
    clean = sweeper.clean_run(encoded)
    small_machine.clear()  # the check of the first clean run walks, too
    swept = sweeper.sweep(clean, asked)
    assert max(small_machine) > 5
    assert sum(size for size in small_machine if size <= 5) == sum(size for size in small_machine[:1])
    alone = [Sweeper(checkpoint, 1).image([one], [some])[0] for one, some in zip(encoded, asked, strict=True)]
    for one, other in zip(swept, alone, strict=True):
        assert float((one.logits - other.logits).abs().max()) < 1e-12


def test_says_so_when_not_even_one_branch_fits(
    checkpoint: Checkpoint, encoded: list[Encoded], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr("harness.engine.sweep.sweeper.walk", full)
    with pytest.raises(MemoryLimitError, match="one knockout at a time: use --dtype bfloat16"):
        Sweeper(checkpoint).image(encoded[:1], [windows(encoded[0], 3)])


def test_other_errors_are_not_taken_for_lack_of_memory(
    checkpoint: Checkpoint, encoded: list[Encoded], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("something else")

    sweeper = Sweeper(checkpoint)
    clean = sweeper.clean_run(encoded[:1])
    monkeypatch.setattr("harness.engine.sweep.sweeper.walk", broken)
    with pytest.raises(RuntimeError, match="something else"):
        sweeper.sweep(clean, [windows(encoded[0], 3)])


def test_what_the_engine_does_not_expect_of_a_model_is_one_line_at_its_first_run(
    checkpoint: Checkpoint, encoded: list[Encoded], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.engine.sweep.sweeper.walk", lambda *_: 1 / 0)
    with pytest.raises(
        CheckpointError, match=r"on LlamaModel cannot be run by the engine \(ZeroDivisionError: "
    ):
        Sweeper(checkpoint).clean_run(encoded[:1])


def _hooks(checkpoint: Checkpoint) -> int:
    modules = list(checkpoint.model.modules())
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in modules)


def test_leaves_no_hook_behind(
    checkpoint: Checkpoint, encoded: list[Encoded], monkeypatch: pytest.MonkeyPatch
) -> None:
    zero = Knockout((ModuleZero("mlp", (3,), (0, 1)), ModuleZero("attention", (4,), (1,))))
    before = _hooks(checkpoint)
    sweeper = Sweeper(checkpoint)
    clean = sweeper.clean_run(encoded[:1])
    sweeper.sweep(clean, [[zero]])
    assert _hooks(checkpoint) == before
    monkeypatch.setattr("harness.engine.sweep.walk.attend_shared", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sweeper.sweep(clean, [[zero]])
    assert _hooks(checkpoint) == before


def test_runs_the_vision_tower_once_for_all_questions(checkpoint: Checkpoint, encoded: list[Encoded]) -> None:
    sweeper, calls = Sweeper(checkpoint), []
    sweeper.clean_run(
        encoded[:1]
    )  # the first clean run is checked against the model, with its own vision pass
    handle = checkpoint.model.model.vision_tower.register_forward_hook(lambda *_: calls.append(1))
    try:
        sweeper.image(encoded, [windows(one, CASE.layers) for one in encoded])
    finally:
        handle.remove()
    assert len(calls) == 1


def test_what_begins_alike_is_carried_once() -> None:
    def branch(number: int, *layers: int, target: int = 9) -> Branch:
        knockout = block((1,), (target,), layers)
        return Branch(0, number, knockout, Reach(9, layers[0], layers[-1]))

    narrow, wide, lower = branch(0, 2), branch(1, 2, 3, 4), branch(2, 2, 3)
    other, twin, later = branch(3, 2, 3, target=10), branch(4, 2, 3, 4), branch(5, 3, 4)
    joins, origins = branch_points([narrow, lower, other, wide, twin, later])
    assert joins.tolist() == [2, 3, 2, 4, 4, 3]
    assert origins.tolist() == [FROM_CLEAN, 0, FROM_CLEAN, 1, 1, FROM_CLEAN]


def test_deeds_are_alike_only_if_they_are_in_all_they_do() -> None:
    values = tuple(torch.zeros(2, 1, 8) for _ in range(3))
    items: list[Intervention] = [
        ModuleZero("mlp", (4,), (1, 2)),
        ModuleZero("attention", (4,), (1, 2)),
        ModuleZero("mlp", (5,), (1, 2)),
        ModuleZero("mlp", (4,), (1, 2), like=(3,)),
        *(EdgeBlock((source,), (target,), (1, 2)) for source in (1, 2) for target in (4, 5)),
        Substitution((1,), (4,), (1, 2), values[:2]),
        Substitution((2,), (4,), (1, 2), values[:2]),
        Substitution((1,), (5,), (1, 2), values[:2]),
        Substitution((1,), (4,), (1, 2), (values[2], values[1])),
        Substitution((1,), (4,), (1, 2), values[:2], values[1:]),
    ]
    found = [actions_by_layer(Knockout((item,))) for item in items]
    assert all(set(done) == {1, 2} for done in found)
    assert len({done[1] for done in found}) == len(items)
    again = Substitution((1,), (4,), (2,), values[1:2])
    assert actions_by_layer(Knockout((again,))) == {2: found[8][2]}


def test_freed_memory_is_kept_only_where_the_c_library_can(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda *option: asked.append(option))
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    keep_freed_memory()
    assert len(asked) == 3 and all(size > 0 for _, size in asked)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    keep_freed_memory()


def test_questions_share_what_they_have_in_common() -> None:
    tree = Tree.of([torch.tensor(ids) for ids in ([1, 2, 3, 4], [1, 2, 5], [1, 2, 3, 4, 6, 7])])
    assert tree.stem == 2
    assert tree.starts == (2, 4, 5)
    assert [tree.row(2, at) for at in range(6)] == [0, 1, 5, 6, 7, 8]
    assert tree.rows(1, 1).tolist() == [1, 4]
    assert Tree.of([torch.tensor([1, 2]), torch.tensor([1, 2])]).starts == (2, 2)
