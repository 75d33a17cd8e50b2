"""The text files of a checkpoint, read with care: a checkpoint comes from a stranger.

Configurations, templates and prompts are regular files of a limited size inside the checkpoint's folder. A
link may not lead out of it, or a template could print a file of this machine into a log; the hub's own
cache, where a snapshot's files are links into ``blobs``, is the exception. No message repeats what a file
holds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.checkpoint.fingerprint import TEMPLATES
from harness.data.errors import CheckpointError

LIMITS = {".json": 1 << 20, ".jinja": 1 << 20, ".txt": 1 << 24, ".model": 1 << 26}
"""Most bytes of a text file, by suffix."""
LARGE = {"tokenizer.json": 1 << 27, "model.safetensors.index.json": 1 << 26, "vocab.json": 1 << 25}
"""The same, of files that hold a whole vocabulary or list every weight."""


def check_text_files(folder: Path) -> None:
    """Refuse a checkpoint folder one of whose text files is not what it should be.

    Args:
        folder: the checkpoint's folder.

    Raises:
        CheckpointError: in one line that names the file.
    """
    for file in sorted([*folder.iterdir(), *folder.glob(f"{TEMPLATES}/*")]):
        if file.suffix in LIMITS:
            check_text_file(file)


def check_text_file(file: Path) -> None:
    """Refuse a text file that is no regular one, is too large, or is a link out of its folder."""
    if not file.is_file():
        raise CheckpointError(f"{file}: not a regular file")
    if file.is_symlink() and not _inside(file.resolve(), file.parent.resolve()):
        raise CheckpointError(f"{file}: a link out of the checkpoint's folder; put the file itself there")
    size, most = file.stat().st_size, LARGE.get(file.name, LIMITS.get(file.suffix, 1 << 20))
    if size > most:
        raise CheckpointError(f"{file}: {size:,} bytes; such a file has at most {most:,}")


def _inside(target: Path, folder: Path) -> bool:
    """Whether a target lies in the folder, or among the blobs of the hub's cache that it is a snapshot of."""
    cached = folder.parent.name == "snapshots" and target.is_relative_to(folder.parents[1] / "blobs")
    return cached or target.is_relative_to(folder)


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        CheckpointError: if the file is missing, not to be read, or holds no object; nested too deep included.
    """
    check_text_file(file)
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise CheckpointError(f"{file}: not JSON ({reason})") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{file}: holds no JSON object")
    return data
