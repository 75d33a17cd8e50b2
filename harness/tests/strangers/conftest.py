"""Every test here says how many files it has tried."""

from harness.tests.strangers.guard import counted

__all__ = ["counted"]
