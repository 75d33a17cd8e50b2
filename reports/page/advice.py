"""What to do about a verdict that is INCONCLUSIVE: how many images would decide, how long, which command."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from harness.statistics.verdict import Judgement, Verdict
from harness.verdicts.record import ClaimRecord, RunRecord
from reports.summary import Cell, look_shares
from reports.words import count, duration

MORE_DATA = {"dataset": "DIR", "images": "DIR"}
"""Options that name a larger data set, where all of this one was used."""

_LIMIT = re.compile(r"[1-9]\d{0,8}", re.ASCII)


@dataclass(frozen=True)
class Advice:
    """What would decide one verdict.

    Attributes:
        claim: the claim.
        images: in words, how many images it has and how many would decide.
        time: how long measuring them would take, in words; empty where the record does not tell.
        command: what to run.
        data: whether the command wants a larger data set, of which the reader must give the folders.
    """

    claim: ClaimRecord
    images: str
    time: str
    command: str
    data: bool


def advice(record: RunRecord, cell: Cell) -> tuple[Advice, ...]:
    """What would decide the undecided verdicts of a claim on a checkpoint; none where there are none."""
    undecided = [one for one in cell.claims if one.judgement.verdict is Verdict.INCONCLUSIVE]
    return tuple(_advice(record, claim) for claim in undecided)


def _advice(record: RunRecord, claim: ClaimRecord) -> Advice:
    needed, had = claim.judgement.needed_images, claim.judgement.n_images
    if not had:
        return Advice(claim, "nothing was measured that could decide it.", "", claim.command, data=False)
    if needed is None:
        told = "the estimates lie so near their thresholds that a hundred times the images would not decide."
        return Advice(claim, told, "", claim.command, data=False)
    images = f"about {count(needed, 'image')} would decide if the estimates stay as they are; it had {had:,}."
    limit = str(record.protocol.get("samples"))
    more = _more(int(limit), record, claim.judgement) if _LIMIT.fullmatch(limit) else MORE_DATA
    return Advice(claim, images, _time(record, needed), _with(claim.command, more), more is MORE_DATA)


def _more(limit: int, record: RunRecord, judgement: Judgement) -> dict[str, str]:
    """How many samples to ask for: of those that were looked at, not all could be used.

    A claim that was measured no further although the run had enough asks for all: then none is given up.
    """
    shares = look_shares(record.protocol)
    share = shares[judgement.look] if 0 <= judgement.look < len(shares) else 1.0
    used = judgement.n_images / max(limit * share, judgement.n_images)
    samples = math.ceil((judgement.needed_images or 0) / used)
    return {"samples": str(samples) if samples > limit else "all"}


def _with(command: str, options: Mapping[str, str]) -> str:
    """The command with other values of some options."""
    old = tuple(f"--{name}=" for name in options)
    words = [word for word in _words(command) if not word.startswith(old)]
    return shlex.join([*words, *(f"--{name}={value}" for name, value in options.items())])


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:  # not a command line, then
        return command.split()


def _time(record: RunRecord, needed: int) -> str:
    """How long measuring takes at this run's pace; empty unless it measured, and one checkpoint alone."""
    spent = record.provenance.get("seconds")
    measuring = spent.get("measuring") if isinstance(spent, Mapping) else None
    alone = len(record.checkpoints) == 1 and record.checkpoints[0].passes > 0
    if not alone or not isinstance(measuring, int | float):
        return ""
    images = max(claim.judgement.n_images for claim in record.claims)
    return f"Measuring all claims of this run on as many takes about {duration(measuring * needed / images)}."
