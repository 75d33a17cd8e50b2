"""Knockouts as data: masks, random-source controls, keep-only; the exact invariants that need no model."""

import pytest
import torch
from hypothesis import given, strategies as st

from harness.data.depth import window_layers
from harness.data.errors import KnockoutError
from harness.data.flow import Flow
from harness.interventions.knockout import (
    EdgeBlock,
    block,
    check_layers,
    open_paths_only,
    random_sources,
    visible,
)

LENGTH = 12
positions = st.sets(st.integers(1, LENGTH - 1), max_size=6)


@given(sources=positions, targets=positions, layer=st.integers(0, 5), layers=st.sets(st.integers(0, 5)))
def test_a_mask_hides_exactly_the_blocked_edges_in_exactly_the_blocked_layers(
    sources: set[int], targets: set[int], layer: int, layers: set[int]
) -> None:
    mask = visible(block(sources, targets, layers), layer, LENGTH)
    for query in range(LENGTH):
        for key in range(LENGTH):
            blocked = layer in layers and query in targets and key in sources
            assert bool(mask[query, key]) == (key <= query and not blocked)


@given(targets=positions, layers=st.sets(st.integers(0, 5), min_size=1))
def test_an_empty_source_hides_nothing(targets: set[int], layers: set[int]) -> None:
    plain = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril()
    assert all(torch.equal(visible(block((), targets, layers), layer, LENGTH), plain) for layer in range(6))


def test_a_row_that_would_keep_no_key_is_an_error() -> None:
    with pytest.raises(KnockoutError, match="row 2 would keep no key"):
        visible(block((0, 1, 2), (2,), (0,)), 0, LENGTH)


def test_a_position_outside_the_prompt_is_an_error() -> None:
    with pytest.raises(KnockoutError, match="position 12 is outside a prompt of 12 tokens"):
        visible(block((LENGTH,), (3,), (0,)), 0, LENGTH)


def test_a_layer_the_model_lacks_is_an_error() -> None:
    with pytest.raises(KnockoutError, match="layer 7 does not exist"):
        check_layers(block((1,), (3,), (7,)), 7)


@given(
    kept_sources=positions,
    kept_targets=positions,
    kept_layers=st.sets(st.integers(0, 3)),
    layer=st.integers(0, 3),
)
def test_keep_only_leaves_exactly_the_kept_edges(
    kept_sources: set[int], kept_targets: set[int], kept_layers: set[int], layer: int
) -> None:
    sources, targets = range(1, 7), range(5, LENGTH)
    kept = EdgeBlock(tuple(sorted(kept_sources)), tuple(sorted(kept_targets)), tuple(sorted(kept_layers)))
    mask = visible(open_paths_only([kept], sources, targets, 4), layer, LENGTH)
    for query in range(LENGTH):
        for key in range(query + 1):
            asked = key in sources and query in targets
            open_here = layer in kept_layers and key in kept_sources and query in kept_targets
            assert bool(mask[query, key]) == (not asked or open_here)


@given(
    sources=st.sets(st.integers(1, 29), min_size=1, max_size=8),
    targets=st.sets(st.integers(10, 29), min_size=1, max_size=4),
    seed=st.integers(0, 2**63),
)
def test_random_sources_are_as_many_and_neither_source_target_nor_first(
    sources: set[int], targets: set[int], seed: int
) -> None:
    drawn = random_sources(tuple(sources), tuple(targets), seed)
    candidates = set(range(1, max(targets))) - sources - targets
    assert (drawn is None) == (len(candidates) < 2 * len(sources))
    if drawn is not None:
        assert len(set(drawn)) == len(sources)
        assert set(drawn) <= candidates
        assert drawn == random_sources(tuple(sources), tuple(targets), seed)


def test_random_sources_differ_between_draws() -> None:
    draws = {random_sources((3, 4), (29,), seed) for seed in range(20)}
    assert len(draws) > 10


@given(
    source=st.sampled_from(["image", "question", "a+b"]),
    target=st.sampled_from(["last", "question"]),
    draw=st.none() | st.integers(0, 99),
)
def test_a_flow_reads_back_what_it_writes(source: str, target: str, draw: int | None) -> None:
    flow = Flow(source, target, draw)
    assert Flow.parse(str(flow)) == flow


@pytest.mark.parametrize("text", ["image", "image->", "->question", "randomx:image->question", ""])
def test_what_is_not_a_flow_is_refused(text: str) -> None:
    with pytest.raises(KnockoutError, match="write it as SOURCE->TARGET"):
        Flow.parse(text)


@pytest.mark.parametrize(
    ("centre", "size", "layers", "expected"),
    [(0, 9, 40, range(5)), (20, 9, 40, range(16, 25)), (39, 9, 40, range(35, 40)), (5, 4, 12, range(3, 7))],
)
def test_windows_clip_at_both_ends(centre: int, size: int, layers: int, expected: range) -> None:
    assert tuple(window_layers(centre, size, layers)) == tuple(expected)
