"""The commands of the validation and their options.

Each command is a module with a function ``run``, which takes the options and returns a `Page`; a module is
imported only when its command is asked for, since some need torch and some must not load it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

from harness.data.errors import HarnessError
from harness.validation.tables import RESULTS, keep

CACHE = RESULTS.parents[2] / ".cache" / "peers"

Option: TypeAlias = tuple[str, dict[str, Any]]


def option(name: str, **settings: Any) -> Option:  # noqa: ANN401 - as argparse takes them
    """Return an option as `argparse.ArgumentParser.add_argument` takes it."""
    return name, settings


def number(name: str, default: float, what: str) -> Option:
    """Return an option that takes a number of the default's type."""
    return option(name, type=type(default), default=default, help=f"{what} (default %(default)s)")


def out(default: Path | None = None) -> Option:
    """Return the option that says where the page is kept."""
    where = "with the committed ones" if default else "print only"
    return option(
        "--out", type=Path, default=default, help=f"file or folder to keep it in (default: {where})"
    )


MODELS = option("models", nargs="*", metavar="MODEL", help="embedded, llava or next (default: all)")
LOOKS = (
    option(
        "--looks", type=float, nargs="+", default=[], help="images that each look sees (default: the plan's)"
    ),
    option(
        "--shares", type=float, nargs="+", default=[], help="of alpha, for each look (default: the plan's)"
    ),
)
BASELINE = option("baseline", type=Path, help="e.g. reports/baselines/embedded.parquet")


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        module: below `harness.validation`; has the function ``run``.
        help: what it does.
        options: besides ``--help``.

    """

    module: str
    help: str
    options: tuple[Option, ...] = ()


COMMANDS = {
    "speed": Command(
        "speed.comparison",
        "time the sweep against the ways it replaces",
        (
            MODELS,
            number("--pairs", 5, "paired runs"),
            number("--ran", 2, "knockouts that the slow ways run per pair"),
            number("--threads", os.cpu_count() or 1, "CPU threads"),
            out(RESULTS),
        ),
    ),
    "substitutions": Command(
        "speed.substitutions",
        "what reading other contents costs beside blocking",
        (
            MODELS,
            number("--pairs", 20, "paired runs"),
            number("--threads", os.cpu_count() or 1, "CPU threads"),
            out(RESULTS),
        ),
    ),
    "memory": Command(
        "speed.memory",
        "memory that the sweep needs beyond a plain forward pass",
        (
            MODELS,
            option("--kind", help="of work: measure it alone, here, and print JSON"),
            out(),
        ),
    ),
    "growth": Command(
        "speed.growth",
        "how the cost of a sweep grows, with fitted exponents",
        (number("--repetitions", 3, "of each size"), out()),
    ),
    "large": Command(
        "speed.large",
        "one sample's six-flow sweep at the size of LLaVA-1.5-7B, on a CPU",
        (
            number("--layers", 32, "decoder layers"),
            number("--threads", 1, "CPU threads"),
            option("--float32-products", action="store_true", help="multiply in float32"),
            out(),
        ),
    ),
    "boxes": Command(
        "boxes",
        "how often the released rule from boxes to patches gives the analytic one's set",
        (
            option("folder", type=Path, help="data files *_<Task>.csv; no pictures needed"),
            out(),
        ),
    ),
    "predict": Command("speed.predict", "predicted cost of the paper's programme on one GPU", (out(),)),
    "peers": Command(
        "peers.comparison",
        "the same knockouts in other libraries, each in an environment of its own",
        (
            option("libraries", nargs="*", metavar="LIBRARY", help="default: all"),
            option("--model", default="llava", help="size of model (default %(default)s)"),
            number("--pairs", 2, "paired runs of each"),
            option("--cache", type=Path, default=CACHE, help="environments, checkpoint"),
            out(RESULTS),
        ),
    ),
    "decoders": Command(
        "decoders.report",
        "every decoder that transformers' LLaVA accepts by configuration: exact, or refused by name",
        (option("types", nargs="*", metavar="TYPE", help="model types (default: all)"), out(RESULTS)),
    ),
    "store": Command(
        "store.report",
        "what the store of evidence withstands, and how fast it is",
        (
            option("what", choices=("kills", "rows", "workers")),
            number("--kills", 250, "kills: processes to kill at random moments"),
            number("--seed", 0, "kills: chooses the moments"),
            number("--rows", 1_000_000, "rows: effects to read and to judge all claims on"),
            number("--seconds", 0.1, "workers: time that a fake image takes"),
            out(),
        ),
    ),
    "false-alarms": Command(
        "false_alarms.report",
        "how often a comparison with a baseline is wrong",
        (
            BASELINE,
            number("--repetitions", 1000, "runs of the unchanged"),
            number("--edges", 100, "runs of each other truth"),
            number("--power", 10, "runs for each number of images"),
            number("--draws", 1000, "replicates of a judgement"),
            number("--processes", 1, "processes"),
            number("--alpha", 0.05, "largest error of each kind"),
            out(),
        ),
    ),
    "control-runs": Command(
        "false_alarms.control_runs",
        "control checkpoints, whose curves are known, against a baseline",
        (
            BASELINE,
            option("accepted", type=Path, nargs="+", help="what --accept kept of the controls"),
            out(),
        ),
    ),
    "paper-size": Command(
        "paper_size.report",
        "what comes out on made-up curves of the paper's size, where the truth is known",
        (number("--repetitions", 100, "of each cell"), out(RESULTS)),
    ),
    "elsewhere": Command(
        "elsewhere.report",
        "the authors' own files, of a made-up model, imported and judged",
        (
            number("--layers", 40, "decoder layers"),
            option(
                "--folder", type=Path, help="where its files go meanwhile, half a GB (default: temporary)"
            ),
            out(RESULTS),
        ),
    ),
    "calibration": Command(
        "calibration.schedule",
        "how often verdicts are wrong, on populations whose truth is known",
        (
            number("--repetitions", 10_000, "of each final cell"),
            number("--search", 200, "of each cell of the search"),
            number("--shortlist", 400, "of each cell on the shortlist"),
            number("--plan", 300, "of each cell of the power table"),
            number("--many", 10_000, "of each final cell at 1,000 images"),
            number("--comparison", 1_000, "with as many draws as a judgement"),
            number("--minutes", float("inf"), "count no more final cells after so many"),
            *LOOKS,
            option("--resume", action="store_true", help="go on from the results in the folder"),
            number("--processes", 1, "processes"),
            option("--folder", type=Path, default=RESULTS.with_name("calibration"), help="of the results"),
        ),
    ),
    "futility": Command(
        "calibration.futility_report",
        "verdicts with and without stopping for futility, on populations whose truth is known",
        (
            number("--images", 360, "at the last look"),
            number("--cells", 12, "of false verdicts, and as many of right ones"),
            number("--repetitions", 4_000, "of each cell; of right verdicts a tenth"),
            *LOOKS,
            out(RESULTS),
        ),
    ),
}


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    made = argparse.ArgumentParser(
        prog="python -m harness.validation", description="Show that the suite is right and fast"
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        added = commands.add_parser(name, help=command.help, description=command.help)
        for option, settings in command.options:
            added.add_argument(option, **settings)
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Run a command, print its page and keep it.

    Returns:
        0, or 2 after one line on what was wrong with the input.

    """
    options = parser().parse_args(words)
    module = import_module(f"harness.validation.{COMMANDS[options.command].module}")
    try:
        page = module.run(options)
    except HarnessError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 2
    if page is not None:
        print(page.text)
        if options.out:
            print(f"kept as {keep(page, options.out)}")
    return 0
