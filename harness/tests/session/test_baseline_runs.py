"""Whole runs against a baseline, on a fake engine: what moved fails the run, and nothing else does."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import polars as pl
import pytest

from harness.testing.warm import python
from harness.verdicts.record import RunRecord, read_record
from harness.verdicts.regression.baseline import FLOWS, VERSION, read_baseline

ROOT = Path(__file__).parents[3]
PLUGIN = """
import os, pathlib, pytest
from dataclasses import replace
from harness.testing.fake import Fake, HERE
from harness.checkpoint.info import CheckpointInfo

FOLDER = pathlib.Path(os.environ["KEPT"])

class Moved(Fake):
    '''The question no longer reaches the last position; all else is as it was.'''

    def image(self, requests):
        rows = super().image(requests)
        return [{**row, "values": [0.9] * 12} if row["measurement"] == "question->last@3" and
                row["reading"] == "p" else row for row in rows]

@pytest.hookimpl(tryfirst=True)
def pytest_findings_checkpoint(name):
    return CheckpointInfo(name, str(HERE), 12) if name in {"fake", "moved"} else None

@pytest.hookimpl(tryfirst=True)
def pytest_findings_measurer(info):
    return Moved if info.name == "moved" else Fake

@pytest.hookimpl(tryfirst=True)
def pytest_findings_expectations(name):
    return FOLDER / f"{name}.toml"

@pytest.hookimpl(tryfirst=True)
def pytest_findings_baseline(name):
    return FOLDER / f"{name}.parquet"
"""


class Suite:
    """Runs three claims of the fake checkpoint, or of one whose question is cut off."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "kept").mkdir()
        (folder / "kept_elsewhere.py").write_text(PLUGIN, encoding="utf-8")

    def __call__(self, checkpoint: str, *words: str, images: int = 200) -> subprocess.CompletedProcess[str]:
        plugins = ("-p", "harness.testing.fake", "-p", "kept_elsewhere", "-p", "no:cacheprovider")
        claims = ("findings/test_last_position.py", "-k", "reaches or hardly", "--task=ChooseAttr")
        places = (f"--evidence={self.folder / 'store'}", f"--report={self.folder / 'report'}")
        asked = (f"--checkpoint={checkpoint}", "--processes=1")
        path = os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")])
        more = {"PYTHONPATH": path, "KEPT": str(self.folder / "kept"), "FAKE_IMAGES": str(images)}
        return subprocess.run(
            [python(), "-m", "pytest", *plugins, *claims, *places, *asked, *words],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    @property
    def record(self) -> RunRecord:
        return read_record(self.folder / "report" / "report.json")


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """Both checkpoints' verdicts and curves are accepted."""
    suite = Suite(tmp_path_factory.mktemp("suite"))
    for name in ("fake", "moved"):
        done = suite(name, "--accept")
        assert f"accept baseline {name}.parquet" in done.stdout, done.stdout + done.stderr
    return suite


@pytest.mark.slow
def test_an_unchanged_checkpoint_passes(suite: Suite) -> None:
    done = suite("fake", "--baseline=fake")
    assert done.returncode == 0, done.stdout
    assert "since the baseline fake of " in done.stdout
    assert [change.change for change in suite.record.changes] == ["equivalent"] * len(FLOWS)
    assert {change.images_on_one for change in suite.record.changes} == {0}


@pytest.mark.slow
def test_kept_flows_are_measured_to_the_last_look_however_early_claims_stop(suite: Suite) -> None:
    """The one claim of this run names one of the flows and is decided before the last look."""
    done = suite("fake", "-k", "hardly_needs", "--baseline=fake", f"--evidence={suite.folder / 'fresh'}")
    (task,) = suite.record.checkpoints[0].tasks
    assert [claim.judgement.look for claim in suite.record.claims] == [2], done.stdout
    kept = read_baseline(suite.folder / "kept" / "fake.parquet")
    assert {str(flow) for _, flow in kept.flows} == set(FLOWS)
    measured = {len(curves.images) for curves in kept.curves.values()}
    compared = {(change.images_on_both, change.new.n_images) for change in suite.record.changes}
    assert measured == {task.included}
    assert compared == {(task.included, task.included)}


@pytest.mark.slow
def test_a_moved_curve_fails_a_run_whose_verdicts_are_all_known(suite: Suite) -> None:
    assert suite("moved").returncode == 0, "without a baseline every verdict is as known"
    done = suite("moved", "--baseline=fake")
    assert done.returncode == 1, done.stdout
    assert "moved: question->last on ChooseAttr gone" in done.stdout
    changes = {change.flow: change for change in suite.record.changes}
    assert {flow for flow, change in changes.items() if change.moved} == {"question->last"}
    assert changes["question->last"].difference is not None
    assert changes["question->last"].old.mean != changes["question->last"].new.mean


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "images", "message"),
    [
        (["--baseline=nothing"], 200, "no baseline 'nothing'; give a .parquet file, or one of: fake, moved"),
        (["--baseline=none.parquet"], 200, "not a baseline"),
        (["--baseline=newer.parquet"], 200, "a baseline of version 3, this suite reads 2; use the one that"),
        (["--baseline=fake"], 64, "measured on data set fake (fake-200), this run is on fake (fake-64)"),
        (["--baseline=fake", "--window=5"], 200, "measured with window rule, this run has window 5"),
        (["--baseline=fake", "--dtype=bfloat16"], 200, "measured with dtype float32, this run has dtype b"),
    ],
)
def test_a_baseline_that_does_not_fit_is_one_clear_line(
    suite: Suite, words: list[str], images: int, message: str
) -> None:
    newer = suite.folder / "newer.parquet"
    about = json.dumps({"version": VERSION + 1})
    pl.DataFrame({"task": []}).write_parquet(newer, metadata={"findings-baseline": about})
    done = suite("fake", *(word.replace("=newer", f"={suite.folder}/newer") for word in words), images=images)
    assert done.returncode == 4
    (line,) = [line for line in done.stderr.splitlines() if "--baseline" in line]
    assert message in line


