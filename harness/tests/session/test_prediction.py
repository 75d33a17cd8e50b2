"""What a run is predicted to measure: at most, as expected, and by claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from fixtures import embedded, evaluation
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.info import directory_info
from harness.checkpoint.without_weights import sized_checkpoint
from harness.data.dataset import Dataset
from harness.session.plan.prediction import Planned, Prediction
from harness.statistics.forms import drops_somewhere, in_all
from harness.statistics.inference import FEWEST_IMAGES
from harness.statistics.looks import LOOKS
from harness.statistics.verdict import Verdict
from harness.testing.fake import Fake
from harness.validation.store.rows import settings
from harness.verdicts.claims import Claim
from harness.verdicts.expectations import Expectations
from harness.verdicts.study import Study

TASK, LAYERS = "ChooseAttr", 12
FIRST, SECOND = "image->question", "question->last"


def claim(name: str, *flows: str) -> Claim:
    """A claim about some flows: each drops somewhere."""

    def test(study: Study, task: str) -> None:
        effects = [study.effect(flow, task) for flow in flows]
        study.judge(drops_somewhere(effects[0], study.grid))

    return Claim(f"findings/x.py::{name}", name, "OURS", "A statement.", "embedded", TASK, test)


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return sized_checkpoint(directory_info(embedded()), "float32")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return evaluation().limited((TASK,), None)


@pytest.fixture
def predict(
    checkpoint: Checkpoint, dataset: Dataset, tmp_path: Path
) -> Callable[[Sequence[Claim], Mapping[str, int] | None], Prediction]:
    def predict(claims: Sequence[Claim], decided: Mapping[str, int] | None) -> Prediction:
        planned = Planned(directory_info(embedded()), dataset, settings(tmp_path), Fake)
        known = None if decided is None else on_file(decided)
        return Prediction(planned, claims, checkpoint, known)

    return predict


def on_file(decided: Mapping[str, int], protocol: Mapping[str, str] | None = None) -> Expectations:
    """Verdicts on file: by claim the images it was decided on; INCONCLUSIVE where these are 0."""
    keys = {name: f"{name}/{TASK}" for name in decided}
    verdicts = {
        keys[name]: Verdict.REFUTED if images else Verdict.INCONCLUSIVE for name, images in decided.items()
    }
    reasons = {
        keys[name]: f"an effect: -3 [-7, 1]; {images or 99} images" for name, images in decided.items()
    }
    return Expectations(Path("x.toml"), "c", "d", protocol or {}, verdicts, reasons, "2026-11-29")


def samples(dataset: Dataset, look: int) -> int:
    return len(dataset.first(TASK, LOOKS[look]))


Predict = Callable[[Sequence[Claim], Mapping[str, int] | None], Prediction]


def test_at_most_every_claim_goes_to_the_last_look(predict: Predict, dataset: Dataset) -> None:
    both = predict([claim("X1", FIRST), claim("X2", SECOND)], {"X1": FEWEST_IMAGES, "X2": 0})
    assert both.most.passes == 2 * LAYERS * len(dataset.samples)
    assert both.most.samples == len(dataset.samples)


def test_a_claim_is_expected_to_stop_where_its_verdict_on_file_was_decided(
    predict: Predict, dataset: Dataset
) -> None:
    both = predict([claim("X1", FIRST), claim("X2", SECOND)], {"X1": FEWEST_IMAGES, "X2": 0})
    cost, derived = both.expected
    first = both.looks[0]
    assert cost.passes == pytest.approx(LAYERS * (samples(dataset, first) + len(dataset.samples)))
    assert "1 of 2" in derived
    later = len({one.image_id for one in dataset.first(TASK, LOOKS[first])}) + 1
    cost, _ = predict([claim("X1", FIRST)], {"X1": later}).expected
    assert cost.passes == pytest.approx(LAYERS * samples(dataset, both.looks[1]))


def test_what_is_undecided_on_file_goes_to_the_last_look(predict: Predict) -> None:
    one = predict([claim("X1", FIRST)], {"X1": 0})
    assert one.expected[0].passes == pytest.approx(one.most.passes)


def test_what_was_given_up_is_expected_to_be_given_up_again(
    checkpoint: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    planned = Planned(directory_info(embedded()), dataset, settings(tmp_path), Fake)
    claims = [claim("X1", FIRST)]
    early, late = (
        Prediction(planned, claims, checkpoint, on_file({"X1": 0}, {"futility": value}))
        for value in ("0.1", "off")
    )
    looks = [at for at in early.looks if len({one.image_id for one in dataset.first(TASK, LOOKS[at])}) >= 99]
    assert early.expected[0].passes == pytest.approx(LAYERS * samples(dataset, looks[0]))
    assert late.expected[0].passes == pytest.approx(late.most.passes) and looks[0] < looks[-1]


def test_without_verdicts_on_file_half_of_what_comes_later_is_spared(
    predict: Predict, dataset: Dataset
) -> None:
    one = predict([claim("X1", FIRST)], None)
    early = samples(dataset, one.looks[1])
    assert one.expected[0].passes == pytest.approx(LAYERS * (early + len(dataset.samples)) / 2)
    assert "no verdict is on file" in one.expected[1]


def test_a_claim_adds_what_no_other_claim_asks_for(predict: Predict, dataset: Dataset) -> None:
    claims = [claim("X1", FIRST), claim("X2", FIRST), claim("X3", FIRST, SECOND)]
    costs = {one.id: one for one in predict(claims, None).by_claim()}
    whole = LAYERS * len(dataset.samples)
    assert [costs[name].alone.passes for name in costs] == [whole, whole, 2 * whole]
    assert [costs[name].adds.passes for name in costs] == [0, 0, whole]
    assert costs["X3"].adds.row_layers < costs["X3"].alone.row_layers


@pytest.mark.parametrize(("needed", "flows"), [("tile_patches->question", 0), (FIRST, 2)])
def test_a_claim_that_lacks_what_it_needs_asks_for_nothing_further(
    predict: Predict, dataset: Dataset, needed: str, flows: int
) -> None:
    """The embedded checkpoint sees no tiles."""

    def test(study: Study, task: str) -> None:
        first, second = study.effect(needed, task), study.effect(SECOND, task)
        if study.undefined(first):
            return study.not_applicable("nothing to read")
        return study.judge(in_all([drops_somewhere(one, study.grid) for one in (first, second)]))

    one = Claim("findings/x.py::X1", "X1", "OURS", "A statement.", "embedded", TASK, test)
    assert predict([one], None).most.passes == flows * LAYERS * len(dataset.samples)


def test_few_samples_are_all_counted(checkpoint: Checkpoint, tmp_path: Path) -> None:
    few = evaluation().limited((TASK,), 3)
    planned = Planned(directory_info(embedded()), few, settings(tmp_path), Fake)
    one = Prediction(planned, [claim("X1", FIRST)], checkpoint, None)
    assert one.looks == (len(LOOKS) - 1,)
    assert one.most.passes == 3 * LAYERS
    count, questions = one.typical()
    assert count is not None and count.stem + count.tail > 30 and questions >= 1
