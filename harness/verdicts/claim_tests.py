"""Claim tests as they stand in their files: found by reading them, not by importing them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.data.errors import HarnessError

MARK = "pytest.mark.claim"


@dataclass(frozen=True)
class ClaimTest:
    """A test function with the marker ``claim``.

    Attributes:
        id: the claim's id, e.g. ``"A1"``.
        node: the test as pytest takes it, e.g. ``"findings/test_patches.py::test_it"``.
        statement: its docstring, on one line.
        by_task: whether it is asked of each task.
        some_tasks: whether its marker names the tasks it is about.
    """

    id: str
    node: str
    statement: str
    by_task: bool
    some_tasks: bool


def claim_tests(folder: Path) -> list[ClaimTest]:
    """The claim tests in the files ``test_*.py`` of a folder, in order.

    Raises:
        HarnessError: if a file is not Python, or a test's marker or docstring is not as it should be; one
            line that names the test.
    """
    return [test for path in sorted(folder.glob("test_*.py")) for test in _tests_of(path)]


@cache
def statements(path: Path) -> Mapping[str, str]:
    """The docstrings of a file's functions by name, each on one line, as they are written there.

    Python keeps none with ``PYTHONOPTIMIZE=2``, and a claim without its statement would say nothing.
    """
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {one.name: _statement(one) for one in body if isinstance(one, ast.FunctionDef)}


def _statement(function: ast.FunctionDef) -> str:
    return " ".join((ast.get_docstring(function) or "").split())


def _tests_of(path: Path) -> Iterator[ClaimTest]:
    name = f"{path.parent.name}/{path.name}"
    try:
        functions = ast.parse(path.read_text(encoding="utf-8")).body
    except (OSError, SyntaxError) as error:
        raise HarnessError(f"{name}: cannot be read ({error})") from error
    for function in functions:
        if isinstance(function, ast.FunctionDef):
            for mark in function.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == MARK:
                    yield _test(f"{name}::{function.name}", function, mark)


def _test(node: str, function: ast.FunctionDef, mark: ast.Call) -> ClaimTest:
    words = {word.arg for word in mark.keywords}
    if len(mark.args) != 1 or words - {"tasks"}:
        raise HarnessError(f"{node}: the marker is claim(id) or claim(id, tasks=…)")
    written = mark.args[0]
    if not isinstance(written, ast.Constant) or not isinstance(written.value, str):
        raise HarnessError(f"{node}: the claim's id must be written out, as in claim('A1')")
    statement = _statement(function)
    if not statement:
        raise HarnessError(f"{node}: the docstring is missing; it is the claim's statement")
    takes = {argument.arg for argument in function.args.args}
    return ClaimTest(written.value, node, statement, "task" in takes, "tasks" in words)
