"""A process of one's own that tries out what comes from strangers: it can be ended, and has limits.

Decoders and tokenizers are compiled code: no exception ends one that computes for ever, and one that runs
out of memory takes its process with it. So they are tried in a child first. Its time is processor time, so
that a busy machine refuses nothing that an idle one accepts.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]


class ChildEndedError(Exception):
    """The child was over its limits, or its libraries crashed it."""


class LimitedChild:
    """A module of the harness, run as a program that answers question after question.

    It starts with the first question, and again after one that ended it.

    Args:
        module: the module's name; as a program it calls `answer_questions`.
    """

    def __init__(self, module: str) -> None:
        self._words = [sys.executable, "-P", "-m", module]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def ask(self, question: object) -> Any:  # noqa: ANN401 - JSON
        """The child's answer.

        Args:
            question: what JSON can hold.

        Raises:
            ChildEndedError: if it had none.
        """
        process = self._process or self._start()
        with suppress(BrokenPipeError):  # it ended before; there is no answer then
            _pipe(process.stdin).write(f"{json.dumps(question)}\n")
            _pipe(process.stdin).flush()
        line = _pipe(process.stdout).readline()
        if not line.endswith("\n"):
            self._end()
            raise ChildEndedError
        return json.loads(line)

    def _start(self) -> subprocess.Popen[str]:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(  # noqa: S603 - a module of the harness
            self._words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libraries' remarks are lines of their own
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def answer_questions(answer: Callable[[Any], object], seconds: float, memory: int) -> None:
    """What the child does: answer question after question until its parent asks no more.

    Args:
        answer: from a question to what JSON can hold.
        seconds: longest that one may take, processor time; then the child ends.
        memory: most bytes it may take beyond what it has now; not held on macOS, which has no such limit.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # its parent's to handle
    _limit_memory(memory)
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_PROF, seconds)  # ends compiled code, too: nobody handles its signal
        told = answer(json.loads(line))
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps(told), file=answers, flush=True)


def _limit_memory(memory: int) -> None:
    import resource  # noqa: PLC0415 - the child's

    pages = Path("/proc/self/statm")
    if pages.exists():
        now = int(pages.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (now + memory, now + memory))
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _pipe(stream: Any) -> Any:  # noqa: ANN401 - pipes are optional to the type checker only
    return stream
