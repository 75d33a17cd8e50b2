"""The answer of a run, as data."""

from __future__ import annotations

import math
from dataclasses import replace

from harness.statistics.verdict import Ground, Judgement, Reading, Tally, Verdict
from harness.verdicts.record import ClaimRecord, RunRecord
from reports import markdown, summary
from reports.page.adjust import adjusted
from reports.page.usage import Usage, usage
from reports.summary import decided_at, summarize
from reports.tests.records import example, judgement, part
from reports.tests.test_page import text_of
from reports.words import BADGES, MIXED


def test_one_row_per_claim_one_cell_per_checkpoint() -> None:
    matrix = summary.rows(example(("one", "two")))
    assert [row.id for row in matrix] == ["A1", "A2", "A3", "B1", "B2", "C1", "C2", "C3", "D1", "E1", "E3"]
    assert all([cell.checkpoint for cell in row.cells] == ["one", "two"] for row in matrix)


def test_tasks_that_differ_are_not_summed_up_in_one_verdict() -> None:
    cell = {row.id: row.cells[0] for row in summary.rows(example())}["B2"]
    assert cell.badge is not None
    assert cell.badge.slug == "mixed"
    assert [(badge.slug, n) for badge, n in cell.counts] == [
        ("supported", 3),
        ("refuted", 1),
        ("inconclusive", 2),
    ]


def test_a_checkpoint_that_lacks_a_claim_has_an_empty_cell() -> None:
    both = example(("one", "two"))
    record = replace(both, claims=tuple(c for c in both.claims if (c.id, c.checkpoint) != ("A1", "two")))
    assert [cell.badge is None for cell in summary.rows(record)[0].cells] == [False, True]
    assert [line.claims for line in summary.headlines(summary.rows(record))] == [11, 10]


def test_a_claim_may_name_a_checkpoint_the_record_does_not_list() -> None:
    assert summary.checkpoint_names(replace(example(), checkpoints=())) == ("embedded",)


def _headline(**verdicts: int) -> str:
    badges = {one.slug.replace("-", "_"): one for one in (*BADGES.values(), MIXED)}
    counts = tuple((badges[slug], n) for slug, n in verdicts.items())
    return summary.Headline("embedded", sum(verdicts.values()), counts).in_words


def test_an_undecided_claim_does_not_sound_refuted() -> None:
    assert _headline(supported=7, refuted=4) == "7 of 11 claims supported"
    assert _headline(refuted=1, inconclusive=2) == "None of 3 claims supported"
    assert _headline(mixed=1) == "None of 1 claim supported in every task"
    assert _headline(inconclusive=10, not_applicable=2) == "None of 12 claims decided"


def test_only_a_different_verdict_is_unexpected() -> None:
    found = summarize(example())
    assert [claim.id for claim in found.unexpected] == ["A2"]
    assert found.unknown == sum(claim.expected is None for claim in example().claims) == 26


def test_what_is_counted_is_counted_over_the_whole_run() -> None:
    found = summarize(example(("one", "two")))
    assert (found.samples, found.passes, found.seconds) == (2 * 2418, 2 * 151_200, 255.5)
    assert sum(n for _, n in found.totals) == len(example(("one", "two")).claims)
    first = example().claims[0]
    other = Reading("flip", Verdict.REFUTED)
    hanging = replace(first, judgement=replace(first.judgement, readings=(other,)))
    assert summarize(replace(example(), claims=(first, hanging))).metric_dependent == (hanging,)


def test_what_holds_only_without_the_final_norm_is_fragile() -> None:
    first = example().claims[0]
    held, fell = judgement(Verdict.SUPPORTED), judgement(Verdict.INCONCLUSIVE)
    claims = [
        replace(first, id=name, task=task, judgement=verdict)
        for task, verdict in (("a", fell), ("b", held))
        for name, verdict in (("E3", held), ("E3-norm", verdict))
    ]
    assert summary.fragile(replace(example(), claims=tuple(claims))) == {("E3", first.checkpoint, "a")}
    assert summary.fragile(example()) == frozenset()


def test_time_is_a_number_or_one_per_step() -> None:
    assert summary.seconds_spent({"seconds": {"a": 2, "b": 0.5}}) == 2.5
    assert summary.seconds_spent({"seconds": 3}) == 3
    assert summary.seconds_spent({"seconds": "soon"}) is None
    assert summary.seconds_spent({}) is None


