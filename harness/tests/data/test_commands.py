"""Every command ends in silence once nobody reads its output any more, and as it likes otherwise."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.data.commands import UNREAD

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("findings", "fixtures", "harness", "reports")
COMMANDS = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("__main__.py"))]
RUN = "from harness.data.commands import run_command\n"
LONG = "def main():\n    for number in range(100_000):\n        print(number)\n    return 0\n"
SHORT = "def main():\n    print('one line')\n"
HELP = "import argparse\ndef main():\n    argparse.ArgumentParser().parse_args(['--help'])\n"
OTHER = "def main():\n    raise BrokenPipeError('of a worker')\n"


def unread(*words: str, buffered: bool = True) -> subprocess.CompletedProcess[str]:
    """Run Python with an output whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    try:
        return subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            env=environment if buffered else {**environment, "PYTHONUNBUFFERED": "1"},
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("body", [LONG, SHORT, HELP])
def test_a_command_that_nobody_reads_ends_in_silence(body: str, *, buffered: bool) -> None:
    done = unread("-c", f"{RUN}{body}run_command(main)", buffered=buffered)
    assert done.stderr == ""
    # Where nothing is buffered argparse itself lets a help that cannot be written pass.
    assert done.returncode == UNREAD or (body == HELP and not buffered and done.returncode == 0)


def test_a_pipe_that_broke_elsewhere_is_told() -> None:
    code = f"{RUN}{OTHER}run_command(main)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, text=True, check=False)
    assert done.returncode == 1 and "BrokenPipeError: of a worker" in done.stderr


@pytest.mark.parametrize("status", [0, 3, None])
def test_a_command_that_is_read_ends_with_its_status(status: int | None) -> None:
    code = f"{RUN}def main():\n    print('read')\n    return {status}\nrun_command(main)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (status or 0, "read\n", "")


def test_two_records_side_by_side_that_nobody_reads_are_no_error() -> None:
    """What is wrong with a record is told as such; an output without a reader is not that."""
    record = "reports/regression-example/embedded.json"
    done = unread("-m", "reports", "compare", record, record, buffered=False)
    assert (done.returncode, done.stderr) == (UNREAD, "")


@pytest.mark.parametrize(
    "path", COMMANDS, ids=[path.parent.relative_to(ROOT).as_posix() for path in COMMANDS]
)
def test_every_command_is_run_so(path: Path) -> None:
    last = ast.parse(path.read_text(encoding="utf-8")).body[-1]
    assert ast.unparse(last) == "if __name__ == '__main__':\n    run_command(main)"
