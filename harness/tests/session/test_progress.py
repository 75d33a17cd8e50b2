"""What a run says of how far it has come, and where it says it."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from harness.measuring.progress import CHECKING, JUDGING, LOADING, MEASURING, State, told
from harness.session.progress import EARLY, OFTEN, RARELY, Lines, clock
from harness.session.progress_bar import Bar, draws_bars
from harness.session.worker_progress import Watch, Written, together
from harness.testing.warm import python

ROOT = Path(__file__).parents[3]
TITLE = "tiny, look 1 of 4"


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def measured(done: int, total: int, before: int = 0, passes: int = 0) -> State:
    return State(MEASURING, total, before, before, done - before, passes)


def heard_of(states: list[tuple[float, State]]) -> list[str]:
    """What is said, each state told so many seconds after the one before."""
    heard: list[str] = []
    now = Clock()
    lines = Lines(heard.append, now)
    for passed, state in states:
        now.time += passed
        lines(TITLE, state)
    lines.close()
    return heard


def test_a_line_says_what_is_done_how_far_it_has_come_and_the_time_left() -> None:
    heard = heard_of([(0, State(LOADING)), (3, measured(0, 20)), (60, measured(5, 20, passes=1234))])
    assert heard == [
        f"{TITLE}, loading the checkpoint: 0:00 so far",
        f"measuring {TITLE}: 0 of 20 samples, 0:03 so far",
        f"measuring {TITLE}: 5 of 20 samples, 1,234 passes, 1:03 so far, about 3:09 left",
    ]


def test_what_an_earlier_run_measured_says_nothing_about_the_time_left() -> None:
    heard = heard_of([(0, measured(10, 20, before=10)), (60, measured(15, 20, before=10))])
    assert heard[0].endswith("10 of 20 samples, 0:00 so far")
    assert heard[1].endswith("15 of 20 samples, 1:00 so far, about 1:00 left")


def test_lines_come_often_at_first_and_then_rarely() -> None:
    second = 0.5
    passed = int(10 * EARLY / second)
    heard = heard_of([(second, measured(at, passed + 1)) for at in range(passed)])
    early = EARLY / OFTEN
    assert early <= len(heard) <= early + 9 * EARLY / RARELY + 2
    stuck = heard_of([(second, measured(0, 9)) for _ in range(int(EARLY / second) - 1)])
    assert len(stuck) >= early - 1, "a line also says that nothing is new"


def test_a_new_step_is_told_at_once_and_the_end_of_one_once() -> None:
    heard = heard_of(
        [(0.1, State(CHECKING)), (0.1, measured(0, 2)), (0.1, measured(2, 2)), (0.1, measured(2, 2))]
        + [(0.1, State(JUDGING, total=3, stored=at)) for at in range(3)]
    )
    assert [line.split(":")[0] for line in heard] == [
        f"{TITLE}, checking the sweep on the model",
        f"measuring {TITLE}",
        f"measuring {TITLE}",
        f"judging {TITLE}",
    ]
    assert "0 of 3 claims" in heard[-1]


def test_what_is_stored_is_said_once() -> None:
    assert len(heard_of([(0, measured(9, 9, before=9)), (0.1, measured(9, 9, before=9))])) == 1


def test_hours_are_told_as_hours() -> None:
    assert [clock(9.6), clock(3599.4), clock(3661)] == ["0:10", "59:59", "1:01:01"]


def test_judging_is_told_before_every_claim() -> None:
    heard: list[State] = []
    assert list(told("abc", "look", lambda _, state: heard.append(state))) == ["a", "b", "c"]
    assert [(state.done, state.total) for state in heard] == [(0, 3), (1, 3), (2, 3)]


def test_what_workers_measure_is_added_up_and_what_is_stored_is_not() -> None:
    first = State(MEASURING, total=20, before=0, stored=6, measured=4, passes=40)
    second = State(LOADING, total=20, before=2, stored=6, measured=0)
    assert together([first, second]).done == 6
    assert together([first, State(MEASURING, 20, 2, 6, 5, 50)]) == State(MEASURING, 20, 0, 6, 9, 90)


def test_of_a_worker_that_judges_claims_are_counted_and_no_samples() -> None:
    assert together([measured(7, 20), State(JUDGING, total=3, stored=1)]).done == 1


def test_workers_are_shown_at_the_step_that_was_begun_last(tmp_path: Path) -> None:
    shown: list[tuple[str, State]] = []

    class Shown(Lines):
        def __call__(self, title: str, state: State) -> None:
            shown.append((title, state))

    watch = Watch(tmp_path, Shown(lambda _: None))
    workers = [Written(tmp_path / name) for name in ("gw0", "gw1")]
    for worker in workers:
        worker("tiny, look 1 of 4", measured(2, 9))
    watch.look()
    watch.look()
    workers[0]("tiny, look 2 of 4", measured(9, 18, before=9))
    watch.look()
    assert [(title, state.done) for title, state in shown] == [
        ("tiny, look 1 of 4", 4),
        ("tiny, look 2 of 4", 9),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gw0", "gw1"]


def test_nothing_is_shown_between_the_results_of_tests(tmp_path: Path) -> None:
    """Even if the last that a worker wrote stays there."""
    said: list[str] = []
    lines = Lines(said.append)
    watch = Watch(tmp_path, lines)
    Written(tmp_path / "gw0")("tiny, look 1 of 4", State(JUDGING, total=3, stored=2))
    watch.start()
    watch.look()
    assert said
    assert lines.active
    watch.pytest_runtest_logreport()
    assert not lines.active
    watch.stop()


def test_a_state_that_is_told_too_often_is_not_written(tmp_path: Path) -> None:
    written = Written(tmp_path / "gw0")
    for done in range(5):
        written(TITLE, measured(done, 9))
    assert json.loads((tmp_path / "gw0").read_text(encoding="utf-8")) == [TITLE, asdict(measured(0, 9))]
    written(TITLE, measured(9, 9))
    assert json.loads((tmp_path / "gw0").read_text(encoding="utf-8"))[1]["measured"] == 9


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("term", "draws"), [("xterm", True), ("dumb", False), ("", False)])
def test_a_terminal_that_cannot_move_its_cursor_gets_lines(
    term: str, *, draws: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    assert draws_bars(Terminal()) is draws
    assert not draws_bars(io.StringIO())


def test_a_bar_draws_what_came_from_outside_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    terminal = Terminal()
    bar = Bar(terminal, colour=False, before=lambda: None)
    bar("[red]evil\x1b]0;title\x07", measured(3, 9, passes=5))
    bar.hide()
    bar("narrow", measured(4, 9))
    bar.close()
    said = terminal.getvalue()
    assert "[red]evil" in said and "\x1b]0" not in said
    assert "3/9, 5 passes" in said


def command(folder: Path, *more: str) -> list[str]:
    places = [f"--evidence={folder / 'evidence'}", f"--report={folder / 'report'}"]
    chosen = ["-k", "hardly_needs", "--checkpoint=fake", "--task=ChooseAttr", "--processes=1"]
    plugins = ["-p", "harness.testing.fake", "-p", "no:cacheprovider"]
    return [
        python(),
        "-m",
        "pytest",
        "findings/test_last_position.py",
        *plugins,
        *chosen,
        *places,
        *more,
    ]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "PY_COLORS", "CI"}}
    return {**kept, "FAKE_SECONDS": "0.08", "COLUMNS": "160", "OMP_NUM_THREADS": "1", **more}


def in_a_terminal(folder: Path, *more: str, **variables: str) -> str:
    """What a run says to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(folder, *more), cwd=ROOT, env=environment(**variables), stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # Linux says so when nobody has the other end any more
            break
        if not part:
            break
        said += part
    os.close(ours)
    assert process.wait() == 0, said.decode()
    return said.decode()


