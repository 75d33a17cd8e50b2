"""Receives how far measuring has come."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives how far measuring has come."""

    def __call__(self, title: str, done: int, total: int) -> None:
        """Say that ``done`` of ``total`` samples of ``title`` are measured."""
