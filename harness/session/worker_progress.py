"""The progress of xdist's workers, which have no terminal: each writes a file that the main process reads."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest

from harness.measuring.progress import (
    CHECKING,
    JUDGING,
    LOADING,
    MEASURING,
    PREDICTING,
    STARTING,
    WAITING,
    State,
)
from harness.session.progress import Display

EVERY = 0.5
"""Seconds between two writings of one file, and between two readings of all."""
ORDER = (WAITING, STARTING, PREDICTING, LOADING, CHECKING, MEASURING, JUDGING)
"""What is being done, the furthest last."""


class Written:
    """Write progress to a file that `Watch` reads.

    Args:
        path: the worker's own file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: tuple[str, str] | None = None
        self._written = 0.0
        self._lock = threading.Lock()

    def __call__(self, title: str, state: State) -> None:
        """See `harness.measuring.progress.Progress`."""
        with self._lock:
            now, what = time.monotonic(), (title, state.doing)
            if what == self._last and now - self._written < EVERY and state.done < state.total:
                return
            self._last, self._written = what, now
            whole = self._path.with_suffix(".new")
            whole.write_text(json.dumps([title, asdict(state)]), encoding="utf-8")
            whole.replace(self._path)  # never half a file


class Watch:
    """A thread that shows what workers write; a plugin of the main process, which knows who else prints.

    Args:
        folder: where they write.
        display: shows it.
    """

    def __init__(self, folder: Path, display: Display) -> None:
        self.folder, self._display = folder, display
        self._titles: list[str] = []
        self._shown: tuple[str, State] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join(timeout=2.0)
        self._display.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self) -> None:
        """A result is about to be printed: all is measured, and what a worker still judges is soon told."""
        if not self._stop.is_set():
            self._stop.set()
            self._display.close()

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """So may be the end of a worker; what it had in hand when it died is not measured."""
        self._display.hide()
        name = node.workerinput["workerid"]  # type: ignore[attr-defined]
        (self.folder / name).unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            self.look()

    def look(self) -> None:
        """Read what workers wrote, and show the step that was begun last, by all who are at it."""
        found = _read(self.folder)
        self._titles += sorted({title for title, _ in found} - set(self._titles))
        if not found:
            return
        title = max((title for title, _ in found), key=self._titles.index)
        now = title, together([state for at, state in found if at == title])
        if now != self._shown:
            self._shown = now
            self._display(*now)


def together(states: Sequence[State]) -> State:
    """The states of several workers at one step as one.

    Args:
        states: of one step; at least one.
    """
    doing = max((state.doing for state in states), key=ORDER.index)
    at_it = [state for state in states if (state.doing == JUDGING) == (doing == JUDGING)]
    return State(
        doing,
        total=max(state.total for state in at_it),
        before=min((state.before for state in at_it if state.total), default=0),
        stored=max(state.stored for state in at_it),
        measured=sum(state.measured for state in at_it),
        passes=sum(state.passes for state in at_it),
    )


def _read(folder: Path) -> list[tuple[str, State]]:
    files = sorted(path for path in folder.iterdir() if path.suffix != ".new")
    found = []
    for path in files:
        with suppress(FileNotFoundError):  # a worker that ended just now
            title, state = json.loads(path.read_text(encoding="utf-8"))
            found.append((str(title), State(**state)))
    return found
