"""Regions: named sets of token positions of one prompt.

Segments of the prompt are known by construction (`harness.checkpoint.prompt`); options and objects are found
inside the question **by whole words**: the released code takes the first substring and finds
"hat" inside "What". A region that is unknown or empty is an error, never a silent 0 %.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from harness.checkpoint.patches import TokenLayout
from harness.data.errors import RegionError
from harness.data.sample import Sample

Span = tuple[int, int]
REGION_NAMES = (
    "first", "system", "roles", "image", "separators", "separator", "question", "suffix", "last",
    "true_option", "false_option", "central_object", "object1", "object2", "question_rest",
    "question_without_options", "related_patches", "other_patches", "padding_patches",
    "before_last", "after_image",
    "base_patches", "tile_patches", "newline",
    "related_base_patches", "other_base_patches", "related_tile_patches", "other_tile_patches",
    "random_patches", "most_patches", "shifted_patches", "foreign_patches", "centre_patch",
    "centre_tile_patch",
)  # fmt: skip
"""Every name a flow may use. A union of regions is written ``a+b``. ``separators`` are the marks that
some models have between (and around) the visual tokens; ``separator`` parts the image from the question."""
RELEASED_NAMES = {
    "Question": "question",
    "Last": "last",
    "Image": "image",
    "True Option": "true_option",
    "False Option": "false_option",
    "Central Object": "central_object",
    "Question without Options": "question_without_options",
    "Image Central Object": "related_patches",
    "Image Without Central Object": "other_patches",
    "Image Without Central Object with pad": "other_patches+newline",
    "Image Pad": "newline",
    "Image Original Patch": "base_patches",
    "Image HD Patch": "tile_patches+newline",
    "Image Central Object in HD": "related_tile_patches",
    "Image HD Without Central Object": "other_tile_patches+newline",
}
"""The released code's block names and the regions they are. Its "pad" is the newline token that ends a row
of tiles; patches that show the padding around a picture are ours (``padding_patches``)."""


@dataclass(frozen=True)
class Regions:
    """The regions of one encoded sample.

    Attributes:
        positions: positions by region name; a name that is missing does not apply to the sample.
        length: prompt length in tokens.
        two_way: runs of positions, (start, stop), whose rows read each other both ways; all else is causal.
    """

    positions: Mapping[str, tuple[int, ...]]
    length: int
    two_way: tuple[Span, ...] = ()

    def __getitem__(self, name: str) -> tuple[int, ...]:
        """Positions of a region, or of a union written ``a+b``.

        Raises:
            RegionError: if a name is unknown, or the region is empty for this sample.
        """
        found = self.found(name)
        if not found:
            raise RegionError(f"region {name!r} is empty")
        return found

    def found(self, name: str) -> tuple[int, ...]:
        """The same, but a region that is empty for this sample has no positions.

        Raises:
            RegionError: if a name is unknown.
        """
        check_region_names(name)
        return tuple(sorted({at for part in name.split("+") for at in self.positions.get(part, ())}))


def runs(positions: Sequence[int]) -> tuple[Span, ...]:
    """The runs (start, stop) of neighbours among some positions, in order."""
    starts = [at for at in positions if at - 1 not in positions]
    stops = [at + 1 for at in positions if at + 1 not in positions]
    return tuple(zip(sorted(starts), sorted(stops), strict=True))


def check_region_names(name: str) -> None:
    """Raise `RegionError` if a region, or one of a union, does not exist."""
    for part in name.split("+"):
        if part not in REGION_NAMES:
            raise RegionError(f"unknown region {part!r}; the regions are {', '.join(REGION_NAMES)}")


def segment_positions(
    spans: Sequence[tuple[str, Span]], offsets: Sequence[Span], text: str
) -> dict[str, list[int]]:
    """Tokens of each segment, by overlap of characters that are not white space.

    A token may begin with the space (or be the line break) of the segment before: what counts is
    the segment of its first visible character; a token of white space alone belongs to the
    segment it starts in.

    Args:
        spans: (segment, (start, stop)) in characters of ``text``, in order.
        offsets: (start, stop) of each token in characters; (n, n) for tokens without text.
        text: the whole prompt.

    Returns:
        Positions by segment name; tokens without text (a BOS) belong to none.
    """
    positions: dict[str, list[int]] = {name: [] for name, _ in spans}
    for position, (start, stop) in enumerate(offsets):
        if start == stop:
            continue
        visible = next((at for at in range(start, stop) if not text[at].isspace()), start)
        for name, (first, end) in spans:
            if first <= visible < end:
                positions[name].append(position)
                break
    return positions


def word_spans(question: str, phrase: str) -> list[Span]:
    """Where a phrase stands in the question as whole words, whatever its case, leftmost first.

    Args:
        question: the question.
        phrase: an option or an object's name; its words may be parted by any white space.
    """
    words = [re.escape(word) for word in phrase.split()]
    if not words:
        return []
    pattern = r"(?<!\w)" + r"\s+".join(words) + r"(?!\w)"
    return [found.span() for found in re.finditer(pattern, question, flags=re.IGNORECASE)]


Says = Callable[[Sequence[int], str], bool]
"""Whether the tokens at some positions decode to these words."""


def question_parts(
    sample: Sample, question_start: int, offsets: Sequence[Span], question: Sequence[int], says: Says
) -> dict[str, tuple[int, ...]]:
    """Options, objects and the rest inside the question; what is not there has no entry.

    There is a rest only where an object is named: elsewhere it would be the question without its options.

    Args:
        sample: the sample.
        question_start: where the question begins in the prompt, in characters.
        offsets: character offsets of every token.
        question: positions of the question's tokens.
        says: checks that tokens decode to a phrase; a phrase that shares a token with another word has
            no region.
    """
    text = sample.question.strip()

    def positions(span: Span | None, phrase: str | None) -> tuple[int, ...]:
        if span is None or phrase is None:
            return ()
        start, stop = (question_start + edge for edge in span)
        found = tuple(at for at in question if offsets[at][0] < stop and offsets[at][1] > start)
        return found if says(found, phrase) else ()

    true, false = option_spans(text, sample.true_option, sample.false_option)
    parts = {
        "true_option": positions(true, sample.true_option),
        "false_option": positions(false, sample.false_option),
    }
    for number, box in enumerate(sample.objects[:2], start=1):
        parts[f"object{number}"] = positions(next(iter(word_spans(text, box.name)), None), box.name)
    objects = {at for number in (1, 2) for at in parts.get(f"object{number}", ())}
    options = {*parts["true_option"], *parts["false_option"]}
    parts["central_object"] = tuple(sorted(objects))
    if options:
        parts["question_without_options"] = tuple(at for at in question if at not in options)
    if objects:  # what these words are compared with
        parts["question_rest"] = tuple(at for at in question if at not in options | objects)
    return {name: found for name, found in parts.items() if found}


def option_spans(question: str, *options: str | None) -> tuple[Span | None, ...]:
    """Where each option first stands as whole words, but not inside a longer option.

    In "Is it light brown or brown?" the option "brown" is the second one.
    """
    taken: list[Span] = []
    spans: dict[str, Span | None] = {}
    for option in sorted({option for option in options if option}, key=len, reverse=True):
        places = word_spans(question, option)
        free = [place for place in places if all(place[1] <= at or place[0] >= to for at, to in taken)]
        spans[option] = next(iter(free or places), None)
        taken += free[:1]
    return tuple(spans.get(option) if option else None for option in options)


def image_regions(layout: TokenLayout, related: Collection[int]) -> dict[str, tuple[int, ...]]:
    """Numbers of the visual tokens in each region of the image; what is not there has no entry.

    Args:
        layout: the picture's visual tokens.
        related: those that show one of the annotated objects (`harness.checkpoint.boxes`); other are all
            other patches. Both need a box that reaches a patch.
    """
    tiles = layout.tiles.patches if layout.tiles else ()
    parts = {"": layout.patches, "base_": layout.base.patches, "tile_": tiles}
    regions = {"newline": layout.newlines, "base_patches": layout.base.patches, "tile_patches": tiles}
    if related:
        regions["padding_patches"] = layout.padding
        for part, tokens in parts.items():
            regions[f"related_{part}patches"] = tuple(token for token in tokens if token in related)
            regions[f"other_{part}patches"] = tuple(token for token in tokens if token not in related)
    return {name: tuple(sorted(tokens)) for name, tokens in regions.items() if tokens}
