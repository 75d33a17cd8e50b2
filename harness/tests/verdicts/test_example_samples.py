"""Samples to look at: which are chosen, and that what is drawn is what the model saw."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from fixtures import embedded, evaluation
from harness.checkpoint.encode import encode
from harness.checkpoint.info import CheckpointInfo, directory_info
from harness.checkpoint.without_weights import bare_checkpoint
from harness.data.errors import CheckpointError
from harness.data.prior_accuracy import prior_accuracy
from harness.data.sample import Sample
from harness.evidence.shards import rows_to_frame
from harness.interventions.measurements import Accuracy, Chance, Measurement, Quantity
from harness.measuring.answer_form import Answering
from harness.statistics.curves import Curves
from harness.verdicts.evidence_table import Table
from harness.verdicts.example_samples import (
    SIDE,
    chosen,
    pieces,
    samples_of,
    thumbnail,
    without_weights,
)
from harness.verdicts.record import TaskRecord
from harness.verdicts.task_records import IMAGE, QUESTION, beside

DROPS = {
    "question->last": {"a": 90.0, "b": 50.0, "c": 1.0},
    "image->question": {"a": 3.0, "b": 40.0, "c": 8.0},
}


def test_largest_and_smallest_of_each_flow_by_turns() -> None:
    assert chosen(DROPS, 2) == {"a": ("largest", "question->last"), "c": ("smallest", "question->last")}
    assert chosen(DROPS, 3) | {"b": ("largest", "image->question")} == chosen(DROPS, 3)
    assert chosen(DROPS, 0) == chosen({}, 6) == {}


@given(
    st.dictionaries(
        st.sampled_from(["x->y", "z->y"]), st.dictionaries(st.text(max_size=3), st.integers(0, 3)), max_size=2
    ),
    st.integers(0, 12),
)
def test_never_more_than_asked_for_and_always_the_same(
    effects: dict[str, dict[str, float]], most: int
) -> None:
    found = chosen(effects, most)
    assert len(found) <= most
    assert set(found) <= {sample for of in effects.values() for sample in of}
    backwards = {flow: dict(reversed(of.items())) for flow, of in effects.items()}
    assert chosen(backwards, most) == found


def test_equal_drops_are_in_the_order_of_a_hash_not_of_the_file() -> None:
    tied = {"question->last": dict.fromkeys("abcdefgh", 5.0)}
    assert list(chosen(tied, 8)) != sorted("abcdefgh")


def test_prompt_and_patches_are_those_of_the_model() -> None:
    view = bare_checkpoint(directory_info(embedded(), "embedded"))
    sample = next(one for one in evaluation().by_task["ChooseAttr"] if one.true_option)
    encoded = encode(view, sample)
    found = pieces(encoded.text, encoded.offsets, encoded.regions.positions)
    assert [kind for kind, _ in found].count("image") == 1
    count = len(encoded.regions["image"])
    assert dict(found)["image"] == f"{count} visual tokens"
    texts = "".join(text for kind, text in found if kind != "image")
    assert texts == encoded.text.replace(view.processor.image_token, "")
    assert dict(found)["true_option"].strip() == sample.true_option
    assert found[-1][0] == "last"


def test_a_picture_is_shown_small(tmp_path: Path) -> None:
    file = tmp_path / "x.jpg"
    Image.new("RGB", (900, 300), (200, 30, 30)).save(file)
    kind, _, data = thumbnail(file).partition(",")
    assert kind == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (SIDE, 93)
    assert thumbnail(tmp_path / "none.jpg") == ""
    file.write_bytes(b"no picture")
    assert thumbnail(file) == ""


def test_a_checkpoint_without_configuration_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no configuration there"):
        without_weights(CheckpointInfo("x", str(tmp_path), 12))


def test_only_samples_of_the_run_are_shown_each_with_its_own_numbers() -> None:
    whole = evaluation()
    row = {"task": "ChooseAttr", "reading": "p", "p1": 0.5, "reason": ""}
    rows: list[dict[str, object]] = []
    for number, sample in enumerate(whole.limited(["ChooseAttr"], 8).samples):
        one = {**row, "sample": sample.id, "image": sample.image_id}
        values = [0.5 - 0.05 * number] * 12
        rows += [{**one, "measurement": "clean", "values": [0.5], "answer": f"said {number}"}] * 2
        rows.append({**one, "measurement": "question->last@3", "values": values, "answer": ""})
    info, run = directory_info(embedded(), "embedded"), whole.limited(["ChooseAttr"], 5)
    unchanged: list[bool] = []
    examined: Any = SimpleNamespace(
        dataset=run,
        table=Table(rows_to_frame(rows)),
        info=info,
        window=3,
        check_unchanged=lambda: unchanged.append(True),
        answering=Answering(),
    )
    found = samples_of(examined, 4)
    assert [one.id for one in found] == [run.samples[number].id for number in (4, 0, 3, 1)]
    assert [one.said for one in found] == [f"said {number}" for number in (4, 0, 3, 1)]
    assert [round(one.curves[0].mean[0]) for one in found] == [-40, 0, -30, -10]
    assert [(one.drop, one.flow.flow) for one in found[:2]] == [
        ("largest", "question->last"),
        ("smallest", "question->last"),
    ]
    assert all(one.patches and one.picture and one.prompt for one in found)
    assert unchanged, "the prompt that is shown is the one that was asked"


def test_what_stands_beside_a_tasks_effects() -> None:
    bare = TaskRecord("ChooseAttr", 4, 2, 3, {})
    assert beside({}, bare, ()) == bare
    values: dict[Measurement, float] = {Accuracy(): 0.75, Accuracy("grey"): 0.5, Chance(): 0.25}
    look = {
        Quantity("ChooseAttr", measurement, "right"): curves(value) for measurement, value in values.items()
    }
    look[Quantity("ChooseAttr", IMAGE, "p_c")] = curves(-60.0)
    look[Quantity("ChooseAttr", QUESTION, "p_c")] = curves(-95.0)
    found = beside(look, bare, ())
    assert (found.right, found.grey, found.chance) == (0.75, 0.5, 0.25)
    assert (found.image_ceiling, found.question_ceiling, found.prior) == (-60.0, -95.0, None)
    assert beside(look, replace(bare, task="ChooseCat"), ()).right is None


def asked(number: int, answer: str, *options: str) -> Sample:
    name = f"{number:04}"
    true, false = options or (None, None)
    task = "ChooseAttr" if options else "LogicalObj"
    return Sample(name, task, name, Path(name), "?", answer, true, false, (), (8, 8))


def test_the_prior_of_a_balanced_task_is_chance_and_of_a_lopsided_one_is_not() -> None:
    even = [asked(number, ("yes", "no")[number // 2 % 2]) for number in range(400)]
    accuracy = prior_accuracy(even)
    assert accuracy is not None and abs(accuracy - 0.5) < 0.08
    assert prior_accuracy([asked(number, "yes" if number % 4 else "no") for number in range(400)]) == 0.75
    assert prior_accuracy(even[:1]) is None


def test_the_prior_between_two_options_is_how_often_each_is_right_when_named() -> None:
    """Red is right whenever it is named with blue, and never with green."""
    red = [asked(number, "red", "red", "blue") for number in range(300)]
    green = [asked(number, "green", "green", "red") for number in range(300, 400)]
    assert prior_accuracy([*red, *green]) == 1.0
    unseen = [asked(number, f"a{number}", f"a{number}", f"b{number}") for number in range(100)]
    assert prior_accuracy(unseen) == 0.5, "what was never named before is a guess, not knowledge"


def curves(*values: float) -> Curves:
    return Curves(("a", "b"), np.array([values, values]), 2, None)
