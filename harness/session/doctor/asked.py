"""How a checkpoint would be asked: the whole prompt of one sample, its regions, its picture as tokens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded, encode
from harness.checkpoint.patches import TokenGrid, TokenLayout
from harness.checkpoint.prompt import CHAT, date_told
from harness.data.errors import RegionError
from harness.data.sample import Sample
from harness.session.doctor.sheet import Sheet
from harness.verdicts.example_samples import KINDS, pieces

TRIED = 20
"""Samples that are tried until one can be put to the model."""
SHOWN = ("first", *(kind for kind in reversed(KINDS) if kind != "last"), "related_patches", "last")
"""Regions whose tokens are listed."""


def say_prompt(sheet: Sheet, checkpoint: Checkpoint, samples: Sequence[Sample]) -> None:
    """Say the prompt of the first sample that can be put to the checkpoint.

    Args:
        sheet: where it is said.
        checkpoint: the checkpoint; its weights are not needed.
        samples: some samples, in order.

    Raises:
        RegionError: if none of the first twenty can be put to it.
        DataError: if a picture cannot be read.
        CheckpointError: if no prompt can be tokenized.
    """
    encoded = _first(checkpoint, samples[:TRIED])
    positions = encoded.regions.positions
    sheet.say("prompt", f"{checkpoint.prompt.name}, {encoded.length} tokens, of sample {encoded.sample.id}:")
    for region, text in pieces(encoded.text, encoded.offsets, positions):
        sheet.say("", f"{region:<15} {json.dumps(text, ensure_ascii=False)}")
    if checkpoint.prompt.name == CHAT and (date := date_told(checkpoint.processor)):
        sheet.say("", f"(this template asks for the date; it is always told {date})")
    listed = [f"{name} {spans(positions[name])}" for name in SHOWN if positions.get(name)]
    sheet.say("regions", "; ".join(listed))
    layout = checkpoint.pictures.layout(encoded.sample.image_size)
    sheet.say("picture", picture_in_words(layout))


def _first(checkpoint: Checkpoint, samples: Sequence[Sample]) -> Encoded:
    reasons: list[RegionError] = []
    for sample in samples:
        try:
            return encode(checkpoint, sample)
        except RegionError as error:
            reasons.append(error)
    raise RegionError(f"none of the first {len(samples)} samples can be put to it: {reasons[0]}")


def picture_in_words(layout: TokenLayout) -> str:
    """A picture's size in pixels, and the grids of visual tokens that it becomes."""
    grids = " + ".join(_grid(grid) for grid in layout.grids)
    holding = f"{len(layout.padding)} of them show padding only"
    return f"{layout.size[0]}×{layout.size[1]} pixels → {layout.count} visual tokens ({grids}); {holding}"


def _grid(grid: TokenGrid) -> str:
    newline = " and newlines" if grid.newline else ""
    return f"{len(grid.rows.shown)} rows × {len(grid.columns.shown)}{newline}"


def spans(positions: Iterable[int]) -> str:
    """Write token positions, from 0, as runs: ``3-8, 11``."""
    runs: list[list[int]] = []
    for at in sorted(positions):
        if runs and at == runs[-1][1] + 1:
            runs[-1][1] = at
        else:
            runs.append([at, at])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
