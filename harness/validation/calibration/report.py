"""The counts, written down: JSON for machines, Markdown for people."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.statistics.inference import DRAWS, FEWEST_IMAGES
from harness.validation.calibration.simulation import MANY_DRAWS, Count
from harness.validation.tables import table, write as write_text

FOLDER = Path(__file__).parent
PROMISED = 0.055
"""The upper bound that every false verdict's rate is to stay below."""

AIM = 10_000
"""Repetitions that every final cell is to have."""

ENOUGH = 0.8
"""A number of images is enough if this share of data sets gets the right verdict."""

_MADE = """\
Version {version}, {date}. Made by `python -m harness.validation calibration` in {minutes:.0f} minutes,
{processes} process(es).
"""

_METHOD = """\
Populations with known truth are sampled and judged as real data are: one to three questions per image,
looks at {looks} % of the images with shares {shares} of alpha = 5 %, looks with fewer than
{fewest} images left out and their share handed on. {draws} draws per judgement instead of {real}
({many:,} where a proof multiplies p-values by ten or more), which 25 data sets share (see the last section).
"""

_SEARCH = """\
Each form is put on the edge of being true. First every truth and every shape of population was tried
with 60 and with 240 images ({searched} counts, {searches} repetitions each), then again the three worst
cells of each form and verdict ({listed} counts, {lists} repetitions); the worst of these was measured
afresh ({final} counts, {finals} repetitions, {full} of them with {aim:,}). *Bound* is the exact upper
95 % confidence bound of the rate (Clopper and Pearson). What follows a form's comma is how it is used; a
colon joins forms.
"""

_PLAN = """\
Share of data sets that get the right verdict ({} repetitions each), by number of images at the last
look. The last column is the smallest number tried that gives the right verdict in at least 80 %.
"""


def write(results: dict[str, Any], folder: Path = FOLDER) -> None:
    """Write ``results.json``, a line for each count, and ``results.md``."""
    entries = ",\n".join(f"{json.dumps(name)}: {_lines(value)}" for name, value in results.items())
    write_text(folder / "results.json", f"{{\n{entries}\n}}\n")
    write_text(folder / "results.md", markdown(results))


def _lines(value: object) -> str:
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in value) + "\n]"


def as_json(counts: Sequence[Count]) -> list[dict[str, Any]]:
    """Return counts with their rates and bounds, as plain data."""
    return [{**asdict(c), "rate": round(c.rate, 5), "bound": round(c.bound, 5)} for c in counts]


def markdown(results: dict[str, Any]) -> str:
    """Return the report."""
    errors, powers = results["errors"], results["powers"]
    return "\n".join(
        [
            "# How often the verdicts are wrong",
            "",
            _MADE.format(**results, minutes=results["seconds"] / 60),
            _METHOD.format(
                looks=per_cent(results["looks"]),
                shares=listed(f"{share:g}" for share in results["shares"]),
                fewest=FEWEST_IMAGES,
                draws=results["draws"],
                many=MANY_DRAWS,
                real=f"{DRAWS:,}",
            ),
            *_errors(errors),
            *_many(errors),
            *_powers(powers),
            *_equivalence(results["equivalence"]),
        ]
    )


def per_cent(shares: Iterable[float]) -> str:
    """Name shares in whole per cent, without the sign."""
    return listed(f"{100 * share:.0f}" for share in shares)


def listed(words: Iterable[str]) -> str:
    """Join words as a sentence does."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _errors(errors: Sequence[dict[str, Any]]) -> list[str]:
    searched = [row for row in errors if row["stage"] == "search"]
    listed = [row for row in errors if row["stage"] == "shortlist"]
    final = [row for row in errors if row["stage"] == "final"]
    over = [row for row in final if row["bound"] > PROMISED]
    return [
        "## False verdicts at the least favourable truths\n",
        _SEARCH.format(
            searched=len(searched),
            searches=_span(searched, "repetitions"),
            final=len(final),
            finals=_span(final, "repetitions"),
            listed=len(listed),
            lists=_span(listed, "repetitions"),
            full=sum(row["repetitions"] >= AIM for row in final),
            aim=AIM,
        ),
        (
            f"**{len(final) - len(over)} of {len(final)} bounds are at most {PROMISED:.1%}**; the largest is "
            f"{max((row['bound'] for row in final), default=0):.2%}.\n"
        ),
        _table(final),
    ]


def _table(rows: Sequence[dict[str, Any]]) -> str:
    return table(
        "form | false verdict | where in truth | shape | images: | repetitions: | rate: | bound:",
        (
            (*_cell(row), f"{row['repetitions']:,}", f"{row['rate']:.2%}", _bound(row["bound"]))
            for row in sorted(rows, key=lambda row: (row["form"], row["verdict"], row["truth"]))
        ),
    )


def _cell(row: dict[str, Any]) -> tuple[object, ...]:
    return tuple(row[name] for name in ("form", "verdict", "truth", "shape", "images"))


def _bound(bound: float) -> str:
    return f"{bound:.2%} **above**" if bound > PROMISED else f"{bound:.2%}"


def _many(errors: Sequence[dict[str, Any]]) -> list[str]:
    rows = [row for row in errors if row["stage"] == "many"]
    draws = _span(rows, "draws")
    largest = max((row["bound"] for row in rows), default=0)
    text = (
        f"Final cells with the highest rates, with 1,000 images and {draws} draws per judgement. The largest "
        f"bound is {largest:.2%}.\n"
    )
    return [text, _table(rows)]


def _span(rows: Sequence[dict[str, Any]], name: str) -> str:
    values = sorted({row[name] for row in rows}) or [0]
    return f"{values[0]:,}" if len(values) == 1 else f"{values[0]:,} to {values[-1]:,}"


def _powers(powers: Sequence[dict[str, Any]]) -> list[str]:
    images = sorted({row["images"] for row in powers})
    rates: dict[tuple[str, str, str, str], dict[int, float]] = defaultdict(dict)
    for row in powers:
        rates[row["form"], row["verdict"], row["truth"], row["shape"]][row["images"]] = row["rate"]
    header = ["form", "right verdict", "truth", "shape", *(f"{n}:" for n in images), "80 %:"]
    rows = ((*cell, *_rates(found, images)) for cell, found in rates.items())
    text = _PLAN.format(_span(powers, "repetitions"))
    return ["## How many images to plan for\n", text, table(" | ".join(header), rows)]


def _rates(found: Mapping[int, float], images: Sequence[int]) -> Iterator[str]:
    """Yield the rate at each number of images, and the smallest number that is enough."""
    yield from (f"{found[n]:.0%}" if n in found else "" for n in images)
    yield next((f"{n}" for n in images if found.get(n, 0) >= ENOUGH), f"> {images[-1]}")


def _equivalence(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [
        "## The short cut changes nothing\n",
        f"The same cells with {DRAWS:,} draws of their own, as in a judgement, and with few, shared ones:\n",
        table(
            "form | verdict | where in truth | shape | images: | draws: | repetitions: | rate:",
            (
                (*_cell(row), f"{row['draws']:,}", f"{row['repetitions']:,}", f"{row['rate']:.2%}")
                for row in rows
            ),
        ),
    ]
