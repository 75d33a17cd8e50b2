"""The server behind `harness.testing.warm.python`: imports what is slow to import, then forks on demand.

A script and no module, since it must import nothing of this suite, of which a run may have a copy. It imports
nothing that starts threads either (polars does): a fork has only the thread that forked.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import importlib
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import sys
import threading
import traceback
import warnings
from contextlib import suppress
from pathlib import Path

PLUGINS = (
    "_hypothesis_globals",
    "anyio._backends._asyncio",
    "anyio.pytest_plugin",
    "hypothesis.core",
    "jaxtyping._pytest_plugin",
    "syrupy.extensions.amber",
)
"""What pytest loads by itself."""
LIBRARIES = (
    "cattrs.preconf.json",
    "filelock",
    "jinja2",
    "jsonschema",
    "PIL.ImageDraw",
    "psutil",
    "pytest",
    "rich.progress",
    "scipy.optimize",
    "scipy.stats",
    "torch",
    "transformers.models.auto.modeling_auto",
    "transformers.models.llava.modeling_llava",
)
F_SETSIG = 10
"""Linux's, in <fcntl.h>: which signal tells that something happened to a file; Python has no name for it."""


def main(launcher: str, address: str) -> None:
    """Serve until the standard input ends.

    Args:
        launcher: the stand-in for the interpreter.
        address: where to listen.
    """
    load()
    sys.executable = launcher
    sys.dont_write_bytecode = False  # where that is forbidden, each process would compile all
    sys.pycache_prefix = str(Path(address).with_name("compiled"))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    gc.collect()
    gc.freeze()  # what all processes share need not be walked by any
    print("ready", flush=True)
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ, lambda: begin(selector, listener))
        selector.register(0, selectors.EVENT_READ, lambda: end(Path(address).parent))
        while True:
            for key, _ in selector.select():
                key.data()


def load() -> None:
    """Import what is slow to import."""
    for name in (*LIBRARIES, *PLUGINS):
        importlib.import_module(name)
    for name in PLUGINS:  # pytest says so if it cannot rewrite assertions, unless they do not want it
        sys.modules[name.partition(".")[0]].__doc__ = "PYTEST_DONT_REWRITE"


def begin(selector: selectors.BaseSelector, listener: socket.socket) -> None:
    """Fork a process for who has called."""
    connection, _ = listener.accept()
    with warnings.catch_warnings(action="ignore"):  # the threads of BLAS are no danger: it handles forks
        process = os.fork()
    if process == 0:
        run(connection)

    def ended() -> None:
        selector.unregister(handle)
        os.close(handle)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        with connection, suppress(OSError):
            connection.sendall(status.to_bytes(4, "big", signed=True))

    handle = os.pidfd_open(process)
    selector.register(handle, selectors.EVENT_READ, ended)


def end(folder: Path) -> None:
    """End, and leave nothing behind."""
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def run(connection: socket.socket) -> None:
    """Be the process that was asked for; never returns."""
    code = 1
    try:
        length, files, _, _ = socket.recv_fds(connection, 8, 3)
        told = connection.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL)
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        die_with(connection)
        code = ran(**json.loads(told))
        with suppress(Exception):
            threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - as the interpreter ends
            atexit._run_exitfuncs()  # noqa: SLF001
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def die_with(connection: socket.socket) -> None:
    """Have the kernel kill this process as soon as its launcher is dead, whatever it is doing."""
    fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(connection, F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(connection, fcntl.F_SETFL, fcntl.fcntl(connection, fcntl.F_GETFL) | os.O_ASYNC)
    with suppress(BlockingIOError):
        if not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
            os._exit(1)  # it died before


def ran(words: list[str], folder: str, variables: dict[str, str]) -> int:
    """Do what the interpreter does with a command line in a folder; the exit status."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.stdin = sys.__stdin__ = os.fdopen(0, encoding="utf-8", closefd=False)  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", 1, encoding="utf-8", closefd=False)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # type: ignore[misc]
    sys.orig_argv = [sys.executable, *words]
    unsafe = True
    while words[0] in {"-u", "-P"}:
        unsafe = unsafe and words[0] != "-P"
        words = words[1:]
    how, what, *rest = words
    sys.argv = [how, *rest]
    first = [folder if how == "-m" else ""] if unsafe else []
    sys.path[:0] = first + [path for path in variables.get("PYTHONPATH", "").split(os.pathsep) if path]
    try:
        if how == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            exec(what, {"__name__": "__main__", "sys": sys})  # noqa: S102 - what was asked for
    except SystemExit as error:
        return status_of(error.code)
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        return 1
    return 0


def status_of(code: str | int | None) -> int:
    """The exit status that a `SystemExit` means."""
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF
    print(code, file=sys.stderr)
    return 1


if __name__ == "__main__":
    main(*sys.argv[1:])
