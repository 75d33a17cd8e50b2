"""In the main process: gather what the tests found, and write the record, the report, expectations."""

from __future__ import annotations

import datetime as dt
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.data.errors import HarnessError
from harness.data.sample import TASKS
from harness.evidence.elsewhere.imports import imported_at
from harness.session import terminal
from harness.session.accept import accept
from harness.session.claim_items import catalogue_of
from harness.session.conclude import PROPERTY
from harness.session.provenance import SUITE_VERSION, provenance
from harness.session.run import Run
from harness.session.work_done import Work, together
from harness.verdicts.record import (
    ChangeRecord,
    CheckpointRecord,
    ClaimRecord,
    RunRecord,
    SampleRecord,
    structure,
)
from harness.verdicts.undecided_runs import overflowing, rows_lost, why_undecided

REMARKS = (
    "The error of at most alpha holds for each claim, not for the catalogue of claims.",
    "Thresholds and depth bands are this suite's own; the paper reports mean curves without them.",
)

GQA = (
    "The paper's data files name images of GQA (Hudson and Manning, 2019), taken from Visual Genome "
    "(Krishna et al., 2017): CC BY 4.0."
)
"""Said beside pictures of any data set but the suite's own scenes."""
STOPPED = "The run was stopped before every claim was judged: claims that are missing here were not asked."
"""Said of half a run: measured numbers are kept, and the same command goes on."""
ELSEWHERE = (
    "Measured elsewhere: this suite measured nothing of it and cannot tell whether it was measured rightly. "
    "Questions that the model answers wrongly were left out there, unless they are counted below. A claim "
    "whose random-source control was not measured is judged without it, and says so."
)
ONLY_STORED = "Judged from what was stored; nothing was measured, so what is missing here was not asked."


