"""``python -m harness doctor``: what a run would do, tried on a few samples, as plain text."""
