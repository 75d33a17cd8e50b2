"""Curves against an accepted checkpoint's: what moved is found, what did not is not."""

from __future__ import annotations

import functools
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from harness.data.depth import Grid
from harness.data.errors import HarnessError
from harness.data.flow import Flow
from harness.interventions.measurements import Quantity, Sweep
from harness.statistics.curves import EFFECT, Curves
from harness.validation.false_alarms.control_runs import INSERTED, compared, identity, masked, zeroed
from harness.validation.false_alarms.counting import count
from harness.validation.false_alarms.situations import Halved, Later, Pushed, Situation, Unchanged, true_names
from harness.verdicts.regression.baseline import (
    FLOWS,
    About,
    Baseline,
    _content_digest,
    kept_quantities,
    read_baseline,
    to_bytes,
)
from harness.verdicts.regression.changes import Change, Sides, compare

GRID = Grid(12, 3)
FINE = Grid(24, 5)
MEASURE = Quantity("ChooseAttr", Sweep(Flow.parse("image->question"), 3), "p_c")


def dip(centre: float, depth: float, grid: Grid = GRID, width: float = 0.1) -> np.ndarray:
    """A mean curve with one dip at a relative depth."""
    return -depth * np.exp(-(((grid.depths - centre) / width) ** 2))


def sample(mean: np.ndarray, seed: int, images: int = 200, start: int = 0) -> Curves:
    """Images whose answers are lost or kept, as knockouts do, with the wanted mean curve."""
    latent = np.random.default_rng(seed).uniform(size=(images, 1))
    values = np.where(latent < -mean / 100, -100.0, 0.0)
    names = tuple(f"{number:05d}" for number in range(start, start + images))
    return Curves(names, values, images, EFFECT)


def change(old: np.ndarray, new: np.ndarray, grid: Grid = GRID) -> Change:
    sides = Sides(MEASURE, sample(old, 1), GRID, sample(new, 2, start=1000), grid)
    return compare(sides).change


def test_a_curve_is_equivalent_to_itself() -> None:
    curves = sample(dip(0.3, 60), 1)
    found = compare(Sides(MEASURE, curves, GRID, curves, GRID))
    assert found.change is Change.EQUIVALENT
    assert found.images == (200, 0)


def test_other_images_of_the_same_population_are_no_alarm() -> None:
    """At most five runs in a hundred may cry; here none in forty does."""
    mean = dip(0.3, 60)
    found = [
        compare(Sides(MEASURE, sample(mean, seed), GRID, sample(mean, 99 + seed, start=1000), GRID))
        for seed in range(40)
    ]
    assert not any(one.change.moved for one in found)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (dip(0.3, 60), dip(0.7, 60), Change.SHIFTED_UP),
        (dip(0.7, 60), dip(0.3, 60), Change.SHIFTED_DOWN),
        (dip(0.3, 80), dip(0.3, 35), Change.WEAKENED),
        (dip(0.3, 35), dip(0.3, 80), Change.STRENGTHENED),
        (dip(0.3, 60), dip(0.3, 0), Change.GONE),
        (dip(0.3, 0), dip(0.3, 60), Change.NEW),
    ],
)
def test_what_moved_is_named(old: np.ndarray, new: np.ndarray, expected: Change) -> None:
    assert change(old, new) is expected


def test_decoders_of_different_depth_are_compared_by_relative_depth() -> None:
    assert change(dip(0.3, 60, width=0.2), dip(0.3, 60, FINE, 0.2), FINE) in {
        Change.EQUIVALENT,
        Change.UNDECIDED,
    }
    assert change(dip(0.3, 60), dip(0.7, 60, FINE), FINE) is Change.SHIFTED_UP


def test_few_images_decide_nothing() -> None:
    few = sample(dip(0.3, 60), 1, images=30)
    found = compare(Sides(MEASURE, few, GRID, few, GRID))
    assert found.change is Change.UNDECIDED
    assert "fewer than 60" in found.reason


# ------------------------------------------------------------------------------- how often it is wrong


def population() -> Baseline:
    """Three curves of 150 images: deep, shallow, none."""
    about = About("embedded", "c" * 64, 12, 3, "scenes", "d" * 64, {}, "2026-11-22")
    means = {"image->question": dip(0.3, 60), "question->last": dip(0.7, 25), "last->last": dip(0.3, 0)}
    curves = {
        Quantity("ChooseAttr", Sweep(Flow.parse(flow), 3), "p_c"): sample(mean, seed, images=150)
        for seed, (flow, mean) in enumerate(means.items())
    }
    return Baseline(about, curves)


