"""From a flow by name to knockouts on one sample: all its windows, or those of its null block."""

from __future__ import annotations

import hashlib

from harness.depth import window_layers
from harness.errors import RegionError
from harness.flow import Flow
from harness.knockout import Knockout, block, null_sources
from harness.regions import Regions
from harness.sample import Sample

NULL_UNDEFINED = "fewer than twice as many candidates as sources for a null block"


def windows_of(
    flow: Flow, window: int, regions: Regions, n_layers: int, sample: Sample
) -> tuple[Knockout, ...]:
    """The knockouts of every window of a flow, by centre layer.

    Args:
        flow: the flow, or one of its null blocks.
        window: window size k in layers.
        regions: the sample's regions.
        n_layers: L.
        sample: the sample; a null block's draw is its own.

    Raises:
        RegionError: if a region is unknown or empty, or the null block is undefined.
    """
    sources, targets = edges(flow, regions, sample)
    return tuple(
        block(sources, targets, window_layers(centre, window, n_layers)) for centre in range(n_layers)
    )


def edges(flow: Flow, regions: Regions, sample: Sample) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Source and target positions of a flow, or of one of its null blocks, on a sample.

    Raises:
        RegionError: if a region is unknown or empty, or the null block is undefined.
    """
    sources, targets = regions[flow.source], regions[flow.target]
    if flow.draw is None:
        return sources, targets
    drawn = null_sources(sources, targets, seed=_seed(sample, flow))
    if drawn is None:
        raise RegionError(NULL_UNDEFINED)
    return drawn, targets


def _seed(sample: Sample, flow: Flow) -> int:
    """A draw of its own for every sample, the same in every run."""
    name = f"{sample.task}/{sample.id}/{flow}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
