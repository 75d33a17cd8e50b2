"""The conditions under which a sample is put to the model."""

from __future__ import annotations

from typing import Literal, TypeAlias

Condition: TypeAlias = Literal["plain", "grey", "lower", "first_subword", "last_subword"]
CONDITIONS: tuple[Condition, ...] = ("plain", "grey", "lower", "first_subword", "last_subword")
"""As it is; an even grey picture instead of the image; the prompt format's instruction that asks for
lower case; and, only for samples whose answer has several sub-words, the first of them, and the last
of them with the others given."""
