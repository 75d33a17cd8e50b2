"""The forms that are calibrated, as trees, by their names in ``cells.toml``.

The decoder has 8 layers and windows of one layer: bands of 3 (lower), 5 (middle), 2 (first fifth), 4
(central fifths), 1 (low) and 3 (mid) windows. Another checkpoint has 4 layers. Forms that speak of depth are
also tried on 40 layers and windows of 9, as the paper's largest model has them, where most windows show next
to nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.data.depth import CENTRAL, FIRST, LOWER, MIDDLE, QUARTER, Grid, LensGrid
from harness.statistics import forms
from harness.statistics.trees import AnyOf, Tree

GRID, FINE, OTHER, FORTY = Grid(8, 1), Grid(8, 2), Grid(4, 1), Grid(40, 9)
LENS = LensGrid(8)
TASKS = range(6)
STRONG, WEAK = ["a", "b", "c", "e"], ["f", "g"]
MEDIATORS = "qstuv"


def trees() -> dict[str, Tree]:
    """Every form. What follows a name's comma is how it is used; a colon joins forms."""
    families = (_drops, _tasks, _contrasts, _controls, _dips, _depths, _checkpoints, _lens, _values)
    return {name: tree for family in families for name, tree in family().items()}


def _drops() -> dict[str, Tree]:
    """One curve: it drops, it is negligible, it lies mainly in a band."""
    return {
        "drops somewhere": forms.drops_somewhere("d", GRID),
        "drops somewhere, below the control": forms.drops_somewhere("d", GRID, control="n"),
        "negligible everywhere": forms.negligible_everywhere("d", GRID),
        "negligible at": forms.negligible_at("d"),
        "negligible from the top": forms.negligible_from_the_top("d", GRID, block="b"),
        "mainly inside": forms.mainly_inside("d", FIRST, GRID),
        "mainly inside, the central fifths": forms.mainly_inside("d", CENTRAL, GRID),
        "mainly inside, forty layers": forms.mainly_inside("d", FIRST, FORTY),
        "confined to": forms.confined_to("d", QUARTER, GRID),
    }


def _tasks() -> dict[str, Tree]:
    """Six tasks together, or any of three curves."""

    def each(form: Callable[[int], Tree]) -> dict[str, Tree]:
        return {f"task {task}": form(task) for task in TASKS}

    def weak(task: int) -> Tree:
        quiet = forms.negligible_everywhere(f"i{task}", OTHER)
        return forms.in_all([quiet, forms.at_most_a_quarter_of(f"i{task}", OTHER, of=f"q{task}")])

    drops = each(lambda task: forms.drops_somewhere(f"d{task}", GRID))
    below = each(lambda task: forms.drops_somewhere(f"d{task}", GRID, control=f"n{task}"))
    quiet = each(lambda task: forms.negligible_everywhere(f"d{task}", GRID))
    return {
        "in all: drops somewhere": forms.in_all(drops),
        "in all: drops somewhere, below the control": forms.in_all(below),
        "in all: negligible everywhere": forms.in_all(quiet),
        "in most: negligible everywhere": forms.in_most(quiet),
        "in most: in all: negligible everywhere: at most a quarter of": forms.in_most(each(weak)),
        "in any: drops somewhere": AnyOf(tuple(forms.drops_somewhere(name, GRID) for name in "abc")),
    }


def _contrasts() -> dict[str, Tree]:
    """Two or more effects on one checkpoint."""
    far = forms.far_stronger_than("a", "b", GRID)
    return {
        "stronger than": forms.stronger_than("a", "b", GRID),
        "at least as strong as": forms.at_least_as_strong_as("a", "b", GRID),
        "exists and is stronger than": forms.exists_and_is_stronger_than("a", "b", GRID, exists="a"),
        "exists and is stronger than, in another reading": forms.exists_and_is_stronger_than(
            "a", "b", GRID, exists="x"
        ),
        "at most a quarter of": forms.at_most_a_quarter_of("i", GRID, of="q"),
        "far stronger than": far,
        "in all: far stronger than: at least as strong as": forms.in_all(
            [far, forms.at_least_as_strong_as("b", "c", GRID)]
        ),
        "keeps most of": forms.keeps_most_of(["a"], "b", GRID),
        "keeps most of, three variants": forms.keeps_most_of(["a", "c", "e"], "b", GRID),
    }


