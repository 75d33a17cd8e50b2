"""One look for every curve on the page, so that a flow has the same colour in every plot.

Plots are drawn in stand-in colours that no theme uses; `themed` turns each into the page's CSS
variable, so that one SVG serves light, dark and print. Every style differs in dash and marker too:
nobody has to tell colours apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.verdicts.record import Curve

INK, MUTED, GRID, BAND, PAPER = "#010101", "#010102", "#010103", "#010104", "#010105"
_SERIES = tuple(f"#0102{place:02x}" for place in range(8))

VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    BAND: "var(--band)",
    PAPER: "var(--paper)",
    **{colour: f"var(--s{place})" for place, colour in enumerate(_SERIES)},
}

_DASHES = ("", "6 2", "2 2", "8 2 2 2", "10 3", "4 2 1 2", "1 2", "5 1")
_MARKERS = ("8", "s", "^", "D", "v", "P", "X", "h")
_RANDOM_DASH = "1.5 2.5"
_CONTROL_DASH = "2.5 2.5"

_FAMILIAR = {
    "question->last": 0,
    "image->last": 1,
    "last->last": 2,
    "image->question": 3,
    "related_patches->question": 4,
    "other_patches->question": 5,
    "lower answer": 0,
    "capital answer": 4,
    "answer in either case": 0,
    "false lower answer": 5,
    "false capital answer": 2,
    "false answer in either case": 5,
}
FINAL_NORM = ", final norm applied"
"""Ends the label of a lens curve that was read with the model's final norm."""


@dataclass(frozen=True)
class Style:
    """How a curve is drawn.

    Attributes:
        colour: stand-in colour.
        dash: SVG dash pattern, empty for a solid line.
        marker: matplotlib marker, empty for none.
    """

    colour: str
    dash: str
    marker: str

    @property
    def css(self) -> str:
        """The CSS value of the colour, for the legend."""
        return VARIABLES[self.colour]


Key = tuple[str, str, int | None]


def key(curve: Curve) -> Key:
    """What makes two curves the same series in different panels."""
    return (curve.label, curve.role, curve.window)


def styles(curves: Iterable[Curve]) -> dict[Key, Style]:
    """Give every series of a plot its style; known flows keep theirs on the whole page."""
    series = list(dict.fromkeys(key(curve) for curve in curves))
    drawn = [one for one in series if not is_random_control(one)]
    labels = [label for label, _, _ in drawn]
    known = {one: _familiar(one[0]) for one in drawn if labels.count(one[0]) == 1}
    taken = {place for place in known.values() if place is not None}
    free = [place for place in range(len(_SERIES)) if place not in taken] or list(range(len(_SERIES)))
    chosen: dict[Key, Style] = {}
    for one in drawn:
        place = known.get(one)
        chosen[one] = _style(free[len(chosen) % len(free)] if place is None else place)
        if one[1] == "control":
            chosen[one] = replace(chosen[one], dash=_CONTROL_DASH)
    return {one: chosen.get(one) or _random_style(one[0], chosen) for one in series}


def is_random_control(series: Key) -> bool:
    """Whether a series is a random-source control; any other control has a colour of its own."""
    return series[1] == "control" and series[0].startswith("random0:")


def _random_style(label: str, drawn: dict[Key, Style]) -> Style:
    """A random-source control is dotted: grey, or in its flow's colour where several flows share the plot."""
    own = [style for (flow, _, _), style in drawn.items() if flow == label.rpartition(":")[2]]
    several = len({flow for flow, role, _ in drawn if role != "control"}) > 1
    return Style(own[0].colour if own and several else MUTED, _RANDOM_DASH, "")


def _familiar(label: str) -> int | None:
    return _FAMILIAR.get(label.removesuffix(FINAL_NORM))


def _style(place: int) -> Style:
    return Style(_SERIES[place], _DASHES[place], _MARKERS[place])


def themed(svg: str) -> str:
    """Replace the stand-in colours of a drawing by the page's variables."""
    return re.sub(r"#0[0-9a-f]{5}", lambda match: VARIABLES.get(match[0], match[0]), svg)


def stub(label: str, role: str = "effect") -> Curve:
    """A curve without points, to ask for the style of a flow."""
    return Curve(label, "", "", "", role, None, (), (), (), (), (), 0)
