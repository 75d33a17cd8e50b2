"""How often the two rules from boxes to patches differ, on the boxes of any data files in the paper's form.

Needs no picture and no checkpoint: only the size of a picture and its boxes decide. The image processors are
built with the settings of the paper's checkpoints.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from harness.checkpoint.adapters import ANALYTIC_BOXES, RELEASED_BOXES, Pictures
from harness.checkpoint.adapters.llava import SquarePictures
from harness.checkpoint.adapters.tiling import TiledPictures, Tiling
from harness.checkpoint.boxes import tokens_under
from harness.checkpoint.patches import SquarePadding, TokenLayout
from harness.data.csv_tables import Annotated, annotated
from harness.data.errors import DataError
from harness.testing.building_blocks import image_processor
from harness.validation.tables import Page, report_progress, table

SIDE, PATCH = 336, 14
PINPOINTS = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]
"""The grid of the paper's two NeXT checkpoints, as their configurations write it."""
KINDS = ("equal", "smaller", "larger", "both", "no paint left", "outside")
"""What the released set is beside the analytic one: the same, without some of its patches, with others
besides, both; empty where the other is not; or both are empty, since no box reaches the picture."""
Place: TypeAlias = tuple[int, int, int]
"""A token's grid, row and column."""


@dataclass(frozen=True)
class Difference:
    """The two sets of one row.

    Attributes:
        kind: one of `KINDS`.
        within_one: whether each set reaches the other by growing one row and column of patches on every side.
    """

    kind: str
    within_one: bool


def run(options: argparse.Namespace) -> Page:
    """Return how often the rules agree on the boxes of a folder of data files."""
    rows = [row for row in annotated(options.folder) if row.boxes]
    if not rows:
        raise DataError(f"{options.folder}: no row has a box")
    counted: dict[tuple[str, str], Counter[Difference]] = defaultdict(Counter)
    for name, made in GEOMETRIES.items():
        report_progress(f"{name}: {len(rows):,} rows")
        for row, found in zip(rows, differences(made(), rows), strict=True):
            counted[name, row.task][found] += 1
            counted[name, ALL][found] += 1
    lines = [line(*key, found) for key, found in sorted(counted.items(), key=lambda item: item[0])]
    data = [
        {"geometry": name, "task": task, "kind": one.kind, "within_one": one.within_one, "rows": count}
        for (name, task), found in counted.items()
        for one, count in found.items()
    ]
    return Page("boxes", f"{TITLE}\n\n{EXPLAINED}\n\n{table(HEADER, lines)}", data)


ALL = "all"
TITLE = "# Boxes and patches: the released rule beside arithmetic"
EXPLAINED = (
    "Rows with boxes, in per cent. The released set is equal to the analytic one, or has fewer patches, or "
    "more, or both; *within one row*: the sets differ by at most one row and column of patches on each side. "
    "Empty sets are counted: *no paint left*, the box is too small; *outside*, it does not reach its picture."
)
HEADER = (
    "geometry | task | rows: | equal: | fewer: | more: | both: | within one row: | no paint left, rows: | "
    "outside, rows:"
)


def line(name: str, task: str, found: Mapping[Difference, int]) -> tuple[str, ...]:
    """One line of the table."""
    total = sum(found.values())
    by_kind: Counter[str] = Counter()
    for one, count in found.items():
        by_kind[one.kind] += count
    near = sum(count for one, count in found.items() if one.within_one)
    shares = [100 * by_kind[kind] / total for kind in KINDS[:4]] + [100 * near / total]
    empty = (str(by_kind[kind]) for kind in KINDS[4:])
    return name, task, f"{total:,}", *(f"{share:.1f}" for share in shares), *empty


def differences(pictures: Pictures, rows: Iterable[Annotated]) -> Iterator[Difference]:
    """The rules' two sets of every row, compared."""
    for row in rows:
        layout = pictures.layout(row.size)
        sets = [
            frozenset(tokens_under(pictures, rule, row.size, row.boxes))
            for rule in (ANALYTIC_BOXES, RELEASED_BOXES)
        ]
        yield difference(layout, *sets)


def difference(layout: TokenLayout, analytic: frozenset[int], released: frozenset[int]) -> Difference:
    """Compare the two sets of tokens of one row."""
    if not released:
        return Difference("no paint left" if analytic else "outside", within_one=False)
    one, other = places(layout, analytic), places(layout, released)
    within = one <= grown(other) and other <= grown(one)
    if one == other:
        return Difference("equal", within)
    kinds = {(True, False): "smaller", (False, True): "larger", (True, True): "both"}
    return Difference(kinds[bool(one - other), bool(other - one)], within)


def places(layout: TokenLayout, tokens: frozenset[int]) -> frozenset[Place]:
    """Where tokens are in their grids."""
    return frozenset(
        (number, *divmod(token - grid.first, grid.stride))
        for number, grid in enumerate(layout.grids)
        for token in grid.patches
        if token in tokens
    )


def grown(found: frozenset[Place]) -> frozenset[Place]:
    """Places, and those beside them, corners included."""
    steps = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return frozenset(
        (grid, row + down, column + right) for grid, row, column in found for down, right in steps
    )


def _square() -> Pictures:
    return SquarePictures(image_processor("llava", SIDE), SquarePadding(SIDE, PATCH))


def _released_tiles() -> Pictures:
    canvases = [[height, width] for width, height in PINPOINTS]
    tiling = Tiling(SIDE, PATCH, tuple((height, width) for height, width in canvases))
    return TiledPictures(image_processor("llava_next", SIDE, canvases), tiling)


GEOMETRIES: dict[str, Callable[[], Pictures]] = {
    "LLaVA-1.5, square": _square,
    "LLaVA-NeXT, released-tiles": _released_tiles,
}
"""The paper's two geometries, at their own size."""
