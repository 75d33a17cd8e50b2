"""How far a run has come, in lines: for files, continuous integration and terminals that draw no bars.

Something is said at once when another step begins, then often for as long as somebody may be waiting to
see whether it works, then rarely, so that the log of a run of hours stays readable.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from harness.measuring.progress import JUDGING, MEASURING, State

OFTEN, RARELY = 5.0, 30.0
"""Seconds between two lines: in the first `EARLY` seconds of a run, and afterwards."""
EARLY = 30.0
LOOK = 0.25
"""Seconds between two looks at whether a line is due."""


class Display(Protocol):
    """Shows progress; see `harness.measuring.progress.Progress`."""

    def __call__(self, title: str, state: State) -> None:
        """Take in a step's state."""

    def hide(self) -> None:
        """Make room for somebody else's lines."""

    def close(self) -> None:
        """Show nothing more."""


class Lines:
    """Progress in lines.

    Args:
        write: writes one line; called from a thread.
        now: tells the time in seconds.
    """

    def __init__(self, write: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self._write, self._now = write, now
        self._began = self._last = now()
        self._step = Step("", State(""), self._began)
        self._said: tuple[str, str, bool] | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __call__(self, title: str, state: State) -> None:
        """See `Display`."""
        with self._lock:
            self._step = self._step.next(title, state, self._now())
            self._say_if_due()
            if not self._thread.is_alive() and not self._stop.is_set():
                self._thread.start()

    def hide(self) -> None:
        """See `Display`; lines are in nobody's way."""

    def close(self) -> None:
        """See `Display`."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def active(self) -> bool:
        """Whether lines are still to come."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.wait(LOOK):
            with self._lock:
                self._say_if_due()

    def _say_if_due(self) -> None:
        now, step = self._now(), self._step
        what = step.title, step.state.doing, step.complete
        every = OFTEN if now - self._began < EARLY else RARELY
        new = self._said not in {what, (*what[:2], True)}
        if new or now - self._last >= every:
            self._write(step.text(now))
            self._said, self._last = what, now


class Step:
    """A step of a run, its state, and when it began.

    Attributes:
        title: what it is about.
        state: how far it has come.

    Args:
        title: what it is about.
        state: how far it has come.
        began: when it began, in seconds.
        first: how much was done then.
    """

    def __init__(self, title: str, state: State, began: float, first: int = 0) -> None:
        self.title, self.state = title, state
        self._began, self._first = began, first

    def next(self, title: str, state: State, now: float) -> Step:
        """The step after this one, or this one gone further."""
        if (title, state.doing == JUDGING) != (self.title, self.state.doing == JUDGING):
            return Step(title, state, now, state.done)
        return Step(title, state, self._began, self._first)

    @property
    def complete(self) -> bool:
        """Whether all is done."""
        return 0 < self.state.total == self.state.done

    def text(self, now: float) -> str:
        """One line: what is being done, how far it has come, the time taken and the time left.

        The time left is judged by what was done since the step began; what an earlier run had done tells
        nothing.

        Args:
            now: the time in seconds.
        """
        parts = [self.what, *self.counts, f"{self.so_far(now)} so far", *self.left(now)]
        return f"{parts[0]}: {', '.join(parts[1:])}"

    def so_far(self, now: float) -> str:
        """The time that the step has taken."""
        return clock(now - self._began)

    def short(self, now: float) -> str:
        """How much is done and the time left, for where there is little room."""
        state, left = self.state, self._left(now)
        found = [f"{state.done:,}/{state.total:,}"] if state.total else []
        found += [f"{state.passes:,} passes"] if state.passes else []
        return ", ".join([*found, *([] if left is None else [f"{clock(left)} left"])])

    @property
    def what(self) -> str:
        """What is being done."""
        doing = self.state.doing
        return f"{doing} {self.title}" if doing in {MEASURING, JUDGING} else f"{self.title}, {doing}"

    @property
    def counts(self) -> list[str]:
        """How much is done."""
        state = self.state
        unit = "claims" if state.doing == JUDGING else "samples"
        found = [f"{state.done:,} of {state.total:,} {unit}"] if state.total else []
        return [*found, *([f"{state.passes:,} passes"] if state.passes else [])]

    def left(self, now: float) -> list[str]:
        """About how long it takes yet, if anything tells."""
        left = self._left(now)
        return [] if left is None else [f"about {clock(left)} left"]

    def _left(self, now: float) -> float | None:
        new, open_ = self.state.done - self._first, self.state.total - self.state.done
        return (now - self._began) / new * open_ if new > 0 and open_ else None


def clock(seconds: float) -> str:
    """Minutes and seconds, or hours, minutes and seconds."""
    minutes, second = divmod(max(0, round(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
