"""Whole runs of the findings on the embedded checkpoint, in processes of their own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.record import RunRecord, read_record

ROOT = Path(__file__).parents[2]
Finished = tuple[subprocess.CompletedProcess[str], RunRecord]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Finished]:
    """Run a part of the findings; evidence in a store by name, a report of its own each time."""

    def findings(store: str, *words: str) -> Finished:
        report = tmp_path / f"report-{len(list(tmp_path.iterdir()))}"
        stores = [f"--evidence={tmp_path / store}", f"--report={report}"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "findings", *stores, *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )
        return done, read_record(report / "report.json")

    return findings


def effects(record: RunRecord) -> dict[tuple[Any, ...], tuple[float, ...]]:
    return {
        (claim.id, claim.task, curve.task, curve.label, curve.window): curve.mean
        for claim in record.claims
        for curve in claim.curves
    }


def verdicts(record: RunRecord) -> dict[tuple[str, str | None], str]:
    return {(claim.id, claim.task): claim.judgement.verdict.value for claim in record.claims}


@pytest.mark.slow
def test_two_workers_give_what_one_gives_and_a_second_run_measures_nothing(
    run: Callable[..., Finished],
) -> None:
    words = ("-k", "last_position or patches", "--samples=70", "--task=ChooseAttr", "--task=QueryAttr")
    alone, one = run("alone", *words)
    shared, two = run("shared", "-n2", *words)
    assert alone.returncode == shared.returncode == 0, alone.stdout + shared.stdout
    assert verdicts(one) == verdicts(two)
    assert effects(one).keys() == effects(two).keys()
    for key, mean in effects(one).items():
        assert effects(two)[key] == pytest.approx(mean, abs=1e-5)
    assert [task.samples for task in one.checkpoints[0].tasks] == [70, 70]
    again, three = run("alone", *words)
    assert "nothing measured, all from stored evidence" in again.stdout
    assert (verdicts(three), effects(three)) == (verdicts(one), effects(one))
    fewer, part = run("alone", *words, "-k", "mainly or object_enters")
    assert "nothing measured" in fewer.stdout
    assert verdicts(part).items() <= verdicts(one).items()


@pytest.mark.slow
def test_few_samples_decide_nothing_and_fail_nothing(run: Callable[..., Finished]) -> None:
    done, record = run("few", "-k", "image_to_question", "--samples", "5")
    assert done.returncode == 0, done.stdout
    assert set(verdicts(record).values()) == {"INCONCLUSIVE"}
    assert {claim.id for claim in record.claims} == {"B1", "B2"}
    assert "at least 60" in done.stdout or "60" in record.claims[0].judgement.reason


def test_a_checkpoint_that_cannot_be_loaded_fails_its_claims_with_the_cause(tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for file in (ROOT / "fixtures" / "embedded").iterdir():
        content = file.read_bytes()
        (folder / file.name).write_bytes(content[:2000] if file.suffix == ".safetensors" else content)
    words = [f"--checkpoint={folder}", "--samples=2", "-k", "hardly", f"--evidence={tmp_path / 'evidence'}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "findings", *words, f"--report={tmp_path / 'report'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "weights cannot be loaded" in done.stdout
    assert "Traceback" not in done.stdout
