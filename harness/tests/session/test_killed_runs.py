"""Real runs, killed at random moments and begun again: they end as if nothing had happened."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from harness.evidence import maintenance
from harness.evidence.store import ROW, Evidence
from harness.testing.warm import python
from harness.tests.session.test_runs import effects, verdicts
from harness.verdicts.record import RunRecord, read_record

ROOT = Path(__file__).parents[3]
KILLS = 2
"""Kills by default: each costs a start and the run after them. With ``STRANGERS=1`` it is 30."""
TRIED = float(os.environ.get("STRANGERS", "0.01"))
PART = ("-k", "hardly_needs or question_reaches", "--samples=9", "--task=ChooseAttr", "--report-samples=0")


@dataclass(frozen=True)
class Place:
    """Where a run keeps what it measures and says."""

    folder: Path

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        self.folder.mkdir(exist_ok=True)
        places = [f"--evidence={self.folder / 'evidence'}", f"--report={self.folder / 'report'}"]
        command = [
            python(),
            "-m",
            "pytest",
            "findings",
            "-p",
            "no:cacheprovider",
            *PART,
            *places,
            *words,
        ]
        with (self.folder / "said").open("ab") as said:  # no pipe: a worker may outlive its run for a moment
            return subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said, env=dict(os.environ))

    @property
    def record(self) -> RunRecord:
        return read_record(self.folder / "report" / "report.json")

    @property
    def store(self) -> Evidence:
        (found,) = maintenance.stores(self.folder / "evidence")
        return found

    @property
    def said(self) -> str:
        return (self.folder / "said").read_text(encoding="utf-8", errors="replace")


def killed(run: subprocess.Popen[bytes], after: float) -> bool:
    """Kill a run by SIGKILL so many seconds after its start; whether it was still alive then."""
    try:
        run.wait(timeout=after)
    except subprocess.TimeoutExpired:
        run.send_signal(signal.SIGKILL)
    return run.wait(timeout=60) == -signal.SIGKILL


def same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Whether two stores hold the same rows, and the same numbers to the last digits of float32."""
    first, second = one.sort(ROW), other.sort(ROW)
    texts = [name for name in first.columns if name not in {"values", "p1"}]
    numbers = [frame["values"].explode().to_numpy() for frame in (first, second)]
    return first.select(texts).equals(second.select(texts)) and numbers[0] == pytest.approx(
        numbers[1], abs=1e-6, nan_ok=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("words", [("--processes=2",), ("-n2",)], ids=["alone", "workers"])
def test_a_run_that_is_killed_and_begun_again_ends_like_one_that_was_not(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    whole, place = Place(tmp_path / "whole"), Place(tmp_path / "killed")
    takes = completed(whole, words)
    seed = random.SystemRandom().randrange(2**32)
    moments, kills, wanted = random.Random(seed), 0, round(30 * TRIED) or KILLS
    for _ in range(4 * wanted):
        began = time.monotonic()
        if kills < wanted:
            if killed(place.start(*words), moments.uniform(0, takes)):
                kills += 1
                continue
            takes = min(takes, time.monotonic() - began)  # the machine's other load varies
        completed(place, words)
        agree(place, whole, seed)
        if kills == wanted:
            break
        shutil.rmtree(place.folder)
    assert kills == wanted
    print(f"\n{kills} kills within {takes:.0f} s, seed {seed}")


def completed(place: Place, words: tuple[str, ...]) -> float:
    """Run to the end; the seconds it takes."""
    began = time.monotonic()
    assert place.start(*words).wait(timeout=500) == 0, place.said
    return time.monotonic() - began


def agree(place: Place, whole: Place, seed: int) -> None:
    """What a run that was killed has stored and says in the end is what one that was not has."""
    assert "Traceback" not in place.said and "quarantined" not in place.said
    assert place.store.damaged() == [] and not list(place.store.folder.glob(".writing-*")), f"seed {seed}"
    assert same(place.store.read(), whole.store.read()), f"seed {seed}"
    assert verdicts(place.record) == verdicts(whole.record) != {}
    assert effects(place.record).keys() == effects(whole.record).keys() != set()
    for key, mean in effects(whole.record).items():
        assert effects(place.record)[key] == pytest.approx(mean, abs=1e-4), f"seed {seed}: {key}"
