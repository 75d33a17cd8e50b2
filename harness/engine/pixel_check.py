"""Before anything is believed: cut off from the image, does an answer still depend on the pixels?

The comparison with the model's own forward pass (`selfcheck`) cannot see that a knockout does nothing if it
does nothing there, too: where features of the picture enter rows of the text, say, or a mask is dropped on
both sides. So one prompt is run with its own pixels and with their negative, unblocked and with image →
everything later blocked in all layers. What is left of the difference reaches the answer by another way than
the image's tokens, and no flow from them means what it says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.data.errors import CheckpointError
from harness.engine.selfcheck import FLOAT32_BYTES, ROUNDING, UNMEASURED, total_variation
from harness.interventions.knockout import Knockout, block

LOW_PRECISION = 0.01
"""Largest total variation that rounding explains in 16-bit formats. Both passes have the same shapes, so it
is smaller than where two ways of computing are compared."""


@dataclass(frozen=True)
class PixelCheck:
    """Total variations between next-token distributions of one prompt, each from 0 to 1.

    Attributes:
        seen: other pixels, nothing blocked.
        left: other pixels, the image cut off.
        moved: the image cut off, the picture's own pixels.
        limit: what rounding explains.
    """

    seen: float
    left: float
    moved: float
    limit: float

    @property
    def blind(self) -> bool:
        """Whether the pixels made no difference to begin with, so that nothing was shown."""
        return self.seen <= self.limit

    @property
    def told(self) -> str:
        """What was found, in a line."""
        if self.blind:
            return (
                f"BLIND: on the sample tried, other pixels change nothing (total variation {self.seen:.1g}), "
                "so that cutting the image off could show nothing"
            )
        return (
            f"passed: other pixels change the answer (total variation {self.seen:.1g}), but not with the "
            f"image cut off ({self.left:.1g})"
        )


def cut(checkpoint: Checkpoint, encoded: Encoded) -> Knockout:
    """The knockout that cuts the image off: everything later loses it, in all layers."""
    return block(encoded.regions["image"], encoded.regions["after_image"], range(checkpoint.n_layers))


def other_pixels(encoded: Encoded) -> Encoded:
    """The same prompt on the negative of its picture: pixels of the same shape and range."""
    return replace(encoded, pixels=-encoded.pixels)


def check_pixels(
    checkpoint: Checkpoint, own: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]
) -> PixelCheck:
    """Refuse a checkpoint whose answer depends on the pixels though the image is cut off.

    Args:
        checkpoint: the checkpoint.
        own: logits ``[vocabulary]`` of a prompt, unblocked and with the image cut off.
        other: the same of `other_pixels`.

    Returns:
        What was found; of a checkpoint that is blind, or whose permanent mask makes it so, that it is.

    Raises:
        CheckpointError: if pixels change the unblocked answer, and the cut one as well.
    """
    limit = ROUNDING if checkpoint.dtype.itemsize >= FLOAT32_BYTES else LOW_PRECISION
    found = PixelCheck(
        seen=total_variation(own[0], other[0]),
        left=total_variation(own[1], other[1]),
        moved=total_variation(own[0], own[1]),
        limit=limit,
    )
    if found.blind or found.left <= limit:
        return found
    if found.moved <= limit:
        raise CheckpointError(
            f"{checkpoint.name}: blocking image → everything later in all layers changes nothing, though "
            f"other pixels change the answer (total variation {found.seen:.2g}): knockouts do nothing on "
            f"this checkpoint; {UNMEASURED}"
        )
    raise CheckpointError(
        f"{checkpoint.name}: with image → everything later blocked in all layers, other pixels still change "
        f"the answer (total variation {found.left:.2g}; unblocked {found.seen:.2g}): the picture reaches it "
        f"by another way than attention to the image's tokens; {UNMEASURED}"
    )
