"""Measuring: every measurement, by the fast sweep and by the reference, and what each reading means."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded, encode
from harness.data.dataset import Dataset, make_dataset
from harness.data.depth import Points
from harness.data.errors import NOT_FINITE, MemoryLimitError, NumericsError, RegionError
from harness.data.flow import Flow
from harness.data.sample import Box, Sample
from harness.engine import decoding
from harness.engine.engines import ReferenceEngine, SweepEngine, SweepRun
from harness.engine.protocol import Engine
from harness.interventions.knockout import Knockout, Positions
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
    Route,
    Sweep,
)
from harness.interventions.patching import KeyValues, PatchSource
from harness.interventions.to_knockouts import Subject, knockouts_of
from harness.measuring.measurer import ImageMeasurer
from harness.measuring.progress import CHECKING, MEASURING
from harness.measuring.request import Request
from harness.testing.building_blocks import GEMMA, QWEN, SHUFFLED
from harness.testing.cases import brief, greedy_answer
from harness.testing.pretended_devices import PretendedDevices, gpu_memory, on_one_gpu, on_two_gpus
from harness.testing.tiny_checkpoints import tiny_checkpoint

LAYERS = 3
MEDIATORS = ("separator", "question", "suffix", "roles", "last")
FLOW = Flow("image", "question")
MEASUREMENTS: tuple[Measurement, ...] = (
    Sweep(FLOW, 3),
    Sweep(Flow("random_patches", "question"), 1),
    Sweep(Flow("true_option", "last"), 1),
    Sweep(FLOW, 1, "grey"),
    Sweep(Flow("question", "last"), 1, "first_subword"),
    Sweep(Flow("question", "last"), 1, "last_subword"),
    ActivationPatch(FLOW, 1, "mean"),
    ActivationPatch(FLOW, 1, "other"),
    Modules("mlp", "question", 1),
    Modules("attention", "question", 3),
    Modules("mlp", "true_option", 1, 0),
    BlockFromLayer(FLOW, (1,)),
    BlockFromLayer(Flow("image", "after_image"), (0, 1, 2), unfiltered=True),
    Mediators("image", MEDIATORS),
    OpenPathsOnly(
        (Flow("image", "after_image"), Flow("question", "last")),
        (Route(FLOW, 0, 1), Route(Flow("question", "last"), 1, 2)),
    ),
    Lens(norm=False),
    Lens(norm=True),
    Accuracy(),
    Accuracy("grey"),
    Chance(),
    Modules("mlp", "question", 3, 0, Points((0, 2), LAYERS)),
    Mediators("image", ("question", "separator+suffix+roles", "last")),
)
Rows = Mapping[tuple[str, str, str], Mapping[str, object]]


@functools.cache
def checkpoint() -> Checkpoint:
    made = tiny_checkpoint("llama", layers=LAYERS, per_side=3, dtype=torch.float64, seed=5)
    with tempfile.TemporaryDirectory() as folder:
        return brief_here(made, Path(folder))


def brief_here(made: Checkpoint, folder: Path) -> Checkpoint:
    """A checkpoint that ends its answers to the questions of this file."""
    return brief(made, [encode(made, asked(folder, number, "?")) for number in range(4)])


def picture(folder: Path, name: str, seed: int) -> Path:
    noise = torch.randint(0, 256, (12, 12, 3), generator=torch.Generator().manual_seed(seed))
    path = folder / f"{name}.png"
    Image.fromarray(noise.to(torch.uint8).numpy()).save(path)
    return path


def asked(folder: Path, number: int, answer: str) -> Sample:
    return Sample(
        str(number),
        "ChooseAttr",
        f"i{number}",
        picture(folder, f"i{number}", number),
        "is the large circle red or blue ?",
        answer,
        "red",
        "blue",
        (Box("circle", 0, 0, 5, 5),),
        (12, 12),
    )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two questions whose expected answer is what the model says, and one it answers wrongly."""
    return answered(checkpoint(), tmp_path_factory.mktemp("pictures"))


