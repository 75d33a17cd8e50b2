"""Samples to look at: each as a card with its picture, prompt, answer and own curves."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.verdicts.record import RunRecord, SampleRecord
from reports.drawing.panels import Plot, plots
from reports.words import LONGEST, clean, measurement_name

REGIONS = {
    "question": ("Q", "question"),
    "true_option": ("T", "true option"),
    "false_option": ("F", "false option"),
    "central_object": ("O", "asked object"),
    "image": ("I", "image"),
    "separator": ("B", "break before the question"),
    "suffix": ("N", "instruction"),
    "roles": ("R", "role words"),
    "system": ("S", "system text"),
    "last": ("L", "last position"),
    "other": ("·", "anything else"),
}
"""The regions of a prompt: the letter that marks each, and its name."""
MOST = 12
"""Samples per task and checkpoint that are shown, whatever the record holds."""
MOST_PIECES = 40
"""Pieces of a prompt that are shown, whatever the record holds."""

_PICTURE = re.compile(r"data:image/jpeg;base64,[A-Za-z0-9+/]+={0,2}")
_LONGEST_PICTURE = 200_000


@dataclass(frozen=True)
class Card:
    """One sample.

    Attributes:
        sample: the sample.
        why: why it is shown, in words.
        prompt: (region, letter, text) of its prompt.
        picture: its picture as a data URI; empty where there is none that can be trusted.
        plots: its own curves.
    """

    sample: SampleRecord
    why: str
    prompt: tuple[tuple[str, str, str], ...]
    picture: str
    plots: tuple[Plot, ...]


def cards(record: RunRecord) -> dict[tuple[str, str], tuple[Card, ...]]:
    """The record's samples by checkpoint and task."""
    found: dict[tuple[str, str], list[Card]] = {}
    for sample in record.samples:
        group = found.setdefault((sample.checkpoint, sample.task), [])
        if len(group) < MOST:
            group.append(_card(sample))
    return {key: tuple(group) for key, group in found.items()}


def lettered(prompt: Sequence[tuple[str, str]], longest: int = LONGEST) -> tuple[tuple[str, str, str], ...]:
    """The pieces of a prompt as (region, letter, text), their line breaks visible.

    Args:
        prompt: its (region, text) pairs.
        longest: characters of a piece that are shown.
    """
    return tuple(
        (region if region in REGIONS else "other", REGIONS.get(region, ("·",))[0], _visible(text, longest))
        for region, text in prompt[:MOST_PIECES]
    )


def _card(sample: SampleRecord) -> Card:
    prompt = lettered(sample.prompt, 400)
    why = f"{clean(sample.drop, 40)} drop of {measurement_name(sample.flow)}"
    return Card(sample, why, prompt, _picture(sample), plots(sample.curves))


def _picture(sample: SampleRecord) -> str:
    usable = len(sample.picture) <= _LONGEST_PICTURE and _PICTURE.fullmatch(sample.picture)
    places = [*sample.size, *(value for box in sample.boxes for value in box[1:])]
    places += [value for patch in sample.patches for value in patch]
    return sample.picture if usable and min(sample.size) > 0 and all(map(math.isfinite, places)) else ""


def _visible(text: str, longest: int) -> str:
    return clean(text.replace("\n", "⏎"), longest)