def test_other_samples_of_an_unchanged_checkpoint_raise_no_alarm() -> None:
    found = count(population(), Situation("unchanged", Unchanged(), None), range(30), alpha=0.05, draws=500)
    assert (found.runs.of, found.unmoved.of, found.unmoved.wrong) == (30, 90, 0)
    assert found.by_flow["last->last"] == {Change.EQUIVALENT: 30}


@pytest.mark.parametrize("everywhere", [True, False])
def test_at_the_edge_both_errors_are_rare(*, everywhere: bool) -> None:
    """At a rate of 5 %, more than 15 of 120 come by chance 3 times in 10,000."""
    edge = Situation("edge", Pushed(everywhere), 150)
    found = count(population(), edge, range(40), alpha=0.05, draws=500)
    assert found.unmoved.of == found.unlike.of == 120
    assert found.unmoved.wrong <= 15
    assert found.unlike.wrong <= 15


@pytest.mark.parametrize(
    ("shift", "names"),
    [(Halved(), {Change.WEAKENED}), (Later(4), {Change.SHIFTED_UP, Change.STRENGTHENED})],
)
def test_names_are_true(shift: Halved | Later, names: set[Change]) -> None:
    found = count(population(), Situation("moved", shift, 400), range(5), alpha=0.05, draws=500)
    assert found.moved.of and not found.moved.wrong
    assert {change for change in found.by_flow["image->question"] if change.moved} <= names


def test_what_the_benchmark_says_is_true_is_true_of_what_it_draws() -> None:
    values = sample(dip(0.3, 60), 1, images=4000).values
    old = values.mean(axis=0)
    chance = np.random.default_rng(0).uniform(size=(4000, 1))
    for shift in (Unchanged(), Pushed(everywhere=True), Pushed(everywhere=False), Halved(), Later(2)):
        drawn = shift.values(values, old, chance).mean(axis=0)
        np.testing.assert_allclose(drawn, shift.mean(old), atol=1.5)
    assert np.abs(Pushed(everywhere=True).mean(old) - old) == pytest.approx(10)
    assert np.abs(Pushed(everywhere=False).mean(old) - old).max() == pytest.approx(10)


def test_names_that_are_true() -> None:
    depths = GRID.depths
    assert true_names(dip(0.3, 60), dip(0.3, 0), depths) == {Change.CHANGED, Change.GONE, Change.WEAKENED}
    assert true_names(dip(0.3, 0), dip(0.3, 60), depths) == {Change.CHANGED, Change.NEW, Change.STRENGTHENED}
    assert Change.SHIFTED_UP in true_names(dip(0.3, 60), dip(0.6, 60), depths)
    assert Change.SHIFTED_DOWN in true_names(dip(0.6, 60), dip(0.3, 60), depths)


# ------------------------------------------------------------------------------- control checkpoints


def inserted(baseline: Baseline) -> Baseline:
    """What must come out of the checkpoint with identity layers below; the one new window is as the first."""
    grid = Grid(GRID.layers + INSERTED, GRID.size)
    curves = {}
    for quantity, found in baseline.curves.items():
        assert isinstance(quantity.measurement, Sweep)
        values = identity(found.values, quantity.measurement.flow, GRID, grid)
        assert np.isnan(values).any(axis=0).sum() == 1, "one window reaches from the new layers into the old"
        curves[quantity] = replace(found, values=np.where(np.isnan(values), found.values[:, :1], values))
    about = replace(baseline.about, checkpoint="control-identity", layers=grid.layers)
    return Baseline(about, curves)


def test_a_control_is_reported_as_moved_where_it_moved_and_nowhere_else() -> None:
    found = {one.flow: one for one in compared(population(), inserted(population()))}
    assert found["image->question"].change in {Change.SHIFTED_UP, Change.CHANGED}
    assert found["image->question"].apart > 30
    assert not found["question->last"].change.moved
    assert found["question->last"].apart < 10
    assert found["last->last"].change is Change.EQUIVALENT
    assert {one.off for one in found.values()} == {0.0}


def test_a_control_that_is_not_what_it_should_be_is_seen() -> None:
    control = inserted(population())
    wrong = {one: replace(curves, values=curves.values - 1) for one, curves in control.curves.items()}
    assert {one.off for one in compared(population(), replace(control, curves=wrong))} == {1.0}


def test_nothing_is_known_of_other_checkpoints() -> None:
    with pytest.raises(HarnessError, match="no control 'embedded'; there are control-identity"):
        compared(population(), population())


def test_what_must_hold_inside_zeroed_layers_and_behind_a_mask() -> None:
    old = sample(dip(0.3, 60), 1).values
    inside = zeroed(old, Flow.parse("question->last"), GRID, GRID)
    assert np.flatnonzero(~np.isnan(inside[0])).tolist() == [5]
    assert not masked(old, Flow.parse("image->last"), GRID, GRID).any()
    assert np.isnan(masked(old, Flow.parse("question->last"), GRID, GRID)).all()


