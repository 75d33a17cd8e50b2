"""Which patch each visual token shows, in the order of transformers' own packing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st

from harness.checkpoint.adapters.tiling import Tiling
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.patches import TokenLayout
from harness.data.sample import Size
from harness.testing.fidelity_samples import NEXT, ONEVISION, SIZES

GEOMETRIES = [("llava_next", NEXT), ("llava_onevision", ONEVISION)]


def coordinates(layout: TokenLayout) -> torch.Tensor:
    """Per visual token its grid, and first and last patch row and column it shows: ``[tokens, 5]``."""
    table = torch.full((layout.count, 5), -1.0)
    for number, grid in enumerate(layout.grids):
        where = iter(grid.patches)
        for rows in grid.rows.shown:
            for columns in grid.columns.shown:
                seen = [number, rows.start, rows.stop - 1, columns.start, columns.stop - 1]
                table[next(where)] = torch.tensor(seen, dtype=torch.float32)
    return table


def packed(checkpoint: Checkpoint, tiling: Tiling, size: Size) -> torch.Tensor:
    """What transformers makes of features that say (grid, row, column): ``[tokens, 3]``, newlines -1."""
    per_side = tiling.per_side
    down, across = (edge // tiling.side for edge in tiling.canvas(size))
    inside = torch.stack(torch.meshgrid(torch.arange(per_side), torch.arange(per_side), indexing="ij"), -1)
    pictures = [torch.cat([torch.zeros(per_side, per_side, 1), inside], -1)]
    for row in range(down):
        for column in range(across):
            shifted = inside + torch.tensor([row * per_side, column * per_side])
            pictures.append(torch.cat([torch.ones(per_side, per_side, 1), shifted], -1))
    features = torch.stack(pictures).flatten(1, 2).double()
    newline = torch.full((3,), -1.0, dtype=torch.float64)
    sizes = torch.tensor([[size[1], size[0]]])
    options = {"vision_feature_select_strategy": "default"} if tiling.most is None else {}
    rows, _ = checkpoint.model.model.pack_image_features([features], sizes, image_newline=newline, **options)
    result: torch.Tensor = rows[0]
    return result


def same_order(checkpoint: Checkpoint, tiling: Tiling, size: Size) -> None:
    layout = tiling.layout(size)
    ours, theirs = coordinates(layout), packed(checkpoint, tiling, size)
    assert len(ours) == len(theirs) == layout.count
    newline = theirs[:, 0] < 0
    assert newline.nonzero()[:, 0].tolist() == list(layout.newlines)
    assert torch.equal(ours[~newline, 0].double(), theirs[~newline, 0].round())
    for first, last, says in ((1, 2, 1), (3, 4, 2)):
        assert (theirs[~newline, says] >= ours[~newline, first] - 1e-4).all()
        assert (theirs[~newline, says] <= ours[~newline, last] + 1e-4).all()
        between = ours[~newline, first] < ours[~newline, last]
        inside = theirs[~newline, says][between]
        assert ((inside - inside.round()).abs() > 1e-6).all()  # both rows have weight


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("name", "tiling"), GEOMETRIES)
def test_tokens_are_in_the_order_of_transformers_own_packing(
    name: str, tiling: Tiling, size: Size, checkpoints: Callable[[str], Checkpoint]
) -> None:
    same_order(checkpoints(name), tiling, size)


@pytest.mark.parametrize(("name", "tiling"), GEOMETRIES)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(size=st.tuples(st.integers(1, 3000), st.integers(1, 3000)))
def test_so_are_those_of_pictures_of_any_size(
    name: str, tiling: Tiling, checkpoints: Callable[[str], Checkpoint], size: Size
) -> None:
    same_order(checkpoints(name), tiling, size)
