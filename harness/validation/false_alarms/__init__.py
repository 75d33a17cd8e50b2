"""How often `harness.verdicts.regression` is wrong: ``python -m harness.validation false-alarms``."""
