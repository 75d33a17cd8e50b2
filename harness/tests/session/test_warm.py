"""A forked Python is to a test what the interpreter is: words, variables, streams, status and death."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.testing.warm import python
from harness.testing.warm.launcher import is_forked

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere it is the interpreter"
)
PROGRAM = """
import os, signal, sys, time
if sys.argv[1:] == ["die"]:
    os.kill(os.getpid(), signal.SIGTERM)
if sys.argv[1:] == ["sleep"]:
    print(os.getpid(), flush=True)
    time.sleep(60)
print(sys.argv[1:], os.getcwd(), os.environ["TOLD"], sys.stdin.read(), "torch" in sys.modules, sys.executable)
print("harness.data" in sys.modules, file=sys.stderr)
sys.exit(len(sys.argv) + 40)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A package of the name of a program that is forked."""
    package = tmp_path / "there" / "reports"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    return package.parent


def called(program: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [python(), "-m", "reports", *words],
        cwd=program.parent,
        env={**os.environ, "PYTHONPATH": str(program), "TOLD": "a word"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_forked_process_is_given_all_that_one_is_given_and_has_the_libraries(program: Path) -> None:
    run = called(program, "a", "-P")
    said, wrong = run.communicate("from here")
    assert said == f"['a', '-P'] {program.parent} a word from here True {python()}\n"
    assert (wrong, run.returncode) == ("False\n", 43)


def test_what_ends_it_ends_its_launcher(program: Path) -> None:
    run = called(program, "die")
    run.communicate()
    assert run.returncode == -signal.SIGTERM


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_who_kills_its_launcher_kills_it(program: Path) -> None:
    run = called(program, "sleep")
    assert run.stdout is not None
    forked = int(run.stdout.readline())
    assert forked != run.pid
    run.kill()
    began = time.monotonic()
    run.communicate()  # until nobody holds its output
    assert time.monotonic() - began < 50
    while is_there(forked) and time.monotonic() - began < 50:  # until the server has noticed
        time.sleep(0.05)
    assert not is_there(forked)


def test_an_error_is_told_as_the_interpreter_tells_it(program: Path) -> None:
    (program / "reports" / "__main__.py").write_text("raise OSError('ours')", encoding="utf-8")
    run = called(program)
    _, said = run.communicate()
    assert run.returncode == 1
    assert said.startswith("Traceback") and said.endswith("OSError: ours\n")


def test_another_program_is_run_by_the_interpreter_itself() -> None:
    done = subprocess.run(
        [python(), "-c", "import sys; print(sys.executable, 'torch' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{sys.executable} False\n"


@pytest.mark.parametrize(
    ("words", "forked"),
    [
        (["-m", "pytest", "findings"], True),
        (["-P", "-m", "harness.measuring.subprocess_worker"], True),
        (["-u", "-c", "import sys;exec(eval(sys.stdin.readline()))"], True),
        (["-c", "import sys"], False),
        (["-P", "-m", "harness.data.tried_pictures"], False),
        (["script.py", "-m", "pytest"], False),
        ([], False),
    ],
)
def test_what_is_forked_is_named(words: list[str], *, forked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONOPTIMIZE", raising=False)
    assert is_forked(words) is forked
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    assert not is_forked(words)
