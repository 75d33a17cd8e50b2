"""What the page shows of a checkpoint beside its claims."""

from __future__ import annotations

from dataclasses import dataclass

from harness.verdicts.record import CheckpointRecord, RunRecord
from reports.drawing.figures import Figure, at_the_rule, curves_of, figures
from reports.drawing.flow_map import FlowMap, flow_map
from reports.page.adjust import Adjusted, adjusted
from reports.page.controls import Control, ReferenceValues, controls, reference_values
from reports.summary import checkpoint_names


@dataclass(frozen=True)
class CheckpointView:
    """What is shown of a checkpoint beside the claims.

    Attributes:
        name: its name.
        record: how it was run, or None where the record does not say.
        layers: how many layers it has, as far as is known.
        flow_map: the flow through it, or None where it was not measured.
        figures: the paper's figures.
        adjusted: its p-values, adjusted for the number of claims.
        controls: random-source controls and other controls that were measured on it.
        references: per task, what its effects are compared with.
    """

    name: str
    record: CheckpointRecord | None
    layers: int
    flow_map: FlowMap | None
    figures: tuple[Figure, ...]
    adjusted: tuple[Adjusted, ...]
    controls: tuple[Control, ...]
    references: tuple[ReferenceValues, ...]


def checkpoint_views(record: RunRecord) -> tuple[CheckpointView, ...]:
    """What is shown of each checkpoint."""
    return tuple(_view(record, name) for name in checkpoint_names(record))


def _view(record: RunRecord, name: str) -> CheckpointView:
    known = next((item for item in record.checkpoints if item.name == name), None)
    curves = curves_of(record, name)
    usual = at_the_rule(record, name, curves)
    layers = known.layers if known else max((max(c.points, default=0) + 1 for c in curves), default=0)
    claims = [claim for claim in record.claims if claim.checkpoint == name]
    return CheckpointView(
        name,
        known,
        layers,
        flow_map(usual, layers),
        figures(record, name),
        adjusted(claims, _alpha(record)),
        controls(curves),
        reference_values(known, usual) if known else (),
    )


def _alpha(record: RunRecord) -> float:
    try:
        alpha = float(record.protocol.get("alpha", 0.05))
    except (TypeError, ValueError):
        return 0.05
    return alpha if 0 < alpha < 1 else 0.05
