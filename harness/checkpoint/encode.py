"""From a sample to the model's inputs: token ids, pixels, and the regions of every name."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from harness.checkpoint.adapters import ADAPTERS
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.door import checkpoint_door
from harness.checkpoint.lengths import check_context
from harness.checkpoint.patches import TokenLayout
from harness.checkpoint.positions import MODALITIES, as_inputs, following
from harness.checkpoint.processor import visual_token
from harness.checkpoint.prompt import IMAGE
from harness.checkpoint.regions import (
    Regions,
    Span,
    image_regions,
    question_parts,
    runs,
    segment_positions,
)
from harness.checkpoint.tokenizing import text_of, tokens_of
from harness.data.errors import CheckpointError, RegionError
from harness.data.pictures import read_picture
from harness.data.sample import Sample

TOKEN_TYPES = "token_type_ids"
"""The input by which models are told where their prompt attends both ways."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """One sample as the model sees it.

    Attributes:
        sample: the sample.
        ids: token ids ``[n]``, one image token per visual token.
        pixels: the model's ``pixel_values``: ``[1, 3, height, width]``, ``[1, tiles, 3, height, width]``, or
            ``[patches, values]``.
        regions: positions by region name.
        text: the prompt's text, the image tokens written out.
        offsets: character offsets of every token in ``text``.
        extra: what the model wants beside the pixels, by keyword (``image_sizes``).
        positions: rotary positions ``[n, axes]``, where they are not the numbers of the tokens.
    """

    sample: Sample
    ids: Tensor
    pixels: Tensor
    regions: Regions
    text: str
    offsets: tuple[Span, ...]
    extra: Mapping[str, Tensor] = field(default_factory=dict)
    positions: Tensor | None = None

    @property
    def length(self) -> int:
        """Prompt length in tokens."""
        return int(self.ids.shape[0])

    @property
    def picture_span(self) -> Span:
        """Where the picture stands in ``text``, in characters: its visual tokens and their marks."""
        block = (*self.regions["image"], *self.regions.found("separators"))
        return self.offsets[min(block)][0], self.offsets[max(block)][1]

    @property
    def visual(self) -> dict[str, Tensor]:
        """The picture as keyword inputs of the model, and where its tokens attend both ways."""
        return {"pixel_values": self.pixels, **self.extra, **self._token_types}

    @property
    def _token_types(self) -> dict[str, Tensor]:
        """One for tokens that attend both ways, ``[1, n]``; transformers' models are told by it."""
        if not self.regions.two_way:
            return {}
        types = torch.zeros_like(self.ids)
        for start, stop in self.regions.two_way:
            types[start:stop] = 1
        return {TOKEN_TYPES: types[None].to(self.pixels.device)}

    @property
    def rotary_positions(self) -> Tensor:
        """Where the decoder's rotary embedding has every token: ``[n]``, or ``[n, axes]``."""
        return torch.arange(self.length) if self.positions is None else self.positions

    @property
    def placed(self) -> dict[str, Tensor]:
        """The positions as keyword inputs of the model; none where it counts its tokens, as most do."""
        device = self.pixels.device
        return {} if self.positions is None else {"position_ids": as_inputs(self.positions).to(device)}

    def modalities(self, image_token: int) -> dict[str, Tensor]:
        """What a model needs to find the same positions by itself; nothing where it counts its tokens."""
        types = (self.ids == image_token).long()[None].to(self.pixels.device)
        return {} if self.positions is None else {MODALITIES: types}


def encode(checkpoint: Checkpoint, sample: Sample, instruction: str = "default") -> Encoded:
    """Encode a sample with the checkpoint's prompt format.

    Args:
        checkpoint: the checkpoint.
        sample: the sample.
        instruction: the name of the format's instruction.

    Raises:
        DataError: if the image cannot be read.
        RegionError: if the picture's size is not the annotated one, the prompt is longer than the decoder's
            context, or decoding the question's tokens does not give back its words.
        CheckpointError: if the tokenizer has no character offsets.
    """
    picture = read_picture(sample.image_path)
    if picture.size != sample.image_size:
        raise RegionError(f"the picture is {_by(picture.size)} pixels, its row says {_by(sample.image_size)}")
    with checkpoint_door(checkpoint.path, "its configuration cannot lay out a picture"):
        layout = checkpoint.pictures.layout(picture.size)
    prompt = _Prompt.of(checkpoint, sample, instruction, layout)
    check_context(checkpoint.model.config, len(prompt.ids))
    regions = _regions(checkpoint, sample, prompt, layout)
    with checkpoint_door(checkpoint.path, "its processor cannot make the model's inputs"):
        inputs = dict(checkpoint.pictures.inputs(picture))
        pixels = inputs.pop("pixel_values")
        if not bool(pixels.isfinite().all()):
            raise CheckpointError("its processor makes pixels that are not finite; see its mean and scale")
        pixels = pixels.to(checkpoint.device, checkpoint.dtype)
    ids = torch.tensor(prompt.ids, dtype=torch.long)
    extra = {name: value.to(checkpoint.device) for name, value in inputs.items()}
    adapter = ADAPTERS.get(checkpoint.model.config.model_type)  # loading refuses a type without one
    find = adapter.positions if adapter else None
    positions = None if find is None else find(layout, regions["image"], len(ids))
    return Encoded(sample, ids, pixels, regions, prompt.text, prompt.offsets, extra, positions)


