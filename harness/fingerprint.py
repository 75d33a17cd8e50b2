"""What a result depends on, as hashes: a checkpoint's files, and the sources that measure."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
HASHED_SUFFIXES = {".safetensors", ".json", ".jinja", ".model", ".txt"}
ENGINE = "engine"
"""The module that measures; with all it imports from the harness it decides a measured number."""
NOT_MEASURING = frozenset({"errors", "evidence", "facts", "fingerprint", "request"})
"""What it imports that decides none: what they say of a checkpoint has a place of its own in the key."""
LIBRARIES = ("torch", "transformers", "tokenizers", "pillow")
"""Libraries that compute it."""


def fingerprint(path: str, revision: str | None = None) -> str:
    """SHA-256 over names and bytes of the files that decide a checkpoint's results.

    Args:
        path: a directory, or a hub id.
        revision: of a hub id the commit (`harness.facts.pinned`), which stands for its files.
    """
    if not Path(path).is_dir():
        return hashlib.sha256(f"{path}@{revision}".encode()).hexdigest()
    return _digest(tuple((file, file.stat().st_size, file.stat().st_mtime_ns) for file in _files(path)))


def weights_size(path: str) -> int:
    """Size of a checkpoint directory's files in bytes; 0 for a hub id."""
    return sum(file.stat().st_size for file in _files(path)) if Path(path).is_dir() else 0


def _files(folder: str) -> list[Path]:
    files = sorted(Path(folder).iterdir())
    return [file for file in files if file.suffix in HASHED_SUFFIXES and file.is_file()]


@cache
def _digest(files: tuple[tuple[Path, int, int], ...]) -> str:
    """Hash files that are known by size and time: a process reads large weights once."""
    digest = hashlib.sha256()
    for file, _, _ in files:
        digest.update(file.name.encode() + b"\0")
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def engine_versions() -> dict[str, str]:
    """Hash of the measuring code, and the versions of what it computes with."""
    digest = hashlib.sha256()
    for name, source in sorted(engine_sources().items()):
        digest.update(name.encode() + b"\0" + _code(source).encode() + b"\0")
    return {"engine": digest.hexdigest(), **{name: version(name) for name in LIBRARIES}}


def engine_sources(root: Path = HERE, entry: str = ENGINE) -> dict[str, str]:
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
        if file is None or name.partition(".")[0] in NOT_MEASURING:
            continue
        path = file.relative_to(root).as_posix()
        if path not in found:
            found[path] = file.read_text(encoding="utf-8")
            waiting += _imported(found[path])
    return found


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
