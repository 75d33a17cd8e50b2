"""How much is a drop, a rise, alike: our own, fixed before any checkpoint was looked at."""

DROP = 10.0
"""A drop is deeper than this, negligible is shallower: points of p_c, between 5 (called nothing) and 21."""

RECOVERY = 3.0
"""Points of p_c by which a curve must rise between two dips."""

RISE = 0.05
"""A probability above this has risen; a difference of two probabilities above this is one."""

RETAINED = 0.8
"""Share of the accuracy above chance that must survive where a pathway suffices."""

ALIKE = 0.8
"""Correlation above which two curves have the same shape."""
