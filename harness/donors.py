"""Contents of other images, to be read in place of an image's own.

A knockout of image → question may hurt because information is missing, or because attention has lost
a place to go. Contents that carry no information about this image tell the two apart: the values'
mean over the data set with keys kept, or another image's keys and values. Our own control; the
image's own mean would keep what the image is about, so means go over images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

from torch import Tensor

from harness.dataset import Dataset
from harness.encode import Encoded
from harness.errors import RegionError
from harness.knockout import Positions
from harness.sample import Sample

MEAN_IMAGES = 32
"""Images that a mean is taken over: the first ones in seeded order."""


@dataclass(frozen=True)
class Contents:
    """Keys and values of some positions.

    Attributes:
        values: per layer ``[kv_heads, positions, head_dim]``.
        keys: the same after rotary embedding; None to keep the reader's own.
    """

    values: tuple[Tensor, ...]
    keys: tuple[Tensor, ...] | None = None

    def at(self, positions: list[int]) -> Contents:
        """The contents of some of the positions, by their place among them."""
        keys = None if self.keys is None else tuple(key[:, positions] for key in self.keys)
        return Contents(tuple(value[:, positions] for value in self.values), keys)


class Donors:
    """Contents of other images of a data set, seen by one checkpoint.

    Args:
        dataset: the data set.
        encode: encodes a sample.
        contents: keys and values of an encoded sample at some positions, in every layer.
    """

    def __init__(
        self,
        dataset: Dataset,
        encode: Callable[[Sample], Encoded],
        contents: Callable[[Encoded, Positions], Contents],
    ) -> None:
        self._dataset = dataset.whole
        self._encode = encode
        self._contents = contents
        self._of = lru_cache(maxsize=16)(self._image)

    def contents(self, by: Literal["mean", "other"], sample: Sample, sources: Positions) -> Contents:
        """What stands at some positions of a sample's prompt instead of its own image's.

        Args:
            by: the data set's mean, or another image's.
            sample: the sample.
            sources: positions of visual tokens.

        Raises:
            RegionError: if the other image has its visual tokens elsewhere in the prompt.
        """
        if by == "mean":
            return Contents(tuple(mean.expand(-1, len(sources), -1) for mean in self._means))
        donor = self._dataset.donor(sample)
        positions, given = self._of(donor)
        if not set(sources) <= set(positions):
            raise RegionError("the other image's visual tokens stand elsewhere in the prompt")
        return given.at([positions.index(source) for source in sources])

    def _image(self, sample: Sample) -> tuple[Positions, Contents]:
        """The visual tokens of a sample's image, and what stands there."""
        encoded = self._encode(sample)
        positions = encoded.regions["image"]
        return positions, self._contents(encoded, positions)

    @cached_property
    def _means(self) -> tuple[Tensor, ...]:
        """Per layer ``[kv_heads, 1, head_dim]``: the mean value of visual tokens over images."""
        first = {sample.image_id: sample for sample in reversed(self._dataset.samples)}
        chosen = [first[image] for image in self._dataset.images[:MEAN_IMAGES]]
        sums: list[Tensor] = []
        for sample in chosen:
            _, given = self._image(sample)
            means = [value.double().mean(dim=1, keepdim=True) for value in given.values]
            sums = [one + two for one, two in zip(sums, means, strict=True)] if sums else means
        return tuple(total / len(chosen) for total in sums)
