"""A sample whose box lies outside its picture loses what needs the box, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.checkpoint.encode import encode
from harness.data.dataset import Dataset, make_dataset
from harness.data.flow import Flow
from harness.data.sample import Box, Sample
from harness.engine import decoding
from harness.engine.engines import SweepEngine
from harness.evidence.shards import CLEAN, rows_to_frame
from harness.interventions.measurements import Measurement, Sweep
from harness.measuring.measurer import ImageMeasurer
from harness.measuring.request import Request
from harness.testing.cases import greedy_answer
from harness.tests.measuring.test_measurer import asked, checkpoint
from harness.verdicts.evidence_table import Table
from harness.verdicts.task_records import task_records

NEEDS = tuple(
    Sweep(Flow(region, "question"), 1)
    for region in ("related_patches", "other_patches", "random_patches", "shifted_patches", "centre_patch")
)
NEEDS_NOT = tuple(
    Sweep(Flow(*ends), 1)
    for ends in (("image", "question"), ("central_object", "last"), ("foreign_patches", "question"))
)


def with_boxes(folder: Path, *boxes: Box, number: int = 0) -> Sample:
    """A sample that the model answers as expected."""
    sample = replace(asked(folder, number, "?"), objects=boxes)
    said = decoding.read(checkpoint(), greedy_answer(checkpoint(), encode(checkpoint(), sample)))
    return replace(sample, answer=said.strip().lower())


def measured(dataset: Dataset, *measurements: Measurement) -> Table:
    measurer = ImageMeasurer(checkpoint(), SweepEngine(checkpoint()), dataset)
    rows = [row for sample in dataset.samples for row in measurer.image([Request(sample, measurements)])]
    return Table(rows_to_frame(rows))


def test_it_loses_what_needs_the_box(tmp_path: Path) -> None:
    outside = with_boxes(tmp_path, Box("circle", 13, 0, 5, 5))
    inside = with_boxes(tmp_path, Box("circle", 0, 0, 5, 5), number=1)
    dataset = make_dataset("two", "sha", [outside, inside])
    table = measured(dataset, *NEEDS, *NEEDS_NOT)
    told = {
        (row["sample"], row["measurement"]): row["reason"]
        for row in table.frame.iter_rows(named=True)
        if row["reading"] in {"p", ""}
    }
    assert told["0", CLEAN] == told["1", CLEAN] == ""
    for measurement in NEEDS:
        assert told["0", str(measurement)] == f"region '{measurement.flow.source}' is empty"
        assert told["1", str(measurement)] == ""
    for measurement in NEEDS_NOT:
        assert told["0", str(measurement)] == ""


def test_how_many_they_are_is_told(tmp_path: Path) -> None:
    """By reason; one without a box, and one with a second box inside the picture, among them."""
    dataset = make_dataset(
        "four",
        "sha",
        [
            with_boxes(tmp_path, Box("circle", 13, 0, 5, 5)),
            with_boxes(tmp_path, Box("circle", 0, 0, 5, 5), Box("square", 0, 12, 5, 5), number=1),
            with_boxes(tmp_path, number=2),
            with_boxes(tmp_path, Box("circle", 0, 0, 5, 5), number=3),
        ],
    )
    (record,) = task_records(measured(dataset, *NEEDS[:2]), dataset)
    assert (record.included, record.excluded) == (4, {})
    assert record.without_patches == {"box outside the image, or empty": 2, "no box annotated": 1}
