"""A drawing's paths read back."""

from __future__ import annotations

import re

UNITS = 10
"""Units of a drawing in a point."""
_RUN = re.compile(r"([lhv])([^lhvz]*)")
_NUMBER = re.compile(r"-?\d+")


def places(data: str) -> list[list[tuple[float, float]]]:
    """The places, in points, of each run of a path whose data are `Canvas`'s: ``M``, then steps."""
    runs = []
    for run in data.split("M")[1:]:
        x, y = map(int, _NUMBER.findall(re.split("[lhvz]", run)[0]))
        found = [(x, y)]
        for command, numbers in _RUN.findall(run):
            for dx, dy in _steps(command, [int(number) for number in _NUMBER.findall(numbers)]):
                x, y = x + dx, y + dy
                found.append((x, y))
        runs.append([(x / UNITS, y / UNITS) for x, y in found])
    return runs


def _steps(command: str, numbers: list[int]) -> list[tuple[int, int]]:
    if command == "l":
        return list(zip(numbers[::2], numbers[1::2], strict=True))
    return [(one, 0) if command == "h" else (0, one) for one in numbers]
