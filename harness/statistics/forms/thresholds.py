"""How much is a drop, a rise, alike: our own, fixed before any checkpoint was looked at."""

DROP = 10.0
"""A drop is deeper than this, negligible is shallower: points of p_c, between 5 (called nothing) and 21."""

RECOVERY = 3.0
"""Points of p_c by which a curve must rise between two dips."""

RISE = 0.05
"""A probability above this has risen; a difference of two probabilities above this is one."""

RISEN = 0.9
"""Share of the way to its peak at which a probability has risen: layers that add to a plateau are none."""

RETAINED = 0.8
"""Share of the accuracy above chance that must survive where a pathway suffices."""

NOTHING = 5.0
"""Points of p_c that the sources call nothing: by less, one effect is not said to exceed another."""

MOST = 0.5
"""More than this share is most, or mainly."""

SPREAD = 0.2
"""Mean distance from its centre, in relative depth, from which on a flow is everywhere: a flow spread evenly
over all of the decoder has 0.25, over its central three fifths 0.15."""

COMPACT = 0.1
"""Mean distance from its centre, in relative depth, below which a flow is one band: that of a flow spread
evenly over two fifths of the decoder. Two equal dips have half their distance."""
