"""The interface between the harness and a model type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image

from harness.checkpoint.adapters.squares import squares_made
from harness.checkpoint.patches import TokenLayout
from harness.data.errors import CheckpointError
from harness.data.sample import Size

if TYPE_CHECKING:  # loading torch takes seconds; planning a run must not pay
    from torch import Tensor

SQUARE = "square"
"""A picture is seen once, on one square: no tiles, no newline tokens. It is padded to the square (LLaVA-1.5's
way), or squeezed to it where the model's own processor does so."""
TILES = "tiles"
"""A picture is seen whole, squeezed to a square, and also in tiles, as its processor cuts them."""
NATIVE = "native"
"""A picture is seen once, in its own shape: sides rounded to whole tokens, within a budget of pixels."""
LIMITED = "limited"
"""The same, within a budget of `LIMITED_TOKENS` visual tokens."""
LIMITED_TOKENS = 256
RELEASED_TILES = "released-tiles"
"""The same, but canvases are read as (width, height), as LLaVA-NeXT's own code does (released code), where
transformers reads (height, width). Both name the same canvases, so only which of two equally good ones is
taken differs: for small pictures, e.g. 320×240."""
ANALYTIC_BOXES = "analytic"
"""A box belongs to the patches that hold one of its pixels, by arithmetic."""
RELEASED_BOXES = "released"
"""A box belongs to the patches where its paint is left after the model's own transform (released code)."""
UNSCALED = {"do_rescale": False, "do_normalize": False}
"""Options of transformers' image processors under which colours stay what they are in the picture."""
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


class PaintedPictures(Pictures, Protocol):
    """Pictures of a model type whose adapter offers `RELEASED_BOXES`."""

    def painted(self, picture: Image.Image) -> Tensor:
        """The pixels before they are scaled and normalised: ``[tiles, 3, side, side]``, 0 to 255."""


@dataclass(frozen=True)
class Adapter:
    """A model type.

    Attributes:
        model_type: as in ``config.json``.
        model_class: the transformers class that loads it.
        handlings: how it can handle pictures (`SQUARE`, `TILES`, `RELEASED_TILES`); the first is its
            processor's way, or, where that would lose part of a picture, what it was trained with.
        pictures: makes `Pictures` from the model, its processor and one of ``handlings``.
        boxes: the rules by which boxes can become patches; the first is the default.
        positions: the decoder's rotary positions ``[n, axes]``, from a picture's layout, where its tokens
            stand in the prompt, and the prompt's length; None where they are the numbers of the tokens.
    """

    model_type: str
    model_class: str
    handlings: tuple[str, ...]
    pictures: Callable[[Any, Any, str], Pictures]
    boxes: tuple[str, ...] = (ANALYTIC_BOXES,)
    positions: Callable[[TokenLayout, Sequence[int], int], Tensor] | None = None

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

    def box_rule(self, asked: str | None) -> str:
        """The rule asked for by which boxes become patches, or the default.

        Raises:
            CheckpointError: if the model type has no such rule.
        """
        if asked is None:
            return self.boxes[0]
        if asked not in self.boxes:
            raise CheckpointError(
                f"model type {self.model_type!r} knows boxes by {' or '.join(self.boxes)}, not {asked!r}: "
                "the released code has no rule for it"
            )
        return asked


def sides(model: Any, image_processor: Any, *, in_tiles: bool = False) -> tuple[int, int]:  # noqa: ANN401
    """Side of the vision tower's picture and of its patches, in pixels.

    Args:
        model: the transformers model, or its configuration alone.
        image_processor: its image processor.
        in_tiles: whether the processor cuts pictures into tiles.

    Raises:
        CheckpointError: if processor and vision tower disagree, a step makes no square of a fixed side, or
            the features are not one per patch.
    """
    vision = model.config.vision_config
    for length in dict(image_processor.size).values():
        if length is not None and not 0 < length <= MOST_PIXELS:  # before it is cropped, say
            raise CheckpointError(
                f"the processor makes {length!r}-pixel pictures; {MOST_PIXELS} are the most"
            )
    side, patch = vision.image_size, vision.patch_size
    if (
        not isinstance(side, int)
        or not isinstance(patch, int)
        or not 0 < patch <= side <= MOST_PATCHES * patch
    ):
        raise CheckpointError(
            f"pictures of {side!r} pixels in patches of {patch!r}; a side has 1 to {MOST_PATCHES} patches"
        )
    for side in squares_made(image_processor, in_tiles=in_tiles):
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
