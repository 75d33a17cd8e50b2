"""Examine one checkpoint: measure what its claims need, look by look, and judge them.

Measuring precedes judging. At each look every process measures, together with the others, what the
still undecided claims need; then each judges for itself, from the store, and all come to the same
verdicts: they depend on the samples of the look alone, not on who measured them or on what else is
stored.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from harness.checkpoint.adapters import ANALYTIC_BOXES
from harness.checkpoint.fingerprint import file_digest, fingerprint
from harness.checkpoint.info import CheckpointInfo, is_directory
from harness.checkpoint.prompt import follows_release, format_name
from harness.data.dataset import Dataset
from harness.data.depth import Grid, rule_window
from harness.data.errors import CheckpointError
from harness.data.flow import Flow
from harness.evidence.elsewhere.imports import Imported, imported_at
from harness.evidence.engine_version import engine_versions
from harness.evidence.store import Evidence
from harness.interventions.measurements import Accuracy, FirstAnswer, Measurement, Quantity, Sweep
from harness.interventions.some_points import together, whole
from harness.measuring.answer_form import (
    FIRST_SAMPLES,
    RULE,
    Answering,
    answering,
    stored_answers,
)
from harness.measuring.loaded_once import LoadedOnce
from harness.measuring.pool import MeasurementPool
from harness.measuring.progress import Progress, told
from harness.measuring.request import Request
from harness.measuring.worker import Load
from harness.statistics.futility import FUTILE
from harness.statistics.inference import FEWEST_IMAGES, MissingQuantityError
from harness.statistics.judge import judge
from harness.statistics.looks import LOOKS, EarlierLooks
from harness.statistics.verdict import Fact, Judgement, Verdict
from harness.verdicts.claims import Claim
from harness.verdicts.declarations import Declarations
from harness.verdicts.evidence_table import Joint, Look, Table
from harness.verdicts.guessed_tasks import guessed
from harness.verdicts.hypothesis import EvidenceView, Hypothesis, Peer
from harness.verdicts.notes import with_notes
from harness.verdicts.other_readings import with_other_readings
from harness.verdicts.record import CheckpointRecord, TaskRecord
from harness.verdicts.regression.baseline import FLOWS
from harness.verdicts.settings import REFERENCE, Settings, checkpoint_dtype
from harness.verdicts.study import Study
from harness.verdicts.task_records import CEILINGS, beside, task_records
from harness.verdicts.unbounded import plain_means

NARROWER = "refuted at the windows there are; narrower ones, which were not measured elsewhere, might show it"
"""Why a claim about an import stays open that wide windows alone refute: they merge what lies close."""


class Examination:
    """One checkpoint on one data set under given settings.

    Args:
        info: the checkpoint.
        dataset: the data set, already limited to the tasks and samples asked for.
        settings: the run's settings; here with the dtype of this checkpoint.
        load: loads what measures; pickled for subprocesses.
        subprocesses: processes that measure beside this one.
        run: all examinations of the run by name, filled as they are made; this one may be among them.
        kept: flows, by task, that are measured on every sample, however early the claims are decided:
            what is compared with a baseline must not depend on when they were.
    """

    def __init__(
        self,
        info: CheckpointInfo,
        dataset: Dataset,
        settings: Settings,
        load: Load,
        subprocesses: int = 0,
        run: Mapping[str, Examination] | None = None,
        kept: Sequence[tuple[str, Flow]] = (),
    ) -> None:
        self.info = info
        self.dataset = dataset
        self.settings = replace(settings, dtype=checkpoint_dtype(settings.dtype, info.dtype))
        self.window = settings.window or rule_window(info.layers)
        self.judgements: dict[str, Judgement] = {}
        self.seconds = 0.0
        """Time spent measuring."""
        self._load = load
        self._subprocesses = subprocesses
        self._kept = [(task, Sweep(flow, self.window)) for task, flow in kept if task in dataset.tasks]
        self._shards: dict[int, list[str]] = {}
        self._run = {} if run is None else run
        self.broken: dict[str, Exception] = {}
        """By test: what a claim test raised instead of declaring; it is not measured for."""
        self._declarations = Declarations(self._declare)
        self._table: Table | None = None
        self._looks: dict[int, Look] = {}
        self._guesses: dict[tuple[str, int], str] = {}
        """By task and look, why it is not judged; empty if it is."""
        self._left_open: dict[str, tuple[tuple[Quantity, ...], int]] = {}
        """By test: what its claim was about when looks left it undecided, and how many these were."""
        self._staged_at: int | None = None
        """The first look that is complete in what claims need before they can say what else they need."""

    @cached_property
    def sha256(self) -> str:
        """Hash of the checkpoint's files."""
        if self.imported is not None:
            return self.imported.sha256
        return fingerprint(self.info.path, self.info.revision)

    @cached_property
    def imported(self) -> Imported | None:
        """What was measured elsewhere and is judged; None where evidence is measured here."""
        folder = self.settings.evidence_of
        return None if folder is None else imported_at(folder)

    @property
    def _source(self) -> Evidence | Imported:
        """Where evidence is read: the two are never mixed."""
        return self.evidence if self.imported is None else self.imported

    @property
    def _boxes(self) -> str:
        """The rule by which boxes become patches."""
        return self.info.boxes or ANALYTIC_BOXES

    @cached_property
    def _prompt(self) -> str:
        """The prompt format asked for: its name, or its file's hash."""
        return _file_or_name(self.info.prompt)

    def check_unchanged(self) -> None:
        """Refuse to read anything off the checkpoint's files that are no longer those that were measured.

        Raises:
            CheckpointError: if one, or the prompt format's file, was changed during the run.
        """
        now = fingerprint(self.info.path, self.info.revision), _file_or_name(self.info.prompt)
        if now != (self.sha256, self._prompt):
            raise CheckpointError(
                f"{self.info.path}: its files, or the prompt format's, were changed since they were measured"
            )

    @property
    def evidence(self) -> Evidence:
        """The store of what is measured: of another form of answers than the rule's another one."""
        return self._first_evidence if self.answering.form == RULE else self._found_evidence

    @cached_property
    def _first_evidence(self) -> Evidence:
        """The store by the rule: the first answers are in it, and all else if they are written so."""
        return self._store(self._key)

    @cached_property
    def _found_evidence(self) -> Evidence:
        return self._store({**self._key, "answers": str(self.answering.form)})

    def _store(self, key: Mapping[str, str]) -> Evidence:
        read_only, root = self.settings.judge_only, self.settings.evidence
        return Evidence.open(root, self.info.name, key, source=self.info.path, read_only=read_only)

    @cached_property
    def answering(self) -> Answering:
        """How the checkpoint writes its answers, by its first ones, as far as they are stored."""
        if self.imported is not None:
            return Answering()
        asked = self.dataset.beginning(FIRST_SAMPLES)
        blocks = sorted({self.dataset.blocks[sample.image_id] for sample in asked})
        wanted = {(sample.task, sample.id) for sample in asked}
        stored = (stored_answers(self._first_evidence.read(block)) for block in blocks)
        found = [one for answers in stored for key, one in answers if key in wanted]
        if not found:
            return Answering()
        return answering(found, released=follows_release(Path(self.info.path), self.info.prompt))

    @cached_property
    def _key(self) -> dict[str, str]:
        """Everything that changes a result but the form of answers; windows are named by the measurements."""
        return {
            "checkpoint": self.sha256,
            "dataset": self.dataset.sha256,
            "dtype": self.settings.dtype,
            "device": self.settings.device.partition(":")[0],
            "prompt": self._prompt,
            "image_handling": str(self.info.image_handling),
            "boxes": self._boxes,
            **({"by": REFERENCE} if self.settings.reference else {}),
            **engine_versions(),
        }

    @cached_property
    def _loaded(self) -> LoadedOnce:
        """The checkpoint as this process measures with it, from its first answers on."""
        return LoadedOnce(self._load)

    @cached_property
    def _pool(self) -> MeasurementPool:
        return MeasurementPool(self.evidence, self._loaded, self._subprocesses)

    @property
    def passes(self) -> int:
        """Knocked-out passes that this process and its subprocesses have run."""
        return self._pool.passes if self._is_open else 0

    @property
    def row_layers(self) -> int:
        """Rows times layers that this process and its subprocesses have computed for them."""
        return self._pool.tally().row_layers if self._is_open else 0

    @property
    def lost_subprocesses(self) -> int:
        """SubprocessWorker processes that died; others did their work."""
        return self._pool.lost if self._is_open else 0

    @property
    def damages(self) -> list[str]:
        """Files of the store that were no evidence, or are gone, each with what is wrong with it."""
        if not self._is_open:
            return []
        return [
            f"{one.folder.name}/{name}: {what}"
            for one in dict.fromkeys((self.evidence, self._first_evidence))
            for names, what in ((one.quarantined, "hash mismatch"), (one.gone, "gone from the store"))
            for name in names
        ]

    @property
    def _is_open(self) -> bool:
        """Whether the store could be opened; asking must not try again."""
        return "_pool" in self.__dict__

    @property
    def peers(self) -> dict[str, Examination]:
        """The examinations of the run's other checkpoints, by name."""
        return {name: one for name, one in self._run.items() if one is not self}

    def examine(self, claims: Iterable[Claim], progress: Progress) -> None:
        """Measure and judge, look by look, until every claim is decided or the samples are used up.

        A look with too few images to decide anything is not taken. Flows that are kept are measured at all
        others.

        Args:
            claims: the claims on this checkpoint.
            progress: called with how far measuring has come.

        Raises:
            HarnessError: if the checkpoint, a sample or the store cannot be used.
        """
        try:
            self._examine([claim for claim in claims if self._unbroken(claim, self.declared)], progress)
        finally:
            if self.imported is None:
                self._pool.close()

    def _ask_first(self, progress: Progress) -> None:
        """Have the first samples answered, so that every process knows how answers are written."""
        requests: dict[int, list[Request]] = defaultdict(list)
        for sample in self.dataset.beginning(FIRST_SAMPLES):
            requests[self.dataset.blocks[sample.image_id]].append(Request(sample, (FirstAnswer(),)))
        began = time.monotonic()
        asking = MeasurementPool(self._first_evidence, self._loaded)
        asking.complete(requests, lambda state: progress(f"{self.info.name}, how it answers", state))
        self.seconds += time.monotonic() - began
        self.__dict__.pop("answering", None)  # read again, now that it is there

    def _examine(self, undecided: list[Claim], progress: Progress) -> None:
        if (undecided or self._kept) and not self.settings.judge_only:
            self._ask_first(progress)
        for number, share in enumerate(LOOKS):
            last = number == len(LOOKS) - 1
            if not (last or self._can_decide(share)):
                continue
            if not self._measure(undecided, number, progress) or (last and self.settings.measure_only):
                continue
            self._reread()
            judged = told(undecided, self._title(number), progress)
            undecided = [claim for claim in judged if self._unbroken(claim, self._judge_at(number))]
            undecided = [claim for claim in undecided if share < 1.0 and self._goes_on(claim)]
            if not undecided and not self._kept:
                break

    def _judge_at(self, number: int) -> Callable[[Claim], None]:
        """What judges a claim on the looks up to one."""
        looks = [self.seen_at(before) for before in range(number + 1)]

        def judge_claim(claim: Claim) -> None:
            self.judgements[claim.test] = self._judge(claim, looks)

        return judge_claim

    def _unbroken(self, claim: Claim, work: Callable[[Claim], object]) -> bool:
        """Do some work on a claim; keep what its test raises for its own failure, and go on with others."""
        try:
            work(claim)
        except Exception as error:  # noqa: BLE001 - a claim test is somebody's code
            self.broken[claim.test] = error
            return False
        return True

    def _can_decide(self, share: float) -> bool:
        """Whether a look has images enough for a decision; else nobody need wait for it."""
        samples = (one for task in self.dataset.tasks for one in self.dataset.first(task, share))
        return len({sample.image_id for sample in samples}) >= FEWEST_IMAGES

    def _goes_on(self, claim: Claim) -> bool:
        """Whether a claim is measured further: it may be decided, or other checkpoints are to come."""
        judged = self.judgements[claim.test]
        undecided = judged.verdict is Verdict.INCONCLUSIVE and not _is_futile(judged)
        return undecided or self._of_peers(claim)

    def _of_peers(self, claim: Claim) -> bool:
        """Whether a claim is about other checkpoints of the run, too."""
        return any(quantity.checkpoint for quantity in self.declared(claim).quantities)

    def declared(self, claim: Claim) -> Hypothesis:
        """What a claim says before anything is measured."""
        return self._declarations.unmeasured(claim)

    def hypothesis(self, claim: Claim, number: int) -> Hypothesis:
        """What a claim says, given what was measured at a look.

        Args:
            claim: the claim.
            number: 0-based number of the look.
        """
        return self._declarations.at(claim, number, lambda: self.view_at(number))

    def study(self, claim: Claim, on_judge: Callable[[Hypothesis], None]) -> Study:
        """The study that pytest calls a claim test with, seeing what was seen when the claim was decided."""
        judgement = self.judgements.get(claim.test)
        view = None if judgement is None else self.view_at(judgement.look)
        return claim.study(self.info, self.window, self.dataset.tasks, view, on_judge, self._peer_grids)

    def rejudge_across(self, claims: Iterable[Claim]) -> None:
        """Judge again, now that all checkpoints are examined, what is about several of them."""
        looks = [self.seen_at(number) for number in range(len(LOOKS))]
        for claim in claims:
            if claim.test in self.broken:
                continue
            if self._of_peers(claim):
                self._declarations.forget(claim, range(len(LOOKS)))
                self.judgements[claim.test] = self._judge(claim, looks)

    def layers_of(self, quantity: Quantity) -> int:
        """The number of layers of the checkpoint that a quantity is taken on."""
        return (self.peers[quantity.checkpoint] if quantity.checkpoint else self).info.layers

    def _declare(self, claim: Claim, view: EvidenceView | None) -> Hypothesis:
        return claim.declare(self.info, self.window, self.dataset.tasks, view, self._peer_grids)

    @property
    def _peer_grids(self) -> tuple[Peer, ...]:
        return tuple(Peer(name, Grid(peer.info.layers, peer.window)) for name, peer in self.peers.items())

    def view_at(self, number: int) -> EvidenceView:
        """What a claim test may look at while it states its claim at a look."""
        sizes = None if self.imported is None else self.imported.window_sizes
        return EvidenceView(self.seen_at(number), self.seen_at(0), self.look(number).undefined, sizes)

    def seen_at(self, number: int) -> Look | Joint:
        """The evidence of a look, that of the run's other checkpoints included."""
        others = {name: peer.look(number) for name, peer in self.peers.items()}
        return Joint(self.look(number), others) if others else self.look(number)

    def look(self, number: int) -> Look:
        """The evidence of a look.

        Args:
            number: 0-based number of the look.
        """
        if number not in self._looks:
            self._looks[number] = self.table.at(self.dataset, LOOKS[number])
        return self._looks[number]

    @property
    def table(self) -> Table:
        """What is stored, as it was when last read."""
        if self._table is None:
            self._table = Table(self._source.read())
        return self._table

    def _reread(self) -> None:
        """Forget what was read of the store if more has been measured since."""
        shards = self._source.shards()
        if shards != self._shards:
            self._shards = shards
            self._table = None
            self._looks.clear()
            self._guesses.clear()

    @cached_property
    def tasks(self) -> tuple[TaskRecord, ...]:
        """What became of each task's samples; asked for when all is measured."""
        last, whole = self.look(len(LOOKS) - 1), self.dataset.whole.by_task
        found = task_records(self.table, self.dataset)
        return tuple(beside(last, one, whole[one.task]) for one in found)

    def record(self) -> CheckpointRecord:
        """What was run, for the report."""
        if self.imported is not None:
            return self._record_of(self.imported)
        return CheckpointRecord(
            name=self.info.name,
            sha256=self.sha256,
            layers=self.info.layers,
            window=self.window,
            dtype=self.settings.dtype,
            device=self.settings.device,
            tasks=self.tasks,
            passes=self.passes,
            boxes=self._boxes,
            image_handling=self.info.image_handling or "",
            hub="" if is_directory(self.info.path) else f"{self.info.path}@{self.info.revision}",
            prompt=format_name(Path(self.info.path), self.info.prompt),
            by=REFERENCE if self.settings.reference else "",
            answers=self.answering.told,
        )

    def _record_of(self, imported: Imported) -> CheckpointRecord:
        manifest = imported.manifest
        return CheckpointRecord(
            name=self.info.name,
            sha256=self.sha256,
            layers=self.info.layers,
            window=self.window,
            dtype=self.settings.dtype,
            device="elsewhere",
            tasks=self.tasks,
            passes=0,
            image_handling="square" if manifest.square else "",
            elsewhere=imported.told,
            sources=tuple((one.name, one.sha256, one.holds) for one in manifest.sources),
        )

    def _judge(self, claim: Claim, looks: Sequence[Look | Joint]) -> Judgement:
        """Judge a claim on the looks so far."""
        stated = self.hypothesis(claim, len(looks) - 1)
        if stated.tree is None:
            level = self.settings.alpha, len(looks) - 1
            return _not_judged(Verdict.NOT_APPLICABLE, stated.not_applicable, *level)
        if (unjudged := self._unjudged(stated, len(looks) - 1)) is not None:
            return unjudged
        matched = [look.matched(stated.quantities) for look in looks]
        usable = [look for look in matched if all(quantity in look for quantity in stated.quantities)]
        if not usable:
            absent = next((one for one in stated.quantities if one not in looks[-1]), stated.quantities[0])
            return self._nothing_measured(str(absent), len(looks) - 1)
        earlier = EarlierLooks(len(looks) - len(usable), self._looks_left_open(claim, stated))
        final = len(looks) == len(LOOKS)  # what an earlier look leaves undecided is judged again
        foresee = self.settings.futility and not final and not self._of_peers(claim)
        plan = replace(self.settings.look_plan, suggest_images=final, foresee=foresee)
        try:
            judged = judge(stated.tree, usable, plan, earlier)
        except MissingQuantityError as error:
            return self._nothing_measured(str(error), len(looks) - 1)
        if judged.verdict is Verdict.REFUTED and self._lacks_narrower(claim, stated):
            judged = replace(judged, verdict=Verdict.INCONCLUSIVE, ground=None, reason=NARROWER)
        if judged.verdict is Verdict.INCONCLUSIVE and not final:
            if not _is_futile(judged):
                self._left_open[claim.test] = stated.quantities, len(usable)
                return judged
            judged = _stopped(judge(stated.tree, usable, replace(plan, suggest_images=True), earlier))
        taken = usable[: judged.look + 1 - earlier.without_data]
        judged = with_other_readings(judged, stated.tree, taken, plan)
        judged = with_notes(judged, stated.notes, taken, plan)
        without = self._judged_without(claim, stated)
        return replace(judged, notes=(*judged.notes, *without, *plain_means(taken[-1], stated.quantities)))

    def _unjudged(self, stated: Hypothesis, look: int) -> Judgement | None:
        """What is said of a claim that evidence is lacking for, or that would rest on guesses; else None."""
        level = self.settings.alpha, look
        if self.imported is not None and (absent_ones := self._not_imported(stated.quantities)):
            return _not_judged(Verdict.NOT_MEASURED, f"not measured elsewhere: {absent_ones}", *level)
        if guesses := self._guessed(stated.quantities, look):
            return _not_judged(Verdict.INCONCLUSIVE, f"not judged: {guesses}", *level)
        return None

    def _guessed(self, quantities: Iterable[Quantity], look: int) -> str:
        """Why a claim is not judged whose tasks are guessed; empty if they are not, or nobody knows.

        An import holds the rightly answered questions, and maybe others.
        """
        if self.imported is not None:
            return ""
        for task in dict.fromkeys(one.task for one in quantities if not one.checkpoint):
            if (task, look) not in self._guesses:
                samples = self.dataset.first(task, LOOKS[look])
                self._guesses[task, look] = guessed(self.table.frame, self.dataset, task, samples)
            if self._guesses[task, look]:
                return self._guesses[task, look]
        return ""

    def _not_imported(self, quantities: Iterable[Quantity]) -> str:
        """What of some quantities an import lacks, by name; empty if nothing.

        Tasks are named where it has the same of others.
        """
        lacking: dict[str, dict[str, None]] = {}
        held: set[str] = set()
        for one in quantities:
            name = str(whole(one.measurement))
            if self.table.has(one):
                held.add(name)
            else:
                lacking.setdefault(name, {})[one.task] = None
        told = (f"{name} on {', '.join(tasks)}" if name in held else name for name, tasks in lacking.items())
        return "; ".join(told)

    def _lacks_narrower(self, claim: Claim, stated: Hypothesis) -> bool:
        """Whether a claim about an import would also be asked of narrower windows, which it does not hold."""
        if self.imported is None:
            return False
        named = {one.measurement for one in stated.quantities}
        sweeps = [one for one in named if isinstance(one, Sweep)]
        lacking = {one.measurement for one in self.declared(claim).quantities} - named
        return any(
            isinstance(one, Sweep) and one.flow == other.flow and one.window < other.window
            for one in lacking
            for other in sweeps
        )

    def _judged_without(self, claim: Claim, stated: Hypothesis) -> tuple[Fact, ...]:
        """What a claim about an import does without: a control that was not measured elsewhere."""
        if self.imported is None:
            return ()
        named = set(stated.quantities)
        lacking = self._not_imported(one for one in self.declared(claim).quantities if one not in named)
        return (Fact("judged without what was not measured elsewhere", lacking),) if lacking else ()

    def _nothing_measured(self, what: str, look: int) -> Judgement:
        reason = f"no sample gives {what}; see the excluded samples"
        if self.settings.judge_only:
            reason = f"no stored sample gives {what}; without --judge-only it is measured"
        return Judgement(Verdict.INCONCLUSIVE, 1.0, 1.0, self.settings.alpha, look, 0, 0, reason=reason)

    def _looks_left_open(self, claim: Claim, stated: Hypothesis) -> int:
        """How many looks are known to leave a claim undecided: those it was judged on when it said the same.

        What a claim is about is all in its statement that can change from look to look; of other
        checkpoints there may be more evidence now.
        """
        about, count = self._left_open.get(claim.test, ((), 0))
        same = about == stated.quantities and not any(quantity.checkpoint for quantity in about)
        return count if same else 0

    def _measure(self, claims: Sequence[Claim], number: int, progress: Progress) -> bool:
        """Measure, with the other processes, all that the claims need at a look; of a shard, its own part.

        Returns:
            Whether the look is complete; what other shards lack is theirs to measure, and until it is
            there nobody can tell which claims are decided.
        """
        if self.settings.judge_only:
            self._staged_at = number
            return True
        title = self._title(number)
        complete = self._completed(self.requests(claims, LOOKS[number]), title, progress)
        if not complete or self._staged_at is not None:
            return complete
        self._reread()
        self._staged_at = number
        if not any(_in_stages(self.declared(claim)) for claim in claims):
            return True
        return self._completed(self.requests(claims, LOOKS[number]), title, progress)

    def _title(self, number: int) -> str:
        return f"{self.info.name}, look {number + 1} of {len(LOOKS)}"

    def _completed(self, requests: Mapping[int, Sequence[Request]], title: str, progress: Progress) -> bool:
        """Measure what is wanted, or a shard's part; whether judging can go on."""
        shard = self.settings.shard
        mine = {block: wanted for block, wanted in requests.items() if shard is None or shard.has(block)}
        began = time.monotonic()
        self._pool.complete(mine, lambda state: progress(title, state))
        self.seconds += time.monotonic() - began
        return shard is None or not self._pool.lacking(requests)

    def requests(self, claims: Sequence[Claim], share: float) -> dict[int, list[Request]]:
        """By block: every sample of the look with the measurements its task needs, or that are to be kept.

        What layers are located on is measured on the samples of the first look, and on no others.
        """
        wanted = self._measurements(quantity for claim in claims for quantity in self._wanted(claim))
        for task, measurement in self._kept:
            wanted[task][measurement] = None
        located = self._measurements(one for claim in claims for one in self.declared(claim).located_on)
        requests: dict[int, list[Request]] = defaultdict(list)
        form = self.answering.form
        for task in {**wanted, **located}:
            first = {sample.id for sample in self.dataset.first(task, LOOKS[0])}
            later = tuple(sorted(together(wanted[task]), key=str))
            both = tuple(sorted(together(wanted[task] | located[task]), key=str))
            for sample in self.dataset.first(task, share):
                named = both if sample.id in first else later
                if named:
                    requests[self.dataset.blocks[sample.image_id]].append(Request(sample, named, form))
        return dict(sorted(requests.items()))

    def _measurements(self, quantities: Iterable[Quantity]) -> defaultdict[str, dict[Measurement, None]]:
        """By task, what must be measured for quantities of this checkpoint, and what stands beside it.

        Of the paper's own flows every window is measured, whichever a claim reads: the report draws them.
        """
        drawn = {Sweep(Flow.parse(flow), self.window) for flow in FLOWS}
        measurements: defaultdict[str, dict[Measurement, None]] = defaultdict(dict)
        for quantity in quantities:
            if not quantity.checkpoint:
                every = whole(quantity.measurement)
                measurements[quantity.task][every if every in drawn else quantity.measurement] = None
            if quantity.measurement == Accuracy():  # means little without these beside it
                measurements[quantity.task] |= dict.fromkeys((Accuracy("grey"), *CEILINGS))
        return measurements

    def _wanted(self, claim: Claim) -> tuple[Quantity, ...]:
        """What a claim is to have measured on a look; until it can tell, what it cannot be asked without."""
        stated = self.declared(claim)
        if not _in_stages(stated):
            return stated.quantities
        if self._staged_at is None:
            return stated.needed
        first, undefined = self.look(0), self.look(self._staged_at).undefined
        return self._declarations.located(claim, lambda: EvidenceView(first, first, undefined)).quantities


def _is_futile(judged: Judgement) -> bool:
    """Whether the images that are still to come are unlikely to decide a claim."""
    return judged.chance is not None and judged.chance < FUTILE


def _stopped(judged: Judgement) -> Judgement:
    """The judgement of a claim that is measured no further."""
    chance = f"the chance that all images of this run would decide it is {judged.chance:.0%}"
    return replace(judged, reason=f"{judged.reason}; measured no further: {chance}")


def _in_stages(stated: Hypothesis) -> bool:
    """Whether what a claim needs hangs on what was measured before."""
    return bool(stated.located_on or stated.needed)


def _file_or_name(prompt: str | None) -> str:
    """A prompt format in a store's key: its file's hash, or its name."""
    return file_digest(Path(prompt)) if prompt and Path(prompt).is_file() else str(prompt)


def _not_judged(verdict: Verdict, reason: str, alpha: float, look: int) -> Judgement:
    return Judgement(verdict, 1.0, 1.0, alpha, look, 0, 0, reason=reason)
