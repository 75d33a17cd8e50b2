"""What is still to be measured on a sample."""

from __future__ import annotations

from dataclasses import dataclass

from harness.data.sample import Sample
from harness.interventions.measurements import Measurement


@dataclass(frozen=True)
class Request:
    """One sample and the measurements still to be measured on it."""

    sample: Sample
    measurements: tuple[Measurement, ...]
