"""Measurements of some of a curve's points: which stored ones serve a request, and what serves several.

A measurement of some points has a name of its own. So a store holds no row of which it is unclear which
points it has, and a run that wants more of a flow measures the flow anew; a row that has more than is
wanted is read for what is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set as AbstractSet
from dataclasses import replace
from functools import lru_cache

from harness.data.depth import Points
from harness.interventions.measurements import (
    ActivationPatch,
    BlockFromLayer,
    Measurement,
    Modules,
    Sweep,
    only_of,
)

_SOME = re.compile(r"(?P<whole>.*)\[(?P<places>\d+(,\d+)*)\]", re.DOTALL)


def whole(measurement: Measurement) -> Measurement:
    """The measurement of all points."""
    match measurement:
        case Sweep() | ActivationPatch() | Modules() | BlockFromLayer():
            return replace(measurement, only=None)
        case _:
            return measurement


def together(measurements: Iterable[Measurement]) -> tuple[Measurement, ...]:
    """What to measure for all of some measurements: each curve once, at every point that one of them has."""
    found: dict[Measurement, Measurement] = {}
    for measurement in measurements:
        curve = whole(measurement)
        found[curve] = _both(found[curve], measurement) if curve in found else measurement
    return tuple(found.values())


def _both(first: Measurement, second: Measurement) -> Measurement:
    one, two = only_of(first), only_of(second)
    if one is None or two is None:
        return whole(first)
    return _only(first, Points(tuple(sorted({*one.places, *two.places})), one.of))


def _only(measurement: Measurement, points: Points) -> Measurement:
    match measurement:
        case Sweep() | ActivationPatch() | Modules() | BlockFromLayer():
            return replace(measurement, only=points)
        case other:
            raise ValueError(f"{other} has no points to choose from")


def serving(measurement: Measurement, names: AbstractSet[str]) -> tuple[str, ...]:
    """Those of some names under which a measurement's values are stored, its own first.

    Args:
        measurement: what is wanted.
        names: of stored measurements.
    """
    own, only = str(measurement), only_of(measurement)
    if only is None:
        return (own,) if own in names else ()
    curve, wanted = str(whole(measurement)), set(only.places)
    found = []
    for name in names:
        of, places = read_name(name)
        if of == curve and (places is None or wanted <= set(places)):
            found.append(name)
    return tuple(sorted(found, key=lambda name: (name != own, name)))


@lru_cache(maxsize=4096)
def read_name(name: str) -> tuple[str, tuple[int, ...] | None]:
    """A stored measurement's curve by name, and which of its points it has; None: all."""
    some = _SOME.fullmatch(name)
    if some is None:
        return name, None
    return some["whole"], tuple(map(int, some["places"].split(",")))


def columns(measurement: Measurement, name: str) -> list[int] | None:
    """Where a measurement's points stand in a stored row that serves it; None: it has just these."""
    only, (_, places) = only_of(measurement), read_name(name)
    if only is None or places == only.places:
        return None
    return list(only.places) if places is None else [places.index(place) for place in only.places]
