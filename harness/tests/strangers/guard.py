"""What must hold whatever a file contains: one line that names it, soon, and nothing done on the side."""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings

from harness.checkpoint import chat_template, tried_tokenizer
from harness.data import tried_pictures
from harness.data.errors import HarnessError
from harness.data.plain_text import LONGEST, without_controls

T = TypeVar("T")
SECONDS = 5.0
"""Longest that one file may take."""
PROGRAMS = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.system"}
NETWORK = {"socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request"}
CHANGES = {
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.truncate",
}
LIMITED = [[sys.executable, "-P", "-m", one.__name__] for one in (tried_pictures, tried_tokenizer)]
"""Programs of ours that may be started: what strangers send is tried in them."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def files(full: int) -> int:
    """How many files to try of so many: the part that ``STRANGERS`` says, else a hundredth."""
    return max(6, round(full * float(os.environ.get("STRANGERS", "0.01"))))


def trying(full: int) -> settings:
    """How hypothesis tries so many files; nothing is stored, and the clock is the guard's."""
    return settings(
        max_examples=files(full),
        deadline=None,
        database=None,
        print_blob=False,
        phases=[Phase.explicit, Phase.generate],  # a file that hangs would hang a thousand times over
        suppress_health_check=list(HealthCheck),
    )


class Guard:
    """Hears what Python itself reports of programs, files and connections while a door is open."""

    def __init__(self) -> None:
        self._on = False
        self._inside = ""
        self.done: list[str] = []
        """What was done that no reader does."""
        sys.addaudithook(self._hear)

    @contextmanager
    def watching(self, inside: Path) -> Iterator[None]:
        """Watch, and end what takes too long; one folder may be written to.

        Args:
            inside: the folder, a store's for example.
        """
        self._on, self._inside, self.done = True, f"{inside}{os.sep}", []
        before = signal.signal(signal.SIGALRM, self._too_long)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        began = time.monotonic()
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)
            self._on = False
        if time.monotonic() - began > SECONDS:
            self.done.append(f"took {time.monotonic() - began:.0f} s")

    def _too_long(self, *_: object) -> None:
        self.done.append(f"took more than {SECONDS:.0f} s")
        raise TimeoutError

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on:
            return
        if event == "open":
            path, _, flags = arguments
            if (
                flags & WRITES
                and isinstance(path, str | os.PathLike)
                and not self._may_write(os.fspath(path))
            ):
                self.done.append(f"wrote {path}")
        elif event in CHANGES:
            if not self._may_write(os.fspath(arguments[0])):
                self.done.append(f"{event} {arguments}")
        elif event in NETWORK or (event in PROGRAMS and not _is_limited(arguments)):
            self.done.append(f"{event} {arguments}")
        elif event == "exec" and str(getattr(arguments[0], "co_filename", "")).startswith(self._inside):
            self.done.append(f"ran code of {arguments[0].co_filename}")

    def _may_write(self, path: str | bytes) -> bool:
        text = os.fsdecode(path)
        return text.startswith(self._inside) or "__pycache__" in text or text == os.devnull


def _is_limited(arguments: tuple[Any, ...]) -> bool:
    """Whether a program that is started is one of ours that has limits."""
    words = list(arguments[1])
    return words in ([sys.executable, "-P", chat_template.__file__], *LIMITED)


GUARD = Guard()
SEEN: Counter[str] = Counter()
"""How many ``files`` a test has tried, and how many ``refusals`` it met."""


def through(door: Callable[[], T], name: str, folder: Path, *, may_write: bool = False) -> T | None:
    """Go through a door with a file; what it gives, or None if the file is refused as it should be.

    Args:
        door: what reads.
        name: what a refusal must name.
        folder: where the file lies; nothing else of it may change.
        may_write: whether the door keeps house in the folder, as a store does.
    """
    before = None if may_write else _snapshot(folder)
    with GUARD.watching(folder), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            found: T | None = door()
        except HarnessError as error:
            found, said = None, str(error)
            SEEN["refusals"] += 1
            assert name in said, f"the error does not name {name}: {said}"
            assert len(said) <= LONGEST and said == without_controls(said), f"not one plain line: {said!r}"
    assert not GUARD.done, GUARD.done
    assert not warned, [str(one.message) for one in warned]
    assert before is None or _snapshot(folder) == before
    return found


def _snapshot(folder: Path) -> list[tuple[str, int, int]]:
    found = (path.lstat() for path in sorted(folder.rglob("*")))
    names = (str(path) for path in sorted(folder.rglob("*")))
    return [(name, state.st_size, state.st_mtime_ns) for name, state in zip(names, found, strict=True)]


@pytest.fixture(autouse=True)
def counted(request: pytest.FixtureRequest) -> Iterator[None]:
    """Say after each test how many files it has tried, where asked for with ``-s``."""
    SEEN.clear()
    began = time.monotonic()
    yield
    told = ", ".join(f"{count:,} {what}" for what, count in SEEN.items())
    print(f"\n{request.node.name}: {told}; {time.monotonic() - began:.1f} s")
