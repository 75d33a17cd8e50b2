"""KeyValues of other images, to be read in place of an image's own.

A knockout of image → question may hurt because information is missing, or because attention has lost
a place to go. KeyValues that carry no information about this image tell the two apart: the values'
mean over the data set with keys kept, or the keys and values of an image that calls for another answer
(`harness.data.dataset.Dataset.counterpart`). Our own control; the image's own mean would keep what the image
is about, so means go over images.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from harness.checkpoint.encode import Encoded
from harness.data.dataset import Dataset
from harness.data.errors import DataError, RegionError
from harness.data.sample import Sample
from harness.interventions.knockout import Positions

if TYPE_CHECKING:
    from jaxtyping import Float

KEPT_IMAGES = 4
"""Images whose keys and values are kept: the questions on one image mostly borrow from the same other one.

Of LLaVA-NeXT with 13 billion parameters one is a gigabyte and more.
"""
MEAN_IMAGES = 32
"""Images that a mean is taken over: the first usable ones in seeded order."""


@dataclass(frozen=True)
class KeyValues:
    """Keys and values of some positions.

    Attributes:
        values: per layer ``[kv_heads, positions, head_dim]``.
        keys: the same after rotary embedding; None to keep the reader's own.
    """

    values: tuple[Float[Tensor, "kv_heads positions head_dim"], ...]
    keys: tuple[Float[Tensor, "kv_heads positions head_dim"], ...] | None = None

    def at(self, positions: list[int]) -> KeyValues:
        """The contents of some of the positions, by their place among them."""
        keys = None if self.keys is None else tuple(key[:, positions] for key in self.keys)
        return KeyValues(tuple(value[:, positions] for value in self.values), keys)


class PatchSource:
    """KeyValues of other images of a data set, seen by one checkpoint.

    Args:
        dataset: the data set.
        encode: encodes a sample.
        contents: keys and values of an encoded sample at some positions, in every layer.
    """

    def __init__(
        self,
        dataset: Dataset,
        encode: Callable[[Sample], Encoded],
        contents: Callable[[Encoded, Positions], KeyValues],
    ) -> None:
        self._dataset = dataset.whole
        self._encode = encode
        self._contents = contents
        self._kept: OrderedDict[tuple[str, tuple[int, ...]], KeyValues] = OrderedDict()

    def contents(self, by: Literal["mean", "other"], sample: Sample, sources: Positions) -> KeyValues:
        """What stands at some positions of a sample's prompt instead of its own image's.

        Args:
            by: the data set's mean, or the image's that calls for another answer.
            sample: the sample.
            sources: positions of visual tokens.

        Raises:
            RegionError: if there is no other image, it cannot be used, or it has its visual tokens elsewhere
                in the prompt.
        """
        if by == "mean":
            return KeyValues(tuple(mean.expand(-1, len(sources), -1) for mean in self._means))
        try:
            positions, given = self._image(self._dataset.counterpart(sample))
        except DataError as error:
            raise RegionError(f"no other image to take contents from ({error})") from error
        if sources == positions:
            return given
        places = {position: place for place, position in enumerate(positions)}
        if not places.keys() >= set(sources):
            raise RegionError("the other image's visual tokens stand elsewhere in the prompt")
        return given.at([places[source] for source in sources])

    def _image(self, sample: Sample) -> tuple[Positions, KeyValues]:
        """The visual tokens of a sample's image, and what stands there.

        That hangs on the image and on what comes before it in the prompt, and on nothing behind it: another
        question about the image finds it there already.
        """
        encoded = self._encode(sample)
        positions = encoded.regions["image"]
        key = sample.image_id, tuple(encoded.ids[: positions[-1] + 1].tolist())
        if key not in self._kept:
            self._kept[key] = self._contents(encoded, positions)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_IMAGES:
            self._kept.popitem(last=False)
        return positions, self._kept[key]

    @cached_property
    def _means(self) -> tuple[Tensor, ...]:
        """Per layer ``[kv_heads, 1, head_dim]``: the mean value of visual tokens over images."""
        means = [self._mean_of(sample) for sample in self._mean_samples]
        if not means:
            raise RegionError("no image of the data set can be used for the mean")
        return tuple(torch.stack(layer).mean(dim=0) for layer in zip(*means, strict=True))

    def _mean_of(self, sample: Sample) -> list[Tensor]:
        """Per layer the mean value of one image's visual tokens."""
        _, given = self._image(sample)
        return [value.double().mean(dim=1, keepdim=True) for value in given.values]

    @cached_property
    def _mean_samples(self) -> tuple[Sample, ...]:
        """One sample on each of the first images, in seeded order, that can be put to the model."""
        of_image: dict[str, list[Sample]] = defaultdict(list)
        for sample in self._dataset.samples:
            of_image[sample.image_id].append(sample)
        usable = (self._first_usable(of_image[image]) for image in self._dataset.images)
        return tuple(islice((sample for sample in usable if sample is not None), MEAN_IMAGES))

    def _first_usable(self, samples: Iterable[Sample]) -> Sample | None:
        """The first sample on an image that can be encoded; None if none can."""
        for sample in samples:
            with suppress(RegionError, DataError):
                self._encode(sample)
                return sample
        return None
