"""The engine on GPUs, rehearsed on pretended ones: no tensor is left on a wrong device, no number differs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.data.errors import CheckpointError
from harness.engine import decoding, reference
from harness.engine.lens import lens
from harness.engine.sweep import walk
from harness.engine.sweep.sweeper import Sweeper
from harness.interventions.knockout import Knockout, ModuleZero, Substitution
from harness.testing.building_blocks import GEMMA, SHUFFLED
from harness.testing.cases import QUESTIONS, Case, windows
from harness.testing.pretended_devices import (
    DeviceMixtureError,
    PretendedDevices,
    device_of,
    gpu_memory,
    on_one_gpu,
    on_two_gpus,
    place,
)
from harness.testing.tiny_checkpoints import FAMILIES, KINDS

LAYERS = 3
CASES = [
    *(Case(family, LAYERS, (4, 2), 2, QUESTIONS[:2]) for family in sorted(FAMILIES)),
    *(
        Case("llama", LAYERS, (4, 2), 2, QUESTIONS[:2], kind)
        for kind in KINDS[1:]
        if kind not in {*SHUFFLED, GEMMA}
    ),
    Case("gemma3", LAYERS, (4, 2), 2, QUESTIONS[:2], "gemma3"),
]
LLAMA = CASES[0]


@pytest.fixture
def _gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu_memory(monkeypatch, free=1 << 30)


def knockouts(encoded: Encoded) -> list[Knockout]:
    """Windows of the usual flows, and one of each other intervention."""
    image, last = encoded.regions["image"], encoded.regions["last"]
    content = tuple(torch.ones(2, len(image), 8) for _ in range(LAYERS))
    return [
        *windows(encoded, LAYERS)[::3],
        Knockout((ModuleZero("mlp", last, (1, 2)), ModuleZero("attention", last, (0,), like=image[:1]))),
        Knockout((Substitution(image, last, tuple(range(LAYERS)), content, content),)),
    ]


def everything(checkpoint: Checkpoint, case: Case) -> list[Tensor]:
    """What the engine says: clean run, sweep, lens, and one pass of the reference."""
    encoded = case.encoded(checkpoint)
    sweeper = Sweeper(checkpoint)
    clean = sweeper.clean_run(encoded)
    swept = sweeper.sweep(clean, [knockouts(one) for one in encoded])
    read = [lens(checkpoint, one.hidden, norm=norm) for one in clean.passes for norm in (False, True)]
    slow = reference.run(checkpoint, encoded[0], knockouts(encoded[0])[-1])
    said = [
        torch.tensor(one, device=checkpoint.device) for one in decoding.answers(checkpoint, clean, limit=4)
    ]
    clean_logits, logits = [one.logits for one in clean.passes], [one.logits for one in swept]
    return [*clean_logits, *logits, slow.logits, *read, *said]


@pytest.mark.usefixtures("_gpus")
@pytest.mark.parametrize("moved", [on_one_gpu, on_two_gpus])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.family}")
def test_a_gpu_says_what_the_cpu_says(
    case: Case, moved: Callable[[Checkpoint], Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "WORTH_A_START", 0)
    expected = everything(case.checkpoint(torch.float32), case)
    with PretendedDevices():
        found = everything(moved(case.checkpoint(torch.float32)), case)
    for one, other in zip(found, expected, strict=True):
        assert device_of(one).type == "cuda"
        assert torch.equal(one, other)


@pytest.mark.usefixtures("_gpus")
def test_a_weight_left_on_the_cpu_is_found() -> None:
    with PretendedDevices():
        left = on_one_gpu(LLAMA.checkpoint(torch.float32))
        place(left.model.lm_head, lambda _: "cpu")
        with pytest.raises(CheckpointError, match="DeviceMixtureError: linear: tensors on cpu and cuda:0"):
            everything(left, LLAMA)


@pytest.mark.usefixtures("_gpus")
def test_a_tensor_that_the_walk_leaves_on_the_cpu_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "_changed", lambda _, clean, change: clean.index_select(0, change.joining))
    with PretendedDevices():
        moved = on_one_gpu(LLAMA.checkpoint(torch.float32))
        with pytest.raises(CheckpointError, match="index_select: tensors on cpu and cuda:0"):
            everything(moved, LLAMA)


def test_pretended_devices_have_the_rules_of_real_ones() -> None:
    with PretendedDevices():
        here, there = torch.ones(3), torch.ones(3).to("cuda")
        other = there.to("cuda:1")
        assert [str(one.device) for one in (here, there, other, other.cpu())] == [
            "cpu",
            "cuda:0",
            "cuda:1",
            "cpu",
        ]
        assert (there * 2 + torch.tensor(1.0)).sum().device == there.device
        assert there[torch.tensor([0])].device == torch.zeros(2, device="cuda:0").device == there.device
        assert other.copy_(here).device == other.device
        assert nn.Linear(3, 1).weight.to(other).device == other.device
        mixtures: list[Callable[[], object]] = [
            lambda: here + there,
            lambda: there @ other,
            lambda: torch.stack([there, other]),
        ]
        for mixed in mixtures:
            with pytest.raises(DeviceMixtureError, match=r"tensors on c.* and cuda:[01]"):
                mixed()
        with pytest.raises(TypeError, match="a tensor on cuda:0 has no numpy array"):
            there.numpy()
