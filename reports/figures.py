"""The paper's figures redrawn from the record: which curves belong to which figure."""

from __future__ import annotations

from dataclasses import dataclass

from harness.record import Curve, RunRecord
from reports.panels import Plot, plots


@dataclass(frozen=True)
class Figure:
    """A figure of one checkpoint.

    Attributes:
        slug: for its link.
        title: its heading.
        caption: what is seen.
        plots: its panels; empty where the run did not measure it.
    """

    slug: str
    title: str
    caption: str
    plots: tuple[Plot, ...]


_FIGURES = (
    (
        "last",
        "What the last position reads",
        "Answer probability lost when the last position may not read the question, the image, or itself.",
        ("question->last", "image->last", "last->last"),
    ),
    (
        "image",
        "What the question reads of the image",
        "Answer probability lost when the question may not read any patch.",
        ("image->question",),
    ),
    (
        "patches",
        "Which patches the question reads",
        "The patches that hold the asked objects, and all the others.",
        ("related_patches->question", "other_patches->question"),
    ),
)


def curves_of(record: RunRecord, checkpoint: str) -> list[Curve]:
    """Every curve measured on a checkpoint, once."""
    found = [curve for claim in record.claims if claim.checkpoint == checkpoint for curve in claim.curves]
    return list({(c.label, c.task, c.reading, c.role, c.window): c for c in found}.values())


def figures(record: RunRecord, checkpoint: str) -> tuple[Figure, ...]:
    """The paper's figures for one checkpoint, in its order; values above zero are shown."""
    curves = curves_of(record, checkpoint)
    drawn = [
        Figure(slug, title, caption, plots(_effects(curves, flows)))
        for slug, title, caption, flows in _FIGURES
    ]
    drawn.append(
        Figure(
            "answer",
            "When the answer appears, by its case",
            "Probability of the answer's first token, read off the last position after every layer.",
            plots([curve for curve in curves if curve.role == "lens"]),
        )
    )
    return tuple(drawn)


def _effects(curves: list[Curve], flows: tuple[str, ...]) -> list[Curve]:
    return [
        c for flow in flows for c in curves if c.label == flow and c.role == "effect" and c.reading == "p_c"
    ]
