"""The sentences that claims are made of, as trees: one small function for each.

A claim's test calls these by name and so reads like the sentence in the paper. Each function takes the
keys of the quantities it speaks of, and the grid that says which window or layer each point of their
curves is. Effects are p_c in points: a knockout that destroys the answer has -100, so a *drop* lies below
zero; the *mass* of a window is its squared drop.

All thresholds are our own, fixed before any checkpoint was looked at. The paper reports mean curves and
gives none.
"""

from harness.statistics.forms.checkpoints import alike_everywhere, lies_deeper, stronger_over_depth
from harness.statistics.forms.contrasts import (
    at_least_as_strong_as,
    at_most_a_quarter_of,
    crosses_over,
    exceeds_the_others,
    exists_and_is_stronger_than,
    far_stronger_than,
    keeps_most_of,
    more_than_controls,
    shifts_from_low_to_mid,
    stronger_than,
)
from harness.statistics.forms.depths import at_one_depth, in_order, mainly_inside, one_depth_band
from harness.statistics.forms.drops import (
    confined_to,
    drops_somewhere,
    negligible_at,
    negligible_everywhere,
    negligible_from_the_top,
    two_dips,
)
from harness.statistics.forms.joining import in_all, in_most
from harness.statistics.forms.lens import (
    leaves_behind,
    near_zero,
    never_leads,
    one_form_then_another,
    onset_after,
    peaks_above,
    rises_in,
)
from harness.statistics.forms.locating import (
    both_dip_and_first_deeper,
    deeper_at,
    deepest,
    deepest_pair,
    group_dips_more_at,
    share_responding_at_both,
    split,
)
from harness.statistics.forms.thresholds import DROP, RECOVERY, RETAINED, RISE
from harness.statistics.forms.values import mediates_most, retains, shapley_weights

__all__ = [
    "DROP",
    "RECOVERY",
    "RETAINED",
    "RISE",
    "alike_everywhere",
    "at_least_as_strong_as",
    "at_most_a_quarter_of",
    "at_one_depth",
    "both_dip_and_first_deeper",
    "confined_to",
    "crosses_over",
    "deeper_at",
    "deepest",
    "deepest_pair",
    "drops_somewhere",
    "exceeds_the_others",
    "exists_and_is_stronger_than",
    "far_stronger_than",
    "group_dips_more_at",
    "in_all",
    "in_most",
    "in_order",
    "keeps_most_of",
    "leaves_behind",
    "lies_deeper",
    "mainly_inside",
    "mediates_most",
    "more_than_controls",
    "near_zero",
    "negligible_at",
    "negligible_everywhere",
    "negligible_from_the_top",
    "never_leads",
    "one_depth_band",
    "one_form_then_another",
    "onset_after",
    "peaks_above",
    "retains",
    "rises_in",
    "shapley_weights",
    "share_responding_at_both",
    "shifts_from_low_to_mid",
    "split",
    "stronger_over_depth",
    "stronger_than",
    "two_dips",
]
