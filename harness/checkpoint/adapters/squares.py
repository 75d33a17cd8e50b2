"""What side a processor's configuration gives to a square: after resizing, after cropping, of a tile.

A picture reaches every step as a square (padded, or a tile), so a step makes another square, or none of a
known side. All have to be the vision tower's: a smaller crop would lose the margins and move every box.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.data.errors import CheckpointError

SIZES = ("height", "width", "shortest_edge", "longest_edge", "max_height", "max_width")
"""What a size may be stated by; those that are not are None."""


def squares_made(image_processor: Any, *, in_tiles: bool) -> Iterator[int]:  # noqa: ANN401 - transformers' classes
    """Sides in pixels of the squares that the steps of a processor make of a square, one by one.

    Args:
        image_processor: transformers' image processor.
        in_tiles: whether it cuts pictures into tiles; their side is the crop's, whether or not it crops.

    Raises:
        CheckpointError: if a step makes no square of a fixed side; it names the setting.
    """
    if not (in_tiles or getattr(image_processor, "do_resize", True)):
        raise CheckpointError(
            "the processor does not resize (do_resize is false): its pictures have no fixed side"
        )
    yield _side("size", image_processor.size)
    crop = getattr(image_processor, "crop_size", None)
    if crop and (in_tiles or getattr(image_processor, "do_center_crop", False)):
        yield _side("crop_size", crop)


def _side(name: str, size: Any) -> int:  # noqa: ANN401 - a dictionary, or transformers' own
    """The side that a step gives to a square."""
    stated = {key: int(size[key]) for key in SIZES if key in size and size[key] is not None}
    if set(stated) == {"height", "width"} and stated["height"] == stated["width"]:
        return stated["height"]
    if set(stated) == {"shortest_edge"}:
        return stated["shortest_edge"]
    told = ", ".join(f"{key} {value}" for key, value in stated.items())
    raise CheckpointError(
        f"the processor's {name} ({told or 'empty'}) makes no square of a fixed side; supported: a "
        "shortest_edge, or an equal height and width"
    )
