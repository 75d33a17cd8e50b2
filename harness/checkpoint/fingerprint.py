"""What a result depends on, as hashes: a checkpoint's files, and the sources that measure."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

HASHED_SUFFIXES = {".safetensors", ".json", ".jinja", ".model", ".txt"}
TEMPLATES = "additional_chat_templates"
"""The folder inside a checkpoint's where transformers looks for further chat templates."""


def fingerprint(path: str, revision: str | None = None) -> str:
    """SHA-256 over names and bytes of the files that decide a checkpoint's results.

    Args:
        path: a directory, or a hub id.
        revision: of a hub id the commit (`harness.checkpoint.info.pinned`), which stands for its files.
    """
    if not Path(path).is_dir():
        return hashlib.sha256(f"{path}@{revision}".encode()).hexdigest()
    return _digest(tuple((file, file.stat().st_size, file.stat().st_mtime_ns) for file in _files(path)))


def weights_size(path: str) -> int:
    """Size of a checkpoint directory's files in bytes; 0 for a hub id."""
    return sum(file.stat().st_size for file in _files(path)) if Path(path).is_dir() else 0


def _files(folder: str) -> list[Path]:
    files = sorted([*Path(folder).iterdir(), *Path(folder).glob(f"{TEMPLATES}/*.jinja")])
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