@pytest.mark.slow
def test_other_samples_of_the_same_data_are_no_alarm(suite: Suite) -> None:
    done = suite("fake", "--baseline=fake", "--samples=90")
    assert done.returncode == 0, done.stdout
    assert not any(change.moved for change in suite.record.changes)
    stale = "shown, not enforced: accepted with samples 360, this run has samples 90"
    assert f"known verdicts of fake are {stale}" in done.stdout


@pytest.mark.slow
def test_to_or_from_inconclusive_warns_and_fails_nothing(suite: Suite) -> None:
    file = suite.folder / "kept" / "fake.toml"
    known = file.read_text(encoding="utf-8")
    assert '"REFUTED"' in known
    try:
        changed = known.replace('"REFUTED"', '"INCONCLUSIVE"')
        file.write_text(re.sub("content_sha256 = .*", "", changed), encoding="utf-8")
        done = suite("fake")
    finally:
        file.write_text(known, encoding="utf-8")
    assert done.returncode == 0, done.stdout
    assert "was INCONCLUSIVE, is REFUTED; --accept makes that the known verdict" in done.stdout


@pytest.mark.slow
def test_what_is_on_file_is_replaced_by_another_run_only_under_a_name(tmp_path: Path) -> None:
    """Another data set, here; another checkpoint in a folder of the same name is told the same way."""
    suite = Suite(tmp_path)
    assert "accept baseline fake.parquet" in suite("fake", "--accept").stdout
    files = {path: path.read_bytes() for path in (tmp_path / "kept").iterdir()}
    assert len(files) == 2
    done = suite("fake", "--accept", images=120)
    assert done.returncode == 1
    assert "ERROR: --accept: fake.toml was accepted on another data set" in done.stdout, done.stdout
    assert "nothing is accepted. --accept-as fake replaces what is on file" in done.stdout
    assert {path: path.read_bytes() for path in (tmp_path / "kept").iterdir()} == files
    assert "accept baseline new.parquet" in suite("fake", "--accept-as=new", images=120).stdout
    assert {path: path.read_bytes() for path in files} == files
    assert {path.name for path in (tmp_path / "kept").iterdir()} >= {"new.toml", "new.parquet"}
    assert "accept baseline fake.parquet" in suite("fake", "--accept-as=fake", images=120).stdout
    assert files != {path: path.read_bytes() for path in files}
