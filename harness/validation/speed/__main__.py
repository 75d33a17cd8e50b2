"""Time the sweep and keep a table: ``python -m harness.validation.speed [embedded] [llava] [next]``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import torch

from harness.validation.speed.geometry import GEOMETRIES
from harness.validation.speed.measure import measure
from harness.validation.speed.table import conditions, markdown, write


def main() -> None:
    """Run the benchmarks named on the command line, all unless some are named."""
    parser = argparse.ArgumentParser(prog="python -m harness.validation.speed", description=__doc__)
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help=f"of {', '.join(GEOMETRIES)}; default: all"
    )
    parser.add_argument("--pairs", type=int, default=5, help="paired runs (default 5)")
    parser.add_argument("--ran", type=int, default=2, help="knockouts the slow ways run per pair (default 2)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="CPU threads (default: all)")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parents[1] / "results", help="where reports go"
    )
    options = parser.parse_args()
    unknown = set(options.models) - set(GEOMETRIES)
    if unknown:
        parser.error(f"unknown model {min(unknown)!r}; there are {', '.join(GEOMETRIES)}")
    torch.set_num_threads(options.threads)
    load, rows = os.getloadavg(), []
    for name in options.models or GEOMETRIES:
        rows += measure(
            GEOMETRIES[name], options.pairs, options.ran, lambda line: print(line, file=sys.stderr)
        )
    info = conditions(load, "random, float32")
    print(markdown(rows, info))
    print(f"kept as {write(rows, info, options.out)}")


if __name__ == "__main__":
    main()
