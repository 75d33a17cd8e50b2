"""Proof that verdicts are right and the sweep is exact and fast: calibration and benchmarks."""
