"""The same knockouts in other libraries: environments are built, scripts run, a table is made.

Environments and the checkpoint lie in one folder and are reused; building them installs each library with
its own versions of everything but torch.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
from collections.abc import Mapping, Sequence

import torch

from harness.validation.peers.bench import RAN, Bench, Result
from harness.validation.peers.library import LIBRARIES
from harness.validation.speed.conditions import conditions
from harness.validation.speed.geometry import GEOMETRIES
from harness.validation.tables import Page, chosen, listed, report_progress, table

HEADER = "library | versions | lines of code: | s per knockout: | × sweep: | pairs: | differs by:"
PYVENE = (
    "- pyvene: not run, it cannot: its interventions replace what a module takes in or gives out at "
    "positions; attention weights are not among its components, and its hooks reach a module's first "
    "input, never the mask.\n"
)


def run(options: argparse.Namespace) -> Page:
    """Run some libraries, each right before the sweep."""
    libraries = {one.name: one for one in LIBRARIES}
    asked = [libraries[name] for name in chosen(options.libraries, libraries, "library")]
    (model,) = chosen([options.model], GEOMETRIES, "model")
    torch.set_num_threads(1)
    load, cache = os.getloadavg(), options.cache.resolve()
    for library in asked:
        report_progress(f"environment of {library.name}")
        library.build(cache, torch.__version__.split("+")[0])
    bench = Bench(GEOMETRIES[model], cache / f"case-{model}")
    results = [bench.compare(library, cache, options.pairs, report_progress) for library in asked]
    return page(results, bench, conditions(load))


def page(results: Sequence[Result], bench: Bench, info: Mapping[str, str]) -> Page:
    """Return the table, with what one must know to read it."""
    remarks = "".join(f"- {one.name}: {one.remark}.{_ended(one)}\n" for one in results)
    size, worst = bench.checkpoint, bench.sweep_difference
    text = (
        f"# The same knockouts in other libraries, {info['date']}\n\n{table(HEADER, map(_cells, results))}\n"
        f"Geometry {size.name}: {size.n_layers} layers, {bench.encoded.length} tokens, random float32 "
        "weights, saved once and\nloaded by every library. Each ran the middle window of "
        f"{' and '.join(RAN)}; its time is\nscaled up to all {len(bench.knockouts)} windows of six flows. × "
        "is that over the time of our sweep, which ran whole right after\nit; median over pairs. Lines of "
        "code: the script's `prepare`, which loads the model and runs a knockout. Differs by:\nthe largest "
        "difference in log-probability from the last row of the released way; the sweep itself differs\n"
        f"by {worst:.1e}. Every environment has the same torch.\n\n{remarks}{PYVENE}\n{listed(info)}"
    )
    record = {"conditions": info, "results": [dataclasses.asdict(one) for one in results]}
    return Page("peers", text, record)


def _cells(one: Result) -> Sequence[object]:
    if one.difference is None:
        return (one.name, one.versions, "–", "–", "–", 0, "–")
    return (
        one.name,
        one.versions,
        one.lines,
        f"{statistics.median(one.seconds):.2f}",
        f"{one.ratio:.1f}",
        len(one.ratios),
        f"{one.difference:.1e}",
    )


def _ended(one: Result) -> str:
    return f" It ended with `{one.error}`." if one.error else ""
