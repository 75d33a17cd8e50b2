"""What stands in for the interpreter: asks the server for a process, and ends as that process ended.

`harness.testing.warm.python` copies it beside the server's socket. It imports next to nothing, so that it
starts in some milliseconds.
"""

import json
import os
import signal
import socket
import sys

FORKED = {"pytest", "reports", "harness", "harness.evidence", "harness.measuring.subprocess_worker"}
"""What is forked if started by ``-m``."""
EXECNET = "exec(eval(sys.stdin.readline()))"
"""How workers of pytest-xdist begin, after ``-c``."""


def is_forked(words: list[str]) -> bool:
    """Whether the server runs this command line; the interpreter itself runs any other."""
    how, what, *_ = [*(word for word in words if word not in {"-u", "-P"}), "", ""]
    known = (how == "-m" and what in FORKED) or (how == "-c" and EXECNET in what)
    return known and "PYTHONOPTIMIZE" not in os.environ


def main() -> None:
    """Have this command line run."""
    words = sys.argv[1:]
    if not is_forked(words):
        os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 - what was asked for
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.path.join(os.path.dirname(sys.argv[0]), "socket"))  # noqa: PTH118, PTH120 - pathlib is slow
    told = json.dumps({"words": words, "folder": os.getcwd(), "variables": dict(os.environ)}).encode()  # noqa: PTH109
    socket.send_fds(connection, [len(told).to_bytes(8, "big")], [0, 1, 2])
    connection.sendall(told)
    ended = connection.recv(4)
    status = int.from_bytes(ended, "big", signed=True) if ended else -signal.SIGKILL
    if status < 0:  # a signal ended it
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


if __name__ == "__main__":
    main()
