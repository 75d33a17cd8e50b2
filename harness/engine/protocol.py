"""What runs forward passes, as measuring uses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from harness.checkpoint.encode import Encoded
from harness.engine.pixel_check import PixelCheck
from harness.engine.reference import Pass
from harness.engine.walked import Walked
from harness.interventions.knockout import Knockout, Positions
from harness.interventions.patching import KeyValues

if TYPE_CHECKING:
    from jaxtyping import Float


class EngineRun(Protocol):
    """The unblocked run of all questions on one image, as an engine keeps it."""

    @property
    def passes(self) -> Sequence[Pass]:
        """The unblocked pass of every question."""

    @property
    def answers(self) -> Sequence[tuple[int, ...]]:
        """The model's own answer to every question, token ids; one known to be wrong may be cut short."""

    def beginnings(self, most: int) -> Sequence[tuple[int, ...]]:
        """The same answers, right or wrong, up to so many tokens."""

    def sweep(self, knockouts: Sequence[Sequence[Knockout]]) -> list[Float[Tensor, "knockouts vocabulary"]]:
        """Per question the logits ``[knockouts, vocabulary]``."""


class Engine(Protocol):
    """What runs forward passes: the fast sweep, or the reference."""

    @property
    def walked(self) -> Walked:
        """How much it has carried so far."""

    @property
    def agreement(self) -> float | None:
        """Largest total variation from the model's own forward pass at the first run; None before any."""

    @property
    def pixels(self) -> PixelCheck | None:
        """What other pixels changed at the first run, the image cut off and not; None before any."""

    def clean_run(self, encoded: Sequence[Encoded]) -> EngineRun:
        """Run all questions on one image without a knockout."""

    def contents(self, encoded: Encoded, positions: Positions) -> KeyValues:
        """Keys and values of some positions in every layer, without a knockout."""