def answered(made: Checkpoint, folder: Path) -> Dataset:
    samples = [asked(folder, number, "nothing of the kind") for number in range(3)]
    for number in (0, 1):
        said = decoding.read(made, greedy_answer(made, encode(made, samples[number]))).strip().lower()
        samples[number] = replace(samples[number], answer=said)
    return make_dataset("noise", "sha", samples)


def measured(engine: Engine, dataset: Dataset, sample: Sample, *measurements: Measurement) -> Rows:
    rows = ImageMeasurer(checkpoint(), engine, dataset).image([Request(sample, measurements)])
    keys = [(str(row["measurement"]), str(row["reading"]), str(row["sample"])) for row in rows]
    assert len(set(keys)) == len(keys), "a row twice"
    return dict(zip(keys, rows, strict=True))


def values(rows: Rows, measurement: Measurement, reading: str) -> list[float]:
    found = [
        row["values"] for (name, read, _), row in rows.items() if (name, read) == (str(measurement), reading)
    ]
    (only,) = found
    assert isinstance(only, list)
    return only


def kept(dataset: Dataset) -> Sample:
    return next(sample for sample in dataset.samples if sample.id == "0")


def wrong(dataset: Dataset) -> Sample:
    return next(sample for sample in dataset.samples if sample.id == "2")


@pytest.mark.parametrize("which", [kept, wrong])
def test_the_sweep_measures_what_the_reference_measures(dataset: Dataset, which: object) -> None:
    sample = kept(dataset) if which is kept else wrong(dataset)
    fast = measured(SweepEngine(checkpoint()), dataset, sample, *MEASUREMENTS)
    slow = measured(ReferenceEngine(checkpoint()), dataset, sample, *MEASUREMENTS)
    assert fast.keys() == slow.keys()
    for key, row in fast.items():
        assert row["values"] == pytest.approx(slow[key]["values"], abs=1e-8), key
        assert row["p1"] == pytest.approx(slow[key]["p1"], abs=1e-10), key
        # An answer that is known to be wrong may be cut short, so only the rest must agree.
        assert row["reason"] == slow[key]["reason"]


@pytest.mark.parametrize("kind", [*SHUFFLED, *QWEN, GEMMA])
def test_so_it_does_on_pictures_in_tiles_with_marks_and_in_their_own_shape(kind: str, tmp_path: Path) -> None:
    made = tiny_checkpoint("qwen2", layers=LAYERS, per_side=2, dtype=torch.float64, seed=5, kind=kind)
    made = brief_here(made, tmp_path)
    data = answered(made, tmp_path)
    more = (Sweep(Flow("separators", "question"), 1), Sweep(Flow("image+separators", "last"), 3))
    request = Request(kept(data), (*MEASUREMENTS, *(more if kind in SHUFFLED else ())))
    fast, slow = (
        ImageMeasurer(made, engine, data).image([request])
        for engine in (SweepEngine(made), ReferenceEngine(made))
    )
    assert {row["reason"] for row in fast if row["measurement"] == "clean"} == {""}
    for one, other in zip(sorted(fast, key=_whole_name), sorted(slow, key=_whole_name), strict=True):
        assert _whole_name(one) == _whole_name(other)
        assert one["values"] == pytest.approx(other["values"], abs=1e-8), _whole_name(one)
        assert one["reason"] == other["reason"]


def _whole_name(row: Mapping[str, object]) -> tuple[str, str]:
    return str(row["measurement"]), str(row["reading"])


