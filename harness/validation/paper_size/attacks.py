"""Truths on which a statement could say what its sentence does not, and what must come out on each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.data.sample import TASKS
from harness.validation.paper_size.story import PAPER, Story, Stretch


@dataclass(frozen=True)
class Attack:
    """A claim on a truth.

    Attributes:
        claim: the claim's id.
        truth: in words.
        story: the truth.
        holds: whether the claim is true of it; None where it is refuted by a missing stage alone.
        images: how many are looked at.
        shape: of the population.
    """

    claim: str
    truth: str
    story: Story
    holds: bool | None
    images: int = 500
    shape: str = "skewed"


LOW: Stretch = (0.0, 0.05, -45.0)
MID: Stretch = (0.29, 0.35, -20.0)
HIGH: Stretch = (0.40, 0.55, -75.0)
ENDS: tuple[Stretch, ...] = ((0.0, 0.05, -40.0), (0.95, 1.0, -40.0))
STAGES = PAPER.with_flows(
    other_patches__question=(LOW,), related_patches__question=(MID,), question__last=(HIGH,)
)
ONE_DIP = PAPER.with_flows(other_patches__question=(MID,), related_patches__question=(MID,))


def attacks() -> Iterator[Attack]:
    """All of them, in the order of the report."""
    for points in (1.0, 1.5, -1.5):
        drift, where = {"related_patches->question": points}, f"{points:+g} above for related patches"
        shallow = STAGES.with_flows(related_patches__question=((0.29, 0.35, -14.0),))
        stages, same = replace(shallow, drift=drift), replace(ONE_DIP, drift=drift)
        yield Attack("D1", f"three stages in order, {where}", stages, holds=True)
        yield Attack("E2", f"three stages in order, {where}", stages, holds=True)
        yield Attack("D1", f"other and related patches in the same layers, {where}", same, holds=False)
    ends = PAPER.with_flows(question__last=ENDS, image__question=ENDS)
    yield Attack("A5", "40 points at either end in every task, nothing between", ends, holds=False)
    yield Attack("C1", "one dip of 20 near layer 11 of 40", ONE_DIP, holds=False)
    yield Attack("C2", "one dip of 20 near layer 11 of 40", ONE_DIP, holds=True)
    both = PAPER.with_flows(related_patches__question=((0.0, 0.05, -13.0), MID))
    yield Attack("C2", "a dip of 20 near layer 11, one of 13 in the lowest layers", both, holds=True)
    flat = replace(PAPER, constant=("related_patches->question", -20.0))
    yield Attack("C2", "-20 in every window: nowhere mainly", flat, holds=False)
    yield Attack("C1", "other patches in the middle alone", ONE_DIP, holds=False)
    far = PAPER.with_flows(question__last=((0.25, 0.35, -60.0), (0.70, 0.78, -24.0)))
    yield Attack("A5", "a dip of 60 and one of 24, nothing between", far, holds=False)
    yield Attack("F1", "the same layers at every window size", PAPER, holds=True)
    yield from _small_stages()
    peak = PAPER.with_flows(image__last=(), last__last=((0.45, 0.5, -11.0),))
    yield Attack("A4", "the last position needs itself at its peak (-11), not the image", peak, holds=False)
    for images in (60, 240):
        # One image in a hundred at the bound: the mean of the others is -10.
        rise = replace(PAPER, constant=("related_patches->last", -8.9))
        told = "the object's patches to Last at -10, but for one image in a hundred, at +300"
        yield Attack("R3", told, rise, holds=False, images=images, shape="surging")


def _small_stages() -> Iterator[Attack]:
    one = replace(PAPER, scales={**PAPER.scales, TASKS[-1]: 0.08})
    yield Attack("A1", "five tasks at -60 and deeper, one at -6", one, holds=None)
    faint = replace(STAGES, drift={}).with_flows(related_patches__question=((0.29, 0.35, -6.0),))
    yield Attack("D1", "the right order, the middle stage at -6", faint, holds=None)
    alone = faint.with_flows(
        random_patches__question=(), shifted_patches__question=(), foreign_patches__question=()
    )
    told = "the object's patches at -6, three controls at 0"
    yield Attack("C4", told, alone, holds=None)
    options = PAPER.with_flows(true_option__last=((0.36, 0.56, -6.0),), false_option__last=())
    yield Attack("F2", "the true option at -6, the false one at 0", options, holds=None)
