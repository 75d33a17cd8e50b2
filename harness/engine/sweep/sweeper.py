"""The sweep: every knockout of every question on an image for a few forward passes.

Causal attention makes almost all of a knocked-out forward pass a repetition of the clean run. The
clean run is done once and kept (`clean_run`). Each knockout then carries only the rows it can change,
from the first layer it touches on (`reach`), or from where it parts from another one that did the same
so far; all of them climb the layers as one packed batch (`schedule`, `walk`) that reads the kept keys
and values in place. Nothing is approximated: `harness.engine.reference`
computes the same numbers the long way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.engine.first_run import checked
from harness.engine.pixel_check import PixelCheck
from harness.engine.reference import Pass, check_finite
from harness.engine.sweep.clean_run import CleanRun, clean_run
from harness.engine.sweep.memory_budget import chunks, halving, keep_freed_memory, rows_within
from harness.engine.sweep.reach import Reach, reach
from harness.engine.sweep.schedule import Branch, check_keys
from harness.engine.sweep.walk import walk
from harness.engine.walked import Walked
from harness.interventions.knockout import Knockout, check

if TYPE_CHECKING:
    from jaxtyping import Float


REFUSED = "the sweep cannot measure it (--reference may, slowly)"


@dataclass(frozen=True)
class Swept:
    """The knockouts of one question.

    Attributes:
        clean: the unblocked pass.
        logits: ``[knockouts, vocabulary]`` of the next token, in the order asked.
    """

    clean: Pass
    logits: Float[Tensor, "knockouts vocabulary"]


class Sweeper:
    """Runs knockouts on a checkpoint.

    Args:
        checkpoint: the checkpoint.
        memory: bytes a packed batch may take; None for what is free. Results are the same whatever it
            is, up to rounding.
    """

    def __init__(self, checkpoint: Checkpoint, memory: int | None = None) -> None:
        self.checkpoint = checkpoint
        self.memory = memory
        if checkpoint.device.type == "cpu":
            keep_freed_memory()
        self.agreement: float | None = None
        """Largest total variation between the sweep and the model's own forward pass; None before any."""
        self.pixels: PixelCheck | None = None
        """What other pixels change with the image cut off and without; None before any run."""
        self.walked = Walked()

    @torch.inference_mode()
    def clean_run(self, encoded: Sequence[Encoded]) -> CleanRun:
        """The clean run of all questions on one image; the first one is checked against the model.

        Raises:
            DataError: if there is no question, or the questions are on different images.
            CheckpointError: if clean run or knockouts are not what the model's own forward pass says, or the
                answer depends on the pixels though all rows after the image are cut off from it.
            NumericsError: if logits are not finite.
        """
        if self.agreement is None:
            found = checked(self.checkpoint, encoded, self._runs, REFUSED)
            self.agreement, self.pixels = found.agreement, found.pixels
        return clean_run(self.checkpoint, encoded)

    def _runs(
        self, encoded: Sequence[Encoded], knockouts: Sequence[Sequence[Knockout]]
    ) -> list[tuple[Tensor, Tensor]]:
        """See `harness.engine.first_run.Runs`."""
        swept = self.sweep(clean_run(self.checkpoint, encoded), knockouts)
        return [(one.clean.logits, one.logits) for one in swept]

    @torch.inference_mode()
    def sweep(self, clean: CleanRun, knockouts: Sequence[Sequence[Knockout]]) -> list[Swept]:
        """Run knockouts that branch off a clean run.

        Args:
            clean: from `clean_run`.
            knockouts: for every question of it, in the same order; a question may have none.

        Raises:
            KnockoutError: if a position or layer does not exist, or a row would keep no key.
            NumericsError: if logits are not finite.
        """
        branches = self._branches(clean, knockouts)
        results = [
            Swept(one, one.logits.expand(len(asked), -1).clone())
            for one, asked in zip(clean.passes, knockouts, strict=True)
        ]
        most = rows_within(self.checkpoint, self.memory) if branches else 0
        rows = clean.tree.lengths
        for chunk in chunks(branches, lambda branch: rows[branch.question] - branch.reach.row, most):
            for part, logits in halving(chunk, lambda now: walk(self.checkpoint, clean, now, self.walked)):
                self.walked.passes += len(part)
                finite = bool(torch.isfinite(logits).all())
                for branch, row in zip(part, logits, strict=True):
                    if not finite:
                        check_finite(row, clean.encoded[branch.question])
                    results[branch.question].logits[branch.number] = row
        return results

    def image(self, encoded: Sequence[Encoded], knockouts: Sequence[Sequence[Knockout]]) -> list[Swept]:
        """Clean run and knockouts of all questions on one image; see `clean_run` and `sweep`."""
        return self.sweep(self.clean_run(encoded), knockouts)

    def _branches(self, clean: CleanRun, knockouts: Sequence[Sequence[Knockout]]) -> list[Branch]:
        """The knockouts that can change anything, those of like shape side by side."""
        branches = []
        for question, (length, asked) in enumerate(zip(clean.tree.lengths, knockouts, strict=True)):
            for number, knockout in enumerate(asked):
                check(knockout, length, self.checkpoint.n_layers)
                two_way = clean.tree.two_way[question]
                reached = reach(knockout, length, self.checkpoint.n_layers, two_way)
                whole = knockout.beside(clean.permanent[question])
                check_keys(whole, length, two_way)
                if reached is not None:
                    branches.append(Branch(question, number, whole, _to_the_top(reached, whole)))
        return sorted(branches, key=lambda branch: (branch.question, branch.reach.row))


def _to_the_top(reached: Reach, knockout: Knockout) -> Reach:
    """The reach of a knockout whose permanent edges concern layers above its own, too."""
    highest = max((max(edge.layers) for edge in knockout.edges if edge.layers), default=0)
    return replace(reached, last=max(reached.last, highest))
