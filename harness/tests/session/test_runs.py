"""Whole runs of the findings on the embedded checkpoint, in processes of their own."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from harness.evidence.store import Evidence
from harness.testing.warm import python
from harness.verdicts.record import RunRecord, read_record

ROOT = Path(__file__).parents[3]
CLAIMS = "question_reaches or hardly or object_enters"
PART = ("-k", CLAIMS, "--samples=66", "--task=ChooseAttr", "--task=QueryAttr")
ELSEWHERE = """
import os, pathlib, pytest

@pytest.hookimpl(tryfirst=True)
def pytest_findings_expectations(name):
    return pathlib.Path(os.environ["EXPECTATIONS"]) / f"{name}.toml"

@pytest.hookimpl(tryfirst=True)
def pytest_findings_baseline(name):
    return pathlib.Path(os.environ["EXPECTATIONS"]) / f"{name}.parquet"
"""


class Suite:
    """Runs a part of the findings; stores by name, so that runs can share what was measured."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "elsewhere.py").write_text(ELSEWHERE, encoding="utf-8")

    @property
    def expectations(self) -> Path:
        return self.folder / "embedded.toml"

    def __call__(self, store: str, *words: str) -> subprocess.CompletedProcess[str]:
        stores = [f"--evidence={self.folder / store}", f"--report={self.folder / 'report'}"]
        paths = os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")])
        return subprocess.run(
            [python(), "-m", "pytest", "findings", "-p", "elsewhere", *stores, *words],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": paths, "EXPECTATIONS": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )

    @property
    def record(self) -> RunRecord:
        return read_record(self.folder / "report" / "report.json")


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    return Suite(tmp_path_factory.mktemp("suite"))


@pytest.fixture(scope="module")
def alone(suite: Suite) -> RunRecord:
    """The part, measured by one process and accepted as what is expected."""
    done = suite("alone", *PART, "--accept")
    assert "accept embedded A1: — → " in done.stdout, done.stdout + done.stderr
    return suite.record


def effects(record: RunRecord) -> dict[tuple[Any, ...], tuple[float, ...]]:
    return {
        (claim.id, claim.task, curve.task, curve.measurement, curve.window): curve.mean
        for claim in record.claims
        for curve in claim.curves
    }


def verdicts(record: RunRecord) -> dict[tuple[str, str | None], str]:
    return {(claim.id, claim.task): claim.judgement.verdict.value for claim in record.claims}


@pytest.mark.slow
def test_two_workers_give_what_one_gives(suite: Suite, alone: RunRecord) -> None:
    done = suite("shared", "-n2", *PART)
    assert done.returncode == 0, done.stdout
    both = suite.record
    assert verdicts(both) == verdicts(alone)
    assert effects(both).keys() == effects(alone).keys() != set()
    for key, mean in effects(alone).items():
        assert effects(both)[key] == pytest.approx(mean, abs=1e-5)
    assert [task.samples for task in both.checkpoints[0].tasks] == [66, 66]
    assert [task.samples for task in alone.checkpoints[0].tasks] == [66, 66]
    assert both.checkpoints[0].passes > 0


@pytest.mark.slow
def test_a_second_run_measures_nothing_and_a_smaller_one_judges_alike(suite: Suite, alone: RunRecord) -> None:
    again = suite("alone", *PART)
    assert again.returncode == 0, again.stdout
    assert "no knocked-out pass had to be measured" in again.stdout
    assert (verdicts(suite.record), effects(suite.record)) == (verdicts(alone), effects(alone))
    part = suite("alone", *PART, "-k", "object_enters or hardly_needs")
    assert "no knocked-out pass had to be measured" in part.stdout
    assert len(suite.record.claims) == 3
    assert verdicts(suite.record).items() <= verdicts(alone).items()


def rows(folder: Path) -> dict[tuple[Any, ...], list[float]]:
    """A store's rows that hold numbers."""
    read = Evidence.existing(folder).read().filter(pl.col("values").list.len() > 0)
    return {
        row[:4]: row[4]
        for row in read.select("task", "sample", "measurement", "reading", "values").iter_rows()
    }


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
def test_the_reference_measures_the_same_in_a_store_of_its_own(suite: Suite) -> None:
    before = set((suite.folder / "alone").iterdir())
    done = suite("alone", *PART, "--reference", "-k", "hardly_needs", "--samples=4")
    assert done.returncode == 0, done.stdout
    assert "by the reference, one full pass a knockout" in done.stdout
    assert suite.record.checkpoints[0].by == "reference"
    assert all("--reference" in claim.command for claim in suite.record.claims)
    (fast,), (slow,) = before, set((suite.folder / "alone").iterdir()) - before
    known, found = rows(fast), rows(slow)
    assert len(found) > 12
    assert all(values == pytest.approx(known[key], abs=1e-4) for key, values in found.items())


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
def test_a_verdict_that_changes_fails_the_run(suite: Suite) -> None:
    known = suite.expectations.read_text(encoding="utf-8")
    patched = (
        known.replace('"SUPPORTED"', '"x"').replace('"REFUTED"', '"SUPPORTED"').replace('"x"', '"REFUTED"')
    )
    assert patched != known
    patched = re.sub("(?m)^content_sha256 = .*", "", patched)
    try:
        suite.expectations.write_text(patched, encoding="utf-8")
        changed = suite("alone", *PART)
        suite.expectations.write_text(patched.replace("sha256 = ", 'sha256 = "other" # '), encoding="utf-8")
        stale = suite("alone", *PART)
    finally:
        suite.expectations.write_text(known, encoding="utf-8")
    assert changed.returncode == pytest.ExitCode.TESTS_FAILED, changed.stdout
    assert "XPASS(strict)" in changed.stdout or "ClaimRefutedError" in changed.stdout
    assert "XPASS(strict)" not in stale.stdout


@pytest.mark.slow
def test_few_samples_decide_nothing_and_fail_nothing(suite: Suite) -> None:
    done = suite("few", "-k", "image_to_question", "--samples", "5")
    assert done.returncode == 0, done.stdout
    assert set(verdicts(suite.record).values()) == {"INCONCLUSIVE"}
    assert {claim.id for claim in suite.record.claims} == {f"B{number}" for number in range(1, 7)}


def test_a_claim_about_several_tasks_is_skipped_in_a_run_of_one(tmp_path: Path) -> None:
    """The verdict on file is of a run of all tasks; this one cannot ask the claim, and breaks nothing."""
    one = Suite(tmp_path)
    shutil.copy(ROOT / "fixtures" / "expectations" / "embedded.toml", one.expectations)
    done = one("one", "-k", "one_band_of_layers", "--task=ChooseAttr", "--samples=2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 skipped" in done.stdout


def test_a_checkpoint_that_cannot_be_loaded_fails_its_claims_with_the_cause(
    suite: Suite, tmp_path: Path
) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for file in (ROOT / "fixtures" / "embedded").iterdir():
        content = file.read_bytes()
        (folder / file.name).write_bytes(content[:2000] if file.suffix == ".safetensors" else content)
    done = suite("broken", f"--checkpoint={folder}", "--samples=2", "-k", "hardly_needs")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "weights cannot be loaded" in done.stdout
    assert "Traceback" not in done.stdout
