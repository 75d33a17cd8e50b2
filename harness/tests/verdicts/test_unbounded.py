"""The plain means of effects, told beside verdicts on bounded ones."""

from __future__ import annotations

import numpy as np
import pytest

from harness.data.depth import Points
from harness.data.flow import Flow
from harness.interventions.measurements import Quantity, Sweep
from harness.statistics.curves import EFFECT, Curves
from harness.verdicts.unbounded import plain_means


class Rising:
    """At the second of two windows one image of two rises by 300 per cent."""

    def plain(self, quantity: Quantity) -> Curves:  # noqa: ARG002 - they are all alike
        return Curves(("a", "b"), np.array([[0.0, 300.0], [0.0, 0.0]]), 2, None)

    def __getitem__(self, quantity: Quantity) -> Curves:
        return Curves(("a", "b"), np.minimum(self.plain(quantity).values, 100.0), 2, EFFECT)


@pytest.mark.parametrize(("only", "centre"), [(None, 1), (Points((2, 5), 12), 5)])
def test_where_a_plain_mean_is_larger_the_window_is_told_by_its_centre(
    only: Points | None, centre: int
) -> None:
    effect = Quantity("T", Sweep(Flow("image", "question"), 3, only=only), "p_c")
    (told,) = plain_means(Rising(), [effect])
    assert told.text == (
        f"count as 100: 50.0, without the bound 150.0 ({effect} at centre layer {centre}; 50.0% of images)"
    )
