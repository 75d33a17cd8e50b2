"""Why a run could decide nothing: a green run that verified nothing is the worst outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.data.dataset import Dataset
from harness.data.errors import NOT_FINITE
from harness.statistics.inference import FEWEST_IMAGES
from harness.statistics.verdict import Verdict
from harness.verdicts.guessed_tasks import demanded, told
from harness.verdicts.record import CheckpointRecord, RunRecord, TaskRecord

MOST_OVERFLOWING = 0.01
"""Share of samples with logits that are not finite above which a run warns."""
WIDER = {"float16": "use --dtype bfloat16 or float32", "bfloat16": "use --dtype float32"}
"""What to do where a dtype's range may not suffice."""
DAMAGED = "the weights themselves may be damaged"
CHECK_FIRST = "check its prompt format (--prompt), the data set and --dtype first"


def why_undecided(record: RunRecord, evidence: str) -> list[str]:
    """One line for each checkpoint and task on which nothing could be measured; none if all is well.

    Who asks for few samples (``--samples 2``) gets what was asked for: only tasks count that have images
    enough to decide something.

    Args:
        record: the run.
        evidence: the folder of the stores, for the message.
    """
    return [line for one in record.checkpoints for line in _of_checkpoint(record, one, evidence)]


def rows_lost(dataset: Dataset, tasks: Sequence[str], samples: int | None) -> list[str]:
    """One line for each task that lost so many rows of its file that the rest decides nothing.

    Args:
        dataset: the data set as it is looked at.
        tasks: the tasks asked for; one all of whose rows are lost has no samples, and is told all the same.
        samples: how many of each were asked for; None for all. Who asks for few gets what was asked for.
    """
    if samples is not None and samples < FEWEST_IMAGES:
        return []
    lines = []
    for task in tasks:
        images = {sample.image_id for sample in dataset.by_task.get(task, ())}
        lost = {reason: count for (of, reason), count in dataset.left_out.items() if of == task}
        rows = sum(lost.values())
        if len(images) < FEWEST_IMAGES <= len(images) + rows:
            reason = max(lost, key=lambda reason: lost[reason])
            lines.append(
                f"{dataset.name}: {rows} rows of {task} cannot be used, which leaves {len(images)} images of "
                f"the {FEWEST_IMAGES} that a verdict needs: {reason}; check --images"
            )
    return lines


def overflowing(record: RunRecord) -> list[str]:
    """One line for each checkpoint on which more than one sample in a hundred overflows."""
    lines = []
    for one in record.checkpoints:
        samples = sum(task.samples for task in one.tasks)
        lost = sum(task.excluded.get(NOT_FINITE, 0) for task in one.tasks)
        if lost > MOST_OVERFLOWING * samples:
            lines.append(
                f"{one.name}: {lost} of {samples} samples have logits that are not finite in {one.dtype}; "
                f"{WIDER.get(one.dtype, DAMAGED)}"
            )
    return lines


def _of_checkpoint(record: RunRecord, checkpoint: CheckpointRecord, evidence: str) -> Iterator[str]:
    judged = [claim.judgement for claim in record.claims if claim.checkpoint == checkpoint.name]
    open_ = [one for one in judged if one.verdict is Verdict.INCONCLUSIVE]
    if not any(task.samples for task in checkpoint.tasks):
        if open_:  # where no claim applies, nothing had to be there
            yield (
                f"{checkpoint.name}: nothing is stored in {evidence} for these files, data and options; "
                "check --evidence, or leave --judge-only out"
            )
        return
    asked = [task for task in checkpoint.tasks if task.images >= FEWEST_IMAGES]
    told = [line for task in asked if (line := _of_task(checkpoint.name, task))]
    yield from told
    decided = [one for one in judged if one.verdict in {Verdict.SUPPORTED, Verdict.REFUTED}]
    if asked and not told and open_ and not decided and all(one.n_images < FEWEST_IMAGES for one in open_):
        yield (
            f"{checkpoint.name}: fewer than {FEWEST_IMAGES} images are left for every claim, so none is "
            f"decided; see the samples that were left out, and {CHECK_FIRST}"
        )


def _of_task(name: str, task: TaskRecord) -> str:
    if not task.included:
        return f"{name}: none of {task.samples} samples of {task.task} could be used; {CHECK_FIRST}"
    if task.right is not None and task.chance is not None and task.right < demanded(task.chance):
        return f"{name}: {told(task.task, task.right, task.chance)}; {CHECK_FIRST}"
    return ""
