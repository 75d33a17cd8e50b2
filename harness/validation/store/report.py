"""The three benchmarks of the store, each a line."""

from __future__ import annotations

import argparse

from harness.validation.store import kills, rows, workers
from harness.validation.tables import Page


def run(options: argparse.Namespace) -> Page:
    """Kill measuring processes, read a large store, or share work among processes."""
    match options.what:
        case "kills":
            line = kills.report(options.kills, options.seed)
        case "rows":
            line = rows.report(options.rows)
        case _:
            line = workers.report(options.seconds)
    return Page(f"store-{options.what}", line)
