"""Two runs side by side: which verdicts differ, and by how much the estimates moved."""

from __future__ import annotations

from dataclasses import dataclass

from harness.record import ClaimRecord, RunRecord
from reports.markdown import escape, table
from reports.summary import deciding
from reports.words import LOOKS, NOTHING, claim_order, count, interval, number, scope


@dataclass(frozen=True)
class Pair:
    """One claim, checkpoint and task in both runs.

    Attributes:
        one: the verdict of the first run, or None where it has none.
        other: the verdict of the second run, or None where it has none.
    """

    one: ClaimRecord | None
    other: ClaimRecord | None

    @property
    def differs(self) -> bool:
        """Whether the two runs say different things."""
        return _verdict(self.one) != _verdict(self.other)

    @property
    def either(self) -> ClaimRecord:
        """The claim, from whichever run has it."""
        found = self.one or self.other
        if found is None:
            raise ValueError("a pair without a claim")
        return found


def pairs(one: RunRecord, other: RunRecord) -> tuple[Pair, ...]:
    """Every claim of either run, with its verdict in both, in the order of the claims' ids."""
    first, second = ({_key(claim): claim for claim in run.claims} for run in (one, other))
    keys = sorted({**first, **second}, key=lambda key: (claim_order(key[0]), key[1], key[2]))
    return tuple(Pair(first.get(key), second.get(key)) for key in keys)


def _key(claim: ClaimRecord) -> tuple[str, str, str]:
    return (claim.id, claim.checkpoint, claim.task or "")


def render(one: RunRecord, other: RunRecord, names: tuple[str, str]) -> str:
    """Return the comparison as Markdown.

    Args:
        one: the first run.
        other: the second run.
        names: what to call them.
    """
    found = pairs(one, other)
    differing = sum(pair.differs for pair in found)
    opening = f"# {escape(names[0])} and {escape(names[1])}\n\n"
    opening += f"{count(len(found), 'verdict')}, {differing or 'none'} of them different."
    blocks = [opening, _circumstances(one, other, names)]
    if found:
        head = ["", "claim", "checkpoint", "task", *(escape(name) for name in names), "moved by"]
        blocks.append(table(head, [_row(pair) for pair in found]))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _circumstances(one: RunRecord, other: RunRecord, names: tuple[str, str]) -> str:
    """What else differs between the runs, and so may be why a verdict does."""
    facts = {
        "suite": (one.suite, other.suite),
        "data set": (one.dataset_sha256, other.dataset_sha256),
        **{f"checkpoint {name}": _hashes(one, other, name) for name in _shared(one, other)},
        **{f"protocol: {key}": _settings(one, other, key) for key in {**one.protocol, **other.protocol}},
    }
    body = [[escape(fact), escape(a, 80), escape(b, 80)] for fact, (a, b) in facts.items() if a != b]
    return "Different circumstances:\n\n" + table(["", *map(escape, names)], body) if body else ""


def _shared(one: RunRecord, other: RunRecord) -> list[str]:
    names = {item.name for item in other.checkpoints}
    return [item.name for item in one.checkpoints if item.name in names]


def _hashes(one: RunRecord, other: RunRecord, name: str) -> tuple[str, str]:
    found = [next(item.sha256 for item in run.checkpoints if item.name == name) for run in (one, other)]
    return found[0], found[1]


def _settings(one: RunRecord, other: RunRecord, key: str) -> tuple[str, str]:
    return str(one.protocol.get(key, NOTHING)), str(other.protocol.get(key, NOTHING))


def _row(pair: Pair) -> list[str]:
    claim = pair.either
    return [
        "**≠**" if pair.differs else "",
        escape(claim.id),
        escape(claim.checkpoint),
        escape(scope(claim)),
        _told(pair.one),
        _told(pair.other),
        _moved(pair),
    ]


def _verdict(claim: ClaimRecord | None) -> str:
    return claim.judgement.verdict.value if claim else ""


def _told(claim: ClaimRecord | None) -> str:
    if claim is None:
        return "not judged"
    look, part = LOOKS[claim.judgement.verdict], deciding(claim)
    effect = f"<br>{number(part.estimate)} [{interval(part.lower, part.upper)}]" if part else ""
    return f"{look.symbol} {look.word}{effect}"


def _moved(pair: Pair) -> str:
    """How far the deciding estimate moved; only where both runs decided on the same quantity."""
    parts = [deciding(claim) if claim else None for claim in (pair.one, pair.other)]
    if parts[0] is None or parts[1] is None or parts[0].label != parts[1].label:
        return NOTHING
    return number(parts[1].estimate - parts[0].estimate)