def in_a_pipe(folder: Path, *more: str) -> str:
    done = subprocess.run(
        command(folder, *more), cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "more"), [((), {}), (("-n2",), {"NO_COLOR": "1"})])
def test_a_run_in_a_terminal_draws_a_bar_that_moves_and_goes(
    tmp_path: Path, workers: tuple[str, ...], more: dict[str, str]
) -> None:
    said = in_a_terminal(tmp_path, *workers, TERM="xterm", **more)
    assert len(set(re.findall(r"(\d+)/56, \d+ passes", said))) >= 3, said
    assert workers or "judging fake, look" in said  # a worker's file is read twice a second
    assert "A3   INCONCLUSIVE" in said[said.rindex("\x1b[2K") :], "the bar is gone when verdicts come"
    coloured = [
        bool(re.search(r"\x1b\[[0-9;]*\b[39]\d(;[0-9;]+)?m", part))
        for part in said.splitlines()
        if "fake, look" in part
    ]
    assert any(coloured) is not bool(more)


@pytest.mark.slow
@pytest.mark.parametrize(("how", "more"), [(in_a_pipe, ("-n2",)), (in_a_terminal, ())])
def test_where_no_bar_can_be_drawn_there_are_lines(
    tmp_path: Path, how: Callable[..., str], more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    said = how(tmp_path, *more)
    assert re.search(r"^measuring fake, look \d of \d: \d+ of 56 samples, \d", said, re.MULTILINE), said
    assert more or re.search(r"^judging fake, look", said, re.MULTILINE), said
    assert "\x1b[2K" not in said


@pytest.mark.slow
@pytest.mark.parametrize("more", [("-q",), ("-p", "no:terminal", "-o", "addopts=--import-mode=importlib")])
def test_who_asks_for_quiet_gets_it(tmp_path: Path, more: tuple[str, ...]) -> None:
    assert "samples" not in in_a_pipe(tmp_path, *more)
