"""The record of a run that did not come to its end."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.session.recording import STOPPED, RecordCollector
from harness.statistics.verdict import Judgement, Verdict
from harness.validation.store.rows import settings
from harness.verdicts.record import CheckpointRecord, ClaimRecord, RunRecord, plain

ROOT = Path(__file__).parents[3]
CLAIM = ClaimRecord(
    *("A1", "ABS", "It does.", "x > 0", "findings/x.py::test", "pytest x", "embedded", None),
    Judgement(Verdict.SUPPORTED, 0.01, 0.9, 0.05, 0, 60, 120),
)
CHECKPOINT = CheckpointRecord("embedded", "0" * 64, 12, 3, "float32", "cpu", (), 0)


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
    config: Any = SimpleNamespace(
        rootpath=ROOT,
        invocation_params=SimpleNamespace(args=()),
        hook=SimpleNamespace(pytest_findings_report=lambda **given: heard.append(given["record"])),
    )
    run: Any = SimpleNamespace(settings=settings(tmp_path), samples=lambda _: (), changes=lambda _: ())
    collector = RecordCollector(config, run)
    collector.payloads = [
        {"claim": plain(CLAIM), "checkpoint": plain(CHECKPOINT), "key": "A1", "dataset": ["scenes", "0"]}
    ]
    session: Any = SimpleNamespace(**{"shouldfail": False, "shouldstop": False, "exitstatus": 0, **ended})
    collector.pytest_sessionfinish(session)
    (record,) = heard
    assert [claim.id for claim in record.claims] == ["A1"]
    assert (STOPPED in record.remarks) is stopped
