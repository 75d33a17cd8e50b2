"""What a checkpoint guesses is not judged: the share of right answers that is demanded, look by look."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

import polars as pl
import pytest
from hypothesis import given, strategies as st

from harness.evidence.shards import CLEAN, SCHEMA, WRONG
from harness.measuring.request import Request
from harness.statistics.forms import drops_somewhere, in_all
from harness.statistics.verdict import Verdict
from harness.testing.fake import Fake
from harness.validation.store.rows import examination
from harness.verdicts.claims import Claim
from harness.verdicts.guessed_tasks import MARGIN, demanded, guessed
from harness.verdicts.study import Study

TASK, OTHER = "ChooseAttr", "QueryAttr"


@given(st.floats(0, 1))
def test_more_than_chance_is_demanded_and_never_more_than_can_be(chance: float) -> None:
    assert chance <= demanded(chance) <= 1
    assert demanded(chance) <= chance + MARGIN + 1e-12
    assert (demanded(chance) > chance) == (chance < 1)


@pytest.mark.parametrize(
    ("chance", "least"), [(0.0, 0.15), (0.5, 0.65), (0.7, 0.85), (0.9, 0.95), (1.0, 1.0)]
)
def test_fifteen_points_or_half_the_way(chance: float, least: float) -> None:
    assert demanded(chance) == pytest.approx(least)


def clean_rows(reasons: list[str], ids: list[str]) -> pl.DataFrame:
    rows = [
        {"sample": one, "task": TASK, "measurement": CLEAN, "reason": reason}
        for one, reason in zip(ids, reasons, strict=True)
    ]
    return pl.DataFrame(rows, schema=pl.Schema(SCHEMA))


@pytest.mark.parametrize(("wrong", "judged"), [(34, True), (36, False)])
def test_answers_are_counted_and_nothing_else(wrong: int, judged: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """Chance is one half; a sample left out for another reason is neither right nor wrong."""
    dataset = examination(tmp_path, 120).dataset
    samples = dataset.by_task[TASK]
    assert sum(map(dataset.chance, samples)) == len(samples) / 2
    ids = [one.id for one in samples]
    frame = clean_rows(([WRONG] * wrong + [""] * (100 - wrong) + ["no box"] * 20)[: len(ids)], ids[:120])
    why = guessed(frame, dataset, TASK, samples)
    assert (why == "") is judged
    if not judged:
        assert why == f"answers {TASK} hardly better than chance (64% right, chance 50%, judged from 65% on)"
    assert guessed(frame, dataset, OTHER, dataset.by_task[OTHER]) == "", "nobody knows"


class Guesser(Fake):
    """Answers two questions in five of one task rightly."""

    def image(self, requests: Iterable[Request]) -> list[dict[str, object]]:  # type: ignore[override]
        rows = [dict(row) for row in super().image(list(requests))]
        for row in rows:
            if (
                row["task"] == TASK
                and row["measurement"] == CLEAN
                and crc32(str(row["image"]).encode()) % 5 > 1
            ):
                row["reason"] = WRONG
        return rows


def test_a_claim_about_a_task_that_is_guessed_is_measured_and_not_judged(tmp_path: Path) -> None:
    def drops(study: Study, task: str) -> None:
        study.judge(drops_somewhere(study.effect("image->question", task), study.grid))

    def drops_in_both(study: Study) -> None:
        effects = [study.effect("image->question", task) for task in (OTHER, TASK)]
        study.judge(in_all([drops_somewhere(effect, study.grid) for effect in effects]))

    def claim(name: str, task: str | None, function: object) -> Claim:
        return Claim(f"findings/x.py::{name}", name, "OURS", "A statement.", "fake", task, function)  # type: ignore[arg-type]

    asked = [claim("A", TASK, drops), claim("B", OTHER, drops), claim("C", None, drops_in_both)]
    made = examination(tmp_path, 360)
    made._load = Guesser
    made.examine(asked, lambda *_: None)
    guess, known, both = (made.judgements[one.test] for one in asked)
    for judged in (guess, both):
        assert judged.verdict is Verdict.INCONCLUSIVE
        assert judged.reason.startswith(f"not judged: answers {TASK} hardly better than chance (")
    assert known.verdict is not Verdict.INCONCLUSIVE, known.reason
