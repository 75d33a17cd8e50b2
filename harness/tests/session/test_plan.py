"""What `--plan` says before anything is loaded, held against what a run then measures."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures import embedded, evaluation
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import encode
from harness.checkpoint.info import directory_info
from harness.checkpoint.loading import load
from harness.checkpoint.without_weights import sized_checkpoint
from harness.data.dataset import Dataset
from harness.data.depth import Points
from harness.data.flow import Flow
from harness.engine.engines import engine_for
from harness.engine.operations import sweep_count
from harness.interventions.knockout import block
from harness.interventions.measurements import (
    Accuracy,
    ActivationPatch,
    BlockFromLayer,
    Lens,
    Measurement,
    Mediators,
    Modules,
    OpenPathsOnly,
    Route,
    Sweep,
)
from harness.measuring.measurer import ImageMeasurer
from harness.measuring.request import Request
from harness.session.plan.cost import Cost, Sizes
from harness.session.plan.counting import Carried, SampleCounter
from harness.session.plan.needed import SPREAD, images_needed, spread_of
from harness.session.plan.rates import HIGH, LOAD_SECONDS, STATED, STATED_SHARE, Rate, stated
from harness.session.run import FOUND_AT_RUN
from harness.session.work_done import Work, together
from harness.statistics.inference import FEWEST_IMAGES
from harness.statistics.looks import PLAN
from harness.testing.warm import python
from harness.verdicts.record import CostRecord, PredictedCost, read_record
from reports.words import cost_rows

ROOT = Path(__file__).parents[3]
FLOW, LAST = Flow("image", "question"), Flow("question", "last")
MEASUREMENTS: tuple[Measurement, ...] = (
    Sweep(FLOW, 3),
    Sweep(FLOW, 1),
    Sweep(FLOW, 5, only=Points((2, 7), 12)),
    Sweep(LAST, 3),
    Sweep(LAST, 3, "grey"),
    Sweep(LAST, 3, "lower"),
    Sweep(Flow("related_patches", "question"), 3),
    Sweep(Flow("random_patches", "question"), 3),
    Sweep(Flow("tile_patches", "question"), 3),
    ActivationPatch(FLOW, 3, "mean"),
    ActivationPatch(FLOW, 3, "other", Points((0, 5), 12)),
    Modules("mlp", "question", 3),
    Modules("attention", "last", 3),
    BlockFromLayer(FLOW, (0, 4)),
    Mediators("image", ("separator", "question", "last")),
    OpenPathsOnly((FLOW,), (Route(FLOW, 2, 5),)),
    Lens(norm=True),
    Accuracy("grey"),
)
PART = (
    "-k",
    "image_to_question",
    "--samples=3",
    "--task=ChooseAttr",
    "--task=QueryAttr",
    "--report-samples=0",
)
Runner = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def sized() -> Checkpoint:
    return sized_checkpoint(directory_info(embedded()), "float32")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return evaluation()


@pytest.mark.slow
@pytest.mark.parametrize("by_reference", [False, True])
def test_what_is_counted_without_weights_is_what_the_engine_runs(
    by_reference: bool,  # noqa: FBT001
    sized: Checkpoint,
    dataset: Dataset,
) -> None:
    checkpoint = load(embedded())
    for sample in dataset.by_task["ChooseAttr"][: 1 if by_reference else 2]:
        engine = engine_for(checkpoint, None, by_reference=by_reference)
        engine.clean_run([encode(checkpoint, sample)])  # the check walks, too
        checked = engine.walked.row_layers
        measurer = ImageMeasurer(checkpoint, engine, dataset)
        rows = measurer.image([Request(sample, MEASUREMENTS)])
        assert not any(row["reason"] == "wrong answer" for row in rows)
        counter = SampleCounter(sized, 12, dataset, sample, by_reference=by_reference)
        counted = counter.count(MEASUREMENTS)
        assert len(counted.passes) == measurer.passes > 100
        assert sum(one.row_layers for one in counted.passes.values()) == engine.walked.row_layers - checked
        assert counted.stem + counted.tail == encode(checkpoint, sample).length
        assert counted.prefills == 3, "a grey picture, another question, another picture"


def test_a_sample_that_lacks_a_region_needs_nothing_for_it(sized: Checkpoint, dataset: Dataset) -> None:
    counter = SampleCounter(sized, 12, dataset, dataset.by_task["ChooseAttr"][0])
    assert not counter.count([Sweep(Flow("tile_patches", "question"), 3), Accuracy()]).passes


def test_operations_are_those_of_the_benchmark(sized: Checkpoint, dataset: Dataset) -> None:
    sample = dataset.by_task["ChooseAttr"][0]
    encoded = encode(sized, sample)
    source, target = encoded.regions["image"], encoded.regions["question"]
    knockout = block(source, target, range(3, 6))
    carried = Carried(encoded.length - target[0], target[0], 12 - 3)
    counted = sweep_count(sized, encoded, [knockout]) - sweep_count(sized, encoded, [])
    assert Sizes(sized).passes([carried]).operations == pytest.approx(counted)
    count = SampleCounter(sized, 12, dataset, sample).count(())
    clean = Sizes(sized).unblocked(count) + Sizes(sized).picture(count, (1, 1))
    assert clean.operations == pytest.approx(sweep_count(sized, encoded, []))


def test_a_pass_of_the_reference_sees_the_picture_again(sized: Checkpoint, dataset: Dataset) -> None:
    flow = (Sweep(Flow("question", "last"), 1),)
    sample = dataset.by_task["ChooseAttr"][0]
    count = SampleCounter(sized, 12, dataset, sample, by_reference=True).count(flow)
    sizes, (one, *_) = Sizes(sized), count.passes.values()
    whole = sizes.picture(count, sample.image_size) + sizes.unblocked(count)
    assert sizes.passes([one]).operations == pytest.approx(whole.operations)


def test_no_weight_is_held_by_a_checkpoint_that_is_only_sized(sized: Checkpoint) -> None:
    assert all(one.is_meta for one in sized.model.parameters())


def test_costs_add_up_and_nothing_takes_no_time() -> None:
    one, rate = Cost(10, 100, 1e9, 2), Rate(1e9, "here")
    assert (one + one).times(0.5) == one
    shortest, longest = one.range(rate, 1)
    assert shortest < one.seconds(rate, 1) + LOAD_SECONDS < longest
    assert one.seconds(rate, 2) == one.seconds(rate, 1) / 2
    assert Cost().range(rate, 1) == (0.0, 0.0) and HIGH > 1


def test_a_stated_rate_says_where_it_is_from() -> None:
    assert stated("A100").operations == STATED["a100"] * 1e12 * STATED_SHARE
    assert "vendor" in stated("a100").source and "--plan-rate" in stated("12.5").source
    assert stated("12.5").operations == 12.5e12
    for bad in ("gpu", "0", "-1", "nan", "inf"):
        with pytest.raises(ValueError, match=r"above 0|could not convert"):
            stated(bad)


def test_smaller_effects_and_more_points_need_more_images() -> None:
    few, many = images_needed(1, 20, 100, PLAN), images_needed(1, 10, 100, PLAN)
    assert 3.9 < many / few < 4.1
    assert images_needed(12, 20, 100, PLAN) > few > FEWEST_IMAGES
    assert images_needed(12, 100, 1, PLAN) == FEWEST_IMAGES
    assert spread_of(None).points == SPREAD


SAID = PredictedCost(100, 200, 1000, 2000, 1.0, 2.0, "verdicts on file", "a rate")


def test_what_workers_took_is_added_up_and_the_longest_time_counts() -> None:
    first = Work({"tiny": 60}, row_layers={"tiny": 600}, seconds={"tiny": 3.0}, predicted={"tiny": SAID})
    second = Work({"tiny": 40}, row_layers={"tiny": 500}, seconds={"tiny": 4.0})
    for works in ([first, second], [second, first]):
        assert together(works).cost_of("tiny") == CostRecord(SAID, 100, 1100, 4.0)
    assert together([first, Work(lost_workers=1)]).cost_of("tiny") is None, "what it did is not known"
    assert second.cost_of("tiny") is None


def test_the_report_tells_both() -> None:
    rows = dict(cost_rows(CostRecord(SAID, 90, 950, 1.5)))
    assert rows["predicted passes"] == "100, at most 200; measured 90"
    assert rows["predicted time of measuring"] == "1 s to 2 s; took 2 s"
    assert cost_rows(None) == []


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        stores = [f"--evidence={tmp_path / 'evidence'}", f"--report={tmp_path / 'report'}"]
        command = [python(), "-m", "pytest", "findings", "-p", "no:cacheprovider", *stores, *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=500)

    return run


def number(name: str, said: str) -> int:
    """The worst case of a line of the plan."""
    found = re.search(rf"^ +{name} +([\d,]+) ", said, re.MULTILINE)
    assert found is not None, said
    return int(found[1].replace(",", ""))


@pytest.mark.slow
def test_a_plan_reads_no_weights_and_says_what_a_run_then_measures(tmp_path: Path, run: Runner) -> None:
    bare = tmp_path / "embedded"
    shutil.copytree(embedded(), bare)
    (bare / "model.safetensors").write_bytes(b"")  # nothing could be loaded from it
    planned = run("--plan", "-n2", f"--checkpoint={bare}", *PART)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert "plan of embedded, as if nothing were stored: 9 verdicts on 6 samples" in planned.stdout
    assert f"answers: {FOUND_AT_RUN}" in planned.stdout
    assert "with 2 measuring at once: a product of 2048×128×256 ran at" in planned.stdout
    assert re.search(r"^  B1 +\d", planned.stdout, re.MULTILINE)
    assert not (tmp_path / "evidence").exists() and not (tmp_path / "report").exists()
    done = run("-n2", *PART)
    record = read_record(tmp_path / "report" / "report.json")
    cost = record.checkpoints[0].cost
    assert cost is not None, done.stdout
    assert number("knocked-out passes", planned.stdout) == cost.passes == cost.predicted.most_passes
    assert f"took: {cost.passes} passes" in done.stdout and cost.seconds > 0
    assert number("rows × layers", planned.stdout) == pytest.approx(cost.row_layers, rel=0.1)


@pytest.mark.slow
def test_a_plan_for_a_device_that_is_not_here_says_what_it_is_derived_from(run: Runner) -> None:
    done = run("--plan", "--device=cuda", "--plan-effect=2", *PART)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "h100, 989 TFLOP/s in 16 bits stated by its vendor, 40% of it assumed" in done.stdout
    assert "a truth 2 points beyond its threshold" in done.stdout


@pytest.mark.slow
def test_a_plan_that_cannot_be_made_is_one_line(tmp_path: Path, run: Runner) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(embedded(), broken)
    (broken / "processor_config.json").write_text("{", encoding="utf-8")
    done = run("--plan", f"--checkpoint={broken}", *PART)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert re.search(r"^ERROR: .*broken", done.stderr, re.MULTILINE)
    assert "Traceback" not in done.stdout + done.stderr


def test_a_sample_of_another_size_than_its_row_says_is_refused_by_counting_too(
    sized: Checkpoint, dataset: Dataset
) -> None:
    from harness.data.errors import RegionError

    sample = replace(dataset.by_task["ChooseAttr"][0], image_size=(1, 1))
    with pytest.raises(RegionError):
        SampleCounter(sized, 12, dataset, sample)
