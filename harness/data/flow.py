"""A flow: source region → target region, the edges a claim speaks of. Needs no model and no torch."""

from __future__ import annotations

from dataclasses import dataclass

from harness.data.errors import KnockoutError


@dataclass(frozen=True, order=True)
class Flow:
    """Source region → target region, by name; ``a+b`` names the union of two regions.

    Attributes:
        source: the region whose keys are hidden.
        target: the region whose queries may not read them.
        draw: None for the flow itself. A number names one random *random-source control* of it: the same
            targets, equally many sources drawn at random among the positions that are neither
            source nor target, the first position excepted.
    """

    source: str
    target: str
    draw: int | None = None

    @classmethod
    def parse(cls, text: str) -> Flow:
        """Read ``"image->question"``, or ``"random0:image->question"`` for its first random-source control.

        Raises:
            KnockoutError: if the text is not of that form.
        """
        prefix, colon, rest = text.rpartition(":")
        source, arrow, target = (part.strip() for part in rest.partition("->"))
        draw = prefix.strip().removeprefix("random")
        if not (source and arrow and target) or (colon and not draw.isdecimal()):
            raise KnockoutError(f"flow {text!r}: write it as SOURCE->TARGET, e.g. image->question")
        return cls(source, target, int(draw) if colon else None)

    def __str__(self) -> str:
        prefix = "" if self.draw is None else f"random{self.draw}:"
        return f"{prefix}{self.source}->{self.target}"

    def random_control(self, draw: int = 0) -> Flow:
        """The flow's random-source control number ``draw``."""
        return Flow(self.source, self.target, draw)
