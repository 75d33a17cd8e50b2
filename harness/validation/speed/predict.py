"""The cost of the paper's programme, by operation counts.

Nothing here is measured. Counted: six flows, all windows, every question of the paper's data, none
filtered, each question on its own; a GPU that reaches a fixed share of its peak. A real run adds what
the count leaves out (reading pictures, decoding answers, starting small kernels).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from harness.data.depth import rule_window, window_layers
from harness.validation.tables import Page, table

QUESTIONS = 5525
"""Questions of the paper's six tasks."""
BEFORE, QUESTION, TAIL = 40, 12, 20
"""Typical tokens: system text and role before the image; the question; instruction and role after it."""
PEAK, SHARE = 989e12, 0.4
"""An H100's dense bfloat16 operations per second, and the share of them that is assumed."""
QUESTION_FLOWS, LAST_FLOWS = 3, 3
"""Of the six flows, how many end at the question and how many at the last position."""
TOWER = 303e6
"""Weights of the vision tower's layers (CLIP ViT-L)."""


@dataclass(frozen=True)
class CheckpointSize:
    """A checkpoint's numbers: layers, widths, heads, tokens; ``tiles`` pictures go through the tower."""

    name: str
    layers: int
    width: int
    inner: int
    heads: int
    kv_heads: int
    image: int
    tiles: int
    vocabulary: int

    @property
    def length(self) -> int:
        """Tokens of a prompt."""
        return BEFORE + self.image + QUESTION + TAIL

    def layer(self, rows: int, before: int) -> float:
        """Operations of one layer on rows that follow ``before`` others."""
        head = self.width // self.heads
        weights = 2 * self.width**2 + 2 * self.width * self.kv_heads * head + 3 * self.width * self.inner
        pairs = rows * before + rows * (rows + 1) / 2
        return 2.0 * rows * weights + 4.0 * pairs * self.width

    @property
    def tower(self) -> float:
        """Operations of the vision tower."""
        return self.tiles * 577 * 2.0 * TOWER

    @property
    def released(self) -> float:
        """Operations per question, a full pass for each window of each flow."""
        head = 2.0 * self.length * self.width * self.vocabulary
        each = self.layers * self.layer(self.length, 0) + head + self.tower
        return each * self.layers * (QUESTION_FLOWS + LAST_FLOWS)

    @property
    def sweep(self) -> float:
        """Operations per question, the sweep."""
        window = rule_window(self.layers)
        total = self.layers * self.layer(self.length, 0) + self.tower
        for rows, flows in ((QUESTION + TAIL, QUESTION_FLOWS), (1, LAST_FLOWS)):
            for centre in range(self.layers):
                above = self.layers - window_layers(centre, window, self.layers)[0]
                total += flows * above * self.layer(rows, self.length - rows)
                total += flows * 2.0 * self.width * self.vocabulary
        return total


SIZES = (
    CheckpointSize("LLaVA-1.5-7b", 32, 4096, 11008, 32, 32, 576, 1, 32064),
    CheckpointSize("LLaVA-1.5-13b", 40, 5120, 13824, 40, 40, 576, 1, 32064),
    CheckpointSize("LLaVA-v1.6-Vicuna-7b", 32, 4096, 11008, 32, 32, 2340, 5, 32064),
    CheckpointSize("Llama3-LLaVA-NeXT-8b", 32, 4096, 14336, 32, 8, 2340, 5, 128320),
)
"""The paper's four checkpoints; 2,340 visual tokens are typical of a 4:3 picture in five tiles."""


def run(_: argparse.Namespace) -> Page:
    """Return the predicted cost of the programme."""
    rows, totals = [], [0.0, 0.0]
    for size in SIZES:
        hours = [QUESTIONS * count / (PEAK * SHARE) / 3600 for count in (size.released, size.sweep)]
        totals = [total + one for total, one in zip(totals, hours, strict=True)]
        rows.append((size.name, str(size.length), *_hours(*hours)))
    rows.append(("all four", "", *_hours(*totals)))
    return Page(
        "predicted",
        "# Predicted cost on one H100, from operation counts (not measured)\n\n"
        f"Six flows, all windows, {QUESTIONS} questions per checkpoint, bfloat16 at {SHARE:.0%} of peak.\n\n"
        f"{table('checkpoint | tokens: | released, h: | sweep, h: | times less:', rows)}",
    )


def _hours(released: float, sweep: float) -> tuple[str, str, str]:
    return f"{released:.1f}", f"{sweep:.2f}", f"{released / sweep:.0f}"
