"""LLaVA-OneVision: as LLaVA-NeXT, but a grid of too many patches is shrunk by interpolation."""

from __future__ import annotations

from typing import Any

from harness.checkpoint.adapters.adapter import SQUARE, TILES, Adapter, Pictures
from harness.checkpoint.adapters.tiling import tiled
from harness.data.errors import CheckpointError

ANYRES = "anyres_max_"


def _pictures(model: Any, processor: Any, handling: str) -> Pictures:  # noqa: ANN401 - transformers' classes
    ratio = str(model.config.vision_aspect_ratio)
    most = ratio.removeprefix(ANYRES)
    if not (ratio.startswith(ANYRES) and most.isdecimal()):
        raise CheckpointError(f"vision_aspect_ratio is {ratio!r}; supported: {ANYRES}N")
    return tiled(model, processor.image_processor, handling, int(most))


ADAPTER = Adapter("llava_onevision", "LlavaOnevisionForConditionalGeneration", (TILES, SQUARE), _pictures)
