"""A drawing's paths read back."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"-?(?:\d+\.\d+|\.\d+|\d+)")


def places(data: str) -> list[list[tuple[float, float]]]:
    """The places of each run of a path whose data are `Canvas`'s: ``M`` to begin, steps after ``l``."""
    runs = []
    for run in data.split("M")[1:]:
        first, _, rest = run.rstrip("z").partition("l")
        x, y = map(float, _NUMBER.findall(first))
        found, steps = [(x, y)], [float(number) for number in _NUMBER.findall(rest)]
        for dx, dy in zip(steps[::2], steps[1::2], strict=True):
            x, y = round(x + dx, 1), round(y + dy, 1)
            found.append((x, y))
        runs.append(found)
    return runs
