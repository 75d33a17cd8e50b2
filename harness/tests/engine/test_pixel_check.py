"""Cut off from the image, no answer may depend on the pixels: what is refused, and what is let pass."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from harness.checkpoint.attention import repeat_heads
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.checkpoint.permanent_mask import PermanentBlock
from harness.data.errors import CheckpointError
from harness.data.flow import Flow
from harness.engine.engines import ReferenceEngine
from harness.engine.pixel_check import check_pixels
from harness.engine.sweep.sweeper import Sweeper
from harness.interventions.knockout import Knockout, visible
from harness.testing.cases import QUESTIONS, Case
from harness.testing.tiny_checkpoints import KINDS

CASE = Case("llama", 3, (4, 2), 2, QUESTIONS)


@pytest.fixture
def checkpoint() -> Checkpoint:
    return CASE.checkpoint()


@pytest.fixture
def encoded(checkpoint: Checkpoint) -> list[Encoded]:
    return CASE.encoded(checkpoint)


def doctored(checkpoint: Checkpoint) -> Checkpoint:
    return replace(checkpoint, model=copy.deepcopy(checkpoint.model))


@pytest.mark.parametrize("kind", KINDS)
def test_lets_a_model_pass_that_sees_by_its_image_tokens_alone(kind: str) -> None:
    case = Case("llama", 3, (4, 2), 2, QUESTIONS[:1], kind)
    sweeper = Sweeper(case.checkpoint())
    sweeper.clean_run(case.encoded(sweeper.checkpoint))
    found = sweeper.pixels
    assert found is not None and not found.blind
    assert found.seen > 100 * found.left
    assert found.moved > found.limit


def drop_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attention that ignores every blocked edge: in the engine, and in the model's own eager attention."""

    def causal(_: Sequence[object], row: int, length: int, *_more: object) -> Any:
        return np.triu(np.ones((length - row, length), dtype=np.bool_), k=row + 1)

    def eager(
        _: nn.Module, query: Tensor, key: Tensor, value: Tensor, __: Tensor, scaling: float, **_more: Any
    ) -> tuple[Tensor, None]:
        heads = query.shape[1]
        out = nn.functional.scaled_dot_product_attention(
            query, repeat_heads(key, heads), repeat_heads(value, heads), is_causal=True, scale=scaling
        )
        return out.transpose(1, 2).contiguous(), None

    for name in ("masks", "schedule"):
        monkeypatch.setattr(f"harness.engine.sweep.{name}.hidden_edges", causal)
    monkeypatch.setattr("transformers.models.llama.modeling_llama.eager_attention_forward", eager)


