"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WRITING = ".writing-"
"""How the name of a file begins that is not yet whole."""


@contextmanager
def replacing(path: Path, label: str = "") -> Iterator[Path]:
    """A file beside ``path`` to write into; when the block ends it takes that place, even if the power fails.

    Args:
        path: the file; readers see the old one or the new one. Everyone may read it.
        label: begins the name it has while it is written; the file's own, if empty.

    Raises:
        OSError: if it cannot be written; nothing of it is left behind then, nor after any other error.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{WRITING}{label or path.stem}-")
    half = Path(name)
    try:
        yield half
        os.fsync(handle)
        half.chmod(0o644)
        half.replace(path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    _sync_folder(path.parent)


def write_whole(path: Path, content: bytes, label: str = "") -> None:
    """Write a file's bytes; see `replacing`."""
    with replacing(path, label) as half:
        half.write_bytes(content)


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
