"""A worker of pytest-xdist that dies costs no claim: the test that it held is given to another.

The operating system kills who takes most memory, whatever it was doing. What the worker had measured lies in
the store, so whoever takes its test over has little left to do but to judge. Only claim tests are given out
again: any other test that kills its worker has failed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from harness.verdicts.catalogue import CATALOGUE

if TYPE_CHECKING:
    from xdist.scheduler import Scheduling

MOST_DEATHS = 3
"""So many workers may die with one test in hand; then it fails: it may be what kills them."""
AGAIN = "rerun"
"""Outcome of a test whose worker died and that is given out again: neither passed nor failed."""
AGAIN_COMMAND = "what was measured is kept, and the same command goes on"


class WorkerDeaths:
    """Gives out again what dead workers had in hand; lives in the main process."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()
        self._given_out: dict[str, None] = {}

    @property
    def unjudged(self) -> tuple[str, ...]:
        """Tests that were given out again, and that no worker lived to run."""
        return tuple(self._given_out)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport, sched: Scheduling) -> None:
        """Give a dead worker's test out again, unless it has had its chances."""
        if not crashitem.startswith(f"{CATALOGUE.parent.as_posix()}/"):
            return
        self._held[crashitem] += 1
        if self._held[crashitem] < MOST_DEATHS and _given_out(crashitem, sched):
            self._given_out[crashitem] = None
            report.outcome = AGAIN  # type: ignore[assignment] # a word of rerunning plugins; neither of pytest's
        else:
            self._given_out.pop(crashitem, None)
            report.longrepr = f"{report.longrepr}; {AGAIN_COMMAND}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note that a test has been run to its end."""
        if report.when == "teardown":
            self._given_out.pop(report.nodeid, None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run in which a test was given out again and never run: nobody judged it."""
        if self.unjudged and not session.exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Say what became of a test that is given out again."""
        return (AGAIN, "w", "WORKER DIED, GIVEN OUT AGAIN") if report.outcome == AGAIN else None

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the tests that nobody judged."""
        for name in self.unjudged:
            terminalreporter.write_line(f"ERROR: {name} was not judged, its workers died; {AGAIN_COMMAND}")


def _given_out(test: str, sched: Scheduling) -> bool:
    """Whether a test could be given out again, or is about to be."""
    try:
        sched.mark_test_pending(test)
    except NotImplementedError:  # ways that deal out whole groups put a dead worker's whole group back
        dealt: list[Any] = list(getattr(sched, "assigned_work", {}).values())
        groups = [getattr(sched, "workqueue", {}), *dealt]
        return any(group.get(test) is False for some in groups for group in some.values())
    return True
