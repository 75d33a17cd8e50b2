"""Paths as users write them, in options and in configuration files."""

from __future__ import annotations

from pathlib import Path


def user_path(text: str) -> Path:
    """A path whose leading ``~`` is a home folder: shells leave it alone in ``--option=~/folder``.

    Args:
        text: the path; of a user that does not exist it stays as it is written, and names nothing.
    """
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:  # no such user
        return path
