"""The exact fast engine; `harness.sweep.engine` explains it."""

from harness.sweep.engine import Sweeper, Swept
from harness.sweep.prefill import Prefill

__all__ = ["Prefill", "Sweeper", "Swept"]
