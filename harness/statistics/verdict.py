"""What judging a claim returns: a verdict, and the numbers a reader needs to check it.

These records are plain data: the statistics fill them, the tests raise from them, the report
draws them. They know nothing of models or of pytest.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What the evidence of a checkpoint does to a claim."""

    SUPPORTED = "SUPPORTED"
    REFUTED = "REFUTED"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_APPLICABLE = "NOT APPLICABLE"
    NOT_MEASURED = "NOT MEASURED"
    """Only of evidence that was measured elsewhere: it lacks what the claim speaks of."""


UNJUDGED = frozenset({Verdict.NOT_APPLICABLE, Verdict.NOT_MEASURED})
"""What says of a claim that it was not judged."""


class Ground(StrEnum):
    """On what ground a claim is REFUTED."""

    OPPOSITE = "opposite shown"
    MISSING = "stage missing"
    """All that is shown is that an effect that the claim speaks of is small, or a probability stays low."""


@dataclass(frozen=True)
class Tally:
    """Of which parts, such as tasks, a claim over several is shown to hold, shown to fail, or neither.

    Attributes:
        holds: names of the parts where it holds.
        fails: of those where it does not.
        undecided: of the others.
    """

    holds: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()


def goes_to_or_from_undecided(known: Verdict, found: Verdict) -> bool:
    """Whether a verdict changed, and one side is INCONCLUSIVE: no contradiction, only more or less shown."""
    return known is not found and Verdict.INCONCLUSIVE in {known, found}


@dataclass(frozen=True)
class Part:
    """One leaf of the claim's tree: the quantity that decided it.

    Attributes:
        label: what is compared. The statistics name quantities by their notation, e.g. ``"deepest window
            of question->last@3 p_c on ChooseAttr"``; the record of a run as readers see them.
        estimate: its estimate, in the units of ``threshold`` (points of p_c unless said otherwise).
        lower: lower confidence limit at the look's level.
        upper: upper confidence limit at the look's level.
        threshold: what the claim compares the quantity with.
        asserts: ``">"`` or ``"<"``: the claim says ``estimate asserts threshold``.
        p_support: p-value of the proof that the statement holds.
        p_refute: p-value of the proof that its negation holds.
        where: index of the window, layer or pair that decided the part; ``None`` for a scalar.
        what: what the estimate is, in a few words that name no quantity, e.g. ``"deepest window"``; empty
            in records written before it was kept, as are the next two.
        scale: what it counts: the reading of a curve (``"p_c"``, ``"probability"``, ``"right"`` …),
            ``"depth"`` (relative depth), ``"mass"`` (share of the squared drop) or ``"ratio"`` (no unit).
        contrast: whether it is a drop or a difference on that scale, not a value on it.
    """

    label: str
    estimate: float
    lower: float
    upper: float
    threshold: float
    asserts: str
    p_support: float
    p_refute: float
    where: str | None = None
    what: str = ""
    scale: str = ""
    contrast: bool = False


@dataclass(frozen=True)
class Reading:
    """What another reading of the same effects says of a claim.

    Attributes:
        name: ``"distractor"`` (share against the wrong answer) or ``"flip"`` (changed answers), in per cent.
        verdict: the verdict by it.
        part: the leaf that decided it, or None.
    """

    name: str
    verdict: Verdict
    part: Part | None = None


@dataclass(frozen=True)
class Fact:
    """A fact told beside a verdict; it decides nothing.

    Attributes:
        about: what it is about, e.g. ``"unclipped windows only"``.
        text: what was found; empty if ``about`` says it all, as ``"metric-dependent"`` does.
    """

    about: str
    text: str = ""


@dataclass(frozen=True)
class Judgement:
    """The verdict on one claim, checkpoint and (where the claim is per task) task.

    Attributes:
        verdict: the verdict.
        p_support: p-value of the whole tree.
        p_refute: p-value of its negation.
        alpha: the level spent at the deciding look.
        look: which planned look decided (0-based); the last one if undecided.
        n_images: images used, the unit of the statistics (the smallest number over the curves used).
        n_samples: samples used.
        parts: the leaves, the deciding one first.
        reason: why it is INCONCLUSIVE, NOT APPLICABLE or NOT MEASURED, and what would decide it; else empty.
        needed_images: images that would decide an INCONCLUSIVE claim if the estimates stay; else None.
        notes: facts told beside it.
        readings: what other readings of the effects say; empty where no effect is judged.
        ground: why it is REFUTED; None of another verdict, and in records written before it was told.
        tally: where a claim over several tasks holds; None of one without parts of their own.
        chance: of an INCONCLUSIVE claim that an earlier look than the last left open: how likely the last was
            to decide it, by what was seen. Where that was small the claim was measured no further.
    """

    verdict: Verdict
    p_support: float
    p_refute: float
    alpha: float
    look: int
    n_images: int
    n_samples: int
    parts: tuple[Part, ...] = ()
    reason: str = ""
    needed_images: int | None = None
    notes: tuple[Fact, ...] = ()
    readings: tuple[Reading, ...] = ()
    ground: Ground | None = None
    tally: Tally | None = None
    chance: float | None = None
