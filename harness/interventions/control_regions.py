"""Regions of controls: patches that a claim about the related ones must beat.

Our own controls. All are drawn per sample, from its name alone, and are the same in every run.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from harness.checkpoint.adapters import ANALYTIC_BOXES
from harness.checkpoint.boxes import tokens_under
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.checkpoint.regions import Regions
from harness.data.dataset import Dataset
from harness.data.errors import DataError
from harness.data.sample import Box, Sample

Patches = tuple[int, ...]
MOST = 0.9
"""Share of the visual tokens in ``most_patches``."""


def with_controls(checkpoint: Checkpoint, dataset: Dataset, encoded: Encoded) -> Regions:
    """A sample's regions and those of its controls.

    ``random_patches``: as many of the other patches as there are related ones; ``most_patches``: a
    random nine tenths of all visual tokens; ``shifted_patches``: the objects' boxes moved elsewhere in
    the picture; ``foreign_patches``: the boxes of a sample on another image; ``centre_patch`` and
    ``centre_tile_patch``: the one patch at the first object's centre, of the whole picture and of its tiles.
    One that does not exist for the sample is left out.

    Args:
        checkpoint: the checkpoint.
        dataset: knows other samples.
        encoded: the encoded sample.
    """
    sample = encoded.sample
    image = encoded.regions.positions.get("image", ())
    found = {"most_patches": _drawn(sample, "most", image, round(MOST * len(image)))}
    related = encoded.regions.positions.get("related_patches", ())
    others = [at for at in encoded.regions.positions.get("other_patches", ()) if at not in set(related)]
    if related and len(others) >= len(related):
        found["random_patches"] = _drawn(sample, "random", tuple(others), len(related))
    if related:
        found["shifted_patches"] = _shifted(checkpoint, encoded)
        # One patch by arithmetic: a single painted pixel would not survive the released rule's resizing.
        centre = _analytic(checkpoint, encoded, [_centre(sample.objects[0], sample.image_size)])
        for name, part in (("centre_patch", "base_patches"), ("centre_tile_patch", "tile_patches")):
            shown = encoded.regions.found(part)
            found[name] = tuple(at for at in centre if at in shown)[:1]
    found["foreign_patches"] = _foreign(checkpoint, dataset, encoded)
    named = {name: positions for name, positions in found.items() if positions}
    return replace(encoded.regions, positions={**encoded.regions.positions, **named})


def _drawn(sample: Sample, name: str, candidates: Patches, count: int) -> Patches:
    rng = np.random.default_rng(_seed(sample, name))
    chosen = rng.choice(len(candidates), size=count, replace=False) if count else np.array([], dtype=int)
    return tuple(sorted(candidates[index] for index in chosen.tolist()))


def _shifted(checkpoint: Checkpoint, encoded: Encoded) -> Patches:
    """The boxes moved together, where they overlap the related patches least; of several, a random one."""
    sample = encoded.sample
    related = set(encoded.regions.positions["related_patches"])
    moves = [(right, down) for right in range(3) for down in range(3) if (right, down) != (0, 0)]
    np.random.default_rng(_seed(sample, "shifted")).shuffle(moves)
    inside = [box for box in sample.objects if box.reaches(sample.image_size)]
    moved = [[_moved(box, sample, *move) for box in inside] for move in moves]
    chosen = min(moved, key=lambda boxes: len(related.intersection(_analytic(checkpoint, encoded, boxes))))
    return _positions(checkpoint, encoded, chosen)


def _moved(box: Box, sample: Sample, right: int, down: int) -> Box:
    """A box moved by thirds of the picture; beyond the far edge it comes in again, whole."""
    width, height = sample.image_size
    x = (box.x + right * width // 3) % max(1, width - box.width)
    y = (box.y + down * height // 3) % max(1, height - box.height)
    return replace(box, x=x, y=y)


def _foreign(checkpoint: Checkpoint, dataset: Dataset, encoded: Encoded) -> Patches:
    try:
        next_image_sample = dataset.next_image_sample(encoded.sample)
    except DataError:
        return ()
    boxes = [
        _fitted(box, next_image_sample.image_size, encoded.sample.image_size)
        for box in next_image_sample.objects
    ]
    return _positions(checkpoint, encoded, boxes)


def _fitted(box: Box, size: tuple[int, int], to: tuple[int, int]) -> Box:
    """A box at the same place, relative to the sides, of a picture of another size."""
    across, down = to[0] / size[0], to[1] / size[1]
    x, y = int(box.x * across), int(box.y * down)
    return Box(box.name, x, y, max(1, round(box.width * across)), max(1, round(box.height * down)))


def _centre(box: Box, size: tuple[int, int]) -> Box:
    """The pixel at the centre of a box's part inside a picture."""
    left, top = max(box.x, 0), max(box.y, 0)
    right, bottom = min(box.x + box.width, size[0]), min(box.y + box.height, size[1])
    return Box(box.name, (left + right) // 2, (top + bottom) // 2, 1, 1)


def _positions(checkpoint: Checkpoint, encoded: Encoded, boxes: list[Box]) -> Patches:
    """Token positions of the patches under some boxes of the sample's picture, by the checkpoint's rule."""
    image = encoded.regions.positions["image"]
    return tuple(image[token] for token in checkpoint.tokens_under(encoded.sample.image_size, boxes))


def _analytic(checkpoint: Checkpoint, encoded: Encoded, boxes: list[Box]) -> Patches:
    """The same by arithmetic, whatever the checkpoint's rule."""
    image, size = encoded.regions.positions["image"], encoded.sample.image_size
    return tuple(image[token] for token in tokens_under(checkpoint.pictures, ANALYTIC_BOXES, size, boxes))


def _seed(sample: Sample, name: str) -> int:
    text = f"{name}/{sample.task}/{sample.id}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
