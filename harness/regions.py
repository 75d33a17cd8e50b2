"""Regions: named sets of token positions of one prompt.

Segments of the prompt are known by construction (`harness.prompt`); options and objects are found
inside the question **by whole words**: the released code takes the first substring and finds
"hat" inside "What". A region that is unknown or empty is an error, never a silent 0 %.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.errors import RegionError
from harness.sample import Sample

Span = tuple[int, int]
REGION_NAMES = (
    "first", "system", "roles", "image", "separator", "question", "suffix", "last",
    "true_option", "false_option", "central_object", "object1", "object2", "question_rest",
    "question_without_options", "related_patches", "other_patches", "padding_patches",
    "before_last", "after_image",
)  # fmt: skip
"""Every name a flow may use. A union of regions is written ``a+b``."""


@dataclass(frozen=True)
class Regions:
    """The regions of one encoded sample.

    Attributes:
        positions: positions by region name; a name that is missing does not apply to the sample.
        length: prompt length in tokens.
    """

    positions: Mapping[str, tuple[int, ...]]
    length: int

    def __getitem__(self, name: str) -> tuple[int, ...]:
        """Positions of a region, or of a union written ``a+b``.

        Raises:
            RegionError: if a name is unknown, or the region is empty for this sample.
        """
        found: set[int] = set()
        for part in name.split("+"):
            if part not in REGION_NAMES:
                raise RegionError(f"unknown region {part!r}; the regions are {', '.join(REGION_NAMES)}")
            found.update(self.positions.get(part, ()))
        if not found:
            raise RegionError(f"region {name!r} is empty")
        return tuple(sorted(found))


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


def phrase_positions(
    phrase: str, question: str, question_start: int, offsets: Sequence[Span], candidates: Sequence[int]
) -> tuple[int, ...]:
    """Question tokens of a phrase's first occurrence as whole words; empty if it does not occur.

    Args:
        phrase: an option or an object's name.
        question: the question.
        question_start: where the question begins in the prompt, in characters.
        offsets: character offsets of every token.
        candidates: positions of the question's tokens.
    """
    spans = word_spans(question, phrase)
    if not spans:
        return ()
    start, stop = (question_start + edge for edge in spans[0])
    return tuple(at for at in candidates if offsets[at][0] < stop and offsets[at][1] > start)


def question_parts(
    sample: Sample, question_start: int, offsets: Sequence[Span], question: Sequence[int]
) -> dict[str, tuple[int, ...]]:
    """Options, objects and the rest inside the question.

    Args:
        sample: the sample.
        question_start: where the question begins in the prompt, in characters.
        offsets: character offsets of every token.
        question: positions of the question's tokens.
    """

    def find(phrase: str | None) -> tuple[int, ...]:
        text = sample.question.strip()
        return phrase_positions(phrase, text, question_start, offsets, question) if phrase else ()

    names = [box.name for box in sample.objects]
    parts = {"true_option": find(sample.true_option), "false_option": find(sample.false_option)}
    parts |= {f"object{number}": find(name) for number, name in enumerate(names[:2], start=1)}
    objects = {at for number in (1, 2) for at in parts.get(f"object{number}", ())}
    options = {*parts["true_option"], *parts["false_option"]}
    parts["central_object"] = tuple(sorted(objects))
    if options:
        parts["question_without_options"] = tuple(at for at in question if at not in options)
    parts["question_rest"] = tuple(at for at in question if at not in options | objects)
    return {name: found for name, found in parts.items() if found}
