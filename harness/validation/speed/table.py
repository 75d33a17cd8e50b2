"""The report: a table to read, and the same as JSON with every pair and the versions."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

import torch
import transformers

from harness.validation.speed.measure import Row, clock_name

HEADER = (
    "| model | knockouts | number | slow ways ran | sweep, s | × released (bound) | × tidy (bound) "
    "| share of bound | spread of × tidy |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
)


def markdown(rows: Sequence[Row], info: dict[str, str]) -> str:
    """The table, with what one must know to read it."""
    lines = "".join(_line(row) for row in rows)
    about = "".join(f"- {name}: {text}\n" for name, text in info.items())
    worst = max(row.difference for row in rows)
    return (
        f"# Benchmark of the sweep, {info['date']}\n\n{HEADER}{lines}\n"
        "× is a median over pairs: the slow way's time, scaled from the knockouts it ran to all of them,\n"
        "over the sweep's whole time (vision tower and clean run included), both in the same pair.\n"
        "The bound is the ratio of operation counts. Spread: smallest and largest pair.\n"
        "A ratio above its bound means that the slow way was further from the machine's peak.\n\n"
        f"Largest difference in log-probability between sweep and released way: {worst:.1e}.\n\n{about}"
    )


def _line(row: Row) -> str:
    released, tidy = statistics.median(row.released), statistics.median(row.tidy)
    return (
        f"| {row.model} | {row.what} | {row.knockouts} | {row.ran} | {statistics.median(row.seconds):.3g} "
        f"| {released:.1f} ({row.bound_released:.1f}) | {tidy:.1f} ({row.bound_tidy:.1f}) "
        f"| {100 * row.reached:.0f} % | {min(row.tidy):.1f}–{max(row.tidy):.1f} |\n"
    )


def conditions(load: tuple[float, float, float], weights: str = "") -> dict[str, str]:
    """Versions, the machine and how busy it was; what the weights were, where that is to be said."""
    return {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}",
        **({"weights": weights} if weights else {}),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads used",
        "clock": clock_name(),
        "load": f"{load[0]:.1f} at the start, {os.getloadavg()[0]:.1f} at the end (above "
        f"{os.cpu_count()}: other work shared the machine)",
    }


def write(rows: Sequence[Row], info: dict[str, str], folder: Path) -> Path:
    """Write Markdown and JSON, named by date and models.

    Returns:
        The Markdown file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    models = "-".join(dict.fromkeys(row.model for row in rows))
    path = folder / f"{info['date']}-{models}.md"
    path.write_text(markdown(rows, info), encoding="utf-8")
    record = {"conditions": info, "rows": [dataclasses.asdict(row) for row in rows]}
    path.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return path
