"""Pictures of all shapes, how two classes cut them up, and a sample about one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from harness.checkpoint.adapters.tiling import Tiling
from harness.data.sample import Box, Sample, Size
from harness.testing.realistic_checkpoints import EDGES, NEXT_PINPOINTS

QUESTION = "Is the jar full or empty?"
SIZES: list[Size] = [
    (640, 480), (480, 640), (336, 336), (500, 375), (333, 500), (672, 672), (1, 1),
    (1000, 100), (100, 1000), (2000, 3), (3, 2000), (1344, 336), (2304, 2304), (3000, 1500),
]  # fmt: skip
"""Pictures of all shapes, (width, height), tall and wide extremes among them."""
NEXT = Tiling(336, 14, tuple((height, width) for height, width in NEXT_PINPOINTS))
RELEASED_NEXT = Tiling(336, 14, tuple((height, width) for width, height in NEXT_PINPOINTS))
"""LLaVA-NeXT's canvases as its own code reads them."""
ONEVISION = Tiling(384, 14, tuple((height, width) for height in EDGES for width in EDGES), most=9)


def sample(folder: Path, size: Size = (640, 480), box: Box | None = None, question: str = QUESTION) -> Sample:
    path = folder / f"{size[0]}x{size[1]}.png"
    if not path.exists():
        noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
    objects = (box or Box("jar", 0, 0, 27, 1),)
    return Sample("007", "ChooseAttr", "1", path, question, "empty", "empty", "full", objects, size)


def shrunk(box: Box, size: Size, by: int) -> Box:
    """A box without the pixels at its edges that sampling may miss; outside the picture it has none."""
    left, top = max(box.x, 0) + by, max(box.y, 0) + by
    right, bottom = min(box.x + box.width, size[0]) - by, min(box.y + box.height, size[1]) - by
    return Box(box.name, left, top, max(right - left, 0), max(bottom - top, 0))
