"""Claim tests as pytest collects them, and rehearsing one: calling it to learn what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.checkpoint.info import CheckpointInfo
from harness.data.depth import TooShallowError
from harness.data.errors import HarnessError
from harness.verdicts.hypothesis import EvidenceView, Hypothesis, Peer
from harness.verdicts.study import Study


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

    def declare(
        self,
        info: CheckpointInfo,
        window: int,
        tasks: tuple[str, ...],
        seen: EvidenceView | None = None,
        peers: tuple[Peer, ...] = (),
    ) -> Hypothesis:
        """Call the test with a study that judges nothing, and return what it would have judged.

        Args:
            info: the checkpoint.
            window: window size k.
            tasks: tasks of the data set.
            seen: what has been measured; None before anything has.
            peers: the other checkpoints of the run.

        Raises:
            HarnessError: if the test does not hand a statement to `Study.judge`.
        """
        heard: list[Hypothesis] = []
        study = self.study(info, window, tasks, seen, heard.append, peers)
        try:
            self.function(**({"study": study} if self.task is None else {"study": study, "task": self.task}))
        except TooShallowError as error:
            return Hypothesis(None, (), not_applicable=str(error))
        if len(heard) != 1:
            raise HarnessError(f"{self.test}: a claim test calls study.judge exactly once")
        return heard[0]

    def study(
        self,
        info: CheckpointInfo,
        window: int,
        tasks: tuple[str, ...],
        seen: EvidenceView | None,
        on_judge: Callable[[Hypothesis], None],
        peers: tuple[Peer, ...],
    ) -> Study:
        """The study the test is called with; see `declare` and `Study`."""
        return Study(self.checkpoint, info.layers, window, tasks, seen, on_judge, peers)
