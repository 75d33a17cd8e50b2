"""The pytest plugin: collection, measuring before judging, verdicts, the record of the run."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from harness.data.depth import TooShallowError
from harness.data.errors import HarnessError
from harness.data.sample import TASKS
from harness.measuring.progress import Progress
from harness.session import hooks, terminal
from harness.session.claim_items import MARKER, catalogue_of, check_catalogue, claim_of, claims_of
from harness.session.conclude import ClaimRefutedError, ClaimUndecidedError, message
from harness.session.gpu import pin_worker
from harness.session.progress import Printed, Watch, Written
from harness.session.recording import RecordCollector
from harness.session.run import Run, header
from harness.session.settings import check_gpu, check_writable, read_settings
from harness.session.tally import Work
from harness.statistics.verdict import Verdict, goes_to_or_from_undecided
from harness.verdicts.claim_record import claim_record
from harness.verdicts.claims import Claim
from harness.verdicts.expectations import Expectations
from harness.verdicts.hypothesis import Hypothesis
from harness.verdicts.record import plain, structure
from harness.verdicts.settings import Settings
from harness.verdicts.study import Study

RUN = pytest.StashKey[Run]()
WATCH = pytest.StashKey[Watch]()
SUITE_ROOT = Path(__file__).resolve().parents[1]
COLLECTOR = pytest.StashKey[RecordCollector]()
WORK = "findings_work"
NO_TASK = pytest.mark.skip(reason="no samples of the tasks that this claim is about, or none asked for")
MEASURED_ONLY = "measured only, nothing judged"
PROPERTY = "findings"
"""Name of the user property under which a test hands its record to the main process."""


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
        if not config.option.collectonly:
            check_writable("evidence", settings.evidence)
            check_writable("report", settings.report)
        if settings.dataset is not None:
            _check_dataset(run)
        if settings.baseline is not None:
            _check_baseline(run)
        config.stash[COLLECTOR] = collector = RecordCollector(config, run)
        config.pluginmanager.register(collector, "findings-collector")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Name checkpoints, data and device before anything starts."""
    return header(config.stash[RUN])


def _check_dataset(run: Run) -> None:
    """Load a data set named on the command line at once: a mistake in it is a usage error."""
    try:
        _ = run.dataset
    except HarnessError as error:
        raise pytest.UsageError(f"--dataset: {error}") from error


def _check_baseline(run: Run) -> None:
    """Read a baseline at once: one that cannot be compared with is a usage error."""
    try:
        _ = run.baseline
    except HarnessError as error:
        raise pytest.UsageError(f"--baseline: {error}") from error


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of xdist's workers."""
    return hasattr(config, "workerinput")


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
        there = TASKS if run.settings.dataset is None else run.dataset.tasks
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
    """List the claims instead of running them, if asked to."""
    if not session.config.getoption("claims"):
        return None
    terminal.catalogue(session.config, catalogue_of(session.config), claims_of(session.items))
    return True


class Measuring:
    """Measures before the first test; registered by every process that runs tests."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Measure and judge, then let pytest run its tests."""
        config = session.config
        claims = claims_of(session.items)
        idle = config.option.collectonly or config.getoption("claims") or session.testsfailed
        if claims and not idle:
            run = config.stash[RUN]
            if run.settings.ray_shards:
                measure_on_cluster(config, run.settings)
            run.prepare(claims, progress_of(config))
            for item in session.items:
                if run.settings.measure_only:
                    pass_over(run, item)
                else:
                    expect(run, item)
        return (yield)

    @pytest.hookimpl
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand what was done to the main process; without xdist that is this one."""
        config = session.config
        work = config.stash[RUN].work()
        if is_worker(config):
            config.workeroutput[WORK] = plain(work)  # type: ignore[attr-defined]
        else:
            config.stash[COLLECTOR].works.append(work)


def measure_on_cluster(config: pytest.Config, settings: Settings) -> None:
    """Let a Ray cluster measure; this process then finds everything stored.

    Raises:
        pytest.exit.Exception: if it could not; pytest then ends with exit status 1.
    """
    from harness.session.drivers import ray_driver  # noqa: PLC0415 - only runs on a cluster need it

    try:
        ray_driver.measure(
            config.invocation_params.args,
            config.invocation_params.dir,
            settings.ray_shards or 1,
            gpu=settings.device.startswith("cuda"),
            tell=lambda text: terminal.write_line(config, text),
        )
    except HarnessError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.TESTS_FAILED)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let this process measure, unless it only hands tests to workers."""
    config = session.config
    if config.pluginmanager.hasplugin("dsession"):
        _watch_workers(config)
    else:
        config.pluginmanager.register(Measuring(), "findings-measuring")


def progress_of(config: pytest.Config) -> Progress:
    """Where this process reports its progress."""
    if is_worker(config):
        return Written(Path(config.workerinput["findings_progress"]))  # type: ignore[attr-defined]
    return Printed(lambda text: terminal.write_line(config, text))


