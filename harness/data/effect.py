"""p_c: what a knockout does to the answer's probability."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Values = TypeVar("Values", float, NDArray[np.float64])


def relative_change(p2: Values, p1: Values) -> Values:
    """p_c = 100 (p2 - p1) / p1, in per cent (released code of arXiv 2411.18620).

    Args:
        p2: probability of the answer's first token under a knockout.
        p1: the same without one.
    """
    return 100.0 * (p2 - p1) / p1