def test_samples_are_added_up_over_the_tasks_of_a_claim() -> None:
    record = example()
    cells = {row.id: row.cells[0] for row in summary.rows(record)}
    whole, per_task = usage(record, cells["A1"]), usage(record, cells["B1"])
    assert whole == per_task
    assert whole is not None
    assert (whole.samples, whole.included) == (2520, 2418)
    assert whole.excluded == (("answered wrongly", 90), ("two options share their first token", 12))
    one = replace(cells["B1"], claims=cells["B1"].claims[1:2])
    assert usage(record, one) == Usage(420, 411, (("answered wrongly", 9),))
    assert usage(replace(record, checkpoints=()), one) is None
    assert not whole.has_rows
    assert Usage(12, 9, (("wrong answer", 3), ("image file missing", 1))).has_rows


def test_nothing_at_all() -> None:
    empty = replace(example(), checkpoints=(), claims=())
    assert summary.rows(empty) == ()
    assert summary.headlines(()) == ()


def test_adjusted_values_are_no_smaller_and_nan_stays() -> None:
    claims = example().claims
    pairs = adjusted(claims, 0.05)
    assert len(pairs) == len(claims)
    assert all(one.value >= one.raw - 1e-12 for one in pairs if math.isfinite(one.value))
    assert math.isnan(next(one.value for one in pairs if one.claim.id == "E3"))


def test_adjusting_without_any_p_value() -> None:
    nothing = [c for c in example().claims if c.id == "E3"]
    assert [math.isnan(one.value) for one in adjusted(nothing, 0.05)] == [True]
    assert adjusted([], 0.05) == ()


def _claim_with(judged: Judgement) -> str:
    claim = replace(example().claims[0], judgement=judged)
    return decided_at({"looks": [0.25, 0.5, 1.0]})(claim)


def test_the_deciding_look_is_said() -> None:
    one = part("x", 1, 0.1, 0, ">")
    assert (
        _claim_with(judgement(Verdict.SUPPORTED, one, images=50))
        == "decided at 50 images, 25% of the plan (look 1)"
    )
    assert _claim_with(judgement(Verdict.REFUTED, one, look=2)) == "decided at all 200 images (look 3)"
    assert _claim_with(judgement(Verdict.INCONCLUSIVE, look=2)) == "undecided after 200 images"


def test_without_planned_looks_only_the_number_is_said() -> None:
    for looks in (None, 3, "x", [0.5, "x"], []):
        assert decided_at({"looks": looks})(example().claims[0]) == "decided at look 1, with 50 images"


def missing(record: RunRecord, identifier: str) -> RunRecord:
    """The record with one claim's refutations resting on a missing stage, and told where it holds."""

    def changed(claim: ClaimRecord) -> ClaimRecord:
        if claim.id != identifier:
            return claim
        tally = Tally(("ChooseAttr",), ("LogicalObj",), ())
        judged = replace(claim.judgement, verdict=Verdict.REFUTED, ground=Ground.MISSING, tally=tally)
        return replace(claim, judgement=judged)

    return replace(record, claims=tuple(map(changed, record.claims)))


def test_a_missing_stage_is_counted_and_told_apart_everywhere() -> None:
    record = missing(example(), "B2")
    cell = {row.id: row.cells[0] for row in summary.rows(record)}["B2"]
    assert cell.missing == len(cell.claims) == 6
    said = markdown.render(record)
    assert "stage missing in 6" in said and "(stage missing)" in said
    page = text_of(record)
    assert "stage missing in 6" in page and "holds in 1 of 2, not in LogicalObj" in page
    assert "stage missing in" not in text_of(example())


def test_a_claim_over_all_tasks_tells_where_it_holds() -> None:
    said = markdown.render(missing(example(), "A1"))
    assert "✗ REFUTED (stage missing)" in said and "holds in 1 of 2, not in LogicalObj" in said


def test_outside_text_in_markdown_mentions_nobody_and_links_no_address() -> None:
    assert markdown.escape("@everyone, mail me@host.example") == "@\u200beveryone, mail me@\u200bhost.example"
    assert markdown.escape("owner/model@0a1b2c at 5 @ noon") == "owner/model@0a1b2c at 5 @ noon"
