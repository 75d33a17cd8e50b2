"""One process's run: every checkpoint's examination, and what pytest asks of it."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import pytest

from harness.checkpoint.fingerprint import fingerprint, weights_size
from harness.checkpoint.info import CheckpointInfo, pinned
from harness.checkpoint.prompt import format_name
from harness.checkpoint.tried_tokenizer import try_tokenizer
from harness.data.dataset import Dataset
from harness.data.errors import HarnessError
from harness.data.flow import Flow
from harness.data.plain_text import without_controls
from harness.data.sample import TASKS
from harness.data.user_paths import user_path
from harness.evidence.elsewhere.imports import Imported, imported_at
from harness.measuring.answer_form import FIRST_SAMPLES
from harness.measuring.load import load_measurer
from harness.measuring.progress import Progress
from harness.measuring.worker import Load
from harness.session.gpu import own_device
from harness.session.provenance import SUITE_VERSION
from harness.session.read_settings import measuring_processes, resolve, worker_threads
from harness.session.work_done import Work
from harness.statistics.verdict import Verdict
from harness.verdicts.claims import Claim
from harness.verdicts.examination import Examination
from harness.verdicts.example_samples import samples_of
from harness.verdicts.expectations import Expectations, read_expectations
from harness.verdicts.record import ChangeRecord, PredictedCost, SampleRecord
from harness.verdicts.regression.baseline import Baseline, kept_flows, read_baseline
from harness.verdicts.regression.since import changes_since, check_comparable, write_baseline
from harness.verdicts.settings import Settings, checkpoint_dtype

FOUND_AT_RUN = f"how they are written is found out first, from {FIRST_SAMPLES} greedy ones"
AnExamination = TypeVar("AnExamination", bound=Examination)


class Run:
    """The checkpoints of a run, examined.

    Args:
        config: pytest's configuration, for the hooks.
        settings: the resolved options.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self.settings = settings
        self.examinations: dict[str, Examination] = {}
        self.expectations: dict[str, Expectations | None] = {}
        self.errors: dict[str, str] = {}
        self.predicted: dict[str, PredictedCost] = {}
        """What measuring was predicted to take, by checkpoint name, where that was asked."""
        self._begun: dict[str, Examination] = {}

    @cached_property
    def info(self) -> dict[str, CheckpointInfo]:
        """Every checkpoint by the name it was asked for."""
        return resolve(self._config, self.settings)

    @cached_property
    def prompts(self) -> dict[str, str]:
        """By checkpoint, as in `info`, the name of the prompt format that it is asked in; of an import none.

        Raises:
            HarnessError: if a format's file cannot be used.
        """
        if self.settings.evidence_of is not None:
            return {}
        return {name: format_name(Path(info.path), info.prompt) for name, info in self.info.items()}

    @cached_property
    def dataset(self) -> Dataset:
        """The data set, limited to the tasks and samples asked for.

        Raises:
            HarnessError: if it cannot be used.
        """
        settings = self.settings
        whole: Dataset
        if settings.evidence_of is not None:
            whole = imported_at(settings.evidence_of).dataset()
        else:
            whole = self._config.hook.pytest_findings_dataset(
                config=self._config, path=settings.dataset, images=settings.images
            )
        return whole.limited(settings.tasks or whole.tasks, settings.samples)

    def prepare(self, claims: Sequence[Claim], progress: Progress) -> None:
        """Measure and judge all claims; an error is kept for the tests of the checkpoint it concerns.

        Args:
            claims: the claims that pytest will run.
            progress: called with how far measuring has come.
        """
        by_name: dict[str, list[Claim]] = {}
        for claim in claims:
            by_name.setdefault(claim.checkpoint, []).append(claim)
        for name in by_name:
            with self._kept_error(name):
                self._begun[name] = self.examination(self.info[name], Examination)
        for name, examination in self._begun.items():
            with self._kept_error(name):
                self.expectations[name] = self.expected(examination.info.name)
                examination.examine(by_name[name], progress)
                self.examinations[name] = examination
        if self.settings.measure_only:
            return
        for name, examination in self.examinations.items():
            with self._kept_error(name):
                examination.rejudge_across(by_name[name])

    def answers_told(self, info: CheckpointInfo) -> str:
        """How a checkpoint writes its answers, as far as that is stored; else empty. Nothing is written."""
        settings = replace(self.settings, judge_only=True)
        load = partial(load_measurer, info, self.dataset, settings.device, settings.dtype, 1)
        return Examination(pinned(info), self.dataset, settings, load).answering.told

    def expected(self, name: str) -> Expectations | None:
        """What is on file for a checkpoint; nothing is of one that was measured elsewhere.

        Args:
            name: its name in reports.
        """
        if self.settings.evidence_of is not None:
            return None
        kept_as = self.settings.kept_as(name)
        return read_expectations(self._config.hook.pytest_findings_expectations(name=kept_as))

    @contextmanager
    def _kept_error(self, name: str) -> Iterator[None]:
        """Keep an error for the tests of the checkpoint it concerns."""
        try:
            yield
        except HarnessError as error:
            self.errors[name] = str(error)

    def examination(self, info: CheckpointInfo, kind: type[AnExamination]) -> AnExamination:
        """An examination of one checkpoint, nothing loaded.

        Args:
            info: the checkpoint.
            kind: which kind of examination.
        """
        info, settings = pinned(info), self.settings
        try_tokenizer(Path(info.path), sorted({sample.question for sample in self.dataset.samples}))
        processes = measuring_processes(settings.processes, settings.device, weights_size(info.path))
        device, dtype = own_device(settings.device), checkpoint_dtype(settings.dtype, info.dtype)
        threads = worker_threads(processes)
        load = self._brought(info, device, dtype, threads) or partial(
            load_measurer,
            info,
            self.dataset,
            device,
            dtype,
            threads,
            settings.memory,
            by_reference=settings.reference,
        )
        return kind(info, self.dataset, settings, load, processes - 1, self._begun, self._kept())

    def _brought(self, info: CheckpointInfo, device: str, dtype: str, threads: int) -> Load | None:
        """A plugin's measurer, if one is brought along; none that was asked for the reference."""
        load: Load | None = self._config.hook.pytest_findings_measurer(
            info=info, dataset=self.dataset, device=device, dtype=dtype, threads=threads
        )
        if load is not None and self.settings.reference:
            raise HarnessError(
                f"--reference: {info.name} is measured by a plugin, not by the suite; leave it out"
            )
        return load

    def _kept(self) -> tuple[tuple[str, Flow], ...]:
        """The flows, by task, that are measured on every sample: those to accept, and the baseline's."""
        accepted = kept_flows(self.dataset.tasks) if self.settings.accept else ()
        compared = self.baseline.flows if self.baseline else ()
        return tuple(dict.fromkeys((*accepted, *compared)))

    def samples(self, names: Iterable[str]) -> tuple[SampleRecord, ...]:
        """Samples to look at, whichever process measured them.

        Args:
            names: the checkpoints to show samples of.

        Raises:
            HarnessError: if a checkpoint's processor cannot be loaded, or its store not be read.
        """
        most = self.settings.report_samples
        if not most:
            return ()
        return tuple(sample for one in self._examined(names) for sample in samples_of(one, most))

    @cached_property
    def baseline(self) -> Baseline | None:
        """The baseline asked for, checked against the run's data and options; None without one.

        Raises:
            HarnessError: if it cannot be used.
        """
        if self.settings.baseline is None:
            return None
        path = self._baseline_path(self.settings.baseline)
        read = read_baseline(path)
        for info in self.info.values():
            here = replace(self.settings, dtype=checkpoint_dtype(self.settings.dtype, info.dtype))
            check_comparable(read, path, self.dataset, here)
        return read

    def _baseline_path(self, named: str) -> Path:
        if named.endswith(".parquet"):
            return self._config.invocation_params.dir / user_path(named)
        path: Path = self._config.hook.pytest_findings_baseline(name=named)
        if not path.is_file():
            known = ", ".join(sorted(file.stem for file in path.parent.glob("*.parquet"))) or "none yet"
            raise HarnessError(f"no baseline {named!r}; give a .parquet file, or one of: {known}")
        return path

    def changes(self, names: Iterable[str]) -> tuple[ChangeRecord, ...]:
        """The curves of some checkpoints against the baseline, whichever process measured them."""
        if self.baseline is None:
            return ()
        found = [changes_since(self.baseline, one, self.settings.alpha) for one in self._examined(names)]
        return tuple(change for changes in found for change in changes)

    def write_baselines(self, names: Iterable[str]) -> list[Path]:
        """Write the baselines of some checkpoints, as ``--accept-as`` if given; returns the files.

        Raises:
            HarnessError: if one cannot be written.
        """
        written = []
        for examination in self._examined(names):
            kept_as = self.settings.accept_as or self.settings.kept_as(examination.info.name)
            path: Path = self._config.hook.pytest_findings_baseline(name=kept_as)
            write_baseline(path, examination)
            written.append(path)
        return written

    def _examined(self, names: Iterable[str]) -> list[Examination]:
        """The examinations of checkpoints by the names reports use; under xdist they only read the store."""
        wanted = set(names)
        known = {name: info for name, info in self.info.items() if info.name in wanted}
        return [
            self.examinations.get(name) or self.examination(info, Examination) for name, info in known.items()
        ]

    def verdict(self, claim: Claim) -> Verdict | None:
        """A claim's verdict, once its checkpoint is examined."""
        examination = self.examinations.get(claim.checkpoint)
        judgement = examination.judgements.get(claim.test) if examination else None
        return judgement.verdict if judgement else None

    def broken(self, claim: Claim) -> Exception | None:
        """What a claim test raised instead of declaring, if it did."""
        examination = self.examinations.get(claim.checkpoint)
        return examination.broken.get(claim.test) if examination else None

    def work(self) -> Work:
        """What this process has done, for the main process."""
        return Work(
            passes={one.info.name: one.passes for one in self._begun.values()},
            measuring=(seconds := sum(one.seconds for one in self._begun.values())),
            damages=tuple(damage for one in self._begun.values() for damage in one.damages),
            lost_subprocesses=sum(one.lost_subprocesses for one in self._begun.values()),
            device_seconds=seconds,
            row_layers={one.info.name: one.row_layers for one in self._begun.values()},
            seconds={one.info.name: one.seconds for one in self._begun.values()},
            predicted=self.predicted,
        )

    def enforced(self, name: str) -> bool:
        """Whether the expectations on file hold for this very checkpoint, data set and protocol."""
        expected, examination = self.expectations.get(name), self.examinations.get(name)
        if expected is None or examination is None:
            return False
        protocol = examination.settings.protocol
        return expected.valid_for(examination.sha256, self.dataset.sha256, protocol)

    @property
    def protocol(self) -> Mapping[str, str]:
        """The options that verdicts depend on; of dtypes, those of all checkpoints."""
        dtypes = {checkpoint_dtype(self.settings.dtype, info.dtype) for info in self.info.values()}
        return {**self.settings.protocol, "dtype": ", ".join(sorted(dtypes))}


