"""The interface between the harness and a model type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image

from harness.checkpoint.patches import TokenLayout
from harness.data.errors import CheckpointError
from harness.data.sample import Size

if TYPE_CHECKING:  # loading torch takes seconds; planning a run must not pay
    from torch import Tensor

SQUARE = "square"
"""A picture is padded to a square and seen once: no tiles, no newline tokens (LLaVA-1.5's way)."""
TILES = "tiles"
"""A picture is seen whole, squeezed to a square, and again in tiles of higher resolution."""
MOST_PATCHES = 256
"""Patches along a picture's side; the largest known towers have 27, and every patch is a visual token."""
MOST_PIXELS = 4096
"""Pixels along a side to which a processor may resize a picture; the largest known resize to 384."""
_STRATEGY = {"clip_vision_model": "default", "siglip_vision_model": "full"}
"""By vision tower, which of its features are patches: all, or (``default``) all but the first."""


class Pictures(Protocol):
    """How a checkpoint turns a picture into visual tokens."""

    def layout(self, size: Size) -> TokenLayout:
        """The visual tokens of a picture of this (width, height), and what each shows."""

    def inputs(self, picture: Image.Image) -> Mapping[str, Tensor]:
        """The model's keyword inputs for one RGB picture; ``pixel_values`` is among them."""


@dataclass(frozen=True)
class Adapter:
    """A model type.

    Attributes:
        model_type: as in ``config.json``.
        model_class: the transformers class that loads it.
        handlings: how it can handle pictures (`SQUARE`, `TILES`); the first is what it was trained with.
        pictures: makes `Pictures` from the model, its image processor and one of ``handlings``.
    """

    model_type: str
    model_class: str
    handlings: tuple[str, ...]
    pictures: Callable[[Any, Any, str], Pictures]

    def handling(self, asked: str | None) -> str:
        """The handling asked for, or the model's own.

        Raises:
            CheckpointError: if the model type has no such handling.
        """
        if asked is None:
            return self.handlings[0]
        if asked not in self.handlings:
            known = " or ".join(self.handlings)
            raise CheckpointError(
                f"model type {self.model_type!r} handles pictures as {known}, not {asked!r}"
            )
        return asked


def sides(model: Any, image_processor: Any) -> tuple[int, int]:  # noqa: ANN401 - transformers' classes
    """Side of the vision tower's picture and of its patches, in pixels.

    Raises:
        CheckpointError: if processor and vision tower disagree, or the features are not one per patch.
    """
    vision = model.config.vision_config
    made = getattr(image_processor, "crop_size", None) or image_processor.size
    for length in dict(image_processor.size).values():
        if length is not None and not 0 < length <= MOST_PIXELS:  # before it is cropped, say
            raise CheckpointError(
                f"the processor makes {length!r}-pixel pictures; {MOST_PIXELS} are the most"
            )
    side = made["height"] if "height" in made else made["shortest_edge"]
    patch = vision.patch_size
    if (
        not isinstance(side, int)
        or not isinstance(patch, int)
        or not 0 < patch <= side <= MOST_PATCHES * patch
    ):
        raise CheckpointError(
            f"pictures of {side!r} pixels in patches of {patch!r}; a side has 1 to {MOST_PATCHES} patches"
        )
    if side != vision.image_size:
        raise CheckpointError(
            f"the processor makes {side}-pixel pictures, the vision tower wants {vision.image_size}"
        )
    strategy = model.config.vision_feature_select_strategy
    wanted = _STRATEGY.get(vision.model_type, strategy)
    if strategy != wanted:
        raise CheckpointError(
            f"vision_feature_select_strategy is {strategy!r}; with a {vision.model_type} only {wanted!r} "
            "gives one visual token per patch"
        )
    return side, patch
