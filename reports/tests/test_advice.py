"""What to do about INCONCLUSIVE."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.statistics.verdict import Verdict
from harness.verdicts.record import RunRecord
from reports.page.advice import Advice, advice
from reports.summary import Cell
from reports.tests.records import claim, example, judgement
from reports.tests.test_page import text_of

COMMAND = "pytest 'findings/test_b.py::test_b[ChooseAttr-embedded]' --checkpoint=scenes-smol --samples=64"


def run(samples: object = None, **provenance: object) -> RunRecord:
    record = example()
    return replace(
        record,
        protocol={**record.protocol, "samples": samples},
        provenance={**record.provenance, **provenance},
    )


def asked(record: RunRecord, needed: int | None = 480, images: int = 60) -> Advice:
    judged = judgement(Verdict.INCONCLUSIVE, look=2, images=images, needed_images=needed)
    cell = Cell("embedded", (claim("B2", judged, "ChooseAttr", command=COMMAND),))
    (one,) = advice(record, cell)
    return one


def test_it_says_how_many_images_would_decide() -> None:
    told = asked(run("64")).images
    assert told == "about 480 images would decide if the estimates stay as they are; it had 60."


def test_a_run_on_a_part_asks_for_more_samples_with_the_same_command() -> None:
    one = asked(run("64"))
    assert one.command == COMMAND.replace("--samples=64", "--samples=512")  # 480 of 60, times 64
    assert not one.data


def test_a_claim_that_was_given_up_early_asks_by_what_it_had_seen() -> None:
    """A quarter of 240 samples gave 60 images, all of them used: 480 images take 480 samples."""
    judged = judgement(Verdict.INCONCLUSIVE, look=0, images=60, needed_images=480)
    early = Cell("embedded", (claim("B2", judged, "ChooseAttr", command=COMMAND),))
    (one,) = advice(run("240"), early)
    assert one.command.endswith("--samples=480")
    soon = replace(judged, needed_images=100)
    (all_of_it,) = advice(run("240"), Cell("embedded", (claim("B2", soon, command=COMMAND),)))
    assert all_of_it.command.endswith("--samples=all")


@pytest.mark.parametrize("samples", ["all", None, "٣", "9" * 5000])
def test_a_run_on_all_asks_for_a_larger_data_set(samples: object) -> None:
    one = asked(run(samples))
    assert one.command == f"{COMMAND} --dataset=DIR --images=DIR"
    assert one.data


def test_a_data_set_that_was_named_is_named_anew() -> None:
    judged = judgement(Verdict.INCONCLUSIVE, images=60, needed_images=480)
    named = claim("B2", judged, "ChooseAttr", command="pytest x --dataset=small --images=here")
    (one,) = advice(run("all"), Cell("embedded", (named,)))
    assert one.command == "pytest x --dataset=DIR --images=DIR"


def test_a_command_that_is_none_does_no_harm() -> None:
    judged = judgement(Verdict.INCONCLUSIVE, look=2, images=60, needed_images=480)
    (one,) = advice(run("64"), Cell("embedded", (claim("B2", judged, command="say 'no"),)))
    assert one.command.endswith("--samples=512")


def test_the_time_is_that_of_this_runs_measuring() -> None:
    assert asked(run("64", seconds={"measuring": 600.0})).time == (
        "Measuring all claims of this run on as many takes about 24.0 min."
    )


def test_the_time_goes_by_the_images_that_the_run_measured_not_by_those_of_a_claim_given_up() -> None:
    judged = judgement(Verdict.INCONCLUSIVE, look=0, images=60, needed_images=480)
    early = claim("B2", judged, command=COMMAND)
    record = replace(run("240", seconds={"measuring": 600.0}), claims=(early, *example().claims))
    (one,) = advice(record, Cell("embedded", (early,)))
    assert one.time.endswith("takes about 24.0 min.")  # 480 of 200 images


def test_of_stored_evidence_no_time_is_known() -> None:
    record = run("64", seconds={"measuring": 600.0})
    stored = replace(record, checkpoints=tuple(replace(one, passes=0) for one in record.checkpoints))
    assert asked(stored).time == ""
    assert asked(run("64", seconds=12.0)).time == ""


def test_estimates_at_their_thresholds_are_not_sent_for_more() -> None:
    one = asked(run("64"), needed=None)
    assert "a hundred times the images would not decide" in one.images
    assert one.command == COMMAND


def test_without_a_measurement_nothing_is_promised() -> None:
    assert asked(run("64"), needed=60, images=0).images == "nothing was measured that could decide it."


def test_decided_claims_need_no_advice() -> None:
    assert advice(run(), Cell("embedded", (claim("B2", judgement(Verdict.REFUTED)),))) == ()


def test_the_page_gives_it_in_the_claims_section() -> None:
    text = text_of(example())
    assert "What would decide the 2 undecided verdicts" in text
    assert "about 430 images would decide if the estimates stay as they are; it had 200." in text
