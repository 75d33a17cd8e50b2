"""Whole runs with a fake engine: what is measured, by whom, and that nothing is measured twice."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.session.run import FOUND_AT_RUN
from harness.testing.warm import python

ROOT = Path(__file__).parents[3]
CLAIMS = "findings/test_last_position.py"
ONE = "hardly_needs"
TWO = "hardly_needs or question_reaches"
IN_ONE_PROCESS = """
import contextlib, io, json, sys, pytest
for line in sys.stdin:
    words = json.loads(line)
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
        code = pytest.main(words)
    print(json.dumps([int(code), heard.getvalue()]), flush=True)
"""


@dataclass(frozen=True)
class Done:
    """A run: its exit status, what it said, and what it measured."""

    code: int
    said: str
    measured: list[str]


def words(folder: Path, store: str, *more: str) -> list[str]:
    return [
        CLAIMS,
        "-p",
        "harness.testing.fake",
        "-p",
        "no:cacheprovider",
        "-s",  # capturing would take the standard input that runs are asked for on
        "--checkpoint=fake",
        "--task=ChooseAttr",
        f"--evidence={folder / store}",
        f"--report={folder / 'report'}",
        *more,
    ]


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "FAKE_LOG": str(folder / "log"), "OMP_NUM_THREADS": "1", **more}


class Runs:
    """Runs one after another in one process; fast, since nothing is imported twice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-c", IN_ONE_PROCESS],
            cwd=ROOT,
            env=environment(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, store: str, *more: str) -> Done:
        log = self.folder / "log"
        log.write_text("", encoding="utf-8")
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(words(self.folder, store, "--processes=1", *more)) + "\n")
        self._process.stdin.flush()
        code, said = json.loads(self._process.stdout.readline())
        return Done(code, said, log.read_text(encoding="utf-8").splitlines())

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    runs = Runs(tmp_path_factory.mktemp("runs"))
    yield runs
    runs.close()


def measurements(done: Done) -> set[str]:
    return {line.split(" ", 2)[2] for line in done.measured}


def verdicts(done: Done) -> list[str]:
    return [line for line in done.said.splitlines() if line.startswith(("A1", "A3"))]


@pytest.fixture(scope="module")
def whole(runs: Runs) -> Done:
    """Two claims on all samples, measured by one process from nothing."""
    return runs("whole", "-k", TWO)


@pytest.mark.slow
def test_only_what_is_new_is_measured(runs: Runs, whole: Done) -> None:
    few = runs("grown", "-k", ONE, "--samples=20")
    more = runs("grown", "-k", ONE)
    flows = runs("grown", "-k", TWO)
    again = runs("grown", "-k", TWO)
    assert [done.code for done in (few, more, flows, again)] == [0, 0, 0, 0], flows.said
    assert (len(few.measured), len(more.measured)) == (20, 36)
    assert measurements(few) == measurements(more)
    assert not measurements(flows) & measurements(more)
    assert again.measured == []
    assert f"answers: {FOUND_AT_RUN}" in few.said
    assert 'answers: fake answers as "Yes" with a leading space, 32 of 32' in again.said, "now it is stored"
    assert "no knocked-out pass had to be measured" in again.said
    assert sorted(few.measured + more.measured + flows.measured) == sorted(whole.measured)
    assert verdicts(again) == verdicts(whole) != []


@pytest.mark.slow
def test_shards_measured_apart_make_a_whole(runs: Runs, whole: Done) -> None:
    shards = [runs("shards", "-k", TWO, "--measure-only", f"--shard={at}/3") for at in (2, 1, 3)]
    for done in shards:
        assert done.code == 0, done.said
        assert "2 skipped" in done.said and "measured only, nothing judged" in done.said
    assert "measured only: shard 2/3 is in " in shards[0].said
    measured = [line for done in shards for line in done.measured]
    assert len(measured) == len(set(measured))
    assert all(done.measured for done in shards)
    again = runs("shards", "-k", TWO, "--measure-only", "--shard=1/3")
    assert "no knocked-out pass had to be measured, nothing judged" in again.said
    judged = runs("shards", "-k", TWO)
    assert judged.measured == []
    assert (judged.code, verdicts(judged)) == (0, verdicts(whole))
    assert set(whole.measured) <= set(measured)


@pytest.mark.slow
def test_stored_evidence_is_judged_and_what_lacks_is_said(runs: Runs, whole: Done) -> None:
    judged = runs("whole", "-k", TWO, "--judge-only")
    assert (judged.code, judged.measured, verdicts(judged)) == (0, [], verdicts(whole))
    runs("half", "-k", ONE)
    half = runs("half", "-k", TWO, "--judge-only")
    assert half.measured == [] and "without --judge-only it is measured" in half.said
    record = (runs.folder / "report" / "report.json").read_text(encoding="utf-8")
    assert "Judged from what was stored; nothing was measured" in record


