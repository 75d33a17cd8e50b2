"""One question on one image: the unit a knockout is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TASKS = ("ChooseAttr", "ChooseCat", "ChooseRel", "CompareAttr", "LogicalObj", "QueryAttr")
"""The six task types of the paper, in the order of its data files."""

Size = tuple[int, int]
"""(width, height) in pixels."""

CHOOSE_TASKS = ("ChooseAttr", "ChooseCat", "ChooseRel")
"""The tasks whose questions name two options."""


@dataclass(frozen=True)
class Box:
    """An annotated object.

    Attributes:
        name: the object's name as the question may say it.
        x: left edge in pixels of the original image.
        y: top edge in pixels.
        width: in pixels.
        height: in pixels.
    """

    name: str
    x: int
    y: int
    width: int
    height: int

    def reaches(self, size: Size) -> bool:
        """Whether it holds at least one pixel of a picture of this (width, height)."""
        across = min(self.x + self.width, size[0]) - max(self.x, 0)
        down = min(self.y + self.height, size[1]) - max(self.y, 0)
        return across > 0 and down > 0


@dataclass(frozen=True)
class Sample:
    """One question on one image, with its answer, options and object boxes.

    Attributes:
        id: the question's id, text (leading zeros matter), unique within a data set.
        task: one of `TASKS`.
        image_id: the image's id; samples that share it share an image, the unit of the statistics.
        image_path: the image file.
        question: the question as asked, without instruction or role words.
        answer: the expected answer, lower case.
        true_option: in Choose tasks the option that is the answer, else None.
        false_option: in Choose tasks the other option, else None.
        objects: the annotated objects (the central object; object 1 and object 2).
        image_size: (width, height) in pixels as annotated.
        twin: the id of the same question on an image that differs in what is asked, so that its answer is
            another; None where the data set knows of none.
    """

    id: str
    task: str
    image_id: str
    image_path: Path
    question: str
    answer: str
    true_option: str | None
    false_option: str | None
    objects: tuple[Box, ...]
    image_size: tuple[int, int]
    twin: str | None = None
