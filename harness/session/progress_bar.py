"""How far a run has come, as a bar at the foot of a terminal; it leaves nothing behind."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from harness.data.plain_text import without_controls
from harness.measuring.progress import State
from harness.session.progress import Step

REDRAWN = 4.0
"""Times a second that it is drawn, whether or not anything new is known: its clock shows that it lives."""


def draws_bars(file: TextIO) -> bool:
    """Whether a terminal can move its cursor."""
    return file.isatty() and os.environ.get("TERM", "") not in {"", "dumb", "unknown"}


class _Clock(ProgressColumn):
    """The time that a step has taken, also while nothing new is known."""

    def __init__(self, step: Callable[[], Step]) -> None:
        super().__init__()
        self._step = step

    def render(self, task: Task) -> Text:  # noqa: ARG002 - rich's signature
        """See rich."""
        return Text(self._step().so_far(time.monotonic()), no_wrap=True)


class Bar:
    """Progress as a bar.

    Args:
        file: the terminal.
        colour: whether it may be coloured.
        before: called before it is drawn anew, with the cursor anywhere.
    """

    def __init__(self, file: TextIO, *, colour: bool, before: Callable[[], None]) -> None:
        self._console = Console(file=file, no_color=not colour, force_terminal=True, highlight=False)
        self._before = before
        self._step = Step("", State(""), time.monotonic())
        self._shown: Progress | None = None
        self._closed = False
        self._lock = threading.Lock()

    def __call__(self, title: str, state: State) -> None:
        """See `harness.session.progress.Display`."""
        with self._lock:
            self._step = self._step.next(title, state, time.monotonic())
            if not self._closed:
                self._draw()

    def hide(self) -> None:
        """See `harness.session.progress.Display`; it comes back with what is new."""
        with self._lock:
            if self._shown is not None:
                self._shown.stop()
            self._shown = None

    def close(self) -> None:
        """See `harness.session.progress.Display`."""
        self._closed = True
        self.hide()

    def _draw(self) -> None:
        if self._shown is None:
            self._before()
            self._shown = self._bar()
            self._shown.add_task("", total=None, counts="")
        step, state, now = self._step, self._step.state, time.monotonic()
        self._shown.update(
            self._shown.task_ids[0],
            description=without_controls(step.what),
            total=state.total or None,
            completed=state.done,
            counts=step.short(now),
        )
        self._shown.start()

    def _bar(self) -> Progress:
        columns = (
            # On a narrow terminal it is the title that is cut short.
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, ratio=1)),
            BarColumn(bar_width=10),
            TextColumn("{task.fields[counts]}", markup=False),
            _Clock(lambda: self._step),
        )
        return Progress(
            *columns,
            console=self._console,
            refresh_per_second=REDRAWN,
            transient=True,
            expand=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
