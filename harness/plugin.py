"""The pytest plugin: collection, measuring before judging, verdicts, the record of the run."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from harness.data.depth import TooShallowError
from harness.data.errors import HarnessError
from harness.data.sample import TASKS
from harness.session import hooks, terminal
from harness.session.claim_items import MARKER, catalogue_of, check_catalogue, claim_of, claims_of
from harness.session.conclude import conclude_claim
from harness.session.gpu import pin_worker
from harness.session.measure_first import PROGRESS, WATCH, WORK, Measuring, stop_watching, watch_workers
from harness.session.plan.plan_options import plan_options
from harness.session.read_settings import check_gpu, check_writable, read_settings
from harness.session.recording import RecordCollector
from harness.session.run import Run, header
from harness.session.stash import COLLECTOR, RUN, is_worker
from harness.session.work_done import Work
from harness.session.worker_deaths import WorkerDeaths
from harness.verdicts.hypothesis import Hypothesis
from harness.verdicts.record import structure
from harness.verdicts.study import Study

SUITE_ROOT = Path(__file__).resolve().parents[1]
NO_TASK = pytest.mark.skip(reason="no samples of the tasks that this claim is about, or none asked for")

INTERNAL = "An error of the suite itself: please report it, with what `python -m harness doctor` says."


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let other packages bring checkpoints, data sets and reports."""
    pluginmanager.add_hookspecs(hooks)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check the options before anything starts."""
    if config.rootpath.resolve() != SUITE_ROOT:
        raise pytest.UsageError(
            f"the root directory is {config.rootpath}, not the suite's; leave --rootdir and -c out, "
            f"or run inside {SUITE_ROOT.name}/"
        )
    pin_worker()
    config.pluginmanager.register(terminal, "findings-terminal")
    settings = read_settings(config)
    run = Run(config, settings)
    config.stash[RUN] = run
    if not is_worker(config):
        check_gpu(config, settings)
        _ = run.info
        _check_prompts(run)
        plan_options(config)
        if config.getoption("plan"):
            config.option.dist = "no"  # this process plans, whoever would measure
        elif not config.option.collectonly:
            if not settings.judge_only:
                check_writable("evidence", settings.evidence)
            check_writable("report", settings.report)
        if settings.dataset is not None or settings.evidence_of is not None:
            _check_dataset(run)
        if settings.baseline is not None:
            _check_baseline(run)
        config.stash[COLLECTOR] = collector = RecordCollector(config, run)
        config.pluginmanager.register(collector, "findings-collector")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Name checkpoints, data and device before anything starts."""
    return header(config.stash[RUN], hashed=not config.getoption("plan"))


def _check_prompts(run: Run) -> None:
    """Read the prompt formats at once: a mistake in one is a usage error."""
    try:
        _ = run.prompts
    except HarnessError as error:
        name = "prompt" if run.settings.prompt else "checkpoint"
        raise pytest.UsageError(f"--{name}: {error}") from error


def _check_dataset(run: Run) -> None:
    """Load a data set, or an import, named on the command line at once: a mistake in it is a usage error."""
    try:
        _ = run.dataset
    except HarnessError as error:
        name = "dataset" if run.settings.evidence_of is None else "evidence-of"
        raise pytest.UsageError(f"--{name}: {error}") from error


def _check_baseline(run: Run) -> None:
    """Read a baseline at once: one that cannot be compared with is a usage error."""
    try:
        _ = run.baseline
    except HarnessError as error:
        raise pytest.UsageError(f"--baseline: {error}") from error


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Check that every claim has one test and one entry in the catalogue, before anything is collected."""
    if not is_worker(session.config):
        check_catalogue(session.config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every claim on every checkpoint and, if it asks for a task, on every task."""
    if "study" not in metafunc.fixturenames:
        return
    run = metafunc.config.stash[RUN]
    marks = {
        name: [pytest.mark.gpu] if info.gpu or run.settings.gpu else [] for name, info in run.info.items()
    }
    names = [pytest.param(name, id=run.info[name].name, marks=marks[name]) for name in run.info]
    if "task" in metafunc.fixturenames:
        ours = run.settings.dataset is None and run.settings.evidence_of is None
        there = TASKS if ours else run.dataset.tasks
        asked = _tasks(metafunc, run.settings.tasks or there)
        metafunc.parametrize("task", asked or [pytest.param(0, id="no task", marks=NO_TASK)])
    metafunc.parametrize("study", names, indirect=True)


def _tasks(metafunc: pytest.Metafunc, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The tasks a claim is about, of those asked for."""
    marker = metafunc.definition.get_closest_marker(MARKER)
    about = marker.kwargs.get("tasks", TASKS) if marker else TASKS
    return tuple(task for task in asked if task in about)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """List the claims, or plan them, instead of running them, if asked to."""
    if session.config.getoption("plan") and not session.testsfailed:
        from harness.session.plan.command import say_plan  # noqa: PLC0415 - loads torch

        say_plan(session.config, session.config.stash[RUN], claims_of(session.items))
        return True
    if not session.config.getoption("claims"):
        return None
    terminal.catalogue(session.config, catalogue_of(session.config), claims_of(session.items))
    return True


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let this process measure, unless it only hands tests to workers."""
    config = session.config
    if config.pluginmanager.hasplugin("dsession"):
        watch_workers(config)
        config.pluginmanager.register(WorkerDeaths(), "findings-worker-deaths")
    else:
        config.pluginmanager.register(Measuring(), "findings-measuring")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker where to write its progress."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    name = node.workerinput["workerid"]  # type: ignore[attr-defined]
    node.workerinput[PROGRESS] = str(config.stash[WATCH].folder / name)  # type: ignore[attr-defined]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Take over what a worker did; one that died hands nothing over, and is counted."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    done = getattr(node, "workeroutput", {}).get(WORK)
    work = Work(processes=0, lost_workers=1) if done is None else structure(done, Work)
    config.stash[COLLECTOR].works.append(work)


def pytest_internalerror() -> None:
    """Ask for a report: nothing that a user's file, option or machine brings should end so."""
    print(f"\n{INTERNAL}", file=sys.stderr)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop watching workers."""
    stop_watching(config)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Fail a claim whose test raised while it declared; conclude one that the decoder is too shallow for."""
    __tracebackhide__ = True
    run, claim = pyfuncitem.config.stash[RUN], claim_of(pyfuncitem)
    if claim is not None and (error := run.broken(claim)) is not None:
        raise error
    try:
        return (yield)
    except TooShallowError:
        if claim is None:
            raise
    conclude_claim(run, claim, pyfuncitem)
    return True


@pytest.fixture
def study(request: pytest.FixtureRequest) -> Study:
    """One checkpoint under study; see `harness.verdicts.study.Study`."""
    run = request.config.stash[RUN]
    claim = claim_of(request.node)
    if claim is None:
        pytest.fail("a test that uses 'study' carries the marker claim(id)", pytrace=False)
    if claim.checkpoint in run.errors:
        pytest.fail(run.errors[claim.checkpoint], pytrace=False)

    def conclude(_: Hypothesis) -> None:
        __tracebackhide__ = True
        conclude_claim(run, claim, request.node)

    return run.examinations[claim.checkpoint].study(claim, conclude)
