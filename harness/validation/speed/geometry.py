"""Random-weight LLaVAs of the sizes that are timed, with one question each.

Speed does not depend on what the weights are. The vision tower and the vocabulary are scaled down
with the decoder, so that they weigh about as little beside it as in a 7B model.
"""

from __future__ import annotations

import atexit
import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, CLIPVisionConfig, LlamaConfig, LlavaConfig

from harness.checkpoint.adapters.llava import SquarePictures
from harness.checkpoint.attention import ATTENTION_NAME, register
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded, encode
from harness.checkpoint.patches import SquarePadding
from harness.data.sample import Box
from harness.testing.tiny_checkpoints import SHORT_PROMPT, picture, processor, sample, tokenizer

QUESTION = "is the small circle in the picture left or right of the red square ?"
PATCH = 14


@dataclass(frozen=True)
class Geometry:
    """One size of model.

    Attributes:
        name: how the report calls it.
        layers: decoder layers.
        width: hidden width of the decoder.
        inner: width inside its MLP.
        heads: query heads.
        kv_heads: key heads.
        per_side: patches along a side of the picture.
        vocabulary: number of tokens.
        vision: width of the vision tower.
        vision_layers: its layers.
        dtype: of all weights, which are made in it.
    """

    name: str
    layers: int
    width: int
    inner: int
    heads: int
    kv_heads: int
    per_side: int
    vocabulary: int
    vision: int
    vision_layers: int = 4
    dtype: torch.dtype = torch.float32

    def checkpoint(self) -> Checkpoint:
        """The model with random weights, on the CPU."""
        torch.manual_seed(0)
        register()
        make: Any = AutoModelForImageTextToText
        model: Any = make.from_config(self._configuration(), dtype=self.dtype).eval()
        model.set_attn_implementation({"text_config": ATTENTION_NAME})
        side = self.per_side * PATCH
        made: Any = processor(side, PATCH)
        pictures = SquarePictures(made.image_processor, SquarePadding(side, PATCH))
        return Checkpoint(self.name, self.name, model, made, SHORT_PROMPT, pictures, self.name)

    def question(self, checkpoint: Checkpoint, text: str = QUESTION) -> Encoded:
        """One question on a noise picture, an object in its middle."""
        side = self.per_side * PATCH
        box = Box("circle", side // 3, side // 3, side // 3, side // 3)
        return encode(checkpoint, sample(picture(_pictures(), 0, (side, side)), text, (side, side), box))

    def _configuration(self) -> LlavaConfig:
        text = LlamaConfig(
            vocab_size=self.vocabulary,
            hidden_size=self.width,
            intermediate_size=self.inner,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.kv_heads,
            max_position_embeddings=4096,
        )
        vision = CLIPVisionConfig(
            hidden_size=self.vision,
            intermediate_size=2 * self.vision,
            num_hidden_layers=self.vision_layers,
            num_attention_heads=max(4, self.vision // 64),
            image_size=self.per_side * PATCH,
            patch_size=PATCH,
        )
        image = tokenizer().convert_tokens_to_ids("<image>")
        make: Any = LlavaConfig
        made: LlavaConfig = make(
            text_config=text, vision_config=vision, image_token_id=image, image_token_index=image
        )
        return made


@functools.cache
def _pictures() -> Path:
    """A folder for pictures while this process lives: a sweep reads a question's once more when it begins."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)


LLAVA_7B = Geometry("LLaVA-1.5-7B", 32, 4096, 11008, 32, 32, 24, 32064, 1024, 24, torch.bfloat16)
"""The paper's smallest checkpoint, its vision tower included."""
GEOMETRIES = {
    "embedded": Geometry("embedded", 12, 128, 256, 4, 4, 6, 533, 96),
    "llava": Geometry("llava", 16, 1024, 2752, 16, 16, 24, 4096, 256),
    "next": Geometry("next", 16, 1024, 2752, 16, 4, 48, 4096, 256),
}
"""(a) the embedded checkpoint's, (b) LLaVA-1.5's 576 visual tokens, (c) as many as LLaVA-NeXT has, with
grouped-query attention. (c) is a LLaVA of 48×48 patches: tiles and newline tokens would change which
tokens there are, not what the engines do with them."""
