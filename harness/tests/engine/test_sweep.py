"""The sweep against the reference: whatever is knocked out of whatever model, the same numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st
from torch import Tensor

from harness.checkpoint.encode import Encoded
from harness.engine import reference
from harness.engine.engines import ReferenceEngine, SweepEngine
from harness.engine.sweep import packed_attention, walk
from harness.engine.sweep.sweeper import Sweeper, Swept
from harness.interventions.knockout import (
    EdgeBlock,
    Intervention,
    Knockout,
    ModuleZero,
    Substitution,
    block,
    open_paths_only,
    random_sources,
)
from harness.interventions.patching import KeyValues
from harness.testing.cases import QUESTIONS, Case, windows
from harness.testing.tiny_checkpoints import FAMILIES, KINDS

SHAPES = st.sampled_from([(1, 1), (2, 1), (4, 2), (4, 4), (6, 2)])
REGIONS = ("image", "question", "suffix", "last", "before_last", "after_image", "roles", "system", "first")
FORMATS = (torch.float64, torch.float32, torch.bfloat16)


CASES = st.builds(
    Case,
    family=st.sampled_from(sorted(FAMILIES)),
    layers=st.integers(1, 4),
    heads=SHAPES,
    per_side=st.integers(1, 3),
    questions=st.lists(st.sampled_from(QUESTIONS), min_size=1, max_size=3).map(tuple),
    kind=st.sampled_from(KINDS),
)


def _tensors(draw: st.DrawFn, case: Case, layers: int, sources: int) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    return tuple(
        torch.randn(case.heads[1], sources, 8, generator=generator, dtype=torch.float64)
        for _ in range(layers)
    )


@st.composite
def interventions(draw: st.DrawFn, case: Case, encoded: Encoded) -> Intervention:
    """Any intervention; regions as people use them, and any positions at all, but never key 0 alone."""
    anywhere = st.sets(st.integers(1, encoded.length - 1), max_size=6).map(lambda found: tuple(sorted(found)))
    named = st.sampled_from([name for name in REGIONS if name in encoded.regions.positions]).map(
        encoded.regions.__getitem__
    )
    sources = tuple(at for at in draw(named | anywhere) if at)
    targets = draw(named | anywhere)
    start = draw(st.integers(0, case.layers - 1))
    layers = tuple(range(start, draw(st.integers(start, case.layers - 1)) + 1))
    kind = draw(st.sampled_from(["block", "block", "block", "attention", "mlp", "values", "keys", "null"]))
    if kind == "null":
        sources = (
            random_sources(sources, targets, draw(st.integers(0, 9))) or () if sources and targets else ()
        )
    if kind in {"block", "null"}:
        return EdgeBlock(sources, targets, layers)
    if kind in {"attention", "mlp"}:
        module: Literal["attention", "mlp"] = "mlp" if kind == "mlp" else "attention"
        like = tuple(draw(st.integers(0, encoded.length - 1)) for _ in targets) if draw(st.booleans()) else ()
        return ModuleZero(module, targets, layers, like)
    values = _tensors(draw, case, len(layers), len(sources))
    keys = _tensors(draw, case, len(layers), len(sources)) if kind == "keys" else None
    return Substitution(sources, targets, layers, values, keys)


@st.composite
def knockouts(draw: st.DrawFn, case: Case, encoded: Encoded) -> Knockout:
    if draw(st.integers(0, 9)) == 0:
        kept = [EdgeBlock(encoded.regions["image"], encoded.regions["question"], (0,))]
        before = tuple(range(1, encoded.length - 1))
        return open_paths_only(kept, before, encoded.regions["after_image"], case.layers)
    return Knockout(tuple(draw(st.lists(interventions(case, encoded), max_size=3))))


@st.composite
def sweeps(draw: st.DrawFn) -> tuple[Case, list[list[Knockout]]]:
    case = draw(CASES)
    encoded = case.encoded(case.checkpoint())
    return case, [draw(st.lists(knockouts(case, one), max_size=8)) for one in encoded]


def _distance(first: Tensor, second: Tensor) -> float:
    return float((first.double() - second.double()).abs().max()) if first.numel() else 0.0


def _against_reference(case: Case, asked: list[list[Knockout]], swept: list[Swept]) -> None:
    checkpoint = case.checkpoint()
    for one, questions, got in zip(case.encoded(checkpoint), asked, swept, strict=True):
        clean = reference.run(checkpoint, one)
        assert _distance(got.clean.logits, clean.logits) < 1e-10
        assert _distance(got.clean.hidden, clean.hidden) < 1e-9
        for number, knockout in enumerate(questions):
            long = reference.run(checkpoint, one, knockout)
            assert _distance(got.logits[number], long.logits) < 1e-10


def _cut_short(item: Intervention, last: int) -> Intervention:
    """The same deed, up to a layer."""
    kept = tuple(layer for layer in item.layers if layer <= last)
    if not isinstance(item, Substitution):
        return replace(item, layers=kept)
    keys = item.keys[: len(kept)] if item.keys else None
    return replace(item, layers=kept, values=item.values[: len(kept)], keys=keys)


@st.composite
def families(draw: st.DrawFn) -> tuple[Case, list[list[Knockout]]]:
    """Knockouts that do the same up to some layer, and twins."""
    case = draw(CASES)
    encoded = case.encoded(case.checkpoint())
    asked = []
    for one in encoded:
        parents = draw(st.lists(interventions(case, one), min_size=1, max_size=2))
        ends = draw(st.lists(st.integers(0, case.layers - 1), min_size=2, max_size=6))
        short = [Knockout(tuple(_cut_short(item, end) for item in parents)) for end in ends]
        other = draw(interventions(case, one))
        asked.append([*short, *(Knockout((*some.interventions, other)) for some in short[:2])])
    return case, asked


@given(sweeps() | families(), st.sampled_from([None, 1, 40_000]), st.sampled_from([0, walk.WORTH_A_START]))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_equals_the_reference_whatever_is_drawn(
    drawn: tuple[Case, list[list[Knockout]]], memory: int | None, worth_a_start: int
) -> None:
    case, asked = drawn
    checkpoint = case.checkpoint()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk, "WORTH_A_START", worth_a_start)
        swept = Sweeper(checkpoint, memory).image(case.encoded(checkpoint), asked)
    _against_reference(case, asked, swept)


@pytest.mark.parametrize("what", ["values", "keys and values"])
def test_branches_that_substitute_the_same_together_are_right_one_by_one(what: str) -> None:
    """Sources before and among the rows they carry; one of them with blocked edges; one with two targets."""
    case = Case("llama", 4, (4, 2), 2, QUESTIONS[:2])
    checkpoint, asked = case.checkpoint(), []
    for one in case.encoded(checkpoint):
        image, question, last = (one.regions[name] for name in ("image", "question", "last"))
        sources = (*image, question[0])
        values, keys = torch.randn(2, case.layers, 2, len(sources), 8, dtype=torch.float64)
        given = KeyValues(tuple(values), tuple(keys) if what == "keys and values" else None)
        swaps = [_swap(given, sources, question, layers) for layers in ((0, 1), (0, 1, 2), (1, 2), (3,))]
        blocked = EdgeBlock(image[1:], question[1:], (1, 2, 3))
        asked.append(
            [
                *(Knockout((swap,)) for swap in swaps),
                Knockout((swaps[2], blocked)),
                Knockout((swaps[2], _swap(given, sources, last, (1,)))),
            ]
        )
    _against_reference(case, asked, Sweeper(checkpoint).image(case.encoded(checkpoint), asked))


def _swap(
    given: KeyValues, sources: tuple[int, ...], targets: tuple[int, ...], layers: tuple[int, ...]
) -> Substitution:
    """Some layers of the contents, the very same tensors each time."""
    keys = tuple(given.keys[layer] for layer in layers) if given.keys else None
    return Substitution(sources, targets, layers, tuple(given.values[layer] for layer in layers), keys)


@given(CASES, st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_contents_are_those_of_the_whole_prompt(case: Case, data: st.DataObject) -> None:
    """Though only rows up to the last one asked for are run, and the top layer not to its end."""
    checkpoint = case.checkpoint()
    (encoded, *_) = case.encoded(checkpoint)
    somewhere = st.sets(st.integers(0, encoded.length - 1), min_size=1).map(
        lambda found: tuple(sorted(found))
    )
    positions = data.draw(st.just(encoded.regions["image"]) | somewhere)
    short, long = (
        engine.contents(encoded, positions)
        for engine in (SweepEngine(checkpoint), ReferenceEngine(checkpoint))
    )
    assert short.keys is not None and long.keys is not None
    for layer in range(case.layers):
        assert _distance(short.values[layer], long.values[layer]) < 1e-10
        assert _distance(short.keys[layer], long.keys[layer]) < 1e-10


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_equals_the_reference_where_the_top_layer_is_started_for_its_last_rows(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "WORTH_A_START", 0)
    case = Case(family, 3, (4, 2), 2, QUESTIONS[:2])
    checkpoint = case.checkpoint()
    encoded = case.encoded(checkpoint)
    asked = [windows(one, case.layers) for one in encoded]
    _against_reference(case, asked, Sweeper(checkpoint).image(encoded, asked))


@pytest.mark.parametrize(
    ("family", "kind"),
    [*((family, "llava") for family in sorted(FAMILIES)), *(("llama", kind) for kind in KINDS[1:])],
)
def test_equals_the_reference_on_every_window_of_the_usual_flows(family: str, kind: str) -> None:
    case = Case(family, 4, (4, 2), 3 if kind == "llava" else 2, QUESTIONS[:2], kind)
    checkpoint = case.checkpoint()
    encoded = case.encoded(checkpoint)
    asked = [windows(one, case.layers) for one in encoded]
    _against_reference(case, asked, Sweeper(checkpoint).image(encoded, asked))


def test_a_row_may_lose_the_norm_of_one_that_nothing_else_reaches() -> None:
    """The row that gives the norm lies before all that change, and must be carried all the same."""
    case = Case("llama", 3, (4, 2), 2, QUESTIONS[:1])
    checkpoint = case.checkpoint()
    encoded = case.encoded(checkpoint)
    asked = [[Knockout((ModuleZero("mlp", (encoded[0].length - 2,), (0, 1), like=(2,)),))]]
    _against_reference(case, asked, Sweeper(checkpoint).image(encoded, asked))


def test_nothing_knocked_out_is_the_base_run_bit_for_bit() -> None:
    case = Case("llama", 3, (4, 2), 2, QUESTIONS[:1])
    for dtype in FORMATS:
        checkpoint = case.checkpoint(dtype)
        encoded = case.encoded(checkpoint)
        regions, layers = encoded[0].regions, (0, 1, 2)
        nothing = [
            Knockout(),
            block((), regions["last"], layers),
            block(regions["image"], (), layers),
            block(regions["image"], regions["question"], ()),
            block(regions["suffix"], regions["image"], layers),
            block(regions["image"], regions["question"], (2,)),
            Knockout((ModuleZero("mlp", (), layers),)),
        ]
        something = block(regions["image"], regions["question"], layers)
        (swept,) = Sweeper(checkpoint).image(encoded, [[*nothing, something]])
        for number in range(len(nothing)):
            assert torch.equal(swept.logits[number], swept.clean.logits)
        assert not torch.equal(swept.logits[-1], swept.clean.logits)


@pytest.mark.parametrize("block_bytes", [1, 5_000])
def test_equals_the_reference_where_scores_are_taken_piece_by_piece(
    block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.engine.sweep.packed_attention.LONG_BYTES", block_bytes)
    monkeypatch.setitem(packed_attention.BLOCK_BYTES, "cpu", block_bytes)
    case = Case("qwen3", 3, (4, 2), 2, QUESTIONS[:2])
    checkpoint = case.checkpoint()
    encoded = case.encoded(checkpoint)
    asked = [windows(one, case.layers) for one in encoded]
    _against_reference(case, asked, Sweeper(checkpoint).image(encoded, asked))
