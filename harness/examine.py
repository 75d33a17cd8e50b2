"""Examine one checkpoint: measure what its claims need, look by look, and judge them.

Measuring precedes judging. At each look every process measures, together with the others, what the
still undecided claims need; then each judges for itself, from the store, and all come to the same
verdicts: they depend on the samples of the look alone, not on who measured them or on what else is
stored.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from harness.claims import Claim
from harness.dataset import Dataset
from harness.depth import rule_window
from harness.evidence import BASE, Evidence, Pair, rows_to_frame
from harness.facts import Facts
from harness.fingerprint import engine_versions, fingerprint
from harness.probes import Probe
from harness.progress import Progress
from harness.record import CheckpointRecord
from harness.request import Request
from harness.settings import LOOKS, Settings
from harness.statistics import MissingMeasureError, judge
from harness.study import Hypothesis
from harness.table import Look, Table, task_records
from harness.verdict import Judgement, Verdict

if TYPE_CHECKING:  # both load torch, which collection must not pay for
    from harness.checkpoint import Checkpoint
    from harness.measure import Engine

WAIT = 0.05
"""Seconds to wait when every open block is in another worker's hands."""


class Examination:
    """One checkpoint on one data set under given settings.

    Args:
        facts: the checkpoint.
        dataset: the data set, already limited to the tasks and samples asked for.
        settings: the run's settings.
        threads: cores this process may use.
    """

    def __init__(self, facts: Facts, dataset: Dataset, settings: Settings, threads: int) -> None:
        self.facts = facts
        self.dataset = dataset
        self.settings = settings
        self.window = settings.window or rule_window(facts.layers)
        self.judgements: dict[str, Judgement] = {}
        self.passes = 0
        self._threads = threads
        self._table: Table | None = None

    @cached_property
    def sha256(self) -> str:
        """Hash of the checkpoint's files."""
        return fingerprint(self.facts.path)

    @cached_property
    def evidence(self) -> Evidence:
        """The store of this checkpoint, data set and dtype."""
        key = {
            "checkpoint": self.sha256,
            "dataset": self.dataset.sha256,
            "dtype": self.settings.dtype,
            **engine_versions(),
        }
        return Evidence.open(self.settings.evidence, self.facts.name, key)

    @cached_property
    def _loaded(self) -> tuple[Checkpoint, Engine]:
        from harness.engine import load_engine  # noqa: PLC0415 - loads torch; only measuring needs it

        return load_engine(self.facts, self.settings.device, self.settings.dtype, self._threads)

    def examine(self, claims: Iterable[Claim], progress: Progress) -> None:
        """Measure and judge, look by look, until every claim is decided or the samples are used up.

        Args:
            claims: the claims on this checkpoint.
            progress: told how far measuring has come.

        Raises:
            HarnessError: if the checkpoint, a sample or the store cannot be used.
        """
        undecided = list(claims)
        for number, share in enumerate(LOOKS):
            self._measure(undecided, number, progress)
            self._table = Table(self.evidence.read())
            looks = [self._table.at(self.dataset, before) for before in LOOKS[: number + 1]]
            for claim in undecided:
                self.judgements[claim.test] = self._judge(claim, looks)
            undecided = [
                claim
                for claim in undecided
                if self.judgements[claim.test].verdict is Verdict.INCONCLUSIVE and share < 1.0
            ]
            if not undecided:
                break

    def hypothesis(self, claim: Claim, look: Look) -> Hypothesis:
        """What a claim says, given what was measured at a look."""
        return claim.rehearse(self.facts, self.window, self.dataset.tasks, look.__contains__)

    def look(self, number: int) -> Look:
        """The evidence of a look.

        Args:
            number: 0-based number of the look.
        """
        table = self._table or Table(self.evidence.read())
        return table.at(self.dataset, LOOKS[number])

    def record(self) -> CheckpointRecord:
        """What was run, for the report."""
        table = self._table or Table(self.evidence.read())
        return CheckpointRecord(
            name=self.facts.name,
            sha256=self.sha256,
            layers=self.facts.layers,
            window=self.window,
            dtype=self.settings.dtype,
            device=self.settings.device,
            tasks=task_records(table, self.dataset),
            passes=self.passes,
        )

    def _judge(self, claim: Claim, looks: Sequence[Look]) -> Judgement:
        """Judge a claim on the looks so far."""
        stated = self.hypothesis(claim, looks[-1])
        usable = [look for look in looks if all(measure in look for measure in stated.measures)]
        if not usable:
            absent = next(measure for measure in stated.measures if measure not in looks[-1])
            return _nothing_measured(str(absent), self.settings.alpha, len(looks) - 1)
        try:
            judged = judge(claim.key, stated.tree, usable, alpha=self.settings.alpha, planned=len(LOOKS))
        except MissingMeasureError as error:
            return _nothing_measured(str(error), self.settings.alpha, len(looks) - 1)
        return replace(judged, look=judged.look + len(looks) - len(usable))

    def _measure(self, claims: Sequence[Claim], number: int, progress: Progress) -> None:
        """Measure, with the other workers, all that the claims need at a look."""
        requests = self._requests(claims, LOOKS[number])
        title = f"{self.facts.name}, look {number + 1} of {len(LOOKS)}"
        open_blocks = dict(requests)
        while open_blocks:
            before = len(open_blocks)
            for block in list(open_blocks):
                if self._complete(block, requests[block]):
                    del open_blocks[block]
                    progress(title, len(requests) - len(open_blocks), len(requests))
            if len(open_blocks) == before:
                time.sleep(WAIT)

    def _requests(self, claims: Sequence[Claim], share: float) -> dict[int, list[Request]]:
        """By block: every sample of the look with the probes its task needs."""
        probes: dict[str, dict[Probe, None]] = defaultdict(dict)
        for claim in claims:
            stated = claim.rehearse(self.facts, self.window, self.dataset.tasks, lambda _: True)
            for measure in stated.measures:
                probes[measure.task][measure.probe] = None
        requests: dict[int, list[Request]] = defaultdict(list)
        for task, wanted in probes.items():
            for sample in self.dataset.first(task, share):
                block = self.dataset.blocks[sample.image_id]
                requests[block].append(Request(sample, tuple(sorted(wanted, key=str))))
        return dict(sorted(requests.items()))

    def _complete(self, block: int, requests: Sequence[Request]) -> bool:
        """Measure what a block lacks, unless another worker has it; say whether it is complete."""
        if not _missing(requests, self.evidence.stored(block)):
            return True
        with self.evidence.claim(block) as free:
            if not free:
                return False
            missing = _missing(requests, self.evidence.stored(block))
            if missing:
                self.evidence.publish(block, rows_to_frame(self._measured(missing)))
        return True

    def _measured(self, requests: Sequence[Request]) -> list[Mapping[str, object]]:
        from harness.measure import measure_image  # noqa: PLC0415 - loads torch; only measuring needs it

        checkpoint, engine = self._loaded
        by_image: dict[str, list[Request]] = defaultdict(list)
        for request in requests:
            by_image[request.sample.image_id].append(request)
        rows: list[Mapping[str, object]] = []
        for group in by_image.values():
            rows += measure_image(checkpoint, engine, self.dataset, group)
        self.passes += sum(_passes(row) for row in rows)
        return rows


def _missing(requests: Sequence[Request], stored: set[Pair]) -> list[Request]:
    """What is still to be measured; a sample found unusable is done with."""
    missing = []
    for request in requests:
        sample = request.sample
        if (sample.task, sample.id, BASE) in stored:
            continue
        probes = tuple(
            probe for probe in request.probes if (sample.task, sample.id, str(probe)) not in stored
        )
        if probes:
            missing.append(Request(sample, probes))
    return missing


def _passes(row: Mapping[str, object]) -> int:
    """How many knocked-out passes a row stands for."""
    values = row["values"]
    return len(values) if row["probe"] != BASE and row["reading"] == "p" and isinstance(values, list) else 0


def _nothing_measured(what: str, alpha: float, look: int) -> Judgement:
    reason = f"no sample gives {what}; see the excluded samples"
    return Judgement(Verdict.INCONCLUSIVE, 1.0, 1.0, alpha, look, 0, 0, reason=reason)
