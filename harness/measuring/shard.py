"""A shard of the work: every n-th block of images, so that n machines measure a run without talking."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """Part ``number`` of ``of``, counted from 1.

    Attributes:
        number: which part, 1 … ``of``.
        of: how many parts there are.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``"2/8"``.

        Raises:
            ValueError: if the text is not of that form.
        """
        number, slash, of = text.partition("/")
        if not (slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            raise ValueError("write it as I/N with I from 1 to N, e.g. 2/8")
        return cls(int(number), int(of))

    def has(self, block: int) -> bool:
        """Whether a block belongs to this shard. Images are in random order, so shards are equally large."""
        return block % self.of == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"
