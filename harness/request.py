"""What is still to be measured on a sample."""

from __future__ import annotations

from dataclasses import dataclass

from harness.probes import Probe
from harness.sample import Sample


@dataclass(frozen=True)
class Request:
    """One sample and the probes still to be measured on it."""

    sample: Sample
    probes: tuple[Probe, ...]
