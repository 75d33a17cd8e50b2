"""Measure before the first test, in every process that runs tests; show how far it has come."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.data.errors import HarnessError
from harness.measuring.progress import PREDICTING, STARTING, Progress, State
from harness.session import terminal
from harness.session.claim_items import claims_of
from harness.session.mark_expected import mark_expected, skip_measured_only
from harness.session.progress import Display, Lines
from harness.session.progress_bar import Bar, draws_bars
from harness.session.run import Run
from harness.session.stash import COLLECTOR, RUN, is_worker
from harness.session.worker_progress import Watch, Written
from harness.verdicts.claims import Claim
from harness.verdicts.record import plain
from harness.verdicts.settings import Settings

WATCH = pytest.StashKey[Watch]()
WORK = "findings_work"
"""Key under which an xdist worker hands over what it has done."""
PROGRESS = "findings_progress"
"""Key under which it learns where to write its progress."""
PREPARING = "preparing"
"""The first step of a run."""


class Measuring:
    """Measures before the first test; registered by every process that runs tests."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Measure and judge, then let pytest run its tests."""
        config = session.config
        claims = claims_of(session.items)
        idle = config.option.collectonly or _asks(config) or session.testsfailed
        if claims and not idle:
            run = config.stash[RUN]
            if run.settings.ray_shards:
                measure_on_cluster(config, run.settings)
            with progress_of(config) as progress:
                progress(PREPARING, State(STARTING))
                predict(config, run, claims, progress)
                run.prepare(claims, progress)
            for item in session.items:
                if run.settings.measure_only:
                    skip_measured_only(run, item)
                else:
                    mark_expected(run, item)
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


def predict(config: pytest.Config, run: Run, claims: Sequence[Claim], progress: Progress) -> None:
    """Note what measuring will take, for the record; of xdist's workers the first does it."""
    settings = run.settings
    other = is_worker(config) and config.workerinput["workerid"] != "gw0"  # type: ignore[attr-defined]
    if other or settings.judge_only or settings.measure_only or settings.shard or settings.ray_shards:
        return
    from harness.session.plan.forecast import predicted_costs  # noqa: PLC0415 - loads torch

    progress(PREPARING, State(PREDICTING))
    try:
        run.predicted = predicted_costs(config, run, claims)
    except Exception as error:  # noqa: BLE001 - a prediction is a courtesy: no run may end for lack of one
        terminal.write_line(config, f"what it takes cannot be predicted ({type(error).__name__}: {error})")


def _asks(config: pytest.Config) -> bool:
    """Whether the command asks for something else than a run."""
    return bool(config.getoption("claims") or config.getoption("plan"))


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
            on_progress=lambda text: terminal.write_line(config, text),
        )
    except HarnessError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.TESTS_FAILED)


@contextmanager
def progress_of(config: pytest.Config) -> Iterator[Progress]:
    """Where this process reports its progress."""
    if is_worker(config):
        yield Written(Path(config.workerinput[PROGRESS]))  # type: ignore[attr-defined]
        return
    display = display_of(config)
    try:
        yield display
    finally:
        display.close()


def display_of(config: pytest.Config) -> Display:
    """A bar where there is a terminal that can draw one, lines elsewhere, nothing under ``-q``."""
    file = terminal.stream(config)
    if file is None or config.get_verbosity() < 0:
        return Lines(lambda _: None)
    if draws_bars(file):
        colour = config.get_terminal_writer().hasmarkup
        return Bar(file, colour=colour, before=lambda: terminal.ensure_newline(config))
    return Lines(lambda text: terminal.write_line(config, text))


def watch_workers(config: pytest.Config) -> None:
    """Show the progress of xdist's workers, which have no terminal."""
    folder = Path(tempfile.mkdtemp(prefix="findings-progress-"))
    config.stash[WATCH] = watch = Watch(folder, display_of(config))
    config.pluginmanager.register(watch, "findings-progress")
    watch.start()


def stop_watching(config: pytest.Config) -> None:
    """Stop showing it, and remove what they wrote."""
    watch = config.stash.get(WATCH, None)
    if watch is not None:
        watch.stop()
        shutil.rmtree(watch.folder, ignore_errors=True)