# ------------------------------------------------------------------------------- the file


def baseline(images: int = 200) -> Baseline:
    about = About("embedded", "c" * 64, 12, 3, "scenes", "d" * 64, {"dtype": "float32"}, "2026-11-22")
    quantities = kept_quantities(["ChooseAttr", "QueryAttr"], 3)
    return Baseline(about, {one: sample(dip(0.3, 60), seed, images) for seed, one in enumerate(quantities)})


@functools.cache
def content_of_one() -> bytes:
    """A file, of few images so that it is soon read."""
    return to_bytes(baseline(20))


def test_a_baseline_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "embedded.parquet"
    path.write_bytes(to_bytes(baseline()))
    read = read_baseline(path)
    assert read.about == baseline().about
    assert read.curves.keys() == baseline().curves.keys()
    assert len(read.curves) == 2 * len(FLOWS)
    for quantity, curves in baseline().curves.items():
        assert read.curves[quantity].images == curves.images
        np.testing.assert_allclose(read.curves[quantity].values, curves.values, atol=0.005)


def test_the_same_baseline_is_the_same_bytes() -> None:
    assert to_bytes(baseline()) == to_bytes(baseline())


def test_a_newer_baseline_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "b.parquet"
    frame = pl.read_parquet(io.BytesIO(content_of_one()))
    frame.write_parquet(path, metadata={"findings-baseline": json.dumps({"version": 3})})
    with pytest.raises(HarnessError, match="a baseline of version 3, this suite reads 2"):
        read_baseline(path)


@pytest.mark.parametrize("content", [b"", b"PAR1 nonsense", b"{}"])
def test_what_is_no_baseline_is_one_clear_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "b.parquet"
    path.write_bytes(content)
    with pytest.raises(HarnessError, match="not a baseline"):
        read_baseline(path)
    with pytest.raises(HarnessError, match="not a baseline"):
        read_baseline(tmp_path / "none.parquet")


def test_any_parquet_file_is_no_baseline(tmp_path: Path) -> None:
    path = tmp_path / "b.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(path)
    with pytest.raises(HarnessError, match="not a baseline"):
        read_baseline(path)


def test_a_baseline_that_ends_its_reader_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(_: Path) -> None:
        raise ValueError("it crashes its reader")

    monkeypatch.setattr("harness.verdicts.regression.baseline.try_parquet", ended)
    path = tmp_path / "b.parquet"
    path.write_bytes(content_of_one())
    with pytest.raises(HarnessError, match=r"b\.parquet: not a baseline \(it crashes its reader\)"):
        read_baseline(path)


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, 1 << 20), bit=st.integers(0, 7))
def test_a_flipped_bit_is_never_read_as_other_curves(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    content = bytearray(content_of_one())
    content[at % len(content)] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "flipped.parquet"
    path.write_bytes(content)
    try:
        read = read_baseline(path)
    except HarnessError as error:
        named = str(error)
    else:  # a byte that says nothing: padding, or the statistics of a column
        named = path.name
        assert to_bytes(read) == content_of_one()
    assert path.name in named


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"layers": "x"}, "not a baseline"),
        ({"protocol": [1]}, "not a baseline"),
        ({"layers": 7}, "have not one value for each layer"),
    ],
)
def test_a_baseline_of_wrong_types_is_one_line_though_its_hash_fits(
    tmp_path: Path, change: dict[str, object], told: str
) -> None:
    frame, about = _content()
    _written(tmp_path / "b.parquet", frame, about | change)
    with pytest.raises(HarnessError, match=told):
        read_baseline(tmp_path / "b.parquet")


def test_effects_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    frame, about = _content()
    nan = frame.with_columns(effect=pl.col("effect").list.eval(pl.lit(float("nan"), dtype=pl.Float32)))
    _written(tmp_path / "b.parquet", nan, about)
    with pytest.raises(HarnessError, match="not finite"):
        read_baseline(tmp_path / "b.parquet")


def _content() -> tuple[pl.DataFrame, dict[str, object]]:
    content = io.BytesIO(content_of_one())
    about: dict[str, object] = json.loads(pl.read_parquet_metadata(content)["findings-baseline"])
    del about["content_sha256"]
    return pl.read_parquet(content), about


def _written(path: Path, frame: pl.DataFrame, about: dict[str, object]) -> None:
    whole = about | {"content_sha256": _content_digest(about, frame)}
    frame.write_parquet(path, metadata={"findings-baseline": json.dumps(whole)})
