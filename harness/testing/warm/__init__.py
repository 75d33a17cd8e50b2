"""A Python for tests that start processes: forked from one that has imported what is slow to import."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SOCKET = "socket"
"""The server's address, in the folder of the launcher."""


@functools.cache
def python() -> str:
    """What a test calls in place of ``sys.executable``.

    A run of the findings spends up to six seconds of a core on imports, and the suite's tests start 200 such
    processes. ``[python(), "-m", "pytest", ...]`` is a process of its own all the same, with its own
    arguments, folder, environment, streams and exit status, and it dies when it is killed. It is forked from
    a server that has imported libraries and nothing of this suite. What runs in it takes it for
    ``sys.executable``, so that workers of pytest-xdist and subprocess workers are forked, too. Programs that
    `launcher.is_forked` does not name, and all programs where there is no Linux, are run by the interpreter
    itself.

    The server starts with the first call and ends with the process that made it.
    """
    if not sys.platform.startswith("linux") or Path(sys.executable).with_name(SOCKET).exists():
        return sys.executable
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    launcher = folder / "python"
    source = (HERE / "launcher.py").read_text(encoding="utf-8")
    launcher.write_text(f"#!{sys.executable} -IS\n{source}", encoding="utf-8")
    launcher.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    server = subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-P", str(HERE / "server.py"), str(launcher), str(folder / SOCKET)],
        stdin=subprocess.PIPE,  # it ends when nobody holds the other end
        stdout=subprocess.PIPE,
        env=kept | {"OMP_NUM_THREADS": "1"},
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    _servers.append(server)
    return str(launcher)


_servers: list[subprocess.Popen[bytes]] = []
