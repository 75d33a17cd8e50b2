"""The answer of a run, as data: which claims hold on which checkpoints, how many, and what is unexpected."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.statistics.verdict import UNJUDGED, Ground, Part, Reading, Verdict
from harness.verdicts.record import ClaimRecord, RunRecord
from reports.words import BADGES, MIXED, Badge, claim_order, count


@dataclass(frozen=True)
class Cell:
    """A claim on a checkpoint.

    Attributes:
        checkpoint: the checkpoint's name.
        claims: its verdicts: one, or one per task; none where the claim was not judged.
    """

    checkpoint: str
    claims: tuple[ClaimRecord, ...]

    @property
    def badge(self) -> Badge | None:
        """How the cell is shown: one verdict, or "differs by task"."""
        verdicts = {claim.judgement.verdict for claim in self.claims}
        if not verdicts:
            return None
        return BADGES[verdicts.pop()] if len(verdicts) == 1 else MIXED

    @property
    def per_task(self) -> bool:
        """Whether the claim was judged task by task."""
        return len(self.claims) > 1 or any(claim.task for claim in self.claims)

    @property
    def counts(self) -> tuple[tuple[Badge, int], ...]:
        """How many verdicts of each kind it holds."""
        return count_verdicts(self.claims)

    @property
    def metric(self) -> int:
        """How many of its verdicts hang on the reading of the effects."""
        return sum(map(metric_dependent, self.claims))

    @property
    def missing(self) -> int:
        """How many of its verdicts are REFUTED by a missing stage alone."""
        return sum(claim.judgement.ground is Ground.MISSING for claim in self.claims)

    @property
    def smallest_p(self) -> float:
        """The smallest p-value of its verdicts, for sorting; 1 where there is none."""
        values = [min(c.judgement.p_support, c.judgement.p_refute) for c in self.claims]
        return min((value for value in values if not math.isnan(value)), default=1.0)


@dataclass(frozen=True)
class Row:
    """A claim on every checkpoint.

    Attributes:
        id: the claim's id.
        statement: the claim.
        source: its source tags.
        cells: one per checkpoint, in the record's order.
    """

    id: str
    statement: str
    source: str
    cells: tuple[Cell, ...]

    @property
    def claims(self) -> tuple[ClaimRecord, ...]:
        """All its verdicts."""
        return tuple(claim for cell in self.cells for claim in cell.claims)

    @property
    def slugs(self) -> tuple[str, ...]:
        """What the filter may ask of it: the verdicts that occur, and whether they hang on the metric."""
        verdicts = tuple(badge.slug for badge, _ in count_verdicts(self.claims))
        return (*verdicts, "metric") if any(map(metric_dependent, self.claims)) else verdicts


@dataclass(frozen=True)
class Headline:
    """One checkpoint's result in one sentence.

    Attributes:
        checkpoint: the checkpoint's name.
        claims: how many claims were judged.
        counts: how many of them came out how.
    """

    checkpoint: str
    claims: int
    counts: tuple[tuple[Badge, int], ...]

    @property
    def in_words(self) -> str:
        """The result in a few words; a claim that is merely undecided must not sound refuted."""
        claims = count(self.claims, "claim")
        kinds = {badge.slug: n for badge, n in self.counts}
        if not kinds.keys() & {"supported", "refuted", "mixed"}:
            return f"None of {claims} decided"
        everywhere = " in every task" if "mixed" in kinds else ""
        return f"{kinds.get('supported', 0) or 'None'} of {claims} supported{everywhere}"


@dataclass(frozen=True)
class Summary:
    """The answer of a run.

    Attributes:
        names: every checkpoint, in the order of the record; also those that only a claim names.
        rows: the matrix of claims and checkpoints, in the order of the claims' ids.
        headlines: one per checkpoint.
        totals: how many verdicts of each kind there are.
        unexpected: the verdicts that are not those on file.
        unknown: how many verdicts have nothing on file to compare with.
        metric_dependent: the verdicts that another reading of the effects would change.
        fragile: (id, checkpoint, task) of what is supported only without the model's final norm.
        samples: samples used.
        passes: knocked-out forward passes measured.
        seconds: the time the run took; None if it is not recorded.
    """

    names: tuple[str, ...]
    rows: tuple[Row, ...]
    headlines: tuple[Headline, ...]
    totals: tuple[tuple[Badge, int], ...]
    unexpected: tuple[ClaimRecord, ...]
    unknown: int
    metric_dependent: tuple[ClaimRecord, ...]
    fragile: frozenset[tuple[str, str, str | None]]
    samples: int
    passes: int
    seconds: float | None


def summarize(record: RunRecord) -> Summary:
    """Count once what page and Markdown both tell."""
    matrix = rows(record)
    return Summary(
        names=checkpoint_names(record),
        rows=matrix,
        headlines=headlines(matrix),
        totals=count_verdicts(record.claims),
        unexpected=tuple(filter(is_unexpected, record.claims)),
        unknown=sum(claim.expected is None for claim in record.claims),
        metric_dependent=tuple(filter(metric_dependent, record.claims)),
        fragile=fragile(record),
        samples=sum(task.included for item in record.checkpoints for task in item.tasks),
        passes=sum(item.passes for item in record.checkpoints),
        seconds=seconds_spent(record.provenance),
    )


def checkpoint_names(record: RunRecord) -> tuple[str, ...]:
    """Every checkpoint, in the order of the record; also those that only a claim names."""
    named = [item.name for item in record.checkpoints] + [claim.checkpoint for claim in record.claims]
    return tuple(dict.fromkeys(named))


def rows(record: RunRecord) -> tuple[Row, ...]:
    """The matrix of claims and checkpoints, in the order of the claims' ids."""
    names = checkpoint_names(record)
    found: dict[str, list[ClaimRecord]] = {}
    for claim in record.claims:
        found.setdefault(claim.id, []).append(claim)
    return tuple(_row(identifier, found[identifier], names) for identifier in sorted(found, key=claim_order))


