"""The one place where the suite's three plugins are put together."""

from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
PACKAGES = ("harness", "fixtures", "reports")

for _package in PACKAGES:
    _found = find_spec(_package)
    if _found is None or _found.origin is None or ROOT not in Path(_found.origin).resolve().parents:
        # Names like `fixtures` belong to others too; another package of that name would answer for ours.
        pytest.exit(
            f"ERROR: {_package!r} is {_found.origin if _found else 'nowhere'}, not in {ROOT}; "
            "use an environment of this suite's own: pip install -c constraints.txt -e .",
            returncode=int(pytest.ExitCode.USAGE_ERROR),
        )

pytest_plugins = [f"{package}.plugin" for package in PACKAGES]
