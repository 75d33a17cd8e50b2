"""``python -m harness doctor`` and ``layout``: what a run would do, what a checkpoint sees of a picture."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.data.commands import run_command
from harness.session.doctor.command import USAGE, Doctor
from harness.session.layout.command import main as layout

FINDINGS = Path(__file__).resolve().parents[1] / "findings"
COMMANDS = f"{USAGE}\n       python -m harness layout DIR PICTURE [--box X,Y,W,H] [--out FILE]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit status: 0, or 4 if something is refused."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["layout"]:
        return layout(words[1:])
    if words[:1] != ["doctor"]:
        print(COMMANDS, file=sys.stderr)
        return int(pytest.ExitCode.USAGE_ERROR)
    return int(pytest.main([str(FINDINGS), *words[1:]], plugins=[Doctor(words[1:])]))


if __name__ == "__main__":
    run_command(main)
