"""A claim, its evidence, its verdict, what was expected of it, and a baseline."""
