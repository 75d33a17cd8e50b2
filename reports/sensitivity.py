"""How verdicts fare where the truth is known: the suite's control checkpoints, summed up for the reader.

It belongs to the suite, not to the run: its rows are in `fixtures/planted/results.json`, written by
`python -m fixtures.planted score --write`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from scipy import stats

RESULTS = Path(__file__).resolve().parent.parent / "fixtures" / "planted" / "results.json"


@dataclass(frozen=True)
class Case:
    """One claim, by task or over tasks, whose truth is known on a control checkpoint.

    Attributes:
        control: the checkpoint.
        claim: the claim, with its task.
        truth: the known verdict.
        verdict: what the suite said.
        images: on how many images.
    """

    control: str
    claim: str
    truth: str
    verdict: str
    images: int


@dataclass(frozen=True)
class Count:
    """How often the truth was returned.

    Attributes:
        name: of which cases.
        cases: how many there are.
        returned: how many got the truth.
        undecided: how many were INCONCLUSIVE.
        lower: exact lower 95 % bound of the share that got the truth, cases taken as independent.
        upper: its upper bound.
    """

    name: str
    cases: int
    returned: int
    undecided: int
    lower: float
    upper: float

    @property
    def share(self) -> float:
        """The share that got the truth."""
        return self.returned / self.cases

    @property
    def wrong(self) -> int:
        """How many got the opposite."""
        return self.cases - self.returned - self.undecided


@dataclass(frozen=True)
class Sensitivity:
    """The control checkpoints' score.

    Attributes:
        date: when they were judged.
        counts: of true claims (sensitivity), of false ones (specificity), then of each control.
        wrong: the cases that got the opposite of the truth.
        undecided: the cases that were INCONCLUSIVE.
    """

    date: str
    counts: tuple[Count, ...]
    wrong: tuple[Case, ...]
    undecided: tuple[Case, ...]


@cache
def sensitivity(path: Path = RESULTS) -> Sensitivity | None:
    """The committed score; None where there is none, or none of the form known here."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        cases = [_case(row) for row in data["rows"]]
        return _scored(str(data["date"]), cases) if cases else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _case(row: dict[str, Any]) -> Case:
    claim = f"{row['claim']}/{row['task']}" if row["task"] else str(row["claim"])
    return Case(str(row["control"]), claim, str(row["truth"]), str(row["verdict"]), int(row["images"]))


def _scored(date: str, cases: Sequence[Case]) -> Sensitivity:
    parts = [
        ("true claims (sensitivity)", [case for case in cases if case.truth == "SUPPORTED"]),
        ("false claims (specificity)", [case for case in cases if case.truth == "REFUTED"]),
    ]
    parts += [
        (control, [case for case in cases if case.control == control])
        for control in dict.fromkeys(case.control for case in cases)
    ]
    missed = [case for case in cases if case.verdict != case.truth]
    return Sensitivity(
        date,
        tuple(_count(name, some) for name, some in parts if some),
        tuple(case for case in missed if case.verdict != "INCONCLUSIVE"),
        tuple(case for case in missed if case.verdict == "INCONCLUSIVE"),
    )


def _count(name: str, cases: Sequence[Case]) -> Count:
    returned = sum(case.verdict == case.truth for case in cases)
    undecided = sum(case.verdict == "INCONCLUSIVE" for case in cases)
    bounds = stats.binomtest(returned, len(cases)).proportion_ci(method="exact")
    return Count(name, len(cases), returned, undecided, float(bounds.low), float(bounds.high))
