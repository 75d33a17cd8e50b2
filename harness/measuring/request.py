"""What is still to be measured on a sample."""

from __future__ import annotations

from dataclasses import dataclass

from harness.data.sample import Sample
from harness.interventions.measurements import Measurement
from harness.measuring.answer_form import RULE, AnswerForm


@dataclass(frozen=True)
class Request:
    """One sample and the measurements still to be measured on it.

    Attributes:
        sample: the sample.
        measurements: what is to be measured.
        form: how the checkpoint writes its answers; the same in all requests of a store.
    """

    sample: Sample
    measurements: tuple[Measurement, ...]
    form: AnswerForm = RULE
