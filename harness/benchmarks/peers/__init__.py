"""The same knockouts in other libraries: `python -m harness.benchmarks.peers`."""
