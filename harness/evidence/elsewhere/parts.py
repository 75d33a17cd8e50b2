"""What is read of one file, in the suite's own terms, whatever format it came in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from harness.checkpoint.regions import REGION_NAMES, RELEASED_NAMES
from harness.evidence.elsewhere.tables import LINE, TableFile

EFFECT_COLUMNS = (
    *("task", "sample", "image", "answer", "source", "target", "window", "only", "layer", "p1", "p2"),
)
"""Columns of effects; ``only`` names the layers of a curve in part, and is empty for a whole one; ``wrong1``
and ``wrong2``, the wrong answer's probabilities, may follow, and `LINE`."""
WRONG = ("wrong1", "wrong2")
LENS_COLUMNS = ("task", "sample", "image", "answer", "layer", "lower", "capital")
FALSE = ("false_lower", "false_capital")
"""Further readings of a lens, where the task has a false option."""
SCRIPT_NAMES = {
    "Image HD Patch Indice": RELEASED_NAMES["Image HD Patch"],
    "Image Central Object in HD Patch Indice": RELEASED_NAMES["Image Central Object in HD"],
    "Image HD Patch Without Central Object Indice": RELEASED_NAMES["Image HD Without Central Object"],
}
"""Blocks of high-resolution tiles as ``InformationFlow.py`` spells them, which says nothing of others."""
BLOCKS = {**RELEASED_NAMES, **SCRIPT_NAMES}

LEFT_OUT = ("task", "sample", "image", "answer", "reason")


@dataclass(frozen=True, eq=False)
class Part:
    """What one file holds.

    Attributes:
        table: the file.
        kind: effects of knockouts, or a logit lens.
        frame: the rows, with `EFFECT_COLUMNS` or `LENS_COLUMNS`, and `LINE`.
        released: whether it is in the release's format.
        model: the model that its folder names; empty if none does.
        square: whether it was measured with the release's switch "no HD, no pad".
        left_out: samples that were looked at and not used: task, sample, image and reason.
    """

    table: TableFile
    kind: Literal["effects", "lens"]
    frame: pl.DataFrame
    released: bool
    model: str = ""
    square: bool = False
    left_out: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema=dict.fromkeys(LEFT_OUT, pl.String()))
    )


def regions(table: TableFile, blocks: pl.Series) -> pl.Series:
    """The regions that blocks name: the release's names, or this suite's, unions included.

    Args:
        table: the file they stand in.
        blocks: a name a row.

    Raises:
        TableError: if one is unknown; the first line with it is named.
    """
    known: dict[str, str] = {}
    for name in blocks.unique().to_list():
        region = BLOCKS.get(name, name)
        if all(part in REGION_NAMES for part in region.split("+")):
            known[name] = region
    wrong = pl.DataFrame({LINE: table.frame[LINE], "block": blocks}).filter(blocks.is_in(list(known)).not_())
    table.refuse_first(wrong, f"unknown block {{block!r}}; the blocks are {', '.join(RELEASED_NAMES)}")
    return blocks.replace_strict(known, return_dtype=pl.String())
