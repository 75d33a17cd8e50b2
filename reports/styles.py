"""One look for every curve on the page, so that a flow has the same colour in every plot.

Plots are drawn in stand-in colours that no theme uses; `themed` turns each into the page's CSS
variable, so that one SVG serves light, dark and print. Every style differs in dash and marker too:
nobody has to tell colours apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.record import Curve

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
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "h")
_NULL_DASH = "1.5 2.5"

_FAMILIAR = {
    "question->last": 0,
    "image->last": 1,
    "last->last": 2,
    "image->question": 3,
    "related_patches->question": 4,
    "other_patches->question": 5,
    "lower-case answer": 0,
    "capitalised answer": 4,
}


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
    windows = {
        (label, role): len({k for lab, r, k in series if (lab, r) == (label, role)})
        for label, role, _ in series
    }
    taken = {_FAMILIAR[label] for label, role, _ in series if label in _FAMILIAR and role != "null"}
    free = [place for place in range(len(_SERIES)) if place not in taken] or list(range(len(_SERIES)))
    chosen: dict[Key, Style] = {}
    for label, role, window in series:
        known = label in _FAMILIAR and windows[label, role] == 1
        if role == "null":
            chosen[label, role, window] = Style(MUTED, _NULL_DASH, "")
        else:
            place = _FAMILIAR[label] if known else free[len(chosen) % len(free)]
            chosen[label, role, window] = Style(_SERIES[place], _DASHES[place], _MARKERS[place])
    return chosen


def themed(svg: str) -> str:
    """Replace the stand-in colours of a drawing by the page's variables."""
    return re.sub(r"#0[0-9a-f]{5}", lambda match: VARIABLES.get(match[0], match[0]), svg)


def stub(label: str, role: str = "effect") -> Curve:
    """A curve without points, to ask for the style of a flow."""
    return Curve(label, "", "", "", role, None, (), (), (), (), (), 0)
