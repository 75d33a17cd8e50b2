"""From a sample to the model's inputs: token ids, pixels, and the regions of every name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from harness.checkpoint import Checkpoint
from harness.errors import CheckpointError, DataError, RegionError
from harness.patches import SquarePadding, pad_to_square
from harness.prompt import IMAGE
from harness.regions import Regions, Span, question_parts, segment_positions
from harness.sample import Sample

MAX_PIXELS = 50_000_000
"""Larger pictures are refused: GQA's are under a megapixel, a decompression bomb is not."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """One sample as the model sees it.

    Attributes:
        sample: the sample.
        ids: token ids ``[n]``, one image token per visual token.
        pixels: ``[1, 3, height, width]``.
        regions: positions by region name.
        text: the prompt's text, the image tokens written out.
        offsets: character offsets of every token in ``text``.
    """

    sample: Sample
    ids: Tensor
    pixels: Tensor
    regions: Regions
    text: str
    offsets: tuple[Span, ...]

    @property
    def length(self) -> int:
        """Prompt length in tokens."""
        return int(self.ids.shape[0])


def encode(checkpoint: Checkpoint, sample: Sample, instruction: str = "default") -> Encoded:
    """Encode a sample with the checkpoint's prompt format.

    Args:
        checkpoint: the checkpoint.
        sample: the sample.
        instruction: the name of the format's instruction.

    Raises:
        DataError: if the image cannot be read.
        RegionError: if the question's tokens do not give back its words.
        CheckpointError: if the tokenizer has no character offsets.
    """
    pixels = load_pixels(checkpoint, sample.image_path)
    text, spans = _expanded(checkpoint, sample, instruction)
    tokenizer = checkpoint.processor.tokenizer
    if not tokenizer.is_fast:
        raise CheckpointError(f"{checkpoint.name}: its tokenizer has no offsets; a fast tokenizer is needed")
    encoding = tokenizer(
        text, add_special_tokens=checkpoint.prompt.adds_bos, return_offsets_mapping=True, return_tensors=None
    )
    ids = torch.tensor(encoding["input_ids"], dtype=torch.long)
    offsets = tuple((int(start), int(stop)) for start, stop in encoding["offset_mapping"])
    if tokenizer.eos_token_id is not None and ids[-1] == tokenizer.eos_token_id:
        ids, offsets = ids[:-1], offsets[:-1]
    regions = _regions(checkpoint, sample, spans, offsets, text)
    return Encoded(sample, ids, pixels, regions, text, offsets)


def load_pixels(checkpoint: Checkpoint, path: Path) -> Tensor:
    """Read an image file the way the checkpoint was trained: padded to a square, then processed.

    Returns:
        ``[1, 3, side, side]`` in the checkpoint's dtype, on its device.

    Raises:
        DataError: if the file is missing, broken or too large.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(
                    f"{path}: {image.width}×{image.height} pixels is more than a picture should have"
                )
            picture = image.convert("RGB")
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such image file") from error
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: cannot be read as an image ({error})") from error
    processor = checkpoint.processor.image_processor
    square = pad_to_square(picture, tuple(processor.image_mean))
    pixels: Tensor = processor(images=square, return_tensors="pt")["pixel_values"]
    return pixels.to(checkpoint.device, checkpoint.dtype)


def _expanded(checkpoint: Checkpoint, sample: Sample, instruction: str) -> tuple[str, list[tuple[str, Span]]]:
    """The prompt with its visual tokens written out, and where each segment stands in it."""
    visual = checkpoint.processor.image_token * checkpoint.geometry.count
    text, spans = "", []
    for name, segment in checkpoint.prompt.fill(sample.question, instruction):
        filled = segment.replace(IMAGE, visual)
        spans.append((name, (len(text), len(text) + len(filled))))
        text += filled
    return text, spans


def _regions(
    checkpoint: Checkpoint,
    sample: Sample,
    spans: list[tuple[str, Span]],
    offsets: tuple[Span, ...],
    text: str,
) -> Regions:
    segments = segment_positions(spans, offsets, text)
    question, image, last = segments["question"], segments["image"], len(offsets) - 1
    if len(image) != checkpoint.geometry.count:
        raise RegionError(f"{sample.id}: {len(image)} image tokens, expected {checkpoint.geometry.count}")
    start, stop = next(span for name, span in spans if name == "question")
    _check_words(sample, question, offsets, text[start:stop], text)
    named = {name: tuple(found) for name, found in segments.items() if found}
    named["roles"] = tuple(at for at in named.get("roles", ()) if at != last)
    named |= {
        "first": (0,),
        "last": (last,),
        "before_last": tuple(range(1, last)),
        "after_image": tuple(range(max(image) + 1, last + 1)),
    }
    named |= question_parts(sample, start, offsets, question)
    named |= _patch_regions(checkpoint.geometry, sample, image)
    return Regions(named, len(offsets))


def _check_words(
    sample: Sample, question: list[int], offsets: tuple[Span, ...], words: str, text: str
) -> None:
    """Decoding the question's tokens must give back the question's words."""
    if not question:
        raise RegionError(f"{sample.id}: the question has no tokens of its own")
    covered = text[offsets[question[0]][0] : offsets[question[-1]][1]]
    if covered.strip() != words.strip():
        raise RegionError(
            f"{sample.id}: the question's tokens say {covered.strip()!r}, not {words.strip()!r}"
        )


def _patch_regions(
    geometry: SquarePadding, sample: Sample, image: Sequence[int]
) -> dict[str, tuple[int, ...]]:
    """Related, other and padding patches as token positions."""
    related = {patch for box in sample.objects for patch in geometry.patches(box, sample.image_size)}
    if not related:
        return {}
    padding = set(geometry.padding(sample.image_size))
    regions = {
        "related_patches": tuple(image[patch] for patch in sorted(related)),
        "other_patches": tuple(image[patch] for patch in range(geometry.count) if patch not in related),
        "padding_patches": tuple(image[patch] for patch in sorted(padding)),
    }
    return {name: positions for name, positions in regions.items() if positions}
