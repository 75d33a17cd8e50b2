"""Errors a user can act on. Each message names the file, row or option and the remedy."""

from __future__ import annotations

from harness.data.plain_text import one_line


class HarnessError(Exception):
    """Base of every error that is the input's fault, not the harness's; its message is one plain line."""

    def __init__(self, message: object = "") -> None:
        super().__init__(one_line(message))


class CheckpointError(HarnessError):
    """A checkpoint that cannot be used as it is."""


class DataError(HarnessError):
    """A data set, row or image that cannot be used as it is."""


class RegionError(HarnessError):
    """A region that is unknown, or empty for this sample; the sample is excluded and counted."""


class KnockoutError(HarnessError):
    """A knockout that cannot be applied: out of range, or a target row that would keep no key."""


NOT_FINITE = "its logits are not finite"
"""Why a sample is left out on which arithmetic overflows."""


class NumericsError(HarnessError):
    """Logits that are not finite, or a base probability of zero."""


class MemoryLimitError(HarnessError):
    """A device whose memory does not hold even one question, or one knocked-out pass."""