def extended(encoded: Encoded, tokens: Sequence[int]) -> Encoded:
    """A prompt followed by part of an answer; the last position moves on, every other region stays.

    Args:
        encoded: the prompt.
        tokens: token ids that follow it; none leave it as it is.
    """
    if not tokens:
        return encoded
    length = encoded.length + len(tokens)
    moved = {"last": (length - 1,), "before_last": tuple(range(1, length - 1))}
    moved["after_image"] = (*encoded.regions["after_image"], *range(encoded.length, length))
    end = (len(encoded.text), len(encoded.text))
    positions = encoded.positions
    if positions is not None:
        new = [following(positions, count) for count in range(1, len(tokens) + 1)]
        positions = torch.cat([positions, torch.stack(new)])
    return replace(
        encoded,
        ids=torch.cat([encoded.ids, torch.tensor(list(tokens), dtype=encoded.ids.dtype)]),
        regions=replace(encoded.regions, positions={**encoded.regions.positions, **moved}, length=length),
        offsets=(*encoded.offsets, *[end] * len(tokens)),
        positions=positions,
    )


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"


@dataclass(frozen=True)
class _Prompt:
    """A prompt, its visual tokens written out.

    Attributes:
        text: the whole prompt.
        spans: where each segment stands in it, in characters.
        ids: its token ids.
        offsets: character offsets of every token.
    """

    text: str
    spans: tuple[tuple[str, Span], ...]
    ids: tuple[int, ...]
    offsets: tuple[Span, ...]

    @classmethod
    def of(cls, checkpoint: Checkpoint, sample: Sample, instruction: str, layout: TokenLayout) -> _Prompt:
        """Write and tokenize the prompt of a sample whose picture becomes these visual tokens."""
        visual = layout.written(visual_token(checkpoint.processor))
        text, spans = "", []
        for name, segment in checkpoint.prompt.fill(sample.question, instruction):
            filled = visual if segment == IMAGE else segment.replace(IMAGE, visual)
            spans.append((name, (len(text), len(text) + len(filled))))
            text += filled
        image = next(span for name, span in spans if name == "image")
        ids, offsets = tokens_of(
            checkpoint.processor.tokenizer, checkpoint.prompt, text, image, checkpoint.name
        )
        return cls(text, tuple(spans), tuple(ids), tuple(offsets)).followed_by(checkpoint)

    def followed_by(self, checkpoint: Checkpoint) -> _Prompt:
        """What answers always begin with, as if the format ended so; its tokens are those that were said."""
        text, offsets, tokenizer = self.text, [*self.offsets], checkpoint.processor.tokenizer
        for token in checkpoint.opening:
            written = text_of(tokenizer, [token]) or str(tokenizer.convert_ids_to_tokens(token))
            offsets.append((len(text), len(text) + len(written)))
            text += written
        spans = (*self.spans, ("roles", (len(self.text), len(text))))
        return _Prompt(text, spans, (*self.ids, *checkpoint.opening), tuple(offsets))

    def span(self, name: str) -> Span:
        """Where a segment stands."""
        return next(span for segment, span in self.spans if segment == name)


def _regions(checkpoint: Checkpoint, sample: Sample, prompt: _Prompt, layout: TokenLayout) -> Regions:
    segments = segment_positions(prompt.spans, prompt.offsets, prompt.text)
    question, last = segments["question"], len(prompt.ids) - 1
    visual = checkpoint.model.config.image_token_id  # reading a configuration is slow
    image = [at for at, token in enumerate(prompt.ids) if token == visual]
    says = _Decoder(checkpoint.processor.tokenizer, prompt.ids)
    _check_picture(segments["image"], image, layout, says)
    start, stop = prompt.span("question")
    if not question or not says(question, prompt.text[start:stop]):
        raise RegionError(
            f"the question's tokens say {says.text(question)!r}, not {prompt.text[start:stop].strip()!r}"
        )
    segments |= {"image": image, "separators": sorted(set(segments["image"]) - set(image))}
    named = {name: tuple(found) for name, found in segments.items() if found}
    named["roles"] = tuple(at for at in named.get("roles", ()) if at != last)
    named |= {
        "first": (0,),
        "last": (last,),
        "before_last": tuple(range(1, last)),
        # Marks that follow a visual token read the image, too: a cut that leaves them out is none.
        "after_image": tuple(sorted(set(range(image[0], last + 1)) - set(image))),
    }
    named |= question_parts(sample, start, prompt.offsets, question, says)
    related = checkpoint.tokens_under(sample.image_size, sample.objects)
    named |= {
        name: tuple(image[token] for token in tokens)
        for name, tokens in image_regions(layout, related).items()
    }
    return Regions(named, len(prompt.ids), runs(image) if layout.two_way else ())


def _check_picture(segment: Sequence[int], image: Sequence[int], layout: TokenLayout, says: _Decoder) -> None:
    """The picture's part of the prompt must be its visual tokens and their marks, and nothing else."""
    if not set(image) <= set(segment) or len(image) != layout.count:
        raise RegionError(f"{len(image)} image tokens in the prompt, {layout.count} visual tokens expected")
    between = says.text(sorted(set(segment) - set(image)))
    marks = "".join(mark for _, mark in layout.marks)
    if _plain(between) != _plain(marks):
        raise RegionError(f"between its image tokens the prompt says {between!r}, not {marks!r}")


@dataclass(frozen=True)
class _Decoder:
    """Decodes parts of a prompt, to see whether a region is what it should be."""

    tokenizer: Any
    ids: Sequence[int]

    def text(self, positions: Sequence[int]) -> str:
        """What tokens say."""
        said: str = self.tokenizer.decode(
            [self.ids[at] for at in positions], clean_up_tokenization_spaces=False
        )
        return said

    def __call__(self, positions: Sequence[int], words: str) -> bool:
        """Whether tokens say these words: white space and case aside, as Unicode's NFKC writes them.

        A special token never does, even if the words spell it.
        """
        special = set(self.tokenizer.all_special_ids)
        return _plain(self.text(positions)) == _plain(words) and not special.intersection(
            self.ids[at] for at in positions
        )


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
