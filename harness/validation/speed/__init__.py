"""How much faster the sweep is than the ways it replaces: ``python -m harness.validation speed``."""
