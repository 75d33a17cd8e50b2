"""The paper's figures redrawn from the record: which curves belong to which figure."""

from __future__ import annotations

from dataclasses import dataclass

from harness.verdicts.record import Curve, RunRecord
from reports.flowmap import ANSWERS
from reports.panels import Plot, plots
from reports.styles import FINAL_NORM


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
    """Every curve measured on a checkpoint, once, from as many images as there are."""
    found: dict[tuple[str, str, str, str, int | None], Curve] = {}
    for claim in record.claims:
        for curve in claim.curves if claim.checkpoint == checkpoint else ():
            key = (curve.label, curve.task, curve.reading, curve.role, curve.window)
            found[key] = max(found.get(key, curve), curve, key=lambda one: one.n_images)
    return list(found.values())


def at_the_rule(record: RunRecord, checkpoint: str, curves: list[Curve]) -> list[Curve]:
    """The curves at the checkpoint's own window size, where the record knows it, and those without one."""
    sizes = {item.window for item in record.checkpoints if item.name == checkpoint}
    return [curve for curve in curves if curve.window is None or not sizes or curve.window in sizes]


def figures(record: RunRecord, checkpoint: str) -> tuple[Figure, ...]:
    """The paper's figures for one checkpoint, in its order; values above zero are shown."""
    curves = at_the_rule(record, checkpoint, curves_of(record, checkpoint))
    drawn = [
        Figure(slug, title, caption, plots(_effects(curves, flows)))
        for slug, title, caption, flows in _FIGURES
    ]
    drawn.append(
        Figure(
            "answer",
            "When the answer appears, by its case",
            "Probability of the answer's first token, read off the last position after every layer.",
            plots(sorted(filter(is_answer, curves), key=lambda curve: FINAL_NORM in curve.label)),
        )
    )
    return tuple(drawn)


def is_answer(curve: Curve) -> bool:
    """Whether a curve is the answer's own probability, asked for as the paper does."""
    return curve.role == "lens" and curve.label.removesuffix(FINAL_NORM) in ANSWERS


def _effects(curves: list[Curve], flows: tuple[str, ...]) -> list[Curve]:
    return [
        c for flow in flows for c in curves if c.label == flow and c.role == "effect" and c.reading == "p_c"
    ]
