"""The version of what measures: a hash of its sources, and the libraries it computes with."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

HARNESS = Path(__file__).parents[1]
ENTRY = "measuring.load"
"""The module that loads what measures: all it imports from the harness decides a number."""
NOT_MEASURING = (
    "checkpoint.adapters.refused",
    "checkpoint.fingerprint",
    "checkpoint.info",
    "checkpoint.tried_tokenizer",
    "data.errors",
    "data.limited_child",
    "data.user_paths",
    "evidence",
    "measuring.progress",
    "measuring.request",
)
"""Modules and rooms it imports that decide none; what a checkpoint is has a place of its own in the key."""
LIBRARIES = ("torch", "transformers", "tokenizers", "pillow")
"""Libraries that compute it."""


@cache
def engine_versions() -> dict[str, str]:
    """Hash of the measuring code, and the versions of what it computes with."""
    digest = hashlib.sha256()
    for name, source in sorted(engine_sources().items()):
        digest.update(name.encode() + b"\0" + _code(source).encode() + b"\0")
    return {"engine": digest.hexdigest(), **{name: version(name) for name in LIBRARIES}}


def engine_sources(root: Path = HARNESS, entry: str = ENTRY) -> dict[str, str]:
    """The text of every module of the harness that measures, by its path.

    Args:
        root: the harness's folder.
        entry: the module to begin with.
    """
    found: dict[str, str] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        file = _module_file(root, name)
        if file is None or _decides_nothing(name):
            continue
        path = file.relative_to(root).as_posix()
        if path not in found:
            found[path] = file.read_text(encoding="utf-8")
            waiting += [one for name in _imported(found[path]) for one in _with_packages(name)]
    return found


def _with_packages(name: str) -> list[str]:
    """A module and the packages it lies in: importing it runs theirs, too."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def _decides_nothing(name: str) -> bool:
    return any(name == other or name.startswith(f"{other}.") for other in NOT_MEASURING)


def _module_file(root: Path, name: str) -> Path | None:
    path = root.joinpath(*name.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def _imported(source: str) -> list[str]:
    """Modules of the harness that a source names in its imports, without the package's own name."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name.removeprefix("harness.") for name in names if name.startswith("harness.")]


def _code(source: str) -> str:
    """What a source does: comments and docstrings, which change no number, are left out."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_text(one)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
