"""How far measuring has come: counted by every process, told by the one that has others beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

STARTING = "reading the claims"
PREDICTING = "predicting what it takes"
WAITING = "waiting for other processes"
LOADING = "loading the checkpoint"
CHECKING = "checking the sweep on the model"
MEASURING = "measuring"
JUDGING = "judging"

Item = TypeVar("Item")


@dataclass(frozen=True)
class Tally:
    """What one process, or several, have done so far.

    Attributes:
        doing: what is being done now.
        samples: samples measured, published or not.
        passes: knocked-out passes run, those of the image in hand among them.
        row_layers: rows times layers computed for them.
    """

    doing: str = WAITING
    samples: int = 0
    passes: int = 0
    row_layers: int = 0


@dataclass(frozen=True)
class State:
    """How far one step of a run has come.

    Attributes:
        doing: what is being done now.
        total: samples, or of judging claims, that the step is about; 0: not known yet.
        before: how many of them were stored when it began.
        stored: how many are stored now, whoever measured them; of judging, how many are judged.
        measured: how many the processes that are told of have measured since, stored or not.
        passes: knocked-out passes these processes have run.
    """

    doing: str
    total: int = 0
    before: int = 0
    stored: int = 0
    measured: int = 0
    passes: int = 0

    @property
    def done(self) -> int:
        """How many are done; what is measured counts before it is stored."""
        return min(self.total, max(self.stored, self.before + self.measured))


class Progress(Protocol):
    """Receives how far a run has come."""

    def __call__(self, title: str, state: State) -> None:
        """Take in the state of the step ``title``; called often, and from several threads."""


def told(items: Sequence[Item], title: str, progress: Progress) -> Iterator[Item]:
    """Give items to judge one by one, and tell before each how many were judged.

    Args:
        items: what is judged.
        title: the step.
        progress: is told.
    """
    for number, item in enumerate(items):
        progress(title, State(JUDGING, total=len(items), stored=number))
        yield item
