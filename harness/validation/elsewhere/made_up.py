"""A made-up model's output, written as the release writes it: six blocks and the logit lens, task by task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from harness.data.depth import rule_window
from harness.data.flow import Flow
from harness.data.sample import CHOOSE_TASKS
from harness.evidence.elsewhere.released import DIFFERENCE, FALSE_LENS, FLOWS_FOLDER, LENS, LENS_FOLDER
from harness.interventions.measurements import Lens, Quantity, Sweep
from harness.statistics.curves import Floats
from harness.validation.paper_size.story import PAPER, Story

QUESTIONS = {
    "ChooseAttr": 1000,
    "ChooseCat": 1000,
    "ChooseRel": 964,
    "CompareAttr": 570,
    "LogicalObj": 991,
    "QueryAttr": 1000,
}
"""As many as the released data files have."""
IMAGES = 3818
BLOCKS = {
    "Question->Last": "question->last",
    "Image->Last": "image->last",
    "Last->Last": "last->last",
    "Image->Question": "image->question",
    "Image Central Object->Question": "related_patches->question",
    "Image Without Central Object->Question": "other_patches->question",
}
"""The six blocks of the release's script, and the flows they are."""
DATA = "GQA_val_correct_question_with_made_up"
NOISE, LENS_NOISE = 0.005, 0.15
"""Standard deviations, relative to a probability."""


@dataclass(frozen=True)
class MadeUp:
    """A made-up run of the release.

    Attributes:
        folder: where its ``output`` lies.
        layers: decoder layers.
        questions: how many of each task.
        images: how many images there are.
        story: what is true of the model.
        model: what its folders call it.
        words: of how many words the lens's ``top_k`` columns are.
    """

    folder: Path
    layers: int = 40
    questions: Mapping[str, int] = field(default_factory=lambda: QUESTIONS)
    images: int = IMAGES
    story: Story = PAPER
    model: str = "made_up_13b"
    words: int = 50

    def write(self) -> list[Path]:
        """Write all files; returns them."""
        return [file for task in self.questions for file in self._task(task)]

    def _task(self, task: str) -> Iterator[Path]:
        random = np.random.default_rng([len(task), ord(task[-1]), ord(task[6])])
        count = self.questions[task]
        image = random.integers(0, self.images, count)
        shared = np.random.default_rng(0).uniform(size=self.images)[image]
        luck = np.where(random.uniform(size=count) < 0.5, shared, random.uniform(size=count))  # noqa: PLR2004
        base = random.uniform(0.55, 0.95, count)
        ids = [f"{at:08d}" for at in random.choice(10**8, count, replace=False)]
        samples = pl.DataFrame({"question_id": ids, "image": 2_300_000 + image})
        for block in BLOCKS:
            yield self._flow(task, block, samples, luck, base, random)
        yield self._lens(task, samples, random)

    def _flow(
        self,
        task: str,
        block: str,
        samples: pl.DataFrame,
        luck: Floats,
        base: Floats,
        random: np.random.Generator,
    ) -> Path:
        window = rule_window(self.layers)
        mean = self.story.mean(Quantity(task, Sweep(Flow.parse(BLOCKS[block]), window), "p_c"), self.layers)
        after = base[:, None] * left(mean, luck)
        after = np.minimum(after * (1 + NOISE * random.standard_normal(after.shape)), 1.0)
        before = np.repeat(base, self.layers)
        flat = after.ravel()
        rows = self._rows(samples, self.layers)
        answers = {"goden answer": "yes", "predicted answer": "yes", "question": f"Is it, of {task}, or not?"}
        frame = rows.select(
            "question_id",
            (pl.col("image").cast(pl.String) + ".jpg").alias("image"),
            *(pl.lit(text).alias(name) for name, text in answers.items()),
            pl.lit(block).alias("block_desc"),
            "layer",
            pl.Series("base_score_first", before),
            pl.Series("new_score_first", flat),
            pl.Series(DIFFERENCE, (flat - before) * 100.0 / before),
        )
        name = block.replace(" ", "_").replace("->", "___")
        folder = self.folder / "output" / FLOWS_FOLDER / self.model / task / "val" / name
        return _written(frame, folder / f"{DATA}_{task}_window{window}_{name}.csv")

    def _lens(self, task: str, samples: pl.DataFrame, random: np.random.Generator) -> Path:
        rows = self._rows(samples, self.layers + 1)
        likely = np.exp(LENS_NOISE * random.standard_normal((len(samples), 1)))
        means = {
            form: self.story.mean(Quantity(task, Lens(norm=False), form), self.layers)
            for form in ("lower", "capital")
        }
        shares = {LENS[form]: np.clip(likely * mean, 0, 0.999) / 1.25 for form, mean in means.items()}
        if task in CHOOSE_TASKS:
            shares |= {
                FALSE_LENS[f"false_{form}"]: shares[LENS[form]] / 8 + 1e-9 for form in ("lower", "capital")
            }
        words = str(tuple(f"word{at}" for at in range(self.words)))
        scores = str(tuple(1 / (at + 2) for at in range(self.words)))
        frame = rows.select(
            "question_id",
            "image",
            pl.lit("yes").alias("goden answer"),
            pl.lit(f"Is it, of {task}, or not?").alias("question"),
            "layer",
            pl.lit(words).alias("top_k_word"),
            pl.lit(scores).alias("top_k_score"),
            *(pl.Series(name, 100.0 * values.ravel()) for name, values in shares.items()),
        )
        folder = self.folder / "output" / LENS_FOLDER / self.model / task / "val"
        return _written(frame, folder / f"{DATA}_{task}.csv")

    @staticmethod
    def _rows(samples: pl.DataFrame, points: int) -> pl.DataFrame:
        layers = pl.DataFrame({"layer": np.arange(points)})
        return samples.join(layers, how="cross", maintain_order="left_right")


def left(mean: Floats, luck: Floats) -> Floats:
    """What is left of each question's probability: skewed, and on average what the truth says.

    Args:
        mean: the true mean curve of p_c, ``[points]``; what it rises by is the same for all.
        luck: of each question a number from 0 to 1, evenly spread, ``[questions]``.
    """
    falls = np.clip(1 + mean / 100, 1e-3, 1.0)
    found: Floats = luck[:, None] ** (1 / falls - 1) + np.maximum(mean, 0) / 100
    return found


def _written(frame: pl.DataFrame, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    frame.write_csv(file)
    return file
