"""Tasks that a checkpoint answers hardly better than chance: what lucky guesses show is not judged.

Effects are averaged over rightly answered questions. Where most of these were guessed, little of the answer's
probability comes from the image, so that flows look needless that are not.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from harness.data.dataset import Dataset
from harness.data.sample import Sample
from harness.evidence.shards import CLEAN, WRONG

MARGIN = 0.15
"""By so much the share of right answers must exceed chance."""


def demanded(chance: float) -> float:
    """The share of right answers from which on a task is judged.

    Args:
        chance: the share that guessing without the image gets.

    Returns:
        `MARGIN` above chance, or half the way from chance to one where that is less.
    """
    return chance + min(MARGIN, (1 - chance) / 2)


def guessed(frame: pl.DataFrame, dataset: Dataset, task: str, samples: Sequence[Sample]) -> str:
    """Why a task is not judged; empty if it is.

    Args:
        frame: evidence; see `harness.evidence.SCHEMA`.
        dataset: the data set; knows chance.
        task: the task.
        samples: those of its samples that a verdict would rest on.
    """
    clean = frame.filter(
        (pl.col("task") == task) & (pl.col("measurement") == CLEAN) & pl.col("reason").is_in(["", WRONG])
    ).unique("sample", keep="first", maintain_order=True)
    right = {name: not reason for name, reason in clean.select("sample", "reason").iter_rows()}
    answered = [one for one in samples if one.id in right]
    if not answered:
        return ""
    share = sum(right[one.id] for one in answered) / len(answered)
    chance = sum(map(dataset.chance, answered)) / len(answered)
    return "" if share >= demanded(chance) else told(task, share, chance)


def told(task: str, right: float, chance: float) -> str:
    """The sentence that says so.

    Args:
        task: the task.
        right: share of right answers.
        chance: the share that guessing without the image gets.
    """
    return (
        f"answers {task} hardly better than chance ({right:.0%} right, chance {chance:.0%}, judged from "
        f"{demanded(chance):.0%} on)"
    )
