"""Lost margins as data and in words: how much is the true answer falling, how much the wrong one rising.

For each effect the window where most of the margin is lost. It describes the run and tests nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.data.depth import window_layers
from harness.verdicts.record import Curve, Margin
from reports.words import count

_DIGITS = 2


@dataclass(frozen=True)
class Lost:
    """Where an effect takes most of the margin, in nats, rounded so that what is shown adds up.

    Attributes:
        curve: the effect.
        margin: its parts at all windows.
        at: place of the window among the curve's; None where no part is a number.
        falling: how much the true answer's log-probability falls there; negative if it rises.
        rising: how much the wrong answer's rises there; negative if it falls.
    """

    curve: Curve
    margin: Margin
    at: int | None
    falling: float
    rising: float

    @property
    def total(self) -> float:
        """What the margin loses: both parts together."""
        return round(self.falling + self.rising, _DIGITS)

    @property
    def where(self) -> str:
        """The window, e.g. ``"layers 12–18"``; empty where there is none."""
        if self.at is None:
            return ""
        point, window = self.curve.points[self.at], self.curve.window
        if window is None:
            return f"layers {point} and above"
        layers = window_layers(point, window, max(self.curve.points) + 1)
        return f"layer {layers[0]}" if len(layers) == 1 else f"layers {layers[0]}–{layers[-1]}"

    @property
    def in_words(self) -> str:
        """Say it in one sentence."""
        if self.at is None:
            return "no numbers"
        if self.total <= 0:
            return "no window loses margin"
        return f"of a lost margin of {nats(self.total)} nats at {self.where}: {self._parts}"

    @property
    def counted(self) -> str:
        """Images behind it, and samples left out."""
        left = self.margin.left_out
        told = count(self.margin.n_images, "image")
        return f"{told}; {count(left, 'sample')} left out, a probability underflows" if left else told

    @property
    def _parts(self) -> str:
        """Both parts, what adds to the loss before what takes from it."""
        true = (self.falling, "the true answer falling", "as the true answer rises")
        wrong = (self.rising, "the wrong one rising", "as the wrong one falls")
        ordered = (true, wrong) if self.falling >= 0 else (wrong, true)
        return ", ".join(
            f"{nats(value)} {adds}" if value >= 0 else f"less {nats(-value)} {takes}"
            for value, adds, takes in ordered
        )


def lost_margin(curve: Curve) -> Lost | None:
    """Where an effect takes most of the margin; None where the record has no parts of it."""
    margin = curve.margin
    if margin is None:
        return None
    changes = [true - false for true, false in zip(margin.true, margin.false, strict=True)]
    known = [(change, place) for place, change in enumerate(changes) if math.isfinite(change)]
    if not known:
        return Lost(curve, margin, None, math.nan, math.nan)
    _, at = min(known)
    return Lost(curve, margin, at, -round(margin.true[at], _DIGITS), round(margin.false[at], _DIGITS))


def lost_margins(curves: Iterable[Curve]) -> tuple[Lost, ...]:
    """Those of several curves, each flow, window size and task once."""
    unique = {(curve.measurement, curve.window, curve.task): curve for curve in curves if curve.margin}
    return tuple(filter(None, map(lost_margin, unique.values())))


def nats(value: float) -> str:
    """Write a number of nats with as many digits as the parts have, so that they are seen to add up."""
    text = f"{value:.{_DIGITS}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")