def test_refuses_a_model_on_which_knockouts_do_nothing(
    checkpoint: Checkpoint, encoded: list[Encoded], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison with the model's own forward pass is content: a knockout does nothing there, either."""
    drop_edges(monkeypatch)
    sweeper = Sweeper(checkpoint)
    told = r"image → everything later in all layers changes nothing, .*: knockouts do nothing on this"
    with pytest.raises(CheckpointError, match=told):
        sweeper.clean_run(encoded)
    assert sweeper.agreement is None  # the next clean run is checked again


class Leaking(nn.Module):
    """A tower beside which features of the picture enter a row of the text."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, ids: Tensor | None = None, **named: Any) -> Any:
        rows = named.get("inputs_embeds")
        if rows is not None and rows.shape[1] > 1:
            rows = rows.clone()
            rows[:, -1] += rows[:, 5:7].mean(dim=1)
            named["inputs_embeds"] = rows
        return self.inner(ids, **named) if ids is not None else self.inner(**named)

    def __getattr__(self, name: str) -> Any:
        return super().__getattr__(name) if name == "inner" else getattr(self.inner, name)


def test_refuses_a_picture_that_reaches_the_answer_beside_its_tokens(encoded: list[Encoded]) -> None:
    leaky = doctored(CASE.checkpoint())
    leaky.model.model.language_model = Leaking(leaky.model.model.language_model)
    assert {5, 6} <= set(encoded[0].regions["image"])
    with pytest.raises(CheckpointError, match=r"other pixels still change the answer .*by another way than"):
        Sweeper(leaky).clean_run(encoded[:1])


def test_the_reference_refuses_the_same(encoded: list[Encoded], monkeypatch: pytest.MonkeyPatch) -> None:
    leaky = doctored(CASE.checkpoint())
    leaky.model.model.language_model = Leaking(leaky.model.model.language_model)
    with pytest.raises(CheckpointError, match="by another way than"):
        ReferenceEngine(leaky).clean_run(encoded[:1])

    def open_edges(_: Knockout, layer: int, *more: Any) -> Tensor:
        return visible(Knockout(), layer, *more)

    monkeypatch.setattr("harness.engine.reference.visible", open_edges)
    engine = ReferenceEngine(CASE.checkpoint())
    with pytest.raises(CheckpointError, match=r"a knockout of \w+ on \w+ is not what the model's own"):
        engine.clean_run(encoded)
    assert engine.agreement is None  # the next clean run is checked again


def test_tells_of_a_blind_model_and_lets_it_pass(checkpoint: Checkpoint, encoded: list[Encoded]) -> None:
    """As a permanent mask makes it, or a projector of zeros."""
    everything = PermanentBlock(Flow("image", "after_image"), tuple(range(CASE.layers)))
    blind = replace(checkpoint, permanent_blocks=(everything,))
    sweeper = Sweeper(blind)
    sweeper.clean_run(encoded)
    assert sweeper.pixels is not None and sweeper.pixels.blind
    assert sweeper.pixels.told.startswith("BLIND: on the sample tried, other pixels change nothing")
    assert sweeper.agreement is not None


def test_a_mask_that_leaves_a_way_open_hides_nothing_from_the_check(
    checkpoint: Checkpoint, encoded: list[Encoded]
) -> None:
    half = PermanentBlock(Flow("image", "question"), tuple(range(CASE.layers)))
    sweeper = Sweeper(replace(checkpoint, permanent_blocks=(half,)))
    sweeper.clean_run(encoded)
    assert sweeper.pixels is not None and not sweeper.pixels.blind


def logits(*probabilities: float) -> Tensor:
    return torch.tensor(probabilities, dtype=torch.float64).log()


FLAT, STEEP, ODD = logits(0.5, 0.5), logits(0.9, 0.1), logits(0.501, 0.499)


@pytest.mark.parametrize(
    ("dtype", "own", "other", "told"),
    [
        (torch.float32, (STEEP, FLAT), (FLAT, FLAT), "passed"),
        (torch.float32, (FLAT, STEEP), (FLAT, STEEP), "BLIND"),
        (torch.float32, (STEEP, STEEP), (FLAT, FLAT), "changes nothing"),
        (torch.float32, (STEEP, FLAT), (FLAT, ODD), "by another way"),
        (torch.bfloat16, (STEEP, FLAT), (FLAT, ODD), "passed"),
        (torch.bfloat16, (STEEP, FLAT), (FLAT, STEEP), "by another way"),
    ],
)
def test_the_four_cases(
    checkpoint: Checkpoint,
    dtype: torch.dtype,
    own: tuple[Tensor, Tensor],
    other: tuple[Tensor, Tensor],
    told: str,
) -> None:
    named = replace(checkpoint, model=_Typed(dtype))
    if told in {"passed", "BLIND"}:
        assert check_pixels(named, own, other).told.startswith(told)
    else:
        with pytest.raises(CheckpointError, match=told):
            check_pixels(named, own, other)


class _Typed:
    """Just enough of a model to have a dtype."""

    def __init__(self, dtype: torch.dtype) -> None:
        self._weight = torch.zeros(1, dtype=dtype)

    def get_input_embeddings(self) -> Any:
        return type("Table", (), {"weight": self._weight})
