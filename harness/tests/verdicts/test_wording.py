"""Measurements and quantities as readers see them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.data.flow import Flow
from harness.interventions.measurements import (
    Accuracy,
    ActivationPatch,
    BlockFromLayer,
    Chance,
    Lens,
    Measurement,
    Mediators,
    Modules,
    OpenPathsOnly,
    Quantity,
    Route,
    Sweep,
)
from harness.statistics.forms.values import mediates_most
from harness.statistics.trees import nodes
from harness.statistics.verdict import Fact, Judgement, Part, Reading, Tally, Verdict
from harness.verdicts.curve_axes import axis_of, measurement_record
from harness.verdicts.record import MeasurementRecord
from harness.verdicts.wording import (
    judgement_spelled_out,
    measurement_name,
    quantity_name,
    spelled_out,
    tally_in_words,
)

IMAGE = Flow("image", "question")
EFFECT = Quantity("T", Sweep(IMAGE, 3), "p_c")
CARRIED = Mediators("image", ("separator", "question", "last"))


@pytest.mark.parametrize(
    ("measurement", "reading", "name"),
    [
        (Sweep(Flow("related_patches", "question"), 3), "p_c", "related patches → question"),
        (Sweep(IMAGE.random_control(), 3), "p_c", "image → question, random-source control"),
        (Sweep(IMAGE.random_control(2), 3), "p_c", "image → question, random-source control 3"),
        (Sweep(IMAGE, 3, "grey"), "p_c", "image → question, grey picture"),
        (Sweep(Flow("question", "suffix+roles"), 3), "p_c", "question → suffix and roles"),
        (ActivationPatch(IMAGE, 3, "mean"), "p_c", "image → question, reading the mean value instead"),
        (BlockFromLayer(Flow("image", "after_image"), (0, 1)), "right", "blocked from each layer on"),
        (Modules("mlp", "question", 3), "p_c", "MLP zeroed at question"),
        (Modules("mlp", "question", 3, 0), "p_c", "MLP output of equal norm removed at as many random"),
        (Lens(norm=True), "lower", "lower-case answer, final norm applied"),
        (Lens(False, "lower"), "false_capital", "false capitalised answer, asked for lower case"),
    ],
)
def test_a_curve_is_named_from_its_fields(measurement: Measurement, reading: str, name: str) -> None:
    quantity = Quantity("T", measurement, reading)
    assert axis_of(measurement, 12) is not None
    assert name in measurement_name(measurement_record(quantity))
    elsewhere = measurement_name(measurement_record(replace(quantity, checkpoint="other")))
    assert elsewhere == f"{measurement_name(measurement_record(quantity))}, other"


def test_what_has_no_curve_has_no_record() -> None:
    with pytest.raises(ValueError, match="no curve over depth"):
        measurement_record(Quantity("T", Accuracy(), "right"))


@pytest.mark.parametrize(
    ("quantity", "name"),
    [
        (EFFECT, "image → question, k = 3, p_c on T"),
        (replace(EFFECT, part="testing"), "image → question, k = 3, p_c on T (testing images)"),
        (replace(EFFECT, checkpoint="other"), "image → question, k = 3, p_c on T, other"),
        (Quantity("T", Lens(norm=False), "either"), "answer in either case on T"),
        (Quantity("T", Accuracy("grey"), "right"), "accuracy, grey picture on T"),
        (Quantity("T", Chance(), "right"), "chance on T"),
        (
            Quantity("T", BlockFromLayer(IMAGE, (6,)), "p_c"),
            "image → question, blocked in layers 6 and above, p_c on T",
        ),
        (
            Quantity("T", OpenPathsOnly((IMAGE,), (Route(IMAGE, 2, 4),)), "right"),
            "only image → question in layers 2–4 open, share of right answers on T",
        ),
    ],
)
def test_a_quantity_is_named_from_its_fields(quantity: Quantity, name: str) -> None:
    assert quantity_name(quantity) == name


def test_a_statement_about_mediators_is_written_out() -> None:
    quantity = Quantity("T", CARRIED, "p_c")
    labels = [
        leaf.label
        for node in nodes(mediates_most(quantity, CARRIED.mediators, "question"))
        for leaf in node.leaves
    ]
    whole = "image hidden in all layers from line break, question, last position, p_c on T: "
    assert {spelled_out(label, [quantity]) for label in labels} == {
        f"{whole}the whole effect",
        f"{whole}the part through the question minus half of the whole",
    }


def test_of_two_notations_that_begin_or_end_alike_the_longer_is_meant() -> None:
    control, patched = (
        Quantity("T", one, "p_c")
        for one in (Sweep(IMAGE.random_control(), 3), ActivationPatch(IMAGE, 3, "mean"))
    )
    elsewhere = replace(EFFECT, checkpoint="other")
    text = f"all of:\n  {EFFECT} below {control}, {patched}, {elsewhere}"
    named = ", ".join(quantity_name(one) for one in (patched, elsewhere))
    told = spelled_out(text, [EFFECT, control, patched, elsewhere])
    assert told == f"all of:\n  {quantity_name(EFFECT)} below {quantity_name(control)}, {named}"
    assert spelled_out(text, []) == text


def test_a_judgement_names_its_quantities_everywhere() -> None:
    part = Part(f"deepest window of {EFFECT}", -20.0, -25.0, -15.0, -10.0, "<", 0.01, 0.9, str(EFFECT))
    readings = (Reading("flip", Verdict.SUPPORTED, part), Reading("distractor", Verdict.REFUTED))
    facts = (Fact("x", str(EFFECT)),)
    judged = Judgement(Verdict.SUPPORTED, 0.01, 0.9, 0.05, 0, 60, 60, (part,), notes=facts)
    judged = replace(judged, reason=f"no sample gives {EFFECT}")
    told = judgement_spelled_out(replace(judged, readings=readings), [EFFECT])
    name = quantity_name(EFFECT)
    assert [(one.label, one.where) for one in told.parts] == [(f"deepest window of {name}", name)]
    assert told.reason == f"no sample gives {name}"
    assert told.notes == (Fact("x", name),)
    assert [one.part and one.part.label for one in told.readings] == [f"deepest window of {name}", None]


def test_an_unknown_kind_is_shown_as_it_stands() -> None:
    assert measurement_name(MeasurementRecord("new", "a_b", "c", condition="odd")) == "a b → c, odd"


@pytest.mark.parametrize(
    ("tally", "told"),
    [
        (Tally(("a", "b"), (), ()), "holds in 2 of 2"),
        (Tally(tuple("abcde"), ("LogicalObj",), ()), "holds in 5 of 6, not in LogicalObj"),
        (Tally((), ("a", "b"), ("c",)), "holds in 0 of 3, not in a, b, inconclusive in c"),
    ],
)
def test_where_a_claim_over_tasks_holds(tally: Tally, told: str) -> None:
    assert tally_in_words(tally) == told
