"""Everything the report says of one claim."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace

from harness.interventions.measurements import Quantity
from harness.interventions.some_points import whole
from harness.statistics.curves import CurveSource
from harness.statistics.tree_in_words import describe
from harness.statistics.trees import quantities as tree_quantities
from harness.verdicts.claims import Claim
from harness.verdicts.curve_axes import axis_of, mean_curve, role
from harness.verdicts.examination import Examination
from harness.verdicts.expectations import Expectations
from harness.verdicts.margins import margin_of
from harness.verdicts.other_readings import OTHERS
from harness.verdicts.record import ClaimRecord, Curve, Margin
from harness.verdicts.settings import (
    DEFAULT_ALPHA,
    EMBEDDED,
    NOT_KNOWN,
    Settings,
    checkpoint_dtype,
    default_dtype,
)
from harness.verdicts.wording import judgement_spelled_out, spelled_out


def claim_record(
    examination: Examination, claim: Claim, expected: Expectations | None, *, enforced: bool
) -> ClaimRecord:
    """Everything the report says of one claim.

    Args:
        examination: the checkpoint's examination, done.
        claim: the claim.
        expected: what is on file for the checkpoint.
        enforced: whether a different verdict fails the run.
    """
    judgement = examination.judgements[claim.test]
    look = examination.seen_at(judgement.look)
    stated = examination.hypothesis(claim, judgement.look)
    named = {*stated.quantities, *(tree_quantities(stated.tree) if stated.tree else ())}
    verdict = expected.verdicts.get(claim.key) if expected else None
    return ClaimRecord(
        id=claim.id,
        source=claim.source,
        statement=claim.statement,
        hypothesis=spelled_out(describe(stated.tree), named) if stated.tree else stated.not_applicable,
        test=claim.test,
        command=command(claim, examination.settings, examination.info.dtype),
        checkpoint=examination.info.name,
        task=claim.task,
        judgement=judgement_spelled_out(judgement, named),
        expected=verdict.value if verdict else None,
        enforced=enforced,
        curves=curves(examination, stated.quantities, look),
        bands=tuple((band.name, band.start, band.end) for band in stated.bands),
        threshold=stated.threshold,
    )


def curves(examination: Examination, quantities: Iterable[Quantity], look: CurveSource) -> tuple[Curve, ...]:
    """Mean curves, with their bands, of the quantities that were measured and have a depth to be drawn at.

    An effect's curves by the other readings follow it; itself it says what becomes of the margin. Where a
    claim reads some windows of a curve, the others are drawn, too, if they were measured on all its images.
    """
    return tuple(
        replace(mean_curve(quantity, look[quantity], axis), margin=_margin(quantity, look))
        for stated in quantities
        for one in _readings(stated)
        if (quantity := _as_far_as_measured(one, look)) in look
        and (axis := axis_of(quantity.measurement, examination.layers_of(quantity))) is not None
    )


def _margin(quantity: Quantity, look: CurveSource) -> Margin | None:
    return margin_of(quantity, look) if _is_effect(quantity) else None


def _is_effect(quantity: Quantity) -> bool:
    return quantity.reading == "p_c" and role(quantity.measurement) == "effect"


def _as_far_as_measured(quantity: Quantity, look: CurveSource) -> Quantity:
    every = replace(quantity, measurement=whole(quantity.measurement))
    if quantity in look and every in look and len(look[every].images) >= len(look[quantity].images):
        return every
    return quantity


def _readings(quantity: Quantity) -> Iterator[Quantity]:
    yield quantity
    if _is_effect(quantity):
        yield from (replace(quantity, reading=other) for other in OTHERS)


def command(claim: Claim, settings: Settings, stated_dtype: str | None = None) -> str:
    """The command line that judges this claim alone: its test, and the options its verdict depends on.

    Args:
        claim: the claim.
        settings: the settings of its checkpoint's examination.
        stated_dtype: the dtype that the checkpoint says it was saved in.
    """
    usual_dtype = checkpoint_dtype(default_dtype(settings.device), stated_dtype)
    given: list[tuple[str, object]] = [
        ("evidence-of", settings.evidence_of),
        ("checkpoint", None if claim.checkpoint == EMBEDDED or settings.evidence_of else claim.checkpoint),
        ("dataset", settings.dataset),
        ("images", settings.images),
        *(("task", task) for task in settings.tasks or ()),
        ("samples", settings.samples_option),
        ("window", settings.window),
        ("alpha", None if settings.alpha == DEFAULT_ALPHA else f"{settings.alpha:g}"),
        ("device", None if settings.device == "cpu" else settings.device),
        ("dtype", None if settings.dtype in {usual_dtype, NOT_KNOWN} else settings.dtype),
        ("prompt", settings.prompt),
        ("image-handling", settings.image_handling),
        ("boxes", settings.boxes),
    ]
    options = [f"--{name}={value}" for name, value in given if value is not None]
    options += ["--reference"] if settings.reference else []
    return shlex.join(["pytest", claim.test, *options])
