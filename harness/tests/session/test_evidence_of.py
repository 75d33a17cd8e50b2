"""Judging what was measured elsewhere: the known verdicts, and every page says who did."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from harness.evidence.elsewhere.assemble import Asked, import_files
from harness.statistics.verdict import UNJUDGED, Verdict
from harness.testing.warm import python
from harness.validation.elsewhere.made_up import MadeUp
from harness.validation.elsewhere.report import NAME, ROOT, TRUE, Outcome, judged, known
from harness.validation.paper_size.story import PAPER
from harness.verdicts.record import read_record

TASKS = ("ChooseAttr", "QueryAttr")
QUESTIONS, IMAGES = 160, 240


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def outcome(folder: Path) -> Outcome:
    made_up = MadeUp(folder, questions=dict.fromkeys(TASKS, QUESTIONS), images=IMAGES, words=3)
    made_up.write()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.executable", python())
        return judged(folder, made_up)


@pytest.mark.slow
def test_a_made_up_model_gets_its_known_verdicts(outcome: Outcome) -> None:
    """A2 and B4 ask for six tasks; nothing else is left out of what the files speak of."""
    assert [one for one in outcome.wrong if not one.startswith("B4 ")] == []
    assert {one.partition(" ")[0] for one in outcome.undecided} <= {"A2", "B2"}
    assert {one.id for one in outcome.record.claims if known(one.id) is Verdict.SUPPORTED} == TRUE
    assert outcome.counts[Verdict.SUPPORTED.value, Verdict.SUPPORTED.value] >= 28
    by_id = {one.id: one for one in outcome.record.claims}
    f1 = by_id["F1"].judgement
    assert f1.reason.startswith("not measured elsewhere: image->question@1; image->question@3; image->")
    assert [curve.window for curve in by_id["F1"].curves] == [9]  # what there is, is drawn
    told = [fact.text for fact in by_id["B2"].judgement.notes if fact.about.startswith("judged without")]
    assert told == ["image->question@1; image->question@3"]


@pytest.mark.slow
def test_every_page_says_that_it_was_measured_elsewhere(outcome: Outcome, folder: Path) -> None:
    record = outcome.record.checkpoints[0]
    assert (
        record.elsewhere.startswith("measured elsewhere, by GQA_")
        and " and 13 more files (" in record.elsewhere
    )
    assert (record.device, record.dtype, record.passes, record.prompt) == ("elsewhere", "not known", 0, "")
    assert len(record.sources) == 14 and all(len(digest) == 64 for _, digest, _ in record.sources)
    page = (folder / "report" / "report.html").read_text(encoding="utf-8")
    assert page.count(record.elsewhere) >= 3  # above, below and in the provenance
    assert all(digest in page for _, digest, _ in record.sources)
    said = (folder / "said.txt").read_text(encoding="utf-8")
    assert said.count(record.elsewhere) == 2  # before the tests, and over their table
    markdown = (folder / "report" / "report.md").read_text(encoding="utf-8")
    assert "measured elsewhere, by GQA" in markdown and "## Not measured" in markdown
    a1 = next(one for one in outcome.record.claims if one.id == "A1")
    without = [fact for fact in a1.judgement.notes if fact.about.startswith("judged without")]
    assert [fact.text for fact in without] == ["random0:question->last@9"]


def pytest_(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python(), "-m", "pytest", "findings", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.slow
@pytest.mark.usefixtures("outcome")
def test_the_reports_command_judges_a_part_alike(outcome: Outcome, folder: Path) -> None:
    words = [f"--evidence-of={folder / 'imports' / NAME}", "--task=QueryAttr", "-k", "three_stages"]
    report = folder / "part"
    done = subprocess.run(
        [python(), "-m", "reports", "judge", *words, f"--report={report}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "D1   QueryAttr: SUPPORTED" in done.stdout
    command = next(one.command for one in outcome.record.claims if one.id == "D1" and one.task == "QueryAttr")
    assert "--evidence-of=" in command and "--checkpoint" not in command and "--dtype" not in command


@pytest.mark.slow
@pytest.mark.usefixtures("outcome")
def test_a_flow_that_was_not_measured_on_a_task_is_named_with_it(folder: Path, tmp_path: Path) -> None:
    files = [
        file
        for file in (folder / "output").rglob("*.csv")
        if "QueryAttr_window9_Image___Last" not in file.name
    ]
    imported = import_files(files, Asked("part", 40), tmp_path)
    done = pytest_(
        f"--evidence-of={imported.folder}", f"--report={tmp_path / 'report'}", "-k", "hardly_reaches"
    )
    assert "A2   NOT MEASURED" in done.stdout, done.stdout
    assert "not measured elsewhere: image->last@9 on QueryAttr" in done.stdout


@pytest.mark.slow
def test_what_wide_windows_alone_refute_stays_open(tmp_path: Path) -> None:
    """One dip at windows of nine layers may be two at windows of one."""
    story = replace(PAPER, drift={}).with_flows(image__question=((0.29, 0.35, -60.0),))
    made_up = MadeUp(tmp_path, questions={"ChooseAttr": 160}, images=240, story=story, words=3)
    files = [file for file in made_up.write() if "Image___Question" in file.name]
    imported = import_files(files, Asked("one-dip", 40), tmp_path / "imports")
    done = pytest_(f"--evidence-of={imported.folder}", f"--report={tmp_path / 'report'}", "-k", "twice")
    assert "B2   ChooseAttr: INCONCLUSIVE" in done.stdout, done.stdout
    assert "refuted at the windows there are; narrower ones, which were not measured" in done.stdout


def command(*words: object, **environment: str) -> str:
    done = subprocess.run(
        [python(), "-m", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_run_of_ones_own_handed_on_and_taken_in_gets_the_same_verdicts(tmp_path: Path) -> None:
    """Of what a plain table holds, to the last digit: the same samples are looked at in the same order."""
    own, there = tmp_path / "own", tmp_path / "there"
    store, file, imports = tmp_path / "evidence", tmp_path / "plain.csv", tmp_path / "imports"
    words = ["-p", "harness.testing.fake", "--checkpoint=fake", f"--evidence={store}", f"--report={own}"]
    tasks = ["--task=ChooseAttr", "--task=ChooseCat"]
    command("pytest", "findings", *words, *tasks, FAKE_IMAGES="80")
    assert "left behind" in command("harness.evidence", "export", file, "--as=plain", f"--evidence={store}")
    command(
        "harness.evidence",
        "import",
        file,
        "--checkpoint=fake",
        "--layers=12",
        "--window=3",
        f"--out={imports}",
    )
    command("pytest", "findings", f"--evidence-of={imports / 'fake'}", f"--report={there}")
    first, second = (read_record(folder / "report.json") for folder in (own, there))
    known = {(one.id, one.task): one.judgement for one in first.claims}
    same = []
    for one in second.claims:
        judgement, before = one.judgement, known[one.id, one.task]
        without = any(fact.about.startswith("judged without") for fact in judgement.notes)
        if judgement.verdict not in UNJUDGED and not without:
            same.append(one.id)
            assert (judgement.verdict, judgement.look) == (before.verdict, before.look), one.id
            assert (judgement.parts, judgement.n_samples) == (before.parts, before.n_samples), one.id
    assert {"A2", "A3", "A4", "B3", "C1", "C2", "C3", "C3b", "D1"} <= set(same)
    excluded = [task.excluded for task in second.checkpoints[0].tasks]
    assert excluded == [task.excluded for task in first.checkpoints[0].tasks]


BAD = [
    (["--checkpoint=embedded"], "leave --checkpoint out"),
    (["--accept"], "leave --accept out"),
    (["--dataset=."], "leave --dataset out"),
    (["--measure-only"], "leave --measure-only out"),
    (["-m", "gpu"], "leave -m gpu out"),
    (["--window=41"], "checkpoint made-up-13b has only 40 layers"),
    (["--task=ChooseCat"], "no samples of task ChooseCat"),
]


@pytest.mark.slow
@pytest.mark.usefixtures("outcome")
@pytest.mark.parametrize(("words", "said"), BAD)
def test_what_says_how_to_measure_does_not_go_with_it(folder: Path, words: list[str], said: str) -> None:
    done = pytest_(f"--evidence-of={folder / 'imports' / NAME}", f"--report={folder / 'bad'}", *words)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout + done.stderr
    assert said in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_an_import_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = pytest_(f"--evidence-of={tmp_path / 'nobody'}")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--evidence-of: no imports of 'nobody' in" in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("outcome")
def test_an_import_that_was_changed_judges_nothing(folder: Path, tmp_path: Path) -> None:
    imported = next((folder / "imports").iterdir())
    copy = tmp_path / imported.name
    copy.mkdir()
    for file in imported.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    part = next(copy.glob("QueryAttr-*"))
    pl.read_parquet(part).with_columns(p1=pl.col("p1") * 0.9).write_parquet(part)
    done = pytest_(f"--evidence-of={copy}")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "changed since the import; import the files again" in done.stderr
