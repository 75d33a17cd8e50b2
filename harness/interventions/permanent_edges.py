"""The edges that a checkpoint's permanent mask blocks in a sample."""

from __future__ import annotations

from collections.abc import Sequence

from harness.checkpoint.permanent_mask import PermanentBlock
from harness.checkpoint.prompt import SEGMENT_NAMES
from harness.checkpoint.regions import Regions
from harness.interventions.knockout import EdgeBlock


def permanent_edges(planted: Sequence[PermanentBlock], regions: Regions) -> tuple[EdgeBlock, ...]:
    """The edges that are blocked always in one prompt.

    A region that a sample does not have (the patches of an object that is not there) blocks nothing.

    Args:
        planted: the checkpoint's flows.
        regions: the prompt's regions; of a prompt that part of an answer follows, too.
    """
    edges = (
        EdgeBlock(_rows(one.flow.source, regions), _rows(one.flow.target, regions), one.layers)
        for one in planted
        if one.layers
    )
    return tuple(edge for edge in edges if edge.sources and edge.targets)


def _rows(region: str, regions: Regions) -> tuple[int, ...]:
    names = region.split("+")
    rows = {at for name in names for at in regions.positions.get(name, ())}
    if "last" in names:
        end = 1 + max(max(regions.positions[name]) for name in SEGMENT_NAMES if regions.positions.get(name))
        rows |= set(range(end, regions.length))
    return tuple(sorted(rows))
