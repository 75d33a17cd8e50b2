"""How often verdicts are wrong: the suite's committed calibration, summed up for the reader.

It belongs to the suite, not to the run: its numbers are in `harness/validation/calibration/results.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[2] / "harness" / "validation" / "calibration" / "results.json"


@dataclass(frozen=True)
class Error:
    """The worst rate of one false verdict of a form of claims.

    Attributes:
        form: the form in words.
        verdict: the false verdict.
        rate: how often it came out at the least favourable truth.
        bound: exact upper 95 % confidence bound of that rate.
        repetitions: data sets judged.
    """

    form: str
    verdict: str
    rate: float
    bound: float
    repetitions: int


@dataclass(frozen=True)
class Power:
    """How often a form of claims gets its right verdict.

    Attributes:
        form: the form in words.
        verdict: the right verdict.
        truth: the population.
        shape: how its images are spread.
        rates: by number of images.
    """

    form: str
    verdict: str
    truth: str
    shape: str
    rates: Mapping[int, float]


@dataclass(frozen=True)
class Calibration:
    """The calibration.

    Attributes:
        version: of the suite that made it.
        date: when.
        errors: the worst error of each form and verdict.
        powers: right verdicts by number of images.
    """

    version: str
    date: str
    errors: tuple[Error, ...]
    powers: tuple[Power, ...]

    @property
    def worst(self) -> Error:
        """The highest of all error rates."""
        return max(self.errors, key=lambda error: error.bound)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of images that were tried."""
        return tuple(sorted({size for power in self.powers for size in power.rates}))


@cache
def calibration(path: Path = RESULTS) -> Calibration | None:
    """The committed calibration; None where there is none, or none of the form known here."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        errors, powers = _errors(data["errors"]), _powers(data["powers"])
        return Calibration(str(data["version"]), str(data["date"]), errors, powers) if errors else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _errors(counts: list[dict[str, Any]]) -> tuple[Error, ...]:
    worst: dict[tuple[str, str], Error] = {}
    for count in counts:
        if count["stage"] == "final":
            error = Error(*(count[name] for name in ("form", "verdict", "rate", "bound", "repetitions")))
            key = (error.form, error.verdict)
            worst[key] = max(worst.get(key, error), error, key=lambda one: one.bound)
    return tuple(worst.values())


def _powers(counts: list[dict[str, Any]]) -> tuple[Power, ...]:
    found: dict[tuple[str, str, str, str], dict[int, float]] = {}
    for count in counts:
        key = (count["form"], count["verdict"], count["truth"], count["shape"])
        found.setdefault(key, {})[int(count["images"])] = float(count["rate"])
    return tuple(Power(*key, rates) for key, rates in found.items())