def _controls() -> dict[str, Tree]:
    """An effect against its controls, and two effects whose balance changes with depth."""
    return {
        "more than controls": forms.more_than_controls("a", ["b", "c", "e"], GRID),
        "exceeds the others": forms.exceeds_the_others("a", ["b", "c"], GRID),
        "shifts from low to mid": forms.shifts_from_low_to_mid("rel", "oth", GRID),
        "crosses over": forms.crosses_over("rel", "oth", GRID),
    }


def _dips() -> dict[str, Tree]:
    """Two dips, and how deep curves are at windows located on other images."""
    return {
        "two dips": forms.two_dips({GRID: "d"}),
        "two dips, at one of two window sizes, in bands": forms.two_dips(
            {GRID: "d", FINE: "e"}, first=LOWER, second=MIDDLE
        ),
        "deeper at": forms.deeper_at("d", GRID, 1, 4),
        "both dip and first deeper": forms.both_dip_and_first_deeper("d", GRID, 1, 4),
        "group dips more at": forms.group_dips_more_at(STRONG, WEAK, GRID, 3),
    }


def _depths() -> dict[str, Tree]:
    """Where curves lie."""
    return {
        "in order, two effects": forms.in_order("ab", GRID),
        "in order, forty layers": forms.in_order("ab", FORTY),
        "in order": forms.in_order("abc", GRID),
        "at one depth": forms.at_one_depth(dict.fromkeys("abc", FINE)),
        "at one depth, two effects": forms.at_one_depth(dict.fromkeys("ab", FINE), required=False),
        "at one depth, other window sizes": forms.at_one_depth({"a": GRID, "b": FINE}, required=False),
        "at one depth, other checkpoints": forms.at_one_depth({"a": GRID, "b": OTHER}, required=False),
        "at one depth, forty layers": forms.at_one_depth(dict.fromkeys("ab", FORTY)),
        "one depth band": forms.one_depth_band("abc", FINE, within=CENTRAL),
        "one depth band, forty layers": forms.one_depth_band("ab", FORTY, within=CENTRAL),
    }


def _checkpoints() -> dict[str, Tree]:
    """Two checkpoints, of 8 and of 4 or 6 layers, that looked at the same images."""
    return {
        "alike everywhere": forms.alike_everywhere("a", GRID, "b", OTHER),
        "stronger over depth": forms.stronger_over_depth("a", GRID, "b", OTHER),
        "lies deeper": forms.lies_deeper("a", GRID, "b", OTHER),
    }


def _lens() -> dict[str, Tree]:
    """Probabilities read off the layers."""
    phases = forms.one_form_then_another("l", "c", LENS)
    return {
        "peaks above": forms.peaks_above("p", LENS),
        "near zero": forms.near_zero("p", LENS),
        "rises in": forms.rises_in("p", LENS),
        "onset after": forms.onset_after("p", "d", LENS, GRID),
        "one form then another": phases,
        "never leads": forms.never_leads("a", "b", LENS, where=[phases]),
        "leaves behind": forms.leaves_behind("t", "f", LENS),
    }


def _values() -> dict[str, Tree]:
    """Accuracies, and the shares of mediators."""
    return {
        "retains": forms.retains("kept", "whole", "chance"),
        "mediates most, of two": forms.mediates_most("blocks", ["q", "s"], "q"),
        "mediates most": forms.mediates_most("blocks", MEDIATORS, "q"),
    }
