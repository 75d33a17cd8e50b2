"""The sweep against the ways it replaces: a table to read, and the same as JSON with every pair."""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
from collections.abc import Mapping, Sequence

import torch

from harness.validation.speed.conditions import conditions
from harness.validation.speed.geometry import GEOMETRIES
from harness.validation.speed.measure import Row, measure
from harness.validation.tables import Page, chosen, listed, report_progress, table

HEADER = (
    "model | knockouts | number: | slow ways ran: | sweep, s: | × released (bound): | × tidy (bound): "
    "| share of bound: | spread of × tidy:"
)


def run(options: argparse.Namespace) -> Page:
    """Time the sweep on random models of some sizes."""
    models = chosen(options.models, GEOMETRIES, "model")
    torch.set_num_threads(options.threads)
    load, rows = os.getloadavg(), []
    for name in models:
        rows += measure(GEOMETRIES[name], options.pairs, options.ran, report_progress)
    return page(rows, conditions(load, "random, float32"))


def page(rows: Sequence[Row], info: Mapping[str, str]) -> Page:
    """Return the table, with what one must know to read it.

    Args:
        rows: what was measured.
        info: the conditions.

    """
    worst = max(row.difference for row in rows)
    text = (
        f"# Benchmark of the sweep, {info['date']}\n\n{table(HEADER, map(_cells, rows))}\n"
        "× is a median over pairs: the slow way's time, scaled from the knockouts it ran to all of them,\n"
        "over the sweep's whole time (vision tower and clean run included), both in the same pair.\n"
        "The bound is the ratio of operation counts. Spread: smallest and largest pair.\n"
        "A ratio above its bound means that the slow way was further from the machine's peak.\n\n"
        f"Largest difference in log-probability between sweep and released way: {worst:.1e}.\n\n"
        f"{listed(info)}"
    )
    record = {"conditions": info, "rows": [dataclasses.asdict(row) for row in rows]}
    return Page("-".join(dict.fromkeys(row.model for row in rows)), text, record)


def _cells(row: Row) -> Sequence[object]:
    released, tidy = statistics.median(row.released), statistics.median(row.tidy)
    return (
        row.model,
        row.what,
        row.knockouts,
        row.ran,
        f"{statistics.median(row.seconds):.3g}",
        f"{released:.1f} ({row.bound_released:.1f})",
        f"{tidy:.1f} ({row.bound_tidy:.1f})",
        f"{100 * row.reached:.0f} %",
        f"{min(row.tidy):.1f}–{max(row.tidy):.1f}",
    )
