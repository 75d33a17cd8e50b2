"""From end to end: a LLaVA-NeXT directory, photographs, rows as released, the command a user types."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import matplotlib as mpl
import pytest
import torch
from PIL import Image

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import encode
from harness.checkpoint.loading import load
from harness.data.sample import Box, Sample
from harness.engine import decoding
from harness.testing import realistic_checkpoints as realistic
from harness.testing.cases import greedy_answer
from harness.testing.warm import python
from harness.verdicts.record import RunRecord, read_record

ROOT = Path(__file__).parents[3]
CROPS = [(0, 0, 512, 600), (0, 0, 512, 384), (0, 100, 512, 260), (150, 0, 290, 600), (64, 64, 448, 448)]
"""Cut out of one photograph (left, top, right, bottom): tall, wide and square pictures."""
QUESTIONS = ("On which side is the face?", "On which side of the photo is the cap?", "Where is the flag?")
HEADER = (
    "question_id,img_id,question,answer,central object name,central object id,question word,type_detailed,"
    "type_semantic,type_structural,operations,captions,image_w,image_h,central object w,central object h,"
    "central object x,central object y"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, photographs, and a table whose answers are the checkpoint's own, but for one."""
    made = tmp_path_factory.mktemp("photographs")
    realistic.llava_next(made / "next", realistic.sentencepiece_like(), side=56)
    photograph = Path(mpl.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    (made / "images").mkdir()
    samples = []
    for number, crop in enumerate(CROPS):
        path = made / "images" / f"{number:04}.jpg"
        with Image.open(photograph) as image:
            image.crop(crop).save(path)
        size = (crop[2] - crop[0], crop[3] - crop[1])
        box = Box("face", size[0] // 4, size[1] // 4, size[0] // 3, size[1] // 3)
        samples += [
            Sample(f"0{number}{at}", "QueryAttr", path.stem, path, question, "", None, None, (box,), size)
            for at, question in enumerate(QUESTIONS)
        ]
    _write(made, samples, _answers(load(made / "next", prompt="vicuna_v1"), made / "next", samples))
    return made


def _answers(checkpoint: Checkpoint, directory: Path, samples: list[Sample]) -> list[str]:
    """What the checkpoint answers; it is told to stop at whatever comes second in its answers."""
    said = [greedy_answer(checkpoint, encode(checkpoint, sample), limit=2) for sample in samples]
    stops = {tokens[1] for tokens in said if len(tokens) > 1} - {tokens[0] for tokens in said}
    path = directory / "generation_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(config | {"eos_token_id": sorted(stops)}), encoding="utf-8")
    return [decoding.read(checkpoint, tokens[:1]).strip().lower() for tokens in said]


def _write(folder: Path, samples: list[Sample], answers: list[str]) -> None:
    """The table, with a byte-order mark, quotes, and one row whose image is missing."""
    with (folder / "GQA_val_correct_question_with_positionQuery_QueryAttr.csv").open(
        "w", encoding="utf-8-sig", newline=""
    ) as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER.split(","))
        for sample, answer in zip(samples, answers, strict=True):
            (box,) = sample.objects
            told = [
                "common",
                "positionQuery",
                "attr",
                "query",
                "[{'operation': 'select'}]",
                'a "face", a cap.',
            ]
            writer.writerow(
                [
                    *(sample.id, sample.image_id, sample.question, answer or "nothing", box.name, "7", *told),
                    *(*sample.image_size, box.width, box.height, box.x, box.y),
                ]
            )
        writer.writerow(["099", "0099", "Where?", "left", "face", "7", *[""] * 6, 8, 8, 1, 1, 1, 1])


def run(folder: Path, name: str, *words: str) -> tuple[subprocess.CompletedProcess[str], RunRecord]:
    done = subprocess.run(
        [
            *(python(), "-m", "pytest", "findings", "-q", f"--checkpoint={folder / 'next'}"),
            *(f"--dataset={folder}", f"--images={folder / 'images'}", "-k", "B1 or reaches or patches"),
            *(f"--evidence={folder / 'evidence'}", f"--report={folder / name}"),
            *("--samples=12", "--processes=1", "--prompt=vicuna_v1"),
            *words,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}, done.stdout + done.stderr
    return done, read_record(folder / name / "report.json")


@pytest.fixture(scope="module")
def plain(folder: Path) -> tuple[str, RunRecord]:
    """What an ordinary run says."""
    done, record = run(folder, "plain")
    return done.stdout, record


@pytest.mark.slow
def test_claims_are_judged_on_photographs(plain: tuple[str, RunRecord]) -> None:
    said, record = plain
    (checkpoint,) = record.checkpoints
    (task,) = checkpoint.tasks
    assert (checkpoint.name, checkpoint.layers, task.task) == ("next", 4, "QueryAttr")
    assert task.samples == 12
    assert task.included > 0, task.excluded
    assert checkpoint.passes > 0
    assert record.claims
    curves = [curve for claim in record.claims for curve in claim.curves]
    assert curves
    assert all(torch.isfinite(torch.tensor(curve.mean)).all() for curve in curves)
    assert "Traceback" not in said


@pytest.mark.slow
def test_the_gpu_path_is_the_same_code(folder: Path, plain: tuple[str, RunRecord]) -> None:
    """``-m gpu --allow-cpu`` runs it without a GPU: the same numbers from the same store."""
    _, gpu = run(folder, "gpu", "-m", "gpu", "--allow-cpu")
    assert [claim.judgement for claim in gpu.claims] == [claim.judgement for claim in plain[1].claims]
    assert gpu.checkpoints[0].passes == 0


@pytest.mark.slow
@pytest.mark.usefixtures("plain")
def test_another_handling_of_pictures_is_measured_anew(folder: Path) -> None:
    """The switch "no tiles, no padding" changes what is measured, so it must not meet the old evidence."""
    _, record = run(folder, "square", "--image-handling=square", "--samples=3")
    assert record.protocol["image handling"] == "square"
    (task,) = record.checkpoints[0].tasks
    assert task.samples == 3
    stores = {path.parent for path in (folder / "evidence").rglob("*.parquet")}
    assert len(stores) == 2, "one with tiles, one without"
