"""The doctor: one sheet of plain lines, every refusal one of them, status 0 or 4."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.checkpoint.checkpoint import Checkpoint
from harness.data.dataset import make_dataset
from harness.data.errors import CheckpointError
from harness.engine.engines import SweepEngine
from harness.engine.selfcheck import ROUNDING
from harness.session.doctor.asked import spans
from harness.session.doctor.command import _dataset
from harness.session.doctor.sheet import Sheet
from harness.session.doctor.tried import say_tried
from harness.testing.tiny_checkpoints import picture, sample, tiny_checkpoint
from harness.testing.warm import python
from harness.tests.engine.test_decoders import checkpoint

ROOT = Path(__file__).parents[3]
EMBEDDED = ROOT / "fixtures" / "embedded"
FEW = ("--task=QueryAttr", "--samples=2")


def doctor(*words: str) -> tuple[int, list[str]]:
    """Exit status and lines of one sheet; standard error is quiet."""
    done = subprocess.run(
        [python(), "-m", "harness", "doctor", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout.splitlines()


def said(lines: list[str], label: str) -> str:
    """The line of a label."""
    return next(line for line in lines if line.startswith(f"{label} "))


def refused(lines: list[str]) -> list[str]:
    return [line for line in lines if "REFUSED" in line and not line.startswith("refused ")]


def copied(folder: Path) -> Path:
    shutil.copytree(EMBEDDED, folder)
    return folder


def change(file: Path, **values: object) -> None:
    data = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**data, **values}), encoding="utf-8")


@pytest.mark.slow
def test_of_a_checkpoint_that_is_well_everything_is_said() -> None:
    status, lines = doctor(*FEW)
    assert status == 0
    assert "transformers" in said(lines, "versions")
    assert said(lines, "device").endswith("cpu, float32")
    assert "12 layers, window 3" in said(lines, "checkpoint")
    assert "LlavaForConditionalGeneration on LlamaModel" in said(lines, "model")
    assert " scenes, " in said(lines, "prompt")
    assert any(line.split() == ["image", '"36', "visual", 'tokens"'] for line in lines)
    assert "image 14-49" in said(lines, "regions")
    assert "84×84 pixels → 36 visual tokens (6 rows × 6)" in said(lines, "picture")
    assert "passed" in said(lines, "load check")
    assert "QueryAttr   2 of 2 greedy answers right" in said(lines, "accuracy")
    assert said(lines, "answers").split(maxsplit=1)[1].startswith('answers as "')
    assert "with a leading space, 32 of 32" in said(lines, "answers")
    assert any(line.split()[:2] == ["of", "2:"] for line in lines)
    assert said(lines, "refused").endswith("nothing")
    assert said(lines, "next").endswith(f"pytest findings {' '.join(FEW)}")
    assert len(lines) < 50


@pytest.mark.slow
def test_a_broken_checkpoint_is_refused_and_its_prompt_shown_all_the_same(tmp_path: Path) -> None:
    folder = copied(tmp_path / "broken")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    change(folder / "prompt.json", name="\x1b[31mred\n::error::")
    status, lines = doctor(*FEW, f"--checkpoint={folder}")
    assert status == 4
    (line,) = refused(lines)
    assert f"{folder}: weights cannot be loaded" in line
    assert "\x1b" not in "".join(lines)
    assert not any(line.startswith("::") for line in lines)
    assert " [31mred" in said(lines, "prompt")
    assert said(lines, "picture")
    assert "python -m harness doctor" in said(lines, "next")


@pytest.mark.slow
def test_a_broken_data_set_does_not_keep_the_checkpoint_from_being_looked_at(tmp_path: Path) -> None:
    (tmp_path / "mine_QueryAttr.csv").write_text("question_id,img_id\n1,2\n", encoding="utf-8")
    (tmp_path / "images").mkdir()
    status, lines = doctor(f"--dataset={tmp_path}")
    assert status == 4
    (line,) = refused(lines)
    assert "mine_QueryAttr.csv, line 1: column 'question' is missing" in line
    assert "LlavaForConditionalGeneration" in said(lines, "model")
    assert " scenes; without data there is none to show" in said(lines, "prompt")


def test_data_most_of_which_cannot_be_used_are_said_to_fail_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = "image file cannot be read (e.g. x/1.jpg)"
    data = make_dataset("two", "0", [sample(picture(tmp_path))], {("ChooseAttr", reason): 90})
    run: Any = SimpleNamespace(dataset=data, settings=SimpleNamespace(tasks=None, samples=None))
    sheet = Sheet()
    assert _dataset(sheet, run) is data
    assert not sheet.refusals
    first, counted, told = (line[13:] for line in capsys.readouterr().out.splitlines())
    assert first == "two: ChooseAttr 1 on 1 images"
    assert counted == f"ChooseAttr: 90 left out: {reason}"
    assert told.startswith("a run would fail: two: 90 rows of ChooseAttr cannot be used")


@pytest.mark.slow
def test_a_decoder_that_cannot_be_measured_is_refused_by_name(tmp_path: Path) -> None:
    folder = copied(tmp_path / "capped")
    text = json.loads((folder / "config.json").read_text(encoding="utf-8"))["text_config"]
    change(folder / "config.json", text_config={**text, "attn_logit_softcapping": 50.0})
    status, lines = doctor(*FEW, f"--checkpoint={folder}", "--checkpoint=./nowhere")
    assert status == 4
    one, other = refused(lines)
    assert "soft-capped attention is not supported" in one
    assert "no checkpoint 'nowhere'" in other
    assert "LlavaForConditionalGeneration, 12 layers" in said(lines, "checkpoint")


def test_a_bad_option_is_a_line_of_the_sheet() -> None:
    status, lines = doctor("--dtype=int8")
    assert status == 4
    assert refused(lines) == [f"{'options':<12} REFUSED: " + refused(lines)[0].partition("REFUSED: ")[2]]
    assert "--dtype int8: no such dtype" in refused(lines)[0]


def tried(made: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Sheet, list[str]]:
    """A checkpoint tried on two samples, one of which has no such picture size."""
    good = sample(picture(tmp_path))
    bad = replace(good, id="0002", image_size=(9, 9))
    sheet = Sheet()
    with sheet.trying("load check"):
        say_tried(sheet, made, make_dataset("two", "0", [good, bad]), SweepEngine(made))
    return sheet, capsys.readouterr().out.splitlines()


def test_the_load_check_says_how_close_and_a_sample_left_out_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet, lines = tried(tiny_checkpoint(), tmp_path, capsys)
    assert not sheet.refusals
    distance = float(lines[0].rpartition("at most ")[2].rstrip(")"))
    assert lines[0].startswith("load check") and 0 <= distance < ROUNDING
    assert lines[1].strip().startswith("passed: other pixels change the answer (total variation 0.")
    assert "of 2 greedy answers right" in lines[2]
    assert "1 left out: the picture is 8×8 pixels, its row says 9×9" in lines[2]


def test_a_decoder_that_fails_the_load_check_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet, lines = tried(checkpoint("stablelm"), tmp_path, capsys)
    (refusal,) = sheet.refusals
    assert "does not hand its keyword arguments to its attention" in refusal
    assert lines == [f"load check   REFUSED: {refusal}"]


def test_what_is_met_twice_is_refused_once(capsys: pytest.CaptureFixture[str]) -> None:
    sheet = Sheet()
    for message in ("a: no prompt", "no prompt", "no picture"):
        with sheet.trying("x"):
            raise CheckpointError(message)
    assert sheet.refusals == ["a: no prompt", "no picture"]
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_positions_are_written_as_runs() -> None:
    assert spans([4, 3, 5, 9]) == "3-5, 9"
