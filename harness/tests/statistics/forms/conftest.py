"""Depths to draw curves over: of a shallow checkpoint and of a deep one."""

from __future__ import annotations

import numpy as np
import pytest

from harness.data.depth import Grid
from harness.statistics.curves import Floats

GRIDS = {"8 layers": Grid(8, 1), "40 layers": Grid(40, 9)}


@pytest.fixture(params=GRIDS)
def grid(request: pytest.FixtureRequest) -> Grid:
    return GRIDS[request.param]


@pytest.fixture
def flat(grid: Grid) -> Floats:
    return np.zeros(grid.points)