def _watch_workers(config: pytest.Config) -> None:
    handle, name = tempfile.mkstemp(prefix="findings-progress-")
    os.close(handle)
    config.stash[WATCH] = watch = Watch(Path(name), Printed(lambda text: terminal.write_line(config, text)))
    watch.start()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker where to write its progress."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    node.workerinput["findings_progress"] = str(config.stash[WATCH].path)  # type: ignore[attr-defined]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Take over what a worker did; one that died hands nothing over."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    done = getattr(node, "workeroutput", {}).get(WORK)
    if done is not None:
        config.stash[COLLECTOR].works.append(structure(done, Work))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop watching workers."""
    watch = config.stash.get(WATCH, None)
    if watch is not None:
        watch.stop()
        with contextlib.suppress(OSError):
            watch.path.unlink()


def pass_over(run: Run, item: pytest.Item) -> None:
    """Judge nothing; a claim whose evidence could not be measured still fails, with the reason."""
    claim = claim_of(item)
    if claim is not None and claim.checkpoint not in run.errors:
        item.add_marker(pytest.mark.skip(reason=MEASURED_ONLY))


def expect(run: Run, item: pytest.Item) -> None:
    """Mark a claim whose verdict is known: only the opposite verdict fails the run then.

    Where the expectations hold for this very checkpoint, data and protocol, a verdict that goes to or
    from INCONCLUSIVE is named at the end (`terminal.warn_inconclusive_changes`) and fails nothing.
    """
    claim = claim_of(item)
    expected = run.expectations.get(claim.checkpoint) if claim else None
    if claim is None or expected is None:
        return
    known, found = expected.verdicts.get(claim.key), run.verdict(claim)
    if known is None:
        return
    enforced = run.enforced(claim.checkpoint)
    if enforced and found is not None and goes_to_or_from_undecided(known, found):
        if found in RAISES:
            reason = f"{found.value}, known as {known.value}"
            item.add_marker(pytest.mark.xfail(raises=RAISES[found], strict=False, reason=reason))
    elif known in RAISES:
        reason = _known(expected, claim)
        item.add_marker(pytest.mark.xfail(raises=RAISES[known], strict=enforced, reason=reason))


RAISES = {Verdict.REFUTED: ClaimRefutedError, Verdict.INCONCLUSIVE: ClaimUndecidedError}
"""What a claim test raises, by verdict."""


def _known(expected: Expectations, claim: Claim) -> str:
    reason = expected.reasons.get(claim.key)
    return f"{expected.verdicts[claim.key].value}, as known" + (f": {reason}" if reason else "")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Conclude a claim about a band that the decoder is too shallow to have: it does not apply."""
    __tracebackhide__ = True
    try:
        return (yield)
    except TooShallowError:
        claim = claim_of(pyfuncitem)
        if claim is None:
            raise
    conclude_claim(pyfuncitem.config.stash[RUN], claim, pyfuncitem)
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
    examination = run.examinations[claim.checkpoint]

    def conclude(_: Hypothesis) -> None:
        __tracebackhide__ = True
        conclude_claim(run, claim, request.node)

    return Study(
        claim.checkpoint,
        examination.info.layers,
        examination.window,
        run.dataset.tasks,
        None,
        conclude,
    )


def conclude_claim(run: Run, claim: Claim, item: pytest.Item) -> None:
    """Hand the record to the main process and turn the verdict into a test result."""
    __tracebackhide__ = True
    examination = run.examinations[claim.checkpoint]
    expected = run.expectations[claim.checkpoint]
    enforced = run.enforced(claim.checkpoint)
    record = claim_record(examination, claim, expected, enforced=enforced)
    payload = {
        "claim": plain(record),
        "checkpoint": plain(examination.record()),
        "key": claim.key,
        "dataset": [run.dataset.name, run.dataset.sha256],
    }
    item.user_properties.append((PROPERTY, payload))
    judgement = record.judgement
    text = message(claim, judgement, record.command)
    if judgement.verdict is Verdict.REFUTED:
        raise ClaimRefutedError(text)
    if judgement.verdict is Verdict.INCONCLUSIVE:
        if not run.settings.default_protocol:
            pytest.xfail(text.splitlines()[0] + f" ({judgement.reason})")
        raise ClaimUndecidedError(text)
    if judgement.verdict is Verdict.NOT_APPLICABLE:
        _not_applicable(expected if enforced else None, claim, judgement.reason)


def _not_applicable(expected: Expectations | None, claim: Claim, reason: str) -> None:
    """Skip if that was to be expected, or nothing is known of such a run; otherwise fail."""
    __tracebackhide__ = True
    known = expected.verdicts.get(claim.key) if expected else None
    if known not in {None, Verdict.NOT_APPLICABLE}:
        pytest.fail(f"{claim.key}: NOT APPLICABLE ({reason}), expected {known}", pytrace=False)
    pytest.skip(reason)
