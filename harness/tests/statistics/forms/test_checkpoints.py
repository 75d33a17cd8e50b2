"""One checkpoint's curves against another's, of another depth."""

from __future__ import annotations

from harness.data.depth import Grid
from harness.statistics import forms
from harness.testing.form_curves import REFUTED, SUPPORTED, curves_of, dip, verdict


def test_two_checkpoints_are_compared_by_relative_depth() -> None:
    fine, coarse = Grid(24, 5), Grid(12, 3)
    low = {"fine": dip(fine, 0.3, depth=60), "coarse": dip(coarse, 0.3, depth=60)}
    data = curves_of(high=dip(coarse, 0.8, depth=60), **low)
    assert verdict(forms.lies_deeper("high", coarse, "fine", fine), **data) is SUPPORTED
    assert verdict(forms.lies_deeper("fine", fine, "high", coarse), **data) is REFUTED
    assert verdict(forms.alike_everywhere("fine", fine, "high", coarse), **data) is REFUTED
    weak = curves_of(weak=dip(coarse, 0.3, depth=25), fine=low["fine"])
    assert verdict(forms.stronger_over_depth("fine", fine, "weak", coarse), **weak) is SUPPORTED
    assert verdict(forms.stronger_over_depth("weak", coarse, "fine", fine), **weak) is REFUTED
