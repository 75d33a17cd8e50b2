"""How often `harness.regression` is wrong: `python -m harness.benchmarks.regression BASELINE`."""
