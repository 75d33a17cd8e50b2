"""``python -m harness.validation.peers [LIBRARY …]``: build the environments, run them, keep a table.

Environments and the checkpoint lie in ``.cache/peers`` and are reused; building them installs each
library with its own versions of everything but torch.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from harness.validation.peers.compare import RAN, Bench, Result
from harness.validation.peers.library import LIBRARIES, ROOT
from harness.validation.speed.geometry import GEOMETRIES
from harness.validation.speed.table import conditions

HEADER = (
    "| library | versions | lines of code | s per knockout | × sweep | pairs | differs by |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: |\n"
)


def main() -> None:
    """Run the libraries named on the command line, all unless some are named."""
    parser = argparse.ArgumentParser(prog="python -m harness.validation.peers", description=__doc__)
    names = [one.name for one in LIBRARIES]
    parser.add_argument(
        "libraries", nargs="*", metavar="LIBRARY", help=f"of {', '.join(names)}; default: all"
    )
    parser.add_argument("--model", choices=GEOMETRIES, default="llava", help="size of model (default llava)")
    parser.add_argument("--pairs", type=int, default=2, help="paired runs of each (default 2)")
    parser.add_argument(
        "--cache", type=Path, default=ROOT / ".cache" / "peers", help="environments, checkpoint"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "harness" / "validation" / "results")
    options = parser.parse_args()
    if unknown := set(options.libraries) - set(names):
        parser.error(f"unknown library {min(unknown)!r}; there are {', '.join(names)}")
    asked = [one for one in LIBRARIES if not options.libraries or one.name in options.libraries]
    torch.set_num_threads(1)
    load = os.getloadavg()
    for library in asked:
        _say(f"environment of {library.name}")
        library.build(options.cache, torch.__version__.split("+")[0])
    bench = Bench(GEOMETRIES[options.model], options.cache / f"case-{options.model}")
    results = [bench.compare(library, options.cache, options.pairs, _say) for library in asked]
    text = markdown(results, bench, conditions(load))
    print(text)
    path = options.out / f"{conditions(load)['date']}-peers.md"
    path.write_text(text, encoding="utf-8")
    record = {"conditions": conditions(load), "results": [dataclasses.asdict(one) for one in results]}
    path.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def markdown(results: Sequence[Result], bench: Bench, info: dict[str, str]) -> str:
    """The table, with what one must know to read it."""
    remarks = "".join(f"- {one.name}: {one.remark}.{_ended(one)}\n" for one in results)
    about = "".join(f"- {name}: {text}\n" for name, text in info.items())
    size, worst = bench.checkpoint, bench.sweep_difference
    return (
        f"# The same knockouts in other libraries, {info['date']}\n\n{HEADER}"
        f"{''.join(map(_line, results))}\n"
        f"Geometry {size.name}: {size.n_layers} layers, {bench.encoded.length} tokens, random float32 "
        "weights, saved once and\nloaded by every library. Each ran the middle window of "
        f"{' and '.join(RAN)}; its time is\nscaled up to all {len(bench.knockouts)} windows of six flows. × "
        "is that over the time of our sweep, which ran whole right after\nit; median over pairs. Lines of "
        "code: the script's `prepare`, which loads the model and runs a knockout. Differs by:\nthe largest "
        "difference in log-probability from the last row of the released way; the sweep itself differs\n"
        f"by {worst:.1e}. Every environment has the same torch.\n\n{remarks}\n{about}"
    )


def _line(one: Result) -> str:
    if one.difference is None:
        return f"| {one.name} | {one.versions} | – | – | – | 0 | – |\n"
    return (
        f"| {one.name} | {one.versions} | {one.lines} | {statistics.median(one.seconds):.2f} "
        f"| {one.ratio:.1f} | {len(one.ratios)} | {one.difference:.1e} |\n"
    )


def _ended(one: Result) -> str:
    return f" It ended with `{one.error}`." if one.error else ""


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
