"""A case: a form as a tree, a truth it is judged on, and which verdicts to count."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from harness.statistics.curves import Floats
from harness.statistics.trees import Tree
from harness.statistics.verdict import Verdict
from harness.validation.calibration.populations import SHAPES
from harness.validation.calibration.trees import MEDIATORS, trees

CELLS = Path(__file__).with_name("cells.toml")
POWER_SHAPES = ("skewed", "gaussian")
"""Of the populations on which power is measured: one like real effects, one like textbooks."""
COUNTED = {
    "supported": (Verdict.SUPPORTED,),
    "refuted": (Verdict.REFUTED,),
    "both": (Verdict.SUPPORTED, Verdict.REFUTED),
}

Means: TypeAlias = Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class Case:
    """A tree, the truth it is judged on, and the verdict to count.

    Attributes:
        form: the form's name; ``"in all: drops somewhere, below the control"`` joins two of them with a
            colon, and says after the comma how it is used.
        functions: names of the functions of `harness.statistics.forms` that are put to the test.
        counts: the verdicts that are counted: on the edge, both may be wrong.
        truth: the truth in words.
        tree: the claim.
        means: true mean curves.
        probabilities: which quantities are probabilities.
        shapes: which populations make sense for it.

    """

    form: str
    functions: tuple[str, ...]
    counts: tuple[Verdict, ...]
    truth: str
    tree: Tree
    means: Means
    probabilities: frozenset[str]
    shapes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Form and truth in one line."""
        return f"{self.form}, where {self.truth}"


@cache
def edges() -> tuple[Case, ...]:
    """Every form at its least favourable truths: each verdict counted is false."""
    return tuple(_cases("edge", SHAPES))


@cache
def powers() -> tuple[Case, ...]:
    """Every form at stated effects: each verdict counted is true."""
    return tuple(_cases("power", POWER_SHAPES))


def _cases(kind: str, shapes: tuple[str, ...]) -> Iterator[Case]:
    found = trees()
    for form in tomllib.loads(CELLS.read_text(encoding="utf-8"))["form"]:
        for verdict, truths in form.get(kind, {}).items():
            for truth, means in truths.items():
                yield Case(
                    form=form["name"],
                    functions=_functions(form),
                    counts=COUNTED[verdict],
                    truth=truth,
                    tree=found[form["name"]],
                    means=_means(means),
                    probabilities=frozenset(form.get("probabilities", ())),
                    shapes=tuple(form.get("shapes", shapes)),
                )


def _functions(form: Mapping[str, Any]) -> tuple[str, ...]:
    names = (part.split(",")[0].strip().replace(" ", "_") for part in form["name"].split(":"))
    return (form["function"],) if "function" in form else tuple(names)


def _means(curves: Mapping[str, str | Mapping[str, float]]) -> Means:
    return {
        name: _curve(text) if isinstance(text, str) else blocks(text)
        for names, text in curves.items()
        for name in names.split()
    }


def _curve(text: str) -> Floats:
    """Read a curve: numbers, each perhaps with how often it comes, as in ``"3*0 -10 4*0"``."""
    pairs = (number.rpartition("*") for number in text.split())
    return np.concatenate([np.full(int(count or 1), float(value)) for count, _, value in pairs])


def blocks(shares: Mapping[str, float]) -> Floats:
    """Return the effect of blocking every subset of `MEDIATORS`, each with its own share of it."""
    subsets = np.arange(2 ** len(MEDIATORS))
    effects = [shares.get(name, 0.0) * (subsets >> place & 1) for place, name in enumerate(MEDIATORS)]
    total: Floats = np.sum(effects, axis=0, dtype=np.float64)
    return total
