"""Looks at stored evidence: contrasts compare the samples that have all measures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.data.dataset import Dataset, make_dataset
from harness.data.depth import Points
from harness.data.flow import Flow
from harness.data.sample import Sample
from harness.evidence.shards import CLEAN, rows_to_frame
from harness.interventions.measurements import Quantity, Sweep
from harness.verdicts.evidence_table import Look, Table
from harness.verdicts.unbounded import RISES, plain_means

OFTEN = Sweep(Flow("related_patches", "question"), 1)
SELDOM = Sweep(Flow("random_patches", "question"), 1)
NEVER = Sweep(Flow("tile_patches", "question"), 1)


def dataset(images: int = 80) -> Dataset:
    samples = [
        Sample(f"{at:03}", "ChooseAttr", f"i{at:03}", Path("none.jpg"), "?", "yes", "yes", "no", (), (8, 8))
        for at in range(images)
    ]
    return make_dataset("made up", "sha", samples)


def row(sample: Sample, measurement: Sweep | str, p: float | None) -> dict[str, object]:
    return {
        "sample": sample.id,
        "task": sample.task,
        "image": sample.image_id,
        "measurement": str(measurement),
        "reading": "" if p is None else "p",
        "values": [] if p is None else [p],
        "p1": 1.0,
        "reason": "region is empty" if p is None else "",
        "answer": "yes",
    }


def look() -> Look:
    """The effect is -80 where the control is undefined, and -30 (as the control) elsewhere."""
    data = dataset()
    rows = []
    for at, sample in enumerate(data.samples):
        large = at % 2 == 0
        rows.append(row(sample, CLEAN, 1.0))
        rows.append(row(sample, OFTEN, 0.2 if large else 0.7))
        rows.append(row(sample, SELDOM, None if large else 0.7))
        rows.append(row(sample, NEVER, None))
    return Table(rows_to_frame(rows)).at(data, 1.0)


def effect(measurement: Sweep) -> Quantity:
    return Quantity("ChooseAttr", measurement, "p_c")


def test_a_contrast_compares_the_samples_that_have_both_sides() -> None:
    seen = look()
    assert np.isclose(seen[effect(OFTEN)].values.mean(), -55)
    assert seen[effect(OFTEN)].scale == "p_c"
    both = seen.matched([effect(OFTEN), effect(SELDOM)])
    assert np.isclose(both[effect(OFTEN)].values.mean(), -30)
    assert both[effect(OFTEN)].images == both[effect(SELDOM)].images
    assert len(both[effect(OFTEN)].images) == 40


def test_a_measure_without_values_narrows_nothing() -> None:
    seen = look()
    assert seen.matched([effect(OFTEN), effect(NEVER)]) is seen


def test_what_was_tried_and_does_not_exist_is_counted() -> None:
    seen = look()
    assert seen.undefined(effect(NEVER)) == 80
    assert seen.undefined(effect(SELDOM)) == 0, "it exists on some"
    untried = Sweep(Flow("image", "last"), 1)
    assert seen.undefined(effect(untried)) == 0, "nobody tried"


def test_a_rise_counts_as_100_at_most_and_its_plain_mean_is_told() -> None:
    """One image in forty rises by 900 per cent; all others fall by 30."""
    data = dataset()
    rows = []
    for at, sample in enumerate(data.samples):
        rows.append(row(sample, CLEAN, 1.0) | {"p1": 0.1})
        rows.append(row(sample, OFTEN, 1.0 if at % 40 == 0 else 0.07) | {"p1": 0.1})
    seen = Table(rows_to_frame(rows)).at(data, 1.0)
    bounded, plain = seen[effect(OFTEN)], seen.plain(effect(OFTEN))
    assert bounded.values.max() == 100 == bounded.extremes[1]
    assert np.isclose(bounded.values.mean(), (2 * 100 - 78 * 30) / 80)
    assert np.isclose(plain.values.mean(), (2 * 900 - 78 * 30) / 80)
    (fact,) = plain_means(seen, [effect(OFTEN)])
    told = "count as 100: -26.8, without the bound -6.8"
    assert fact.about == RISES and fact.text.startswith(told) and "2.5% of images" in fact.text


def test_without_such_a_rise_nothing_is_told_beside() -> None:
    assert plain_means(look(), [effect(OFTEN)]) == ()


def test_some_windows_are_read_from_rows_that_have_them_or_more() -> None:
    """Whatever else of a flow was measured on a sample, its values at these windows are the same."""
    data, flow = dataset(), Flow("image", "question")
    every, wanted = Sweep(flow, 1), Sweep(flow, 1, only=Points((1, 3), 4))
    more, fewer = (replace(wanted, only=Points(places, 4)) for places in ((0, 1, 3), (3,)))
    rows = []
    for at, sample in enumerate(data.samples):
        stored = (every, wanted, more, fewer)[at % 4]
        only = stored.only.places if stored.only else range(4)
        rows.append({**row(sample, stored, 0.0), "values": [0.1 * place for place in only]})
    seen = Table(rows_to_frame(rows)).at(data, 1.0)
    found = seen[effect(wanted)]
    assert len(found.images) == 60, "those that lack one of the windows have none"
    assert np.allclose(found.values, [[-90.0, -70.0]])
    assert found.only == wanted.only
    assert len(seen[effect(every)].images) == 20
    assert len(seen[effect(fewer)].images) == 80


def test_what_is_undefined_is_so_at_some_windows_too() -> None:
    seen = look()
    assert seen.undefined(effect(replace(NEVER, only=Points((0,), 1)))) == 80
