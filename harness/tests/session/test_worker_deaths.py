"""Which tests of dead workers are given out again, and how often."""

from types import SimpleNamespace
from typing import Any

import pytest

from harness.session.worker_deaths import AGAIN, MOST_DEATHS, WorkerDeaths

CLAIM = "findings/test_last_position.py::test_a_claim[embedded]"


class Scheduler:
    """Takes tests back; one that deals out groups does so by itself."""

    def __init__(self, *groups: dict[str, bool]) -> None:
        self.pending: list[str] = []
        self.workqueue: dict[str, dict[str, bool]] = {}
        self.assigned_work = {"gw1": dict(enumerate(groups))}

    def mark_test_pending(self, test: str) -> None:
        if self.assigned_work["gw1"]:
            raise NotImplementedError
        self.pending.append(test)


def crash(deaths: WorkerDeaths, scheduler: Any, test: str = CLAIM) -> pytest.TestReport:
    report = pytest.TestReport(test, ("f", None, "f"), {}, "failed", "worker 'gw0' crashed", "???")  # type: ignore[arg-type]
    deaths.pytest_handlecrashitem(test, report, scheduler)
    deaths.pytest_runtest_logreport(report)
    return report


def ended(deaths: WorkerDeaths, status: int = 0) -> int:
    session: Any = SimpleNamespace(exitstatus=status)
    deaths.pytest_sessionfinish(session)
    return int(session.exitstatus)


def test_a_claim_is_given_out_again_until_it_may_be_what_kills() -> None:
    deaths, scheduler = WorkerDeaths(), Scheduler()
    reports = [crash(deaths, scheduler) for _ in range(MOST_DEATHS)]
    assert [report.outcome for report in reports] == [AGAIN] * (MOST_DEATHS - 1) + ["failed"]
    assert scheduler.pending == [CLAIM] * (MOST_DEATHS - 1)
    assert "what was measured is kept" in str(reports[-1].longrepr)
    assert deaths.unjudged == ()


def test_a_test_that_is_no_claim_fails_with_its_worker() -> None:
    deaths, scheduler = WorkerDeaths(), Scheduler()
    assert crash(deaths, scheduler, "harness/tests/data/test_files.py::test_it").outcome == "failed"
    assert scheduler.pending == []


def test_a_run_is_green_only_once_the_test_has_run() -> None:
    deaths = WorkerDeaths()
    crash(deaths, Scheduler())
    assert deaths.unjudged == (CLAIM,)
    assert ended(deaths) == pytest.ExitCode.TESTS_FAILED
    assert ended(deaths, pytest.ExitCode.INTERRUPTED) == pytest.ExitCode.INTERRUPTED
    report = pytest.TestReport(CLAIM, ("f", None, "f"), {}, "passed", None, "teardown")
    deaths.pytest_runtest_logreport(report)
    assert ended(deaths) == 0


@pytest.mark.parametrize(
    ("group", "outcome"), [({CLAIM: False}, AGAIN), ({CLAIM: True}, "failed"), ({"x": False}, "failed")]
)
def test_a_group_that_is_dealt_out_again_holds_the_test(group: dict[str, bool], outcome: str) -> None:
    assert crash(WorkerDeaths(), Scheduler(group)).outcome == outcome
