"""One look for every series on the page, so that a flow has the same colour in every plot.

Colours are the page's CSS variables. Every style differs in dash and marker too: nobody has to tell
colours apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from harness.verdicts.record import Curve, MeasurementRecord

LIGHT = (
    "--paper: #fcfcfa; --raised: #ffffff; --ink: #1c1f24; --muted: #5a616b; --line: #d9dce1; "
    "--grid: #e6e8ec; --band: #eceef3; --link: #0b57a4; --focus: #0b57a4; --supported: #0a5c9e; "
    "--refuted: #b3400a; --inconclusive: #6b5500; --none: #5a616b; --mixed: #6a3d9a; --s0: #0a5c9e; "
    "--s1: #c2500f; --s2: #14785a; --s3: #6a3d9a; --s4: #b1275f; --s5: #7a6100; --s6: #2a7f9e; "
    "--s7: #555b66;"
)
DARK = (
    "--paper: #14171b; --raised: #1b1f25; --ink: #e9ebee; --muted: #a6adb8; --line: #363c45; "
    "--grid: #2a2f37; --band: #232932; --link: #8cc4f7; --focus: #8cc4f7; --supported: #7fbdf5; "
    "--refuted: #ff9d6b; --inconclusive: #e3c65a; --none: #a6adb8; --mixed: #c9a5f2; --s0: #7fbdf5; "
    "--s1: #ff9d6b; --s2: #5fd0a4; --s3: #c9a5f2; --s4: #ff8db8; --s5: #e3c65a; --s6: #7ad3ee; "
    "--s7: #b6bcc6;"
)
"""The colours of both themes, as CSS declarations."""
INK, MUTED, GRID, BAND, PAPER = (f"var(--{name})" for name in ("ink", "muted", "grid", "band", "paper"))
TRUE_ANSWER, FALSE_ANSWER = "var(--s0)", "var(--s5)"
"""The colours that the answers have where the lens reads them."""
_DASHES = ("", "6 2", "2 2", "8 2 2 2", "10 3", "4 2 1 2", "1 2", "5 1")
_MARKERS = ("octagon", "square", "up", "diamond", "down", "plus", "cross", "hexagon")
_PLACES = range(len(_DASHES))
MARKED = {marker: f"var(--s{place})" for place, marker in enumerate(_MARKERS)}
"""The colour that a marker always has."""
_RANDOM_DASH = "1.5 2.5"
_CONTROL_DASH = "2.5 2.5"


def flow(source: str, target: str) -> MeasurementRecord:
    """The plain effect of a flow, blocked window by window."""
    return MeasurementRecord("sweep", source, target)


def answer(form: str) -> MeasurementRecord:
    """The probability of a form of the answer, read as the released code does: without the final norm."""
    return MeasurementRecord("lens", form=form)


QUESTION_LAST, IMAGE_LAST, LAST_LAST = (flow(source, "last") for source in ("question", "image", "last"))
IMAGE_QUESTION, RELATED, OTHER = (
    flow(source, "question") for source in ("image", "related_patches", "other_patches")
)
LOWER, CAPITAL = answer("lower"), answer("capital")

_FAMILIAR = {
    QUESTION_LAST: 0,
    IMAGE_LAST: 1,
    LAST_LAST: 2,
    IMAGE_QUESTION: 3,
    RELATED: 4,
    OTHER: 5,
    LOWER: 0,
    CAPITAL: 4,
    answer("either"): 0,
    answer("false_lower"): 5,
    answer("false_capital"): 2,
    answer("false_either"): 5,
}


@dataclass(frozen=True)
class Style:
    """How a curve is drawn.

    Attributes:
        colour: a CSS value.
        dash: SVG dash pattern, empty for a solid line.
        marker: one of `reports.drawing.svg.MARKERS`, always in that colour; empty for none.
    """

    colour: str
    dash: str
    marker: str


class Series(NamedTuple):
    """What makes two curves the same series in different panels."""

    measurement: MeasurementRecord
    role: str = "effect"
    window: int | None = None

    @property
    def is_random_control(self) -> bool:
        """Whether it is a random-source control; any other control has a colour of its own."""
        return (
            self.role == "control" and self.measurement.kind == "sweep" and self.measurement.draw is not None
        )


def series_of(curve: Curve) -> Series:
    """The series that a curve belongs to."""
    return Series(curve.measurement, curve.role, curve.window)


def styles(series: Iterable[Series]) -> dict[Series, Style]:
    """Give every series of a plot its style; known ones keep theirs on the whole page."""
    every = list(dict.fromkeys(series))
    drawn = [one for one in every if not one.is_random_control]
    sizes = Counter((one.measurement, one.role) for one in drawn)
    known = {one: _familiar(one) if sizes[one[:2]] == 1 else None for one in drawn}
    free = [place for place in _PLACES if place not in known.values()] or list(_PLACES)
    chosen: dict[Series, Style] = {}
    for one in drawn:
        place = known[one]
        style = _style(free[len(chosen) % len(free)] if place is None else place)
        chosen[one] = replace(style, dash=_CONTROL_DASH) if one.role == "control" else style
    return {one: chosen.get(one) or _random_style(one, chosen) for one in every}


def _random_style(control: Series, drawn: dict[Series, Style]) -> Style:
    """A random-source control is dotted: grey, or in its flow's colour where several flows share the plot."""
    effect = replace(control.measurement, draw=None)
    own = [style for one, style in drawn.items() if one.measurement == effect]
    several = len({one.measurement for one in drawn if one.role != "control"}) > 1
    return Style(own[0].colour if own and several else MUTED, _RANDOM_DASH, "")


def _familiar(series: Series) -> int | None:
    return None if series.role == "baseline" else _FAMILIAR.get(replace(series.measurement, norm=False))


def _style(place: int) -> Style:
    return Style(f"var(--s{place})", _DASHES[place], _MARKERS[place])