def header(run: Run, *, hashed: bool = True) -> list[str]:
    """Lines that name checkpoints and how they are asked, data, device and stores.

    Args:
        run: the run, nothing examined yet.
        hashed: whether checkpoints are named by the hash of their files, which reads all of them.
    """
    settings = run.settings
    if settings.evidence_of is not None:
        return _header_of_import(settings, imported_at(settings.evidence_of))
    checkpoints = [
        f"{info.name} ({info.layers} layers, {_hash(info) if hashed else ''}prompt {run.prompts[name]})"
        for name, info in run.info.items()
    ]
    protocol = ", ".join(f"{name} {value}" for name, value in run.protocol.items())
    data = settings.dataset or "embedded scenes"
    return [
        f"checkpoints: {', '.join(checkpoints)}",
        *(_answers(run, name) for name in run.info if hashed),
        *([] if hashed else [f"answers: {FOUND_AT_RUN}"]),
        f"data: {data}; {protocol}; device {settings.device}{_engine(settings)}{_left_out(run)}",
        f"evidence: {settings.evidence}; report: {settings.report}; suite {SUITE_VERSION}",
    ]


def _engine(settings: Settings) -> str:
    return "; by the reference, one full pass a knockout" if settings.reference else ""


def _answers(run: Run, name: str) -> str:
    """How a checkpoint answers, if an earlier run found it out."""
    info = run.info[name]
    if next(run.settings.evidence.glob(f"{glob.escape(info.name)}-*"), None) is not None:
        with suppress(HarnessError):  # it is told where it is met
            if told := run.answers_told(info):
                return without_controls(f"answers: {info.name} {told}")
    return f"answers: {FOUND_AT_RUN}"


def _left_out(run: Run) -> str:
    """How many rows of a named data set cannot be used; the report says why."""
    if run.settings.dataset is None:
        return ""
    tasks = run.settings.tasks or TASKS
    rows = sum(count for (task, _), count in run.dataset.left_out.items() if task in tasks)
    return f"; {rows} rows left out, see the report" if rows else ""


def _hash(info: CheckpointInfo) -> str:
    return f"{fingerprint(info.path, info.revision)[:12]}, "


def _header_of_import(settings: Settings, imported: Imported) -> list[str]:
    manifest = imported.manifest
    return [
        f"checkpoints: {manifest.checkpoint} ({manifest.layers} layers, {imported.sha256[:12]})",
        without_controls(imported.told),
        f"import: {imported.folder}; report: {settings.report}; suite {SUITE_VERSION}",
    ]