def _row(identifier: str, claims: list[ClaimRecord], names: tuple[str, ...]) -> Row:
    cells = tuple(Cell(name, tuple(c for c in claims if c.checkpoint == name)) for name in names)
    return Row(identifier, claims[0].statement, claims[0].source, cells)


def headlines(matrix: tuple[Row, ...]) -> tuple[Headline, ...]:
    """One sentence per checkpoint."""
    width = len(matrix[0].cells) if matrix else 0
    return tuple(_headline([row.cells[column] for row in matrix]) for column in range(width))


def _headline(column: list[Cell]) -> Headline:
    judged = [cell.badge for cell in column if cell.badge is not None]
    return Headline(column[0].checkpoint, len(judged), _in_order(Counter(judged)))


def count_verdicts(claims: tuple[ClaimRecord, ...]) -> tuple[tuple[Badge, int], ...]:
    """How many verdicts of each kind, in the order in which verdicts are listed."""
    return _in_order(Counter(BADGES[claim.judgement.verdict] for claim in claims))


def _in_order(counts: Mapping[Badge, int]) -> tuple[tuple[Badge, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: item[0].order))


def is_unexpected(claim: ClaimRecord) -> bool:
    """Whether a verdict is on file, and is another one."""
    return claim.expected not in {None, claim.judgement.verdict.value}


def deciding(claim: ClaimRecord) -> Part | None:
    """The part that decided the claim, if it has parts."""
    return claim.judgement.parts[0] if claim.judgement.parts else None


def reread(claim: ClaimRecord, name: str) -> Reading | None:
    """What another reading of the effects says of the claim, if it was judged by it."""
    return next((reading for reading in claim.judgement.readings if reading.name == name), None)


def metric_dependent(claim: ClaimRecord) -> bool:
    """Whether another reading of the effects gives another verdict."""
    return any(reading.verdict is not claim.judgement.verdict for reading in claim.judgement.readings)


def fragile(record: RunRecord) -> frozenset[tuple[str, str, str | None]]:
    """What is supported only without the model's final norm: (id, checkpoint, task) of each such verdict."""
    judged = {(c.id, c.checkpoint, c.task): c.judgement.verdict for c in record.claims}
    return frozenset(
        key
        for key, verdict in judged.items()
        if verdict is Verdict.SUPPORTED
        and judged.get((f"{key[0]}-norm", *key[1:]), Verdict.SUPPORTED) is not Verdict.SUPPORTED
    )


def inapplicable(claim: ClaimRecord) -> bool:
    """Whether the claim does not apply."""
    return claim.judgement.verdict in UNJUDGED


def decided_at(protocol: Mapping[str, object]) -> Callable[[ClaimRecord], str]:
    """Return a function that says at which of the planned looks at the evidence a claim was decided.

    ``protocol["looks"]`` is the share of the images at each look, e.g. ``"0.25, 0.5, 1"`` or a
    list; without it only the number of the look is said.
    """
    shares = look_shares(protocol)

    def sentence(claim: ClaimRecord) -> str:
        judgement = claim.judgement
        images = count(judgement.n_images, "image")
        if judgement.verdict in UNJUDGED:
            return "not judged"
        if judgement.verdict is Verdict.INCONCLUSIVE:
            return f"undecided after {images}"
        if not 0 <= judgement.look < len(shares):
            return f"decided at look {judgement.look + 1}, with {images}"
        share = shares[judgement.look]
        of_all = f"all {images}" if share >= 1 else f"{images}, {share:.0%} of the plan"
        return f"decided at {of_all} (look {judgement.look + 1})"

    return sentence


def look_shares(protocol: Mapping[str, object]) -> tuple[float, ...]:
    """The share of the images at each planned look; none where the record does not say."""
    looks = protocol.get("looks")
    listed = looks.split(",") if isinstance(looks, str) else looks
    if not isinstance(listed, list | tuple):
        return ()
    try:
        shares = tuple(float(look) for look in listed)
    except (TypeError, ValueError):
        return ()
    return shares if all(0 < share <= 1 for share in shares) else ()


def seconds_spent(provenance: Mapping[str, object]) -> float | None:
    """The time a run took: ``provenance["seconds"]``, a number or one number per step."""
    spent = provenance.get("seconds")
    parts = list(spent.values()) if isinstance(spent, Mapping) else [spent]
    known = [float(part) for part in parts if isinstance(part, int | float) and not isinstance(part, bool)]
    return sum(known) if known else None
