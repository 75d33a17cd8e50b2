"""The first screen: the flow as measured beside the headline claims' verdicts; what is shown, in words."""

from __future__ import annotations

from dataclasses import dataclass

from harness.verdicts.record import RunRecord
from reports.drawing.figures import at_the_rule, curves_of
from reports.drawing.stages import Stage, stages
from reports.page.checkpoints import CheckpointView
from reports.story import HEADLINES, Story, story
from reports.summary import Cell, Summary


@dataclass(frozen=True)
class Told:
    """A headline claim on a checkpoint.

    Attributes:
        claim: its id.
        title: what it says, in short.
        cell: its verdicts.
    """

    claim: str
    title: str
    cell: Cell


@dataclass(frozen=True)
class Step:
    """A stage of the flow with the claims that speak of it."""

    stage: Stage
    told: tuple[Told, ...]


@dataclass(frozen=True)
class Opening:
    """The first screen of a checkpoint.

    Attributes:
        told: what is shown of it, in a sentence.
        steps: the stages of its flow.
    """

    told: Story
    steps: tuple[Step, ...]


def openings(record: RunRecord, found: Summary, views: tuple[CheckpointView, ...]) -> tuple[Opening, ...]:
    """The first screens of a run: of each checkpoint on which a headline claim was judged."""
    return tuple(filter(None, (_opening(record, found, view) for view in views)))


def _opening(record: RunRecord, found: Summary, view: CheckpointView) -> Opening | None:
    cells = {row.id: cell for row in found.rows for cell in row.cells if cell.checkpoint == view.name}
    told = story(view.name, cells, view.layers, found.fragile)
    if told is None:
        return None
    curves = at_the_rule(record, view.name, curves_of(record, view.name))
    shown = tuple(_step(stage, cells) for stage in stages(curves, view.layers))
    return Opening(told, tuple(step for step in shown if step.told or step.stage.curves))


def _step(stage: Stage, cells: dict[str, Cell]) -> Step:
    known = {one.claim: one for one in HEADLINES}
    judged = [claim for claim in stage.claims if claim in cells and cells[claim].claims]
    return Step(stage, tuple(Told(claim, known[claim].title, cells[claim]) for claim in judged))
