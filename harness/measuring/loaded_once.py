"""A measurer that several pools of a process share: a checkpoint is loaded once, and at the first use."""

from __future__ import annotations

from harness.measuring.worker import Load, Measurer


class LoadedOnce:
    """Loads at the first call, and returns the same at every other; pickled it has loaded nothing.

    Args:
        load: loads a measurer.
    """

    def __init__(self, load: Load) -> None:
        self._load = load
        self._measurer: Measurer | None = None

    def __call__(self) -> Measurer:
        """The measurer."""
        if self._measurer is None:
            self._measurer = self._load()
        return self._measurer

    def __reduce__(self) -> tuple[type[LoadedOnce], tuple[Load]]:
        """A process that is handed this loads its own."""
        return LoadedOnce, (self._load,)
