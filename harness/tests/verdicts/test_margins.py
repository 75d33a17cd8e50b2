"""The parts of a lost margin: they add up, are the answers' own logarithms, and are never infinite."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from harness.data.dataset import make_dataset
from harness.data.flow import Flow
from harness.data.sample import Sample
from harness.evidence.shards import CLEAN, rows_to_frame
from harness.interventions.measurements import BlockFromLayer, Quantity, Sweep
from harness.measuring.readout import Tokens, log_probabilities, read_sweep
from harness.verdicts.claim_record import curves
from harness.verdicts.evidence_table import Look, Table
from harness.verdicts.margins import LOG_FALSE, LOG_TRUE, margin_of

FLOW = Sweep(Flow("image", "question"), 1)
EFFECT = Quantity("ChooseAttr", FLOW, "p_c")
Read = tuple[str, float, Mapping[str, Sequence[float]]]
"""A sample's image, its p1, and its readings."""


def look(*read: Read) -> Look:
    """A look at some samples' readings of one flow."""
    samples = [
        Sample(f"{at:03}", "ChooseAttr", image, Path("none.jpg"), "?", "yes", "yes", "no", (), (8, 8))
        for at, (image, *_) in enumerate(read)
    ]
    rows: list[dict[str, object]] = []
    for sample, (image, p1, readings) in zip(samples, read, strict=True):
        common = {"sample": sample.id, "task": "ChooseAttr", "image": image, "p1": p1, "answer": "yes"}
        for measurement, values in ((CLEAN, {"p": (p1,)}), (str(FLOW), readings)):
            rows += [
                {**common, "measurement": measurement, "reading": name, "values": list(numbers), "reason": ""}
                for name, numbers in values.items()
            ]
    return Table(rows_to_frame(rows)).at(make_dataset("made up", "sha", samples), 1.0)


def values(seen: Look, reading: str) -> np.ndarray[Any, Any]:
    return seen[replace(EFFECT, reading=reading)].values


LOGITS = st.lists(st.floats(-40, 40), min_size=4, max_size=4)


@settings(deadline=None, max_examples=50)
@given(LOGITS, st.lists(LOGITS, min_size=3, max_size=3))
def test_the_parts_are_the_answers_log_probabilities_and_add_up(
    clean: list[float], blocked: list[list[float]]
) -> None:
    before, after = torch.tensor(clean), torch.tensor(blocked)
    p1 = float(log_probabilities(before, [0])[0].exp())
    seen = look(("a", p1, read_sweep(before, after, Tokens(0, 1, {}))))
    changes = (log_probabilities(after, [0, 1]) - log_probabilities(before, [0, 1])).numpy()
    np.testing.assert_allclose(values(seen, LOG_TRUE)[0], changes[:, 0], atol=1e-9)
    np.testing.assert_allclose(values(seen, LOG_FALSE)[0], changes[:, 1], atol=1e-9)
    found = margin_of(EFFECT, seen)
    assert found
    lost = np.subtract(found.true, found.false)
    np.testing.assert_allclose(lost, values(seen, "log_odds").mean(axis=0), atol=1.1e-6)


def of(p2: float, false_from: float, false_to: float, p1: float = 0.8) -> dict[str, tuple[float, ...]]:
    """The readings of a sample at one window, by the probabilities of both answers."""
    return {"p": (p2,), "log_odds": (math.log(p2 / p1) - math.log(false_to / false_from),)}


def test_a_case_worked_out_by_hand() -> None:
    """Two samples on one image count once: of (ln 2 + ln 4) / 2 and ln 8 the mean is 2.25 ln 2."""
    seen = look(
        ("a", 0.8, of(0.4, 0.1, 0.1)),
        ("a", 0.8, of(0.2, 0.1, 0.4)),
        ("b", 0.8, of(0.1, 0.1, 0.05)),
    )
    found = margin_of(EFFECT, seen)
    assert found
    ln2 = math.log(2)
    assert found.true == pytest.approx((-2.25 * ln2,), abs=1e-6)
    assert found.false == pytest.approx(((0 + 2) / 2 * ln2 / 2 - ln2 / 2,), abs=1e-6)
    assert (found.n_images, found.n_samples, found.left_out) == (2, 3, 0)


def test_of_a_sure_answer_most_of_the_lost_margin_is_the_wrong_ones_rise() -> None:
    """What the report warns of, in its own numbers: the wrong answer takes all that the true one loses."""
    found = margin_of(EFFECT, look(("a", 0.999, of(0.5, 0.001, 0.5, p1=0.999))))
    assert found
    assert found.true == pytest.approx((-0.69,), abs=0.005)
    assert found.false == pytest.approx((6.2,), abs=0.05)


@pytest.mark.parametrize("lost", [0.0, 5e-324, float("nan")])
def test_what_underflows_is_left_out_and_counted(lost: float) -> None:
    underflows = ("b", 0.8, {"p": (0.4, lost), "log_odds": (-1.0, -800.0)})
    usable = ("a", 0.8, {"p": (0.4, 0.4), "log_odds": (-1.0, -1.0)})
    found = margin_of(EFFECT, look(usable, underflows))
    assert found
    assert (found.n_images, found.n_samples, found.left_out) == (1, 1, 1)
    assert np.isfinite([*found.true, *found.false]).all()
    alone = margin_of(EFFECT, look(underflows))
    assert alone
    assert (alone.n_images, alone.left_out, len(alone.true)) == (0, 1, 2)
    assert np.isnan([*alone.true, *alone.false]).all()


def test_only_samples_with_one_wrong_answer_have_a_margin() -> None:
    without = ("b", 0.8, {"p": (0.4,)})
    assert margin_of(EFFECT, look(without)) is None
    found = margin_of(EFFECT, look(("a", 0.8, of(0.4, 0.1, 0.2)), without))
    assert found
    assert (found.n_images, found.left_out) == (1, 0)


def test_a_wrongly_answered_samples_own_answer_is_not_the_true_one() -> None:
    seen = look(("a", 0.8, of(0.4, 0.1, 0.2)))
    unfiltered = BlockFromLayer(FLOW.flow, (0, 1), unfiltered=True)
    assert margin_of(replace(EFFECT, measurement=unfiltered), seen) is None


def test_an_effects_curve_says_what_becomes_of_the_margin_and_no_other_curve_does() -> None:
    readings = {"flip": (1.0,), "distractor": (-30.0,), **of(0.4, 0.1, 0.2)}
    seen = look(*((f"i{at}", 0.8, readings) for at in range(3)))
    examination: Any = SimpleNamespace(layers_of=lambda _: 1)
    found = {curve.reading: curve.margin for curve in curves(examination, [EFFECT], seen)}
    assert found.pop("p_c") == margin_of(EFFECT, seen)
    assert found == {"distractor": None, "flip": None}
