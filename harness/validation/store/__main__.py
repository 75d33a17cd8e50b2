"""``python -m harness.validation.store kills|rows|workers``: what the store withstands, how fast it is."""

from __future__ import annotations

import argparse

from harness.validation.store import kills, rows, workers


def main() -> None:
    """Run one benchmark and print its result as a line."""
    parser = argparse.ArgumentParser(prog="python -m harness.validation.store", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    killing = commands.add_parser("kills", help="kill -9 measuring processes at random moments")
    killing.add_argument("--kills", type=int, default=250)
    killing.add_argument("--seed", type=int, default=0, help="chooses the moments")
    reading = commands.add_parser("rows", help="read a large store and judge all claims on it")
    reading.add_argument("--rows", type=int, default=1_000_000)
    working = commands.add_parser(
        "workers", help="measure equal shards with one, two, four and eight processes"
    )
    working.add_argument("--seconds", type=float, default=0.1, help="time a fake image takes")
    options = parser.parse_args()
    match options.command:
        case "kills":
            print(kills.report(options.kills, options.seed))
        case "rows":
            print(rows.report(options.rows))
        case _:
            print(workers.report(options.seconds))


if __name__ == "__main__":
    main()
