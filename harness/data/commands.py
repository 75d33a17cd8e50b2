"""How every command of the project ends, also where nobody reads its output any more (``… | head``)."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from typing import NoReturn, TextIO

UNREAD = 141
"""The exit status then: what a shell says of a program that a closed pipe has ended (128 + SIGPIPE)."""


def run_command(main: Callable[[], int | None]) -> NoReturn:
    """Run a command and exit with its status, or silently with `UNREAD` once its output's reader has gone.

    Args:
        main: the command; it reads ``sys.argv`` and returns its exit status, or None for 0.

    Raises:
        SystemExit: always, unless the command raises something else.
    """
    try:
        try:
            status = main()
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()  # a short text is written only now, argparse's help too
    except BrokenPipeError:
        unread = [stream for stream in (sys.stdout, sys.stderr) if _has_no_reader(stream)]
        if not unread:  # another pipe broke: of a process that was asked to work
            raise
        for stream in unread:
            # Python flushes what is left when it exits, and would complain again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        status = UNREAD
    sys.exit(status)


def _has_no_reader(stream: TextIO) -> bool:
    waiting = select.poll()
    waiting.register(stream.fileno(), 0)  # errors are told whatever is asked for
    return any(event & select.POLLERR for _, event in waiting.poll(0))
