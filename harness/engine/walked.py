"""How much an engine has carried so far, counted while it goes on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Walked:
    """Counts of an engine since it was made; they only grow, and another thread may read them.

    Attributes:
        passes: knocked-out passes run, those of checks and those that had to be run again among them.
        row_layers: rows times layers that were computed for them; rows that passes share count once.
    """

    passes: int = 0
    row_layers: int = 0
