"""Whole runs on checkpoints of today's model types: random weights, the files in the form of the hub."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.testing import realistic_checkpoints as realistic
from harness.testing.warm import python
from harness.verdicts.record import read_record

ROOT = Path(__file__).parents[3]
MAKE: dict[str, Callable[[Path], Path]] = {
    "smolvlm": lambda folder: realistic.smolvlm_256m(folder, side=128),
    "smolvlm2": realistic.smolvlm2,
    "internvl": lambda folder: realistic.internvl(folder, side=56),
    "qwen2_5_vl": realistic.qwen2_5_vl,
    "qwen3_vl": realistic.qwen3_vl,
    "gemma3": lambda folder: realistic.gemma3(folder, side=112),
    "mistral3": realistic.mistral3,
}
FEW = ("--task=QueryAttr", "--samples=60")


def called(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python(), "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=900
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKE)
def test_a_run_on_random_weights_is_not_green_and_says_why(name: str, tmp_path: Path) -> None:
    folder = MAKE[name](tmp_path / name)
    square = ["--image-handling=square"] if name == "smolvlm2" else []  # of full size: sixty times faster
    done = called(
        *("pytest", "findings", "-k", "reaches_the_question_in_lower", *FEW, *square),
        *(f"--checkpoint={folder}", f"--evidence={tmp_path / 'store'}", f"--report={tmp_path / 'report'}"),
    )
    assert done.returncode == 1
    assert f"{name}: none of 60 samples of QueryAttr could be used; check its prompt" in done.stdout
    (checkpoint,) = read_record(tmp_path / "report" / "report.json").checkpoints
    (task,) = checkpoint.tasks
    assert (task.samples, task.included, task.excluded) == (60, 0, {"wrong answer": 60})


@pytest.mark.slow
def test_the_doctor_finds_the_sweep_exact_and_shows_the_marks(tmp_path: Path) -> None:
    folder = MAKE["smolvlm"](tmp_path / "smolvlm")
    done = called("harness", "doctor", *FEW, f"--checkpoint={folder}")
    assert done.returncode == 0
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " " in line.strip())
    assert lines["model"].startswith("Idefics3ForConditionalGeneration on LlamaModel")
    assert "load check" in done.stdout
    assert "passed: clean run and knockouts are what the model's own forward pass says" in done.stdout
    assert "68 visual tokens, 39 tokens of marks around them" in done.stdout
    assert "8 rows × 8 + 2 rows × 2" in lines["picture"]
    assert "0 of 20 greedy answers right" in lines["accuracy"]
