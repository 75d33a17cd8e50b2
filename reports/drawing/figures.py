"""The paper's figures redrawn from the record: which curves belong to which figure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.verdicts.record import Curve, MeasurementRecord, RunRecord
from reports.drawing import styles
from reports.drawing.panels import Plot, plots
from reports.drawing.styles import Series, series_of


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
        "Change of the answer's probability when the last position cannot read question, image or itself.",
        (styles.QUESTION_LAST, styles.IMAGE_LAST, styles.LAST_LAST),
    ),
    (
        "image",
        "What the question reads of the image",
        "Change of the answer's probability when the question cannot read any patch.",
        (styles.IMAGE_QUESTION,),
    ),
    (
        "patches",
        "Which patches the question reads",
        "The same for the patches that show the object asked about, and for all other patches.",
        (styles.RELATED, styles.OTHER),
    ),
)


def curves_of(record: RunRecord, checkpoint: str) -> list[Curve]:
    """Every curve measured on a checkpoint, once, from as many images as there are."""
    found: dict[tuple[Series, str, str], Curve] = {}
    for claim in record.claims:
        for curve in claim.curves if claim.checkpoint == checkpoint else ():
            key = (series_of(curve), curve.task, curve.reading)
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
            "When the answer appears, in lower case and capitalised",
            "Probability of the answer's first token, read from the last position after each layer.",
            plots(sorted(filter(is_answer, curves), key=lambda curve: curve.measurement.norm)),
        )
    )
    return tuple(drawn)


def is_answer(curve: Curve) -> bool:
    """Whether a curve is the answer's own probability, asked for as the paper does."""
    return replace(curve.measurement, norm=False) in {styles.LOWER, styles.CAPITAL}


def _effects(curves: list[Curve], flows: tuple[MeasurementRecord, ...]) -> list[Curve]:
    effects = [curve for curve in curves if curve.role == "effect" and curve.reading == "p_c"]
    return [curve for flow in flows for curve in effects if curve.measurement == flow]
