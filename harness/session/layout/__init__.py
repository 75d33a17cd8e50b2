"""``python -m harness layout``: what a checkpoint sees of one picture, drawn, and the prompt's regions."""
