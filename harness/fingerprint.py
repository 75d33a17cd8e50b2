"""What a result depends on, as hashes: a checkpoint's files, and the sources that measure."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

HASHED_SUFFIXES = {".safetensors", ".json", ".jinja", ".model", ".txt"}
ENGINE_SOURCES = (
    *(
        "adapters",
        "attention.py",
        "checkpoint.py",
        "decoding.py",
        "depth.py",
        "encode.py",
        "engine.py",
        "knockout.py",
    ),
    *("knockouts.py", "lens.py", "measure.py", "outcome.py", "patches.py", "prompt.py", "reference.py"),
    *("regions.py", "sweep"),
)
"""Files and folders of the harness whose code decides a measured number."""


def fingerprint(path: str, revision: str | None = None) -> str:
    """SHA-256 over names and bytes of the files that decide a checkpoint's results.

    Args:
        path: a directory, or a hub id.
        revision: of a hub id the commit (`harness.facts.pinned`), which stands for its files.
    """
    digest = hashlib.sha256()
    folder = Path(path)
    if not folder.is_dir():
        return hashlib.sha256(f"{path}@{revision}".encode()).hexdigest()
    for file in sorted(folder.iterdir()):
        if file.suffix in HASHED_SUFFIXES and file.is_file():
            digest.update(file.name.encode() + b"\0")
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def engine_versions() -> dict[str, str]:
    """Hash of the measuring code, and the versions of what it computes with."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for name in ENGINE_SOURCES:
        path = here / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return {"engine": digest.hexdigest(), "torch": version("torch"), "transformers": version("transformers")}
