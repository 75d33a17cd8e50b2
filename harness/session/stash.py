"""Where pytest's configuration keeps the run and what collects its record."""

from __future__ import annotations

import pytest

from harness.session.recording import RecordCollector
from harness.session.run import Run

RUN = pytest.StashKey[Run]()
COLLECTOR = pytest.StashKey[RecordCollector]()


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of xdist's workers."""
    return hasattr(config, "workerinput")
