"""Two runs side by side: which verdicts differ, and by how much the estimates moved.

Runs of one checkpoint each are compared claim by claim even where those are two different checkpoints.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from harness.statistics.verdict import Verdict
from harness.verdicts.record import ClaimRecord, RunRecord
from reports.markdown import cell_in_words, escape, table, verdict_in_words
from reports.summary import checkpoint_names, deciding, rows
from reports.words import NOTHING, claim_order, count, number, scope, source_in_words


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
        assert found is not None, "a pair has at least one claim"  # noqa: S101 - for the type checker
        return found


def pairs(one: RunRecord, other: RunRecord) -> tuple[Pair, ...]:
    """Every claim of either run, with its verdict in both, in the order of the claims' ids."""
    apart = across(one, other) is None
    first, second = ({_key(claim, apart=apart): claim for claim in run.claims} for run in (one, other))
    keys = sorted({**first, **second}, key=lambda key: (claim_order(key[0]), key[1], key[2]))
    return tuple(Pair(first.get(key), second.get(key)) for key in keys)


def across(one: RunRecord, other: RunRecord) -> tuple[str, str] | None:
    """Name the two checkpoints if each run has one and they are not the same; else None."""
    first, second = checkpoint_names(one), checkpoint_names(other)
    if len(first) == len(second) == 1 and first != second:
        return first[0], second[0]
    return None


def _key(claim: ClaimRecord, *, apart: bool) -> tuple[str, str, str]:
    return (claim.id, claim.checkpoint if apart else "", claim.task or "")


def render(one: RunRecord, other: RunRecord, names: tuple[str, str]) -> str:
    """Return the comparison as Markdown.

    Args:
        one: the first run.
        other: the second run.
        names: what to call them, unless each is of one checkpoint and these differ: then as those.
    """
    checkpoints = across(one, other)
    names = checkpoints or names
    found = pairs(one, other)
    differing = sum(pair.differs for pair in found)
    opening = f"# {escape(names[0])} and {escape(names[1])}\n\n"
    opening += f"{count(len(found), 'verdict')}, {differing or 'none'} of them different."
    blocks = [opening, _circumstances(one, other, names)]
    if checkpoints:
        blocks += [_agreement(found), _contradictions(found, names), _statements(one, other, names)]
    blocks.append(_verdicts(found, names, same=checkpoints is None))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _verdicts(found: tuple[Pair, ...], names: tuple[str, str], *, same: bool) -> str:
    """Every verdict in a row; how far it moved only where both runs measured the same checkpoints."""
    if not found:
        return ""
    head = ["", "claim", *(["checkpoint"] if same else []), "task", *map(escape, names)]
    listed = table([*head, *(["moved by"] if same else [])], [_row(pair, same=same) for pair in found])
    return listed if same else f"## Every verdict\n\n{listed}"


def _agreement(found: tuple[Pair, ...]) -> str:
    """How often the verdicts on two checkpoints agree, contradict each other, or leave it open."""
    decided = {Verdict.SUPPORTED.value, Verdict.REFUTED.value}
    kinds: Counter[str] = Counter()
    for pair in found:
        said = {_verdict(pair.one), _verdict(pair.other)}
        if not said <= decided:
            kinds["undecided or not judged on at least one of them"] += 1
        elif len(said) == 1:
            kinds[f"{said.pop()} on both"] += 1
        else:
            kinds["SUPPORTED on one and REFUTED on the other"] += 1
    return "\n".join(f"- {n} {kind}" for kind, n in kinds.most_common())


def _contradictions(found: tuple[Pair, ...], names: tuple[str, str]) -> str:
    """The claims that are supported on one checkpoint and refuted on the other, with their tasks."""
    tasks: dict[tuple[str, str, str], list[str]] = {}
    for pair in found:
        said = (_verdict(pair.one), _verdict(pair.other))
        if set(said) == {Verdict.SUPPORTED.value, Verdict.REFUTED.value}:
            tasks.setdefault((pair.either.id, *said), []).append(scope(pair.either))
    lines = [
        f"- {escape(claim)}: {first} on {escape(names[0])}, {second} on {escape(names[1])} "
        f"({escape(', '.join(found_on))})"
        for (claim, first, second), found_on in tasks.items()
    ]
    return "## Contradictions\n\n" + "\n".join(lines) if lines else ""


def _statements(one: RunRecord, other: RunRecord, names: tuple[str, str]) -> str:
    """Each claim once: what it says, where it comes from, and the verdicts on both checkpoints."""
    both = replace(one, checkpoints=one.checkpoints + other.checkpoints, claims=one.claims + other.claims)
    body = [
        [escape(row.id), escape(row.statement), escape(row.source), *map(cell_in_words, row.cells)]
        for row in rows(both)
    ]
    head = ["claim", "what the claim says", "source", *map(escape, names)]
    sources = source_in_words(", ".join(claim.source for claim in both.claims))
    return f"## Claim by claim\n\n{table(head, body)}\n\nStatements come from: {escape(sources, 900)}."


def _circumstances(one: RunRecord, other: RunRecord, names: tuple[str, str]) -> str:
    """What else differs between the runs, and so may be why a verdict does."""
    both = (one, other)
    hashes = [{item.name: item.sha256 for item in run.checkpoints} for run in both]
    info = {
        "suite": [run.suite for run in both],
        "data set": [run.dataset_sha256 for run in both],
        "measured": [_measured(run) for run in both],
        **{f"checkpoint {name}": [of[name] for of in hashes] for name in hashes[0] if name in hashes[1]},
        **{
            f"protocol: {key}": [str(run.protocol.get(key, NOTHING)) for run in both]
            for key in {**one.protocol, **other.protocol}
        },
    }
    body = [[escape(fact), escape(a, 80), escape(b, 80)] for fact, (a, b) in info.items() if a != b]
    return "The runs differ in:\n\n" + table(["", *map(escape, names)], body) if body else ""


def _measured(run: RunRecord) -> str:
    """Who measured what a run judged."""
    told = [item.elsewhere for item in run.checkpoints if item.elsewhere]
    return "; ".join(told) or "by this suite"


def _row(pair: Pair, *, same: bool) -> list[str]:
    claim = pair.either
    return [
        "**≠**" if pair.differs else "",
        escape(claim.id),
        *([escape(claim.checkpoint)] if same else []),
        escape(scope(claim)),
        *(verdict_in_words(one) if one else "not judged" for one in (pair.one, pair.other)),
        *([_moved(pair)] if same else []),
    ]


def _verdict(claim: ClaimRecord | None) -> str:
    return claim.judgement.verdict.value if claim else ""


def _moved(pair: Pair) -> str:
    """How far the deciding estimate moved; only where both runs decided on the same quantity."""
    parts = [deciding(claim) if claim else None for claim in (pair.one, pair.other)]
    if parts[0] is None or parts[1] is None or parts[0].label != parts[1].label:
        return NOTHING
    return number(parts[1].estimate - parts[0].estimate)