@pytest.mark.slow
def test_reports_judge_is_a_run_that_only_judges(runs: Runs, whole: Done) -> None:
    told = [*words(runs.folder, "whole", "-k", TWO)[1:], "--processes=1"]
    (runs.folder / "log").write_text("", encoding="utf-8")
    done = subprocess.run(
        [python(), "-m", "reports", "judge", *told],
        cwd=ROOT,
        env=environment(runs.folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert verdicts(Done(done.returncode, done.stdout, [])) == verdicts(whole), done.stdout
    assert (runs.folder / "log").read_text(encoding="utf-8") == ""


@pytest.mark.slow
def test_everything_is_measured_only_if_asked_to(runs: Runs, whole: Done) -> None:
    done = runs("only", "-k", TWO, "--measure-only")
    assert (done.code, sorted(done.measured)) == (0, sorted(whole.measured))
    assert "measured only: everything is in " in done.said
    assert not (runs.folder / "report" / "only.json").exists()


@pytest.mark.slow
def test_damaged_evidence_is_named_and_measured_again(runs: Runs, whole: Done) -> None:
    runs("damaged", "-k", TWO)
    shard = next((runs.folder / "damaged").glob("fake-*/block-*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-7])
    done = runs("damaged", "-k", TWO)
    assert f"{shard.parent.name}/{shard.name}: hash mismatch: measured again" in done.said
    assert 0 < len(done.measured) < len(whole.measured)
    assert (done.code, verdicts(done)) == (0, verdicts(whole))
    clean = runs("damaged", "-k", TWO)
    assert clean.measured == [] and "mismatch" not in clean.said


@pytest.mark.slow
@pytest.mark.usefixtures("whole")
def test_judging_a_damaged_store_says_what_is_missing_and_writes_nothing(runs: Runs) -> None:
    """An archive is judged as it is, and a loss is no green run."""
    shutil.copytree(runs.folder / "whole", runs.folder / "archive")
    shard, gone, *_ = (runs.folder / "archive").glob("fake-*/block-*.parquet")
    shard.write_bytes(shard.read_bytes()[:-7])
    gone.unlink()
    before = {path: path.stat().st_mtime_ns for path in (runs.folder / "archive").rglob("*")}
    done = runs("archive", "-k", TWO, "--judge-only")
    assert {path: path.stat().st_mtime_ns for path in (runs.folder / "archive").rglob("*")} == before
    assert done.code == 1
    assert f"{shard.parent.name}/{shard.name}: hash mismatch: left out" in done.said
    assert f"{gone.parent.name}/{gone.name}: gone from the store: left out" in done.said
    assert "ERROR: files of the store that are damaged or gone: 2" in done.said
    record = (runs.folder / "report" / "report.json").read_text(encoding="utf-8")
    assert f"{shard.name}: hash mismatch: left out" in record
    assert f"{gone.name}: gone from the store: left out" in record


@pytest.mark.slow
def test_judging_what_was_never_stored_is_not_green(runs: Runs) -> None:
    done = runs("typo", "-k", TWO, "--judge-only")
    assert done.code == 1
    assert "ERROR: fake: nothing is stored in" in done.said
    assert not (runs.folder / "typo").exists()


@pytest.mark.slow
def test_a_store_that_cannot_be_used_fails_the_claims_with_one_error(runs: Runs) -> None:
    """Root may write everywhere, so something stands in the way of the store's folder."""
    runs("blocked", "-k", ONE, "--samples=4")
    store = next((runs.folder / "blocked").glob("fake-*"))
    shutil.rmtree(store)
    store.write_text("in the way", encoding="utf-8")
    for more in ((), ("--measure-only",)):
        done = runs("blocked", "-k", ONE, *more)
        assert (done.code, done.measured) == (pytest.ExitCode.TESTS_FAILED, [])
        assert "cannot be written" in done.said and "Traceback" not in done.said


BAD = [
    (["--shard=1/2"], "--shard: a part of the images proves nothing; add --measure-only"),
    (["--measure-only", "--shard=0/2"], "--shard 0/2: write it as I/N with I from 1 to N, e.g. 2/8"),
    (["--measure-only", "--shard=3/2"], "--shard 3/2: write it as I/N"),
    (["--measure-only", "--shard=one"], "--shard one: write it as I/N"),
    (["--judge-only", "--accept"], "--judge-only: it measures nothing; leave --accept out"),
    (["--judge-only", "--measure-only"], "--judge-only: it measures nothing; leave --measure-only out"),
    (["--memory=0GiB"], "--memory 0GiB: must be a size with its unit, e.g. 500MiB or 4GiB"),
    (["--memory=4"], "--memory 4: must be a size with its unit"),
    (["--processes=0"], "--processes 0: must be a whole number of at least 1"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("bad", "said"), BAD)
def test_bad_options_are_one_line(runs: Runs, bad: list[str], said: str) -> None:
    done = runs("bad", *bad)
    assert (done.code, done.measured) == (pytest.ExitCode.USAGE_ERROR, [])
    assert said in done.said


def start(folder: Path, *more: str, **variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [python(), "-m", "pytest", *words(folder, "store", "-k", TWO, *more)],
        cwd=ROOT,
        env=environment(folder, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def lines(folder: Path) -> list[str]:
    return (folder / "log").read_text(encoding="utf-8").splitlines()


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced_and_nothing_is_measured_twice(tmp_path: Path, whole: Done) -> None:
    died, said = finished(start(tmp_path, "-n2", FAKE_DEATH=str(tmp_path / "death")))
    assert (tmp_path / "death-0").exists()
    assert died == pytest.ExitCode.OK, said
    assert "replacing crashed worker gw" in said
    again, said = finished(start(tmp_path, "-n2", FAKE_DEATH=str(tmp_path / "death")))
    assert again == 0, said
    assert sorted(lines(tmp_path)) == sorted(whole.measured)


@pytest.mark.slow
@pytest.mark.parametrize("dist", ["load", "loadfile"])
def test_a_worker_that_dies_over_complete_evidence_fails_no_claim(
    tmp_path: Path, whole: Done, dist: str
) -> None:
    died = {"FAKE_DEATH_JUDGING": str(tmp_path / "death"), "FAKE_DEATHS": "2"}
    code, said = finished(start(tmp_path, "-n2", f"--dist={dist}", **died))
    assert (tmp_path / "death-1").exists()
    assert code == pytest.ExitCode.OK, said
    assert "2 rerun" in said and "2 of the run's workers died; what they measured is kept" in said
    assert "no knocked-out pass had to be measured" not in said
    assert verdicts(Done(code, said, [])) == verdicts(whole)
    assert sorted(lines(tmp_path)) == sorted(whole.measured)
    assert "2 of the run's workers died" in (tmp_path / "report" / "report.json").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_claim_whose_workers_all_died_is_not_green(tmp_path: Path) -> None:
    died = {"FAKE_DEATH_JUDGING": str(tmp_path / "death"), "FAKE_DEATHS": "2"}
    code, said = finished(start(tmp_path, "-n2", "--max-worker-restart=1", **died))
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "was not judged, its workers died; what was measured is kept, and the same command goes on" in said


@pytest.mark.slow
def test_two_runs_and_their_subprocesses_share_a_store(tmp_path: Path, whole: Done) -> None:
    first = start(tmp_path, "--processes=2", FAKE_SECONDS="0.05")
    second = start(tmp_path, "--processes=2", FAKE_SECONDS="0.05")
    for code, said in (finished(first), finished(second)):
        assert code == 0, said
    assert sorted(lines(tmp_path)) == sorted(whole.measured)


@pytest.mark.slow
def test_a_run_that_is_killed_takes_its_subprocesses_with_it(tmp_path: Path, whole: Done) -> None:
    run = start(tmp_path, "--processes=2", FAKE_SECONDS="0.2")
    while not (tmp_path / "log").exists():
        assert run.poll() is None
    run.send_signal(signal.SIGKILL)
    finished(run)  # returns once nobody holds its output: neither the run nor its subprocess worker
    measured = len(lines(tmp_path))
    assert measured < len(whole.measured)
    assert finished(start(tmp_path))[0] == 0
    assert len(lines(tmp_path)) <= len(whole.measured) + 2 * 2 * 8
    assert set(lines(tmp_path)) == set(whole.measured)


TWO_GPUS = """
import pytest
from harness.session import gpu, read_settings

gpu.cuda_devices = read_settings.cuda_devices = lambda: 2


@pytest.hookimpl(wrapper=True)
def pytest_findings_measurer(device, dtype):
    with open({heard!r}, "a") as heard:
        heard.write(device + " " + dtype + "\\n")
    return (yield)
"""


@pytest.mark.slow
def test_each_worker_measures_on_a_gpu_of_its_own(tmp_path: Path, whole: Done) -> None:
    heard = tmp_path / "heard"
    (tmp_path / "two_gpus.py").write_text(TWO_GPUS.format(heard=str(heard)), encoding="utf-8")
    found = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    code, said = finished(start(tmp_path, "-p", "two_gpus", "-n2", "--device=cuda", PYTHONPATH=found))
    assert code == 0, said
    heard_lines = set(heard.read_text(encoding="utf-8").splitlines())
    assert (
        {"cuda:0 float16", "cuda:1 float16"}
        <= heard_lines
        <= {f"cuda{at} float16" for at in ("", ":0", ":1")}
    )
    assert sorted(lines(tmp_path)) == sorted(whole.measured)
    record = (tmp_path / "report" / "report.json").read_text(encoding="utf-8")
    assert '--device=cuda"' in record and "cuda:" not in record and "--dtype" not in record
    assert "dtype float16" in said and json.loads(record)["protocol"]["dtype"] == "float16"


def finished(run: "subprocess.Popen[str]") -> tuple[int, str]:
    said, _ = run.communicate(timeout=500)
    return run.returncode, said
