"""What a claim's record says: the command that judges it again, and the curves that are drawn."""

import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from harness.checkpoint.info import CheckpointInfo
from harness.data.flow import Flow
from harness.data.sample import TASKS
from harness.interventions.measurements import Accuracy, Quantity, Sweep
from harness.statistics.curves import Curves
from harness.statistics.trees import Leaf, some
from harness.statistics.verdict import Judgement, Part, Verdict
from harness.testing.fake import Fake, fake_dataset
from harness.validation.store.rows import settings
from harness.verdicts.claim_record import claim_record, command, curves
from harness.verdicts.claims import Claim
from harness.verdicts.examination import Examination
from harness.verdicts.hypothesis import Hypothesis

TEST = "findings/test_last_position.py::test_it[ChooseAttr-next]"
EFFECT = Quantity("ChooseAttr", Sweep(Flow.parse("image->question"), 1), "p_c")
CONTROL = Quantity("ChooseAttr", Sweep(Flow.parse("image->question").random_control(), 1), "p_c")


def claim(checkpoint: str) -> Claim:
    return Claim(TEST, "A1", "ABS", "It does.", checkpoint, "ChooseAttr", lambda: None)


def test_the_command_of_a_plain_run_is_its_test_alone(tmp_path: Path) -> None:
    words = shlex.split(command(claim("embedded"), settings(tmp_path)))
    assert words == ["pytest", TEST]
    assert shlex.split(command(claim("a b"), settings(tmp_path)))[2:] == ["--checkpoint=a b"]


def test_the_command_has_every_option_that_the_verdict_depends_on(tmp_path: Path) -> None:
    given = replace(
        settings(tmp_path),
        dataset=tmp_path,
        images=tmp_path / "its images",
        tasks=("ChooseAttr",),
        samples=7,
        window=3,
        alpha=0.01,
        dtype="float16",
        prompt="chat",
        image_handling="square",
        boxes="released",
    )
    words = shlex.split(command(claim("next"), given))[2:]
    assert words == [
        *("--checkpoint=next", f"--dataset={tmp_path}", f"--images={tmp_path}/its images"),
        *("--task=ChooseAttr", "--samples=7", "--window=3", "--alpha=0.01", "--dtype=float16"),
        *("--prompt=chat", "--image-handling=square", "--boxes=released"),
    ]
    named = {word.partition("=")[0].removeprefix("--").replace("-", " ") for word in words}
    assert {name.removesuffix("s") for name in given.protocol} - {"look", "futility"} <= {
        name.removesuffix("s") for name in named
    }


def test_a_dtype_that_need_not_be_asked_for_is_not_told(tmp_path: Path) -> None:
    """On a GPU it depends on the checkpoint."""
    on_gpu = replace(settings(tmp_path), device="cuda:0", dtype="float16")
    for stated, told in ((None, []), ("float16", []), ("bfloat16", ["--dtype=float16"])):
        assert shlex.split(command(claim("embedded"), on_gpu, stated))[2:] == ["--device=cuda:0", *told]
    on_gpu = replace(on_gpu, dtype="bfloat16")
    for stated, told in ((None, ["--dtype=bfloat16"]), ("bfloat16", [])):
        assert shlex.split(command(claim("embedded"), on_gpu, stated))[2:] == ["--device=cuda:0", *told]


def test_an_effect_is_drawn_by_all_its_readings_and_a_random_control_by_one() -> None:
    data = Curves(("a", "b", "c"), np.array([[-50.0, 0.0], [-40.0, 1.0], [-60.0, 2.0]]), 3, (-100.0, 0.0))
    read = [replace(EFFECT, reading=reading) for reading in ("p_c", "distractor", "flip")]
    look = dict.fromkeys(
        [*read, CONTROL, replace(CONTROL, reading="flip"), replace(EFFECT, task="QueryAttr")], data
    )
    examination: Any = SimpleNamespace(layers_of=lambda _: 2)
    drawn = curves(examination, [EFFECT, CONTROL, Quantity("ChooseAttr", Accuracy(), "right")], look)
    assert [(curve.reading, curve.role) for curve in drawn] == [
        *(("p_c", "effect"), ("distractor", "effect"), ("flip", "effect")),
        ("p_c", "control"),
    ]
    del look[read[1]]  # a task without a wrong answer
    assert [curve.reading for curve in curves(examination, [EFFECT], look)] == ["p_c", "flip"]


def test_a_record_names_quantities_as_readers_see_them(tmp_path: Path) -> None:
    tree = some(Leaf(f"deepest window of {EFFECT}", (EFFECT,), lambda values: values, -10, "<"))
    part = Part(f"deepest window of {EFFECT}", -20.0, -25.0, -15.0, -10.0, "<", 0.01, 0.9)
    asked = claim("next")
    examination: Any = SimpleNamespace(
        judgements={TEST: Judgement(Verdict.SUPPORTED, 0.01, 0.9, 0.05, 0, 60, 60, (part,))},
        seen_at=lambda _: {},
        hypothesis=lambda *_: Hypothesis(tree, (EFFECT,)),
        info=CheckpointInfo("next", "", 4),
        settings=settings(tmp_path),
    )
    record = claim_record(examination, asked, None, enforced=False)
    name = "image → question, k = 1, p_c on ChooseAttr"
    assert record.judgement.parts[0].label == f"deepest window of {name}"
    assert record.hypothesis == f"deepest window of {name} < -10"


def test_a_run_records_the_commit_it_found_at_a_hub(tmp_path: Path) -> None:
    def hub(info: CheckpointInfo) -> str:
        return Examination(info, fake_dataset(2, TASKS), settings(tmp_path), Fake).record().hub

    assert hub(CheckpointInfo("tiny", "org/tiny", 4, revision="0123abc")) == "org/tiny@0123abc"
    assert hub(CheckpointInfo("tiny", str(tmp_path), 4)) == ""
