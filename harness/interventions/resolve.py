"""From a probe by name to knockouts on one sample: one `Knockout` per value of its curve."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from harness.checkpoint.regions import Regions
from harness.data.depth import window_layers
from harness.data.errors import RegionError
from harness.data.flow import Flow
from harness.data.sample import Sample
from harness.interventions.knockout import (
    EdgeBlock,
    Knockout,
    Layers,
    ModuleZero,
    Positions,
    Substitution,
    block,
    keep_only,
    null_sources,
)
from harness.interventions.measurements import Carriers, Cut, KeepOnly, Knocked, Modules, Swap, Sweep
from harness.interventions.patching import Donors

NULL_UNDEFINED = "fewer than twice as many candidates as sources for a null block"


@dataclass(frozen=True)
class Subject:
    """What a probe's knockouts are made for.

    Attributes:
        sample: the sample; random draws are its own.
        regions: its regions, those of controls included.
        n_layers: L.
        donors: other images' keys and values; only `Swap` needs them.
    """

    sample: Sample
    regions: Regions
    n_layers: int
    donors: Donors | None = None

    @property
    def windows(self) -> range:
        """The centre layers of all windows."""
        return range(self.n_layers)

    def window(self, centre: int, size: int) -> Layers:
        """The layers of one window."""
        return tuple(window_layers(centre, size, self.n_layers))


def knockouts_of(probe: Knocked, subject: Subject) -> tuple[Knockout, ...]:
    """The knockouts of a probe, in the order of its curve.

    Args:
        probe: the probe.
        subject: what it is done to.

    Raises:
        RegionError: if a region is unknown or empty on this sample, or a control is undefined for it.
    """
    match probe:
        case Sweep(flow, size):
            return _windows(flow, size, subject)
        case Swap():
            return _swapped(probe, subject)
        case Modules():
            return _modules(probe, subject)
        case Cut(flow, starts):
            sources, targets = edges(flow, subject.regions, subject.sample)
            return tuple(block(sources, targets, range(start, subject.n_layers)) for start in starts)
        case Carriers():
            return _carriers(probe, subject)
        case KeepOnly():
            return (_kept(probe, subject),)


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
    return _windows(flow, window, Subject(sample, regions, n_layers))


def edges(flow: Flow, regions: Regions, sample: Sample) -> tuple[Positions, Positions]:
    """Source and target positions of a flow, or of one of its null blocks, on a sample.

    Raises:
        RegionError: if a region is unknown or empty, or the null block is undefined.
    """
    sources, targets = regions[flow.source], regions[flow.target]
    if flow.draw is None:
        return sources, targets
    return _null(sources, targets, sample, str(flow)), targets


def _windows(flow: Flow, size: int, subject: Subject) -> tuple[Knockout, ...]:
    sources, targets = edges(flow, subject.regions, subject.sample)
    return tuple(block(sources, targets, subject.window(centre, size)) for centre in subject.windows)


def _swapped(probe: Swap, subject: Subject) -> tuple[Knockout, ...]:
    if subject.donors is None:
        raise RegionError("no other image to take contents from")
    sources, targets = edges(probe.flow, subject.regions, subject.sample)
    given = subject.donors.contents(probe.by, subject.sample, sources)
    return tuple(
        Knockout(
            (
                Substitution(
                    sources,
                    targets,
                    layers,
                    tuple(given.values[layer] for layer in layers),
                    tuple(given.keys[layer] for layer in layers) if given.keys else None,
                ),
            )
        )
        for layers in (subject.window(centre, probe.window) for centre in subject.windows)
    )


def _modules(probe: Modules, subject: Subject) -> tuple[Knockout, ...]:
    rows = subject.regions[probe.region]
    like: Positions = ()
    if probe.draw is not None:
        # The last position is where the answer is read; a control must not touch it.
        like, rows = rows, _null(rows, (subject.regions.length - 1,), subject.sample, str(probe))
    return tuple(
        Knockout((ModuleZero(probe.module, rows, subject.window(centre, probe.window), like),))
        for centre in subject.windows
    )


def _carriers(probe: Carriers, subject: Subject) -> tuple[Knockout, ...]:
    sources, layers = subject.regions[probe.source], tuple(range(subject.n_layers))
    rows = [subject.regions.found(carrier) for carrier in probe.carriers]
    blocked = (
        [at for number, positions in enumerate(rows) if subset >> number & 1 for at in positions]
        for subset in range(2 ** len(rows))
    )
    return tuple(block(sources, targets, layers) if targets else Knockout() for targets in blocked)


def _kept(probe: KeepOnly, subject: Subject) -> Knockout:
    """The targets of each closed flow lose its source, except along the routes."""
    regions = subject.regions
    kept = [
        EdgeBlock(*edges(route.flow, regions, subject.sample), tuple(range(route.first, route.last + 1)))
        for route in probe.routes
    ]
    closed = (edges(flow, regions, subject.sample) for flow in probe.closed)
    blocks = (keep_only(kept, sources, targets, subject.n_layers).edges for sources, targets in closed)
    return Knockout(tuple(edge for found in blocks for edge in found))


def _null(sources: Positions, targets: Positions, sample: Sample, name: str) -> Positions:
    """Equally many random positions; a draw of its own for every sample, the same in every run."""
    seed = hashlib.sha256(f"{sample.task}/{sample.id}/{name}".encode()).digest()[:8]
    drawn = null_sources(sources, targets, seed=int.from_bytes(seed))
    if drawn is None:
        raise RegionError(NULL_UNDEFINED)
    return drawn
