"""Claim tests as pytest collects them, and rehearsing one: calling it to learn what it says."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from harness.depth import TooShallowError
from harness.errors import HarnessError
from harness.facts import Facts
from harness.study import Hypothesis, Peer, Seen, Study

MARKER = "claim"


@dataclass(frozen=True)
class Claim:
    """One claim test with its parameters.

    Attributes:
        test: the pytest node id.
        id: the claim's id, e.g. ``"A1"``.
        source: where the statement comes from, e.g. ``"ABS, 3P"``.
        statement: the test's docstring.
        checkpoint: the checkpoint's name.
        task: the task, or None for a claim over all tasks.
        function: the test function.
    """

    test: str
    id: str
    source: str
    statement: str
    checkpoint: str
    task: str | None
    function: Callable[..., None]

    @property
    def key(self) -> str:
        """Name of the claim and its task; the random signs of its statistics depend on it alone."""
        return f"{self.id}/{self.task}" if self.task else self.id

    def rehearse(
        self,
        facts: Facts,
        window: int,
        tasks: tuple[str, ...],
        seen: Seen | None = None,
        peers: tuple[Peer, ...] = (),
    ) -> Hypothesis:
        """Call the test with a study that judges nothing, and return what it would have judged.

        Args:
            facts: the checkpoint.
            window: window size k.
            tasks: tasks of the data set.
            seen: what has been measured; None before anything has.
            peers: the other checkpoints of the run.

        Raises:
            HarnessError: if the test does not hand a statement to `Study.judge`.
        """
        heard: list[Hypothesis] = []
        study = Study(self.checkpoint, facts.layers, window, tasks, seen, heard.append, peers)
        try:
            self._call(study)
        except TooShallowError as error:
            return Hypothesis(None, (), not_applicable=str(error))
        if len(heard) != 1:
            raise HarnessError(f"{self.test}: a claim test calls study.judge exactly once")
        return heard[0]

    def _call(self, study: Study) -> None:
        if self.task is None:
            self.function(study=study)
        else:
            self.function(study=study, task=self.task)


def claim_of(item: pytest.Item) -> Claim | None:
    """The claim an item tests, or None for any other test."""
    marker = item.get_closest_marker(MARKER)
    if marker is None or not isinstance(item, pytest.Function):
        return None
    params: dict[str, Any] = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    if not isinstance(params.get("task"), str | None):
        return None  # none of the claim's tasks was asked for; pytest skips it
    return Claim(
        test=item.nodeid,
        id=str(marker.args[0]),
        source=str(marker.kwargs["source"]),
        statement=" ".join((inspect.getdoc(item.obj) or "").split()),
        checkpoint=str(params.get("study", "")),
        task=params.get("task"),
        function=item.obj,
    )


def claims_of(items: Iterable[pytest.Item]) -> list[Claim]:
    """All claims among the items, in order."""
    return [claim for item in items if (claim := claim_of(item)) is not None]
