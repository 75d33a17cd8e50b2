"""The GitHub action: its step is run as a runner would run it, and its inputs all reach the step."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.testing.warm import python

ROOT = Path(__file__).parents[3]
ACTION = ROOT / ".github" / "actions" / "findings"


def action() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))
    return read


def test_every_input_reaches_the_step() -> None:
    (step,) = [step for step in action()["runs"]["steps"] if "run" in step]
    passed = set(re.findall(r"inputs\.(\w+)", " ".join(step["env"].values())))
    assert passed == set(action()["inputs"])
    script = (ACTION / "run.sh").read_text(encoding="utf-8")
    assert {name for name in step["env"] if f"${{{name}" not in script} == set()


def run(workspace: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """The step with these inputs, in this environment instead of one of its own."""
    plugins = "-p harness.testing.fake -p no:cacheprovider --processes=1"
    given = {"CHECKPOINT": "fake", "ARGUMENTS": f"{plugins} -k hardly_needs --task=ChooseAttr", **inputs}
    summary = {"GITHUB_STEP_SUMMARY": str(workspace / "summary.md"), "GITHUB_WORKSPACE": str(workspace)}
    return subprocess.run(
        [ACTION / "run.sh"],
        cwd=workspace,
        env={**os.environ, **summary, **given, "FINDINGS_PYTHON": python(), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.slow
def test_the_step_leaves_report_junit_file_and_evidence_in_the_workspace(tmp_path: Path) -> None:
    done = run(tmp_path, SAMPLES="20")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "samples 20" in done.stdout
    assert (tmp_path / "findings-report" / "report.json").is_file()
    assert 'name="pytest"' in (tmp_path / "findings-report" / "junit.xml").read_text(encoding="utf-8")
    assert list((tmp_path / ".evidence").rglob("*.parquet"))


@pytest.mark.slow
def test_a_checkpoint_in_the_workspace_is_found_there(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    done = run(tmp_path, CHECKPOINT="mine")
    assert done.returncode == 4
    assert f"{tmp_path / 'mine'}" in done.stderr
    assert "config.json" in done.stderr
