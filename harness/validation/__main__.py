"""``python -m harness.validation COMMAND``: show that the suite is right and fast."""

from __future__ import annotations

from harness.data.commands import run_command
from harness.validation.commands import main

if __name__ == "__main__":
    run_command(main)
