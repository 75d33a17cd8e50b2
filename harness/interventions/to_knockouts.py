"""From a measurement by name to knockouts on one sample: one `Knockout` per value of its curve."""

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
    open_paths_only,
    random_sources,
)
from harness.interventions.measurements import (
    ActivationPatch,
    BlockFromLayer,
    KnockoutMeasurement,
    Mediators,
    Modules,
    OpenPathsOnly,
    Sweep,
    only_of,
)
from harness.interventions.patching import PatchSource

TOO_FEW_CANDIDATES = "fewer than twice as many candidates as sources for a random-source control"


@dataclass(frozen=True)
class Subject:
    """What a measurement's knockouts are made for.

    Attributes:
        sample: the sample; random draws are its own.
        regions: its regions, those of controls included.
        n_layers: L.
        patch_source: other images' keys and values; only `ActivationPatch` needs them.
    """

    sample: Sample
    regions: Regions
    n_layers: int
    patch_source: PatchSource | None = None

    @property
    def windows(self) -> range:
        """The centre layers of all windows."""
        return range(self.n_layers)

    def window(self, centre: int, size: int) -> Layers:
        """The layers of one window."""
        return tuple(window_layers(centre, size, self.n_layers))


def knockouts_of(measurement: KnockoutMeasurement, subject: Subject) -> tuple[Knockout, ...]:
    """The knockouts of a measurement, in the order of its curve.

    Args:
        measurement: the measurement.
        subject: what it is done to.

    Raises:
        RegionError: if a region is unknown or empty on this sample, or a control is undefined for it.
    """
    made, only = _of_whole_curve(measurement, subject), only_of(measurement)
    return made if only is None else tuple(made[place] for place in only.places)


def _of_whole_curve(measurement: KnockoutMeasurement, subject: Subject) -> tuple[Knockout, ...]:
    match measurement:
        case Sweep(flow, size):
            return _windows(flow, size, subject)
        case ActivationPatch():
            return _patched(measurement, subject)
        case Modules():
            return _modules(measurement, subject)
        case BlockFromLayer(flow, starts):
            sources, targets = edges(flow, subject.regions, subject.sample)
            return tuple(block(sources, targets, range(start, subject.n_layers)) for start in starts)
        case Mediators():
            return _mediators(measurement, subject)
        case OpenPathsOnly():
            return (_kept(measurement, subject),)


def windows_of(
    flow: Flow, window: int, regions: Regions, n_layers: int, sample: Sample
) -> tuple[Knockout, ...]:
    """The knockouts of every window of a flow, by centre layer.

    Args:
        flow: the flow, or one of its random-source controls.
        window: window size k in layers.
        regions: the sample's regions.
        n_layers: L.
        sample: the sample; a random-source control's draw is its own.

    Raises:
        RegionError: if a region is unknown or empty, or the random-source control is undefined.
    """
    return _windows(flow, window, Subject(sample, regions, n_layers))


def edges(flow: Flow, regions: Regions, sample: Sample) -> tuple[Positions, Positions]:
    """Source and target positions of a flow, or of one of its random-source controls, on a sample.

    Raises:
        RegionError: if a region is unknown or empty, or the random-source control is undefined.
    """
    sources, targets = regions[flow.source], regions[flow.target]
    if flow.draw is None:
        return sources, targets
    return _random(sources, targets, sample, flow.draw, f"{flow.source}->{flow.target}"), targets


def _windows(flow: Flow, size: int, subject: Subject) -> tuple[Knockout, ...]:
    sources, targets = edges(flow, subject.regions, subject.sample)
    return tuple(block(sources, targets, subject.window(centre, size)) for centre in subject.windows)


def _patched(measurement: ActivationPatch, subject: Subject) -> tuple[Knockout, ...]:
    if subject.patch_source is None:
        raise RegionError("no other image to take contents from")
    sources, targets = edges(measurement.flow, subject.regions, subject.sample)
    given = subject.patch_source.contents(measurement.by, subject.sample, sources)
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
        for layers in (subject.window(centre, measurement.window) for centre in subject.windows)
    )


def _modules(measurement: Modules, subject: Subject) -> tuple[Knockout, ...]:
    rows = subject.regions[measurement.region]
    like: Positions = ()
    if measurement.draw is not None:
        # The last position is where the answer is read; a control must not touch it.
        name = f"{measurement.module}({measurement.region})@{measurement.window}"
        like, rows = (
            rows,
            _random(rows, (subject.regions.length - 1,), subject.sample, measurement.draw, name),
        )
    return tuple(
        Knockout((ModuleZero(measurement.module, rows, subject.window(centre, measurement.window), like),))
        for centre in subject.windows
    )


def _mediators(measurement: Mediators, subject: Subject) -> tuple[Knockout, ...]:
    sources, layers = subject.regions[measurement.source], tuple(range(subject.n_layers))
    rows = [subject.regions.found(mediator) for mediator in measurement.mediators]
    blocked = (
        [at for number, positions in enumerate(rows) if subset >> number & 1 for at in positions]
        for subset in range(2 ** len(rows))
    )
    return tuple(block(sources, targets, layers) if targets else Knockout() for targets in blocked)


def _kept(measurement: OpenPathsOnly, subject: Subject) -> Knockout:
    """The targets of each closed flow lose its source, except along the routes."""
    regions = subject.regions
    kept = [
        EdgeBlock(*edges(route.flow, regions, subject.sample), tuple(range(route.first, route.last + 1)))
        for route in measurement.routes
    ]
    closed = (edges(flow, regions, subject.sample) for flow in measurement.closed)
    layers, two_way = subject.n_layers, regions.two_way
    blocks = (open_paths_only(kept, *one, layers, two_way).edges for one in closed)
    return Knockout(tuple(edge for found in blocks for edge in found))


def _random(sources: Positions, targets: Positions, sample: Sample, draw: int, name: str) -> Positions:
    """Equally many random positions; a draw of its own for every sample, the same in every run."""
    # "null" is what such controls were called first; the word stays so that every draw stays the same.
    seed = hashlib.sha256(f"{sample.task}/{sample.id}/null{draw}:{name}".encode()).digest()[:8]
    drawn = random_sources(sources, targets, seed=int.from_bytes(seed))
    if drawn is None:
        raise RegionError(TOO_FEW_CANDIDATES)
    return drawn
