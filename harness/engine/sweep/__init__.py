"""The exact fast engine; `harness.engine.sweep.sweeper` explains it."""
