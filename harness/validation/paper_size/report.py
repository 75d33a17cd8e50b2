"""What comes out on curves of the paper's size: a table of power, and one of attacks."""

from __future__ import annotations

import argparse
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.statistics.judge import judge
from harness.statistics.looks import PLAN
from harness.statistics.verdict import Ground, Verdict
from harness.validation.calibration.populations import Population
from harness.validation.calibration.report import per_cent
from harness.validation.calibration.simulation import count, draws_for
from harness.validation.paper_size.attacks import Attack, attacks
from harness.validation.paper_size.statements import Asked, ask, claim_functions
from harness.validation.paper_size.story import PAPER
from harness.validation.tables import Page, table, today

IMAGES = (200, 500, 850)
LAYERS = (32, 40)
BEFORE = Path(__file__).with_name("before.toml")
"""Counts of the attacks with the forms that they were found on."""
_COLUMNS = "claim | truth | images: | before, S: | before, R: | S: | R: | missing: | wanted"
FALSE_OF_THE_STORY = frozenset({"R1", "R2", "R3", "R4"})
"""Rivals of the paper's story: on its curves they are false. Every other claim is true."""
JUDGED = 10
"""Data sets that are judged one by one, for the ground of a refutation."""

_POWER = """\
# Verdicts on curves of the paper's size

{date}. Made by `python -m harness.validation paper-size` in {minutes:.0f} minutes; {repetitions} data sets
in each cell. The claims' own tests are asked of made-up truths: 32 layers and windows of 7, 40 layers and
windows of 9. Of question to last -75 to -80 in the middle, of image to question -60 in the lowest windows
and -21 around a third of the depth, of image to last -5, and 1 point of drift upwards in every window above
for what comes out of the image; six tasks.

## Power

Share of data sets in which the right verdict comes out: SUPPORTED of what is true, REFUTED of what is not
(R1 to R4). One to three questions per image, looks at {looks} % of the images. In brackets the share
with the wrong verdict, if any.
"""

_ATTACKS = """\
## Attacks

Truths on which a statement could say what its sentence does not; {repetitions} data sets in each cell, and
100 with the forms before (commit {commit}), where a rise counted in full. *S* and *R*: share with SUPPORTED
and with REFUTED. *Missing*: share of {judged} data sets in which REFUTED is told as a missing stage, and not
as the opposite.
"""


@dataclass(frozen=True)
class Rates:
    """Shares of data sets with each verdict."""

    supported: float
    refuted: float


def run(options: argparse.Namespace) -> Page:
    """Count both tables."""
    began = time.monotonic()
    cells = {
        (layers, images): dict(_power(layers, images, options.repetitions))
        for layers in LAYERS
        for images in IMAGES
    }
    rows = [
        _row(claim, cells) for claim in claim_functions() if any(claim in found for found in cells.values())
    ]
    before = tomllib.loads(BEFORE.read_text(encoding="utf-8"))
    attacked = [_attacked(attack, options.repetitions, before) for attack in attacks()]
    header = " | ".join(["claim", *(f"{layers} layers, {images}:" for layers, images in cells)])
    summary = " | ".join(f"{_decided(found):.0%}" for found in cells.values())
    minutes = (time.monotonic() - began) / 60
    text = "\n".join(
        [
            _POWER.format(
                date=today(),
                minutes=minutes,
                repetitions=options.repetitions,
                looks=per_cent(PLAN.images),
            ),
            table(header, [*rows, ("**all**", *summary.split(" | "))]),
            _ATTACKS.format(repetitions=options.repetitions, judged=JUDGED, commit=before["commit"]),
            table(_COLUMNS, attacked),
        ]
    )
    return Page("paper-size", text)


def _power(layers: int, images: int, repetitions: int) -> Iterator[tuple[str, Rates]]:
    for claim in claim_functions():
        asked = ask(claim, PAPER, layers)
        if asked is not None:
            yield claim, rates_of(asked, images, repetitions, "skewed")


def rates_of(asked: Asked, images: int, repetitions: int, shape: str) -> Rates:
    """How often a claim is SUPPORTED and REFUTED on made-up data, with draws enough for either."""
    case, draws = asked.case("as told"), draws_for(asked.tree)
    supported, refuted = count(case, shape, images, repetitions, draws=draws)
    return Rates(supported.rate, refuted.rate)


def _row(claim: str, cells: dict[tuple[int, int], dict[str, Rates]]) -> tuple[str, ...]:
    return (claim, *(_told(claim, found[claim]) if claim in found else "–" for found in cells.values()))


def _told(claim: str, rates: Rates) -> str:
    right, wrong = _right_and_wrong(claim, rates)
    return f"{right:.0%}" + (f" ({wrong:.0%})" if wrong else "")


def _right_and_wrong(claim: str, rates: Rates) -> tuple[float, float]:
    both = (rates.supported, rates.refuted)
    return both[::-1] if claim in FALSE_OF_THE_STORY else both


def _decided(found: dict[str, Rates]) -> float:
    return float(np.mean([_right_and_wrong(claim, rates)[0] for claim, rates in found.items()]))


def _attacked(attack: Attack, repetitions: int, before: Mapping[str, Any]) -> tuple[object, ...]:
    asked = ask(attack.claim, attack.story, LAYERS[-1])
    assert asked is not None  # noqa: S101 - attacks are on claims that apply
    rates = rates_of(asked, attack.images, repetitions, attack.shape)
    missing = f"{_missing(asked, attack):.0%}" if attack.holds is None else ""
    wanted = {True: "SUPPORTED", False: "not SUPPORTED", None: "REFUTED, stage missing"}[attack.holds]
    earlier = before["rates"][f"{attack.claim}, {attack.images} images: {attack.truth}"]
    told = (f"{one:.0%}" for one in (*earlier, rates.supported, rates.refuted))
    return (attack.claim, attack.truth, f"{attack.images}", *told, missing, wanted)


def _missing(asked: Asked, attack: Attack) -> float:
    case, random = asked.case(attack.truth), np.random.default_rng(0)
    population = Population(case.means, case.probabilities, attack.shape)
    plan = replace(PLAN, images=(1.0,), spending=(1.0,), draws=1_000, suggest_images=False)
    found = [judge(asked.tree, [population.sample(attack.images, random)], plan) for _ in range(JUDGED)]
    told = [one.verdict is Verdict.REFUTED and one.ground is Ground.MISSING for one in found]
    return float(np.mean(told))
