"""What can be measured on a sample, by name: the vocabulary that claims, evidence and report share.

A *probe* is one thing done to a sample: a `Sweep` (every window of one flow) or the `Lens` (no
knockout, every layer read off). A probe gives one or several *readings*, each a curve over windows
or layers. A `Measure` is a reading of a probe on a task: the key under which statistics find the
per-image curves. Plain records; importing them loads neither torch nor transformers.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.flow import Flow

SWEEP_READINGS = ("p_c", "log_odds", "flip")
"""Three ways to read an effect: relative change of the answer's probability in per cent; change of
the log-odds of the answer against the foil; whether the first token changed (0 or 1)."""
LENS_READINGS = ("lower", "capital", "false_lower", "false_capital")
"""Probabilities at the last position: the answer's first token in lower case and capitalised, and the
false option's."""


@dataclass(frozen=True, order=True)
class Sweep:
    """Every window of ``window`` layers of one flow."""

    flow: Flow
    window: int

    def __str__(self) -> str:
        return f"{self.flow}@{self.window}"


@dataclass(frozen=True, order=True)
class Lens:
    """The logit lens at the last position, with or without the final norm below the top."""

    norm: bool

    def __str__(self) -> str:
        return "lens+norm" if self.norm else "lens"


Probe = Sweep | Lens


@dataclass(frozen=True)
class Measure:
    """A reading of a probe on a task."""

    task: str
    probe: Probe
    reading: str

    def __str__(self) -> str:
        return f"{self.probe} {self.reading} on {self.task}"
