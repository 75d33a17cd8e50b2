"""Model types that are refused by name, and why: a knockout would not mean there what a flow says.

Types that are merely not written yet are among them. Any other that is not in `ADAPTERS` is unknown.
"""

from __future__ import annotations

MIXED = "most of its layers are not attention: a knockout would cut a part of what flows, and no more"
CROSS = (
    "its text sees the image only through cross-attention layers, where no token of the prompt is an image's"
)
SHARED = "its upper layers read keys and values of lower ones: a block in one layer would be one in others"
REFUSED = {
    "paligemma": "its whole prompt is one prefix that attends both ways",
    "mllama": CROSS,
    "qwen3_5": MIXED,
    "qwen3_5_moe": MIXED,
    "lfm2_vl": MIXED,
    "molmo2": "its image tokens attend both ways, and it is not built as the types known here",
    "gemma4": SHARED,
    "gemma4_unified": SHARED,
    "gemma3n": SHARED,
    "qwen3_vl_moe": "its layers choose experts, whose outputs the engine cannot zero; not supported yet",
}
"""By ``model_type`` of ``config.json``, the reason."""
