"""The record of a run: of half a run, and of tests that are run again."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.data.dataset import Dataset
from harness.session.conclude import PROPERTY
from harness.session.recording import STOPPED, RecordCollector
from harness.statistics.verdict import Judgement, Verdict
from harness.validation.store.rows import settings
from harness.verdicts.record import CheckpointRecord, ClaimRecord, RunRecord, plain

ROOT = Path(__file__).parents[3]
CLAIM = ClaimRecord(
    *("A1", "ABS", "It does.", "x > 0", "findings/x.py::test", "pytest x", "embedded", None),
    Judgement(Verdict.SUPPORTED, 0.01, 0.9, 0.05, 0, 60, 120),
)
SCENES = Dataset("scenes", "0", ())
CHECKPOINT = CheckpointRecord("embedded", "0" * 64, 12, 3, "float32", "cpu", (), 0)


def handed_over(verdict: Verdict) -> Any:
    """A claim test's report."""
    claim = replace(CLAIM, judgement=replace(CLAIM.judgement, verdict=verdict))
    payload = {
        "claim": plain(claim),
        "checkpoint": plain(CHECKPOINT),
        "key": "A1",
        "dataset": ["scenes", "0"],
    }
    return SimpleNamespace(when="call", nodeid=claim.test, user_properties=[(PROPERTY, payload)])


def collector(
    tmp_path: Path, heard: list[RunRecord], dataset: Dataset = SCENES, **options: Any
) -> RecordCollector:
    config: Any = SimpleNamespace(
        rootpath=ROOT,
        invocation_params=SimpleNamespace(args=()),
        hook=SimpleNamespace(pytest_findings_report=lambda **given: heard.append(given["record"])),
    )
    given = replace(settings(tmp_path), **options)
    run: Any = SimpleNamespace(
        settings=given, protocol=given.protocol, samples=lambda _: (), changes=lambda _: (), dataset=dataset
    )
    return RecordCollector(config, run)


def session(**ended: Any) -> Any:
    return SimpleNamespace(**{"shouldfail": False, "shouldstop": False, "exitstatus": 0, **ended})


@pytest.mark.parametrize(
    ("ended", "stopped"),
    [
        ({}, False),
        ({"exitstatus": pytest.ExitCode.TESTS_FAILED}, False),
        ({"exitstatus": pytest.ExitCode.INTERRUPTED}, True),
        ({"shouldfail": "stopping after 1 failures"}, True),
        ({"shouldstop": "stopping after 1 failures"}, True),
    ],
)
def test_half_a_run_says_that_it_is_half(ended: dict[str, Any], *, stopped: bool, tmp_path: Path) -> None:
    heard: list[RunRecord] = []
    made = collector(tmp_path, heard)
    made.pytest_runtest_logreport(handed_over(Verdict.SUPPORTED))
    made.pytest_sessionfinish(session(**ended))
    (record,) = heard
    assert [claim.id for claim in record.claims] == ["A1"]
    assert (STOPPED in record.remarks) is stopped
    assert made.record is record, "what is printed is what is written"


def test_of_a_test_that_is_run_again_the_last_outcome_counts(tmp_path: Path) -> None:
    heard: list[RunRecord] = []
    made = collector(tmp_path, heard)
    for verdict in (Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, Verdict.SUPPORTED):
        made.pytest_runtest_logreport(handed_over(verdict))
    made.pytest_sessionfinish(session())
    assert [claim.judgement.verdict for claim in heard[0].claims] == [Verdict.SUPPORTED]


def test_a_run_over_data_most_of_which_cannot_be_used_is_not_green(tmp_path: Path) -> None:
    heard: list[RunRecord] = []
    made = collector(
        tmp_path, heard, Dataset("mine", "0", (), {("ChooseRel", "image file missing (e.g. x/1.jpg)"): 200})
    )
    made.pytest_runtest_logreport(handed_over(Verdict.SUPPORTED))
    made.pytest_sessionfinish(ended := session())
    assert ended.exitstatus == pytest.ExitCode.TESTS_FAILED
    (told,) = made.nothing
    assert told in heard[0].remarks


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch) -> list[RunRecord]:
    """The records that were taken over as what is known."""
    taken: list[RunRecord] = []
    monkeypatch.setattr("harness.session.recording.accept", lambda *given: taken.append(given[2]))
    return taken


@pytest.mark.parametrize("status", [pytest.ExitCode.OK, pytest.ExitCode.INTERRUPTED])
def test_only_a_whole_run_is_accepted(
    status: pytest.ExitCode, tmp_path: Path, accepted: list[RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr("harness.session.terminal.write_line", lambda _, text: lines.append(text))
    made = collector(tmp_path, [], accept=True)
    made.pytest_runtest_logreport(handed_over(Verdict.SUPPORTED))
    made.pytest_sessionfinish(session(exitstatus=status))
    whole = status is pytest.ExitCode.OK
    assert bool(accepted) is whole
    assert lines == ["ERROR: --accept: nothing is accepted: the run was stopped before its end"] * (not whole)


def test_a_baseline_with_which_nothing_is_compared_is_not_green(tmp_path: Path) -> None:
    made = collector(tmp_path, [], baseline="old")
    made.pytest_runtest_logreport(handed_over(Verdict.SUPPORTED))
    made.pytest_sessionfinish(done := session())
    assert made.nothing == ["--baseline old: none of its curves was measured here"]
    assert done.exitstatus == pytest.ExitCode.TESTS_FAILED