@pytest.mark.parametrize("moved", [on_one_gpu, on_two_gpus])
def test_a_gpu_measures_what_the_cpu_measures(
    dataset: Dataset, moved: Callable[[Checkpoint], Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request(kept(dataset), MEASUREMENTS)
    expected = ImageMeasurer(checkpoint(), SweepEngine(checkpoint()), dataset).image([request])
    gpu_memory(monkeypatch, free=1 << 30)
    with PretendedDevices():
        there = moved(checkpoint())
        assert ImageMeasurer(there, SweepEngine(there), dataset).image([request]) == expected


class OneAtATime(SweepEngine):
    """An engine on a machine that holds one question at a time, or none."""

    def __init__(self, most: int) -> None:
        super().__init__(checkpoint())
        self.most = most

    def clean_run(self, encoded: Sequence[Encoded]) -> SweepRun:
        if len(encoded) > self.most:
            raise torch.OutOfMemoryError
        return super().clean_run(encoded)


def test_questions_that_memory_does_not_hold_together_are_measured_one_by_one(dataset: Dataset) -> None:
    sample = kept(dataset)
    requests = [Request(replace(sample, id=name), (Sweep(FLOW, 3),)) for name in "abc"]
    rows = [
        sorted(ImageMeasurer(checkpoint(), engine, dataset).image(requests), key=_name)
        for engine in (SweepEngine(checkpoint()), OneAtATime(1))
    ]
    for one, other in zip(*rows, strict=True):
        assert _name(one) == _name(other)
        assert one["values"] == pytest.approx(other["values"], abs=1e-12)
    with pytest.raises(MemoryLimitError, match="fewer --processes; what was measured is kept"):
        ImageMeasurer(checkpoint(), OneAtATime(0), dataset).image(requests)


class Scarce(SweepEngine):
    """An engine that runs out of memory at chosen calls, whether clean runs or sweeps."""

    def __init__(self, failing: Collection[int]) -> None:
        super().__init__(checkpoint())
        self.calls = 0
        self.failing = failing

    def _call(self) -> None:
        self.calls += 1
        if self.calls in self.failing:
            raise torch.OutOfMemoryError

    def clean_run(self, encoded: Sequence[Encoded]) -> SweepRun:
        self._call()
        return ScarceRun(self, super().clean_run(encoded))


class ScarceRun(SweepRun):
    def __init__(self, engine: Scarce, run: SweepRun) -> None:
        super().__init__(run.sweeper, run.clean)
        object.__setattr__(self, "engine", engine)

    def sweep(self, knockouts: Sequence[Sequence[Knockout]]) -> list[Tensor]:
        self.engine._call()  # type: ignore[attr-defined]
        return super().sweep(knockouts)


@pytest.mark.parametrize("failing", [{1}, {2}, {4}, {1, 2}, {4, 7}, {2, 8}])
def test_whenever_memory_runs_out_the_rows_are_the_same_and_passes_count_once(
    dataset: Dataset, failing: set[int]
) -> None:
    """Calls alternate: a clean run, its sweep, the same under the next condition."""
    wanted = (Sweep(FLOW, 3), Sweep(FLOW, 1, "grey"), Lens(norm=True))
    requests = [Request(replace(kept(dataset), id=name), wanted) for name in "abcd"]
    undisturbed = ImageMeasurer(checkpoint(), SweepEngine(checkpoint()), dataset)
    scarce = ImageMeasurer(checkpoint(), Scarce(failing), dataset)
    expected, found = (sorted(one.image(requests), key=_name) for one in (undisturbed, scarce))
    for one, other in zip(expected, found, strict=True):
        assert {**one, "values": None, "p1": None} == {**other, "values": None, "p1": None}
        assert one["values"] == pytest.approx(other["values"], abs=1e-10)
    assert scarce.passes == undisturbed.passes == 4 * 2 * LAYERS


def test_a_picture_for_which_memory_lacks_is_one_line(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB")

    monkeypatch.setattr("harness.measuring.measurer.encode_under", full)
    with pytest.raises(MemoryLimitError, match="out of memory even with one question"):
        measured(SweepEngine(checkpoint()), dataset, kept(dataset), Sweep(FLOW, 3))


def _name(row: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(str(row[column]) for column in ("sample", "measurement", "reading"))


def test_passes_are_told_while_an_image_is_in_hand(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = SweepEngine(checkpoint())
    measurer = ImageMeasurer(checkpoint(), engine, dataset)
    told = [measurer.tally()]
    request = Request(kept(dataset), (Sweep(FLOW, 3), Sweep(Flow("image", "last"), 3)))

    class Overheard(SweepRun):
        """A clean run whose sweep is looked at when it is over."""

        def sweep(self, knockouts: Sequence[Sequence[Knockout]]) -> list[Tensor]:
            """See `harness.engine.protocol.EngineRun`."""
            swept = super().sweep(knockouts)
            told.append(measurer.tally())
            return swept

    def clean_run(encoded: Sequence[Encoded]) -> SweepRun:
        return Overheard(engine._sweeper, engine._sweeper.clean_run(encoded))

    monkeypatch.setattr(engine, "clean_run", clean_run)
    measurer.image([request])
    told.append(measurer.tally())
    assert [one.doing for one in told] == [CHECKING, MEASURING, MEASURING]
    assert told[0].passes == 0 and told[1].passes > 0
    assert told[2].passes == measurer.passes == 2 * LAYERS
    assert 0 < told[1].row_layers == told[2].row_layers < 2 * LAYERS * LAYERS * 100


class Overflowing(SweepEngine):
    """An engine whose arithmetic overflows on one question."""

    def __init__(self, question: str) -> None:
        super().__init__(checkpoint())
        self.question = question

    def clean_run(self, encoded: Sequence[Encoded]) -> SweepRun:
        if any(one.sample.id == self.question for one in encoded):
            raise NumericsError(f"sample {self.question}: the logits are not finite")
        return super().clean_run(encoded)


def test_a_sample_that_overflows_is_left_out_and_the_others_are_not(dataset: Dataset) -> None:
    one = dataset.samples[0]
    same_image = [one, replace(one, id="other")]
    measurer = ImageMeasurer(checkpoint(), Overflowing("other"), dataset)
    rows = measurer.image([Request(sample, (Accuracy(), Sweep(FLOW, 3))) for sample in same_image])
    reasons = {row["sample"]: row["reason"] for row in rows if row["measurement"] == "clean"}
    assert reasons == {one.id: reasons[one.id], "other": NOT_FINITE} and reasons[one.id] != NOT_FINITE
    assert {str(row["measurement"]) for row in rows if row["sample"] == "other"} == {"clean", "accuracy"}
    alone = ImageMeasurer(checkpoint(), SweepEngine(checkpoint()), dataset)
    kept = [row for row in rows if row["sample"] == one.id]
    assert [row["values"] for row in kept] == [
        row["values"] for row in alone.image([Request(one, (Accuracy(), Sweep(FLOW, 3)))])
    ]


def test_every_measurement_of_an_included_sample_has_values(dataset: Dataset) -> None:
    rows = measured(SweepEngine(checkpoint()), dataset, kept(dataset), *MEASUREMENTS)
    for measurement in MEASUREMENTS:
        named = [row for (name, _, _), row in rows.items() if name == str(measurement)]
        assert named, measurement
        assert all(row["values"] for row in named), measurement


def test_a_wrong_answer_leaves_only_accuracies(dataset: Dataset) -> None:
    rows = measured(SweepEngine(checkpoint()), dataset, wrong(dataset), *MEASUREMENTS)
    assert rows["clean", "p", "2"]["reason"] == "wrong answer"
    names = {name for name, _, _ in rows} - {"clean"}
    unfiltered = {
        str(measurement)
        for measurement in MEASUREMENTS
        if isinstance(measurement, Accuracy | Chance | OpenPathsOnly)
        or (isinstance(measurement, BlockFromLayer) and measurement.unfiltered)
    }
    assert names == unfiltered
    assert {reading for name, reading, _ in rows if name != "clean"} == {"right"}


def test_hiding_nothing_changes_nothing_and_hiding_all_mediators_blocks_the_flow(dataset: Dataset) -> None:
    cut = BlockFromLayer(Flow("image", "after_image"), (0,))
    subsets = Mediators("image", MEDIATORS)
    rows = measured(SweepEngine(checkpoint()), dataset, kept(dataset), subsets, cut)
    p = values(rows, subsets, "p")
    assert len(p) == 2 ** len(MEDIATORS)
    assert p[0] == rows[str(subsets), "p", "0"]["p1"]
    assert p[-1] == pytest.approx(values(rows, cut, "p")[0], abs=1e-12)


def test_keeping_every_route_open_changes_nothing(dataset: Dataset) -> None:
    """And closing all of them is a cut."""
    sample, everything = kept(dataset), (0, LAYERS - 1)
    closed = (Flow("image", "after_image"),)
    open_ = OpenPathsOnly(closed, (Route(Flow("image", "after_image"), *everything),))
    shut = OpenPathsOnly(closed, ())
    cut = BlockFromLayer(Flow("image", "after_image"), (0,))
    rows = measured(SweepEngine(checkpoint()), dataset, sample, open_, shut, cut)
    assert values(rows, open_, "p")[0] == rows[str(open_), "p", "0"]["p1"]
    assert values(rows, shut, "p")[0] == pytest.approx(values(rows, cut, "p")[0], abs=1e-12)


def test_only_what_a_closed_flow_names_is_blocked(dataset: Dataset) -> None:
    """Image → question stays open in one layer, question → last in none; the rest of the text is free."""
    regions = encode(checkpoint(), kept(dataset)).regions
    question_to_last = Flow("question", "last")
    measurement = OpenPathsOnly((Flow("image", "after_image"), question_to_last), (Route(FLOW, 1, 1),))
    (knockout,) = knockouts_of(measurement, Subject(kept(dataset), regions, LAYERS))
    blocked = {
        (source, target, layer)
        for edge in knockout.edges
        for source in edge.sources
        for target in edge.targets
        for layer in edge.layers
    }
    expected = {
        (source, target, layer)
        for flow in measurement.closed
        for source in regions[flow.source]
        for target in regions[flow.target]
        for layer in range(LAYERS)
        if not (layer == 1 and source in regions["image"] and target in regions["question"])
    }
    assert blocked == expected
    assert not any(at in regions["question"] and to in regions["suffix"] for at, to, _ in blocked)


def test_the_lens_in_either_case_is_the_sum(dataset: Dataset) -> None:
    rows = measured(SweepEngine(checkpoint()), dataset, kept(dataset), Lens(norm=False))
    for prefix in ("", "false_"):
        lower, capital, either = (
            values(rows, Lens(norm=False), f"{prefix}{form}") for form in ("lower", "capital", "either")
        )
        expected = [one + two for one, two in zip(lower, capital, strict=True)]
        assert either == pytest.approx(expected, abs=1e-15)


def test_a_picture_s_own_contents_change_nothing(dataset: Dataset) -> None:
    """Swapping in another image's keys and values is a no-op where the other image is the same picture."""
    sample = kept(dataset)
    twins = [sample, replace(sample, id="twin", image_id="twin")]
    measurement = ActivationPatch(FLOW, 1, "other")
    rows = measured(SweepEngine(checkpoint()), make_dataset("twins", "sha", twins), sample, measurement)
    assert values(rows, measurement, "p") == pytest.approx(
        [rows[str(measurement), "p", "0"]["p1"]] * LAYERS, abs=1e-12
    )


def test_a_grey_picture_is_a_picture_without_information(dataset: Dataset) -> None:
    """Two samples that differ in their picture alone are answered alike."""
    measurement = Sweep(FLOW, 1, "grey")
    one, two = (sample for sample in dataset.samples if sample.id in {"0", "1"})
    first = measured(SweepEngine(checkpoint()), dataset, one, measurement)
    second = measured(SweepEngine(checkpoint()), dataset, two, measurement)
    assert values(first, measurement, "p") == pytest.approx(values(second, measurement, "p"), abs=1e-12)


def test_readings_of_one_effect_agree_with_each_other(dataset: Dataset) -> None:
    measurement = Sweep(FLOW, 3)
    rows = measured(SweepEngine(checkpoint()), dataset, kept(dataset), measurement)
    p, distractor, odds = (values(rows, measurement, reading) for reading in ("p", "distractor", "log_odds"))
    assert len(p) == len(distractor) == LAYERS
    # Odds that fall are a share that falls; by hand from q2 / q1 = sigma(x + d) / sigma(x).
    assert [value < 0 for value in distractor] == [value < 0 for value in odds]


def test_per_token_divides_by_the_source(dataset: Dataset) -> None:
    measurement = Sweep(Flow("question_without_options", "last"), 1)
    rows = measured(SweepEngine(checkpoint()), dataset, kept(dataset), measurement)
    p1 = float(str(rows[str(measurement), "p", "0"]["p1"]))
    regions = encode(checkpoint(), kept(dataset)).regions
    tokens = len(regions["question_without_options"])
    assert tokens > 1
    expected = [100 * (p - p1) / p1 / tokens for p in values(rows, measurement, "p")]
    assert values(rows, measurement, "per_token") == pytest.approx(expected)


def test_what_a_sample_does_not_have_is_said(dataset: Dataset) -> None:
    measurements = (Lens(norm=False, condition="lower"), Sweep(Flow("object2", "last"), 1))
    rows = measured(SweepEngine(checkpoint()), dataset, kept(dataset), *measurements)
    reasons = {name: row["reason"] for (name, _, _), row in rows.items() if row["reason"]}
    assert reasons == {
        str(measurements[0]): "the prompt format has no instruction 'lower'",
        str(measurements[1]): "region 'object2' is empty",
    }


@pytest.mark.parametrize("false", ["red square", None])
def test_an_answer_that_another_one_begins_like_has_no_accuracy(dataset: Dataset, false: str | None) -> None:
    """ "red hat" and "red square" share their first token, which is all that is read of a knocked-out run."""
    clean = replace(dataset.samples[0], answer="red hat", true_option=false and "red hat", false_option=false)
    others = [
        replace(clean, id=f"o{number}", image_id=f"o{number}", answer=answer, true_option=false and answer)
        for number, answer in enumerate(("red square", "blue"))
    ]
    samples = make_dataset("alike", "sha", [clean, *others])
    measurements = (Accuracy(), Accuracy("grey"), MEASUREMENTS[12], MEASUREMENTS[14], Lens(norm=False))
    rows = measured(SweepEngine(checkpoint()), samples, clean, *measurements)
    alike = "another answer of the task has the same first token"
    for measurement in measurements[:-1]:
        assert rows[str(measurement), "right", clean.id]["reason"] == alike
        assert rows[str(measurement), "right", clean.id]["values"] == []
    blue = measured(SweepEngine(checkpoint()), samples, others[1], *measurements)
    assert blue[str(Accuracy()), "right", "o1"]["reason"] == ""


def test_options_that_begin_alike_cannot_be_followed_by_the_lens(dataset: Dataset) -> None:
    sample = kept(dataset)
    samples = make_dataset("alike", "sha", [replace(sample, false_option=f"{sample.answer} hat")])
    rows = measured(SweepEngine(checkpoint()), samples, samples.samples[0], Lens(norm=False))
    assert rows[str(Lens(norm=False)), "", "0"]["reason"] == "the two options share their first token"


def test_a_mediator_that_is_not_there_mediates_nothing(dataset: Dataset) -> None:
    """A prompt without a line break before its question has no separator."""
    whole = checkpoint()
    segments = tuple(segment for segment in whole.prompt.segments if segment[0] != "separator")
    made = replace(whole, prompt=replace(whole.prompt, segments=segments))
    sample = kept(dataset)
    assert "separator" not in encode(made, sample).regions.positions
    subsets = Mediators("image", MEDIATORS)
    said = decoding.read(made, greedy_answer(made, encode(made, sample))).strip().lower()
    sample = replace(sample, answer=said)
    (_, row, *_) = ImageMeasurer(made, SweepEngine(made), make_dataset("noise", "sha", [sample])).image(
        [Request(sample, (subsets,))]
    )
    p = row["values"]
    assert isinstance(p, list)
    assert p[0::2] == p[1::2], "bit 0 is the separator"
    assert len(set(p)) > 2, "the others carry something"


def test_an_image_that_cannot_be_used_is_left_out_of_the_mean(dataset: Dataset) -> None:
    """The mean is that of the others, and what was left out is counted."""
    samples = [*dataset.samples]
    broken = [
        replace(samples[0], id="broken", image_id="broken", image_size=(9, 9)),
        replace(samples[0], id="gone", image_id="gone", image_path=Path("gone.png")),
    ]
    made, engine = checkpoint(), SweepEngine(checkpoint())
    sources = encode(made, samples[0]).regions["image"]

    def mean(*chosen: Sample) -> list[torch.Tensor]:
        patch_source = PatchSource(
            make_dataset("d", "sha", chosen), lambda sample: encode(made, sample), engine.contents
        )
        return list(patch_source.contents("mean", samples[0], sources).values)

    expected, found = mean(*samples), mean(*samples, *broken)
    assert all(torch.equal(one, two) for one, two in zip(expected, found, strict=True))
    with pytest.raises(RegionError, match="no image of the data set can be used"):
        mean(*broken)


def test_another_question_on_the_other_image_finds_its_contents_there(dataset: Dataset) -> None:
    """Nothing behind the image bears on them; of more than a few images they are taken anew."""
    made, engine = checkpoint(), SweepEngine(checkpoint())
    asked = [replace(kept(dataset), id=f"asked {number}", image_id="asked") for number in range(2)]
    others = [
        replace(one, id=f"other {number}", image_id="other", question=question)
        for number, (one, question) in enumerate(
            zip([kept(dataset)] * 2, ("Is it red?", "Is the large one really green?"), strict=True)
        )
    ]
    paired = [replace(one, twin=other.id) for one, other in zip(asked, others, strict=True)]
    taken: list[str] = []

    def contents(encoded: Encoded, positions: Positions) -> KeyValues:
        taken.append(encoded.sample.id)
        return engine.contents(encoded, positions)

    source = PatchSource(
        make_dataset("d", "sha", [*paired, *others]), lambda sample: encode(made, sample), contents
    )
    for one, other in zip(paired, others, strict=True):
        encoded = encode(made, other)
        given = source.contents("other", one, encoded.regions["image"])
        own = engine.contents(encoded, encoded.regions["image"])
        assert given.keys is not None and own.keys is not None
        for found, expected in zip((*given.values, *given.keys), (*own.values, *own.keys), strict=True):
            torch.testing.assert_close(found, expected)
    assert taken == ["other 0"]


def test_a_task_with_one_image_has_no_other_contents(dataset: Dataset) -> None:
    sample, measurement = kept(dataset), ActivationPatch(FLOW, 1, "other")
    rows = measured(SweepEngine(checkpoint()), make_dataset("one", "sha", [sample]), sample, measurement)
    assert "no other image to take contents from" in str(rows[str(measurement), "", "0"]["reason"])


def test_a_module_s_control_takes_as_much_from_other_rows(dataset: Dataset) -> None:
    encoded = encode(checkpoint(), kept(dataset))
    subject = Subject(kept(dataset), encoded.regions, LAYERS)
    (zeroed, *_) = knockouts_of(Modules("mlp", "true_option", 1, 0), subject)
    (item,) = zeroed.zeroed
    assert item.like == encoded.regions["true_option"]
    assert len(item.rows) == len(item.like)
    assert not set(item.rows) & {*item.like, encoded.length - 1}
    (plain, *_) = knockouts_of(Modules("mlp", "true_option", 1), subject)
    assert plain.zeroed[0].lost == (item.like, item.like)


def test_chance_does_not_depend_on_how_many_samples_are_looked_at(dataset: Dataset) -> None:
    open_question = [
        replace(sample, true_option=None, false_option=None, answer=answer)
        for sample, answer in zip(dataset.samples, ("red", "red", "blue"), strict=True)
    ]
    whole = make_dataset("open", "sha", open_question)
    chances = {sample.answer: whole.chance(sample) for sample in whole.samples}
    assert chances == {"red": 1.0, "blue": 0.0}
    limited = whole.limited(["ChooseAttr"], 1)
    assert [limited.chance(sample) for sample in whole.samples] == [
        whole.chance(sample) for sample in whole.samples
    ]
    assert dataset.chance(dataset.samples[0]) == 0.5