class RecordCollector:
    """Collects the records that tests attach to their reports, with or without xdist.

    Args:
        config: pytest's configuration.
        run: the run.
    """

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self._config = config
        self._run = run
        self._began = time.monotonic()
        self._payloads: dict[str, dict[str, Any]] = {}
        """By test: its record; where a test was run again, the last one."""
        self.works: list[Work] = []
        """What each process that measured has done."""
        self.record: RunRecord | None = None
        """The record of the run, once it is finished; None if no claim was judged."""
        self.nothing: list[str] = []
        """Why nothing could be decided on some checkpoint or task, or what is missing."""
        self.report_file: Path | None = None
        self._stopped = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a claim test's record."""
        if report.when == "call":
            found: list[Any] = [value for name, value in report.user_properties if name == PROPERTY]
            self._payloads |= dict.fromkeys([report.nodeid], found[-1]) if found else {}

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """What the tests handed over."""
        return list(self._payloads.values())

    def _accept(self, record: RunRecord) -> None:
        """Take the run over as what is known; curves of half a run would be a baseline that nothing fails.

        Raises:
            HarnessError: if the run ended early, or cannot be taken over.
        """
        if self._stopped:
            raise HarnessError("--accept: nothing is accepted: the run was stopped before its end")
        accept(self._config, self._run, record, self.payloads)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the record, the report and, if asked to, the expectations; a moved curve fails the run."""
        if not self.payloads:
            return
        self._stopped = bool(session.shouldstop or session.shouldfail) or (
            session.exitstatus == pytest.ExitCode.INTERRUPTED
        )
        record = self._record()
        settings = self._run.settings
        self.nothing = [
            *why_undecided(record, str(settings.evidence_of or settings.evidence)),
            *rows_lost(self._run.dataset, settings.tasks or TASKS, settings.samples),
            *self._missing,
            *self._uncompared(record),
        ]
        self.record = record = replace(
            record, remarks=(*record.remarks, *self._damaged, *overflowing(record), *self.nothing)
        )
        if self.nothing and not session.exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        try:
            self.report_file = self._config.hook.pytest_findings_report(config=self._config, record=record)
            if self._run.settings.accept:
                self._accept(record)
            if any(change.moved for change in record.changes) and not session.exitstatus:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        except HarnessError as error:
            terminal.write_line(self._config, f"ERROR: {error}")
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self) -> None:
        """Close with the table of verdicts and the report's path."""
        work = together(self.works)
        terminal.evidence_notes(self._config, work, judge_only=self._run.settings.judge_only)
        if self._run.settings.measure_only:
            terminal.measured_only(self._config, self._run.settings, work)
        if self.record is not None:
            terminal.verdict_table(self._config, self.record, work)
            terminal.warn_inconclusive_changes(self._config, self.record)
            self._say_what_is_not_enforced(self.record)
            terminal.changes(self._config, self.record.changes)
            if self.report_file is not None:
                terminal.write_line(self._config, f"report: {self.report_file}")
        for line in overflowing(self.record) if self.record else ():
            terminal.write_line(self._config, f"WARNING: {line}")
        for line in self.nothing:
            terminal.write_line(self._config, f"ERROR: {line}")

    def _say_what_is_not_enforced(self, record: RunRecord) -> None:
        for checkpoint in record.checkpoints:
            known = self._run.expected(checkpoint.name)
            reason = known and known.stale(
                checkpoint.sha256, record.dataset_sha256, record.protocol_of(checkpoint)
            )
            if reason:
                terminal.not_enforced(self._config, checkpoint.name, reason)

    def _record(self) -> RunRecord:
        judged = (structure(payload["claim"], ClaimRecord) for payload in self.payloads)
        claims = tuple(sorted(judged, key=_order))
        work = together(self.works)
        samples, lacking = self._samples
        asked = {one.checkpoint: one.prompt for one in reversed(samples) if one.prompt}
        checkpoints: dict[str, CheckpointRecord] = {}
        for payload in self.payloads:
            found = structure(payload["checkpoint"], CheckpointRecord)
            passes, prompt = work.passes.get(found.name, 0), asked.get(found.name, ())
            cost = work.cost_of(found.name)
            checkpoints[found.name] = replace(found, passes=passes, asked=prompt, cost=cost)
        name, digest = self.payloads[0]["dataset"]
        return RunRecord(
            suite=SUITE_VERSION,
            created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            command=shlex.join(["pytest", *sys.argv[1:]]),
            dataset=name,
            dataset_sha256=digest,
            protocol=self._run.protocol,
            provenance=provenance(self._config, self._run.settings, work, time.monotonic() - self._began),
            checkpoints=tuple(checkpoints.values()),
            claims=claims,
            remarks=(*REMARKS, *self._caveats, *lacking),
            samples=samples,
            changes=self._changes,
            catalogue=catalogue_of(self._config),
            attribution="" if self._run.settings.dataset is None else GQA,
        )

    @property
    def _damaged(self) -> tuple[str, ...]:
        """Files of the stores that were no evidence, or are gone."""
        judge_only = self._run.settings.judge_only
        return tuple(terminal.damage(found, judge_only=judge_only) for found in together(self.works).damages)

    @property
    def _missing(self) -> tuple[str, ...]:
        """That stored evidence is missing through damage, where nothing measures it again."""
        damaged = len(self._damaged)
        if not (damaged and self._run.settings.judge_only):
            return ()
        lost = f"files of the store that are damaged or gone: {damaged}; what they held is missing"
        return (f"{lost}; without --judge-only it is measured again",)

    def _uncompared(self, record: RunRecord) -> tuple[str, ...]:
        """That no curve is there to be compared with a baseline: nothing can have moved then."""
        if self._run.settings.baseline is None or record.changes:
            return ()
        return (f"--baseline {self._run.settings.baseline}: none of its curves was measured here",)

    @property
    def _caveats(self) -> tuple[str, ...]:
        """Why claims or samples may be missing, if they may."""
        work = together(self.works)
        stopped = (STOPPED,) if self._stopped else ()
        lost = (f"{terminal.lost_workers(work)}.",) if work.lost_workers else ()
        stored = (ONLY_STORED,) if self._run.settings.judge_only else ()
        return (*stopped, *lost, *(self._elsewhere or stored))

    @property
    def _elsewhere(self) -> tuple[str, ...]:
        """Of an import, who measured it, and what was left out of it."""
        folder = self._run.settings.evidence_of
        if folder is None:
            return ()
        imported = imported_at(folder)
        return (ELSEWHERE, *imported.manifest.notes)

    @property
    def _changes(self) -> tuple[ChangeRecord, ...]:
        """The curves against the baseline's, if there is one."""
        return self._run.changes({str(payload["checkpoint"]["name"]) for payload in self.payloads})

    @property
    def _samples(self) -> tuple[tuple[SampleRecord, ...], tuple[str, ...]]:
        """Samples to look at, or the remark that says why there are none; a verdict never hangs on them."""
        names = {str(payload["checkpoint"]["name"]) for payload in self.payloads}
        try:
            return self._run.samples(names), ()
        except HarnessError as error:
            return (), (f"No samples to look at: {error}.",)


def _order(claim: ClaimRecord) -> tuple[str, str, int]:
    """Claims by id, tasks in the paper's order, whoever finished first."""
    return claim.checkpoint, claim.id, TASKS.index(claim.task) if claim.task else -1
