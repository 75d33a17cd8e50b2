"""What is still to be measured on a sample."""

from __future__ import annotations

from dataclasses import dataclass

from harness.data.sample import Sample
from harness.interventions.measurements import Probe


@dataclass(frozen=True)
class Request:
    """One sample and the probes still to be measured on it."""

    sample: Sample
    probes: tuple[Probe, ...]
