"""``python -m harness doctor``: what a run would do, as plain text to paste into an issue."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.session.doctor.command import USAGE, Doctor

FINDINGS = Path(__file__).resolve().parents[1] / "findings"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, or 4 if a run would be refused."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] != "doctor":
        print(USAGE, file=sys.stderr)
        return int(pytest.ExitCode.USAGE_ERROR)
    return int(pytest.main([str(FINDINGS), *words[1:]], plugins=[Doctor(words[1:])]))


if __name__ == "__main__":
    sys.exit(main())
