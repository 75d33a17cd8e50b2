"""``python -m harness.validation COMMAND``: show that the suite is right and fast."""

from __future__ import annotations

import sys

from harness.validation.commands import main

if __name__ == "__main__":
    sys.exit(main())
