"""The sentence: what is supported, and never more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from harness.statistics.verdict import Ground, Reading, Tally, Verdict
from harness.verdicts.record import ClaimRecord
from reports.drawing.styles import IMAGE_QUESTION
from reports.page.extent import extent
from reports.story import HEADLINES, Story, dropping, story
from reports.summary import Cell
from reports.tests.records import LOWER, TASKS, claim, curve, judgement, part

S, R, U = Verdict.SUPPORTED, Verdict.REFUTED, Verdict.INCONCLUSIVE
B1 = next(one for one in HEADLINES if one.claim == "B1")


def told(cells: dict[str, Cell], *fragile: tuple[str, str, str | None]) -> Story:
    found = story("embedded", cells, 12, fragile)
    assert found is not None
    return found


def cell(identifier: str, *verdicts: Verdict) -> Cell:
    """A claim judged task by task."""
    base = claim("B1", judgement(S, part("x", -30.0, 5.0, -10, "<")))
    tasks = zip(TASKS, verdicts, strict=False)
    return Cell(
        "embedded",
        tuple(
            replace(base, id=identifier, task=task, judgement=replace(base.judgement, verdict=verdict))
            for task, verdict in tasks
        ),
    )


def overall(identifier: str, verdict: Verdict, tally: Tally | None = None) -> Cell:
    (one,) = cell(identifier, verdict).claims
    return Cell("embedded", (replace(one, task=None, judgement=replace(one.judgement, tally=tally)),))


def test_each_supported_claim_is_a_clause_in_the_order_of_the_flow() -> None:
    cells = {"E3": cell("E3", S, S), "A2": overall("A2", S), "B1": cell("B1", S)}
    assert told(cells).in_words == (
        "The model “embedded” reads the image into the question, hardly lets the last position "
        "read the image directly, and forms its answer in lower case before the capitalised form."
    )


def test_two_clauses_need_no_comma() -> None:
    cells = {"B1": cell("B1", S), "A1": overall("A1", S)}
    assert told(cells).in_words == (
        "The model “embedded” reads the image into the question "
        "and passes the question on to the last position."
    )


def test_it_says_in_how_many_tasks() -> None:
    tally = Tally(holds=TASKS[:4], undecided=TASKS[4:])
    cells = {"B1": cell("B1", S, S, U), "A2": overall("A2", S, tally)}
    assert [one.limits for one in told(cells).clauses] == ["in 2 of 3 tasks", "in 4 of 6 tasks"]
    assert "the question (in 2 of 3 tasks) and" in told(cells).in_words


def test_what_is_shown_in_half_of_the_tasks_is_no_clause() -> None:
    cells = {"B1": cell("B1", S, R), "E3": cell("E3", S, S, R)}
    assert [one.text for one in told(cells).clauses] == [
        "forms its answer in lower case before the capitalised form"
    ]


@pytest.mark.parametrize("verdict", [R, U])
def test_a_claim_over_all_tasks_is_told_where_it_holds_if_that_is_most(verdict: Verdict) -> None:
    most = Tally(holds=TASKS[:4], fails=TASKS[4:])
    assert [one.limits for one in told({"A1": overall("A1", verdict, most)}).clauses] == ["in 4 of 6 tasks"]
    half = Tally(holds=TASKS[:3], fails=TASKS[3:])
    assert told({"A1": overall("A1", verdict, half)}).clauses == ()


def test_what_needs_the_missing_norm_is_told_as_such() -> None:
    cells = {"E3": cell("E3", S, S)}
    assert told(cells, ("E3", "embedded", TASKS[1])).clauses[0].limits == "only without the final norm in 1"


@pytest.mark.parametrize(("verdict", "word"), [(R, "shown in most tasks"), (U, "decided")])
def test_nothing_supported_is_said(verdict: Verdict, word: str) -> None:
    cells = {"A1": overall("A1", verdict), "B1": cell("B1", U, verdict)}
    assert told(cells).in_words == f"On the model “embedded” none of 2 headline claims is {word}."


def test_without_a_headline_claim_there_is_no_story() -> None:
    assert story("embedded", {"A3": overall("A3", S)}, 12) is None
    assert story("embedded", {"A1": Cell("embedded", ())}, 12) is None


@given(st.lists(st.sampled_from(list(Verdict)), min_size=6, max_size=6), st.data())
def test_no_clause_without_a_supported_verdict(verdicts: list[Verdict], data: st.DataObject) -> None:
    """Whatever the verdicts, each clause belongs to a claim that is supported in most of its tasks."""
    kinds = [data.draw(st.booleans()) for _ in HEADLINES]
    cells = {
        one.claim: overall(one.claim, verdict) if whole else cell(one.claim, verdict, *verdicts[:3])
        for one, verdict, whole in zip(HEADLINES, verdicts, kinds, strict=True)
    }
    shown = {name: [c.judgement.verdict is S for c in one.claims] for name, one in cells.items()}
    supported = [one for one in HEADLINES if 2 * sum(shown[one.claim]) > len(shown[one.claim])]
    clauses = told(cells).clauses
    assert len(clauses) == len(supported)
    assert all(clause.text.startswith(one.clause) for clause, one in zip(clauses, supported, strict=True))
    assert bool(clauses) != ("none of 6" in told(cells).in_words)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [((S, S), "in all 2 tasks"), ((S,), "in 1 task"), ((S, U, S), "2 supported, 1 inconclusive")],
)
def test_an_extent_says_how_many_tasks(verdicts: tuple[Verdict, ...], expected: str) -> None:
    assert extent(cell("B1", *verdicts)) == expected


def test_an_extent_says_what_limits_a_verdict_and_begins_with_a_word() -> None:
    (one,) = overall("A1", R).claims
    limited = replace(
        one.judgement, ground=Ground.MISSING, readings=(Reading("flip", S),), tally=Tally(("a",), ("b",))
    )
    assert extent(Cell("x", (replace(one, judgement=limited),))) == (
        "holds in 1 of 2, not in b; stage missing; metric-dependent"
    )
    assert extent(Cell("x", (replace(one, judgement=replace(limited, tally=None)),))).startswith("stage")
    half = cell("B1", R, R).claims
    mixed = Cell(
        "x", (replace(half[0], judgement=replace(half[0].judgement, ground=Ground.MISSING)), half[1])
    )
    assert extent(mixed) == "in all 2 tasks; stage missing in 1 task"


def shown(*deep: frozenset[int], band: bool = True, **other: object) -> list[ClaimRecord]:
    """A claim per task, whose whole band lies below -10 at some windows."""
    found = []
    for task, places in zip(TASKS, deep, strict=False):
        upper = tuple(-12.0 if place in places else -9.0 for place in range(12))
        one = replace(curve("image->question", task, lambda _: -50.0), upper=upper)
        found.append(
            claim(
                "B1",
                judgement(S, part("x", -30.0, 5.0, -10, "<")),
                task,
                curves=(replace(one, **other),),  # type: ignore[arg-type]
                bands=(LOWER,) if band else (),
                threshold=-10.0,
            )
        )
    return found


def test_layers_are_those_where_the_band_lies_below_the_threshold_in_every_task() -> None:
    claims = shown(frozenset({0, 1, 3}), frozenset({0, 1, 2, 3}))
    assert dropping(IMAGE_QUESTION, claims) == (0, 1, 3)
    cells = {"B1": Cell("embedded", tuple(claims))}
    assert told(cells).clauses[0].text == f"{B1.clause} around layers 0–1 and 3 of\u00a012"


def test_no_layer_is_named_where_tasks_share_none() -> None:
    claims = shown(frozenset({0}), frozenset({1}))
    assert told({"B1": Cell("embedded", tuple(claims))}).clauses[0].text == B1.clause


def test_layers_outside_the_claims_band_are_not_named() -> None:
    assert dropping(IMAGE_QUESTION, shown(frozenset({1, 9}))) == (1,)
    assert dropping(IMAGE_QUESTION, shown(frozenset({1, 9}), band=False)) == (1, 9)


def test_a_control_or_another_reading_names_no_layer() -> None:
    assert dropping(IMAGE_QUESTION, shown(frozenset({1}), role="control")) == ()
    assert dropping(IMAGE_QUESTION, shown(frozenset({1}), reading="flip")) == ()


def test_tasks_in_which_an_overall_claim_does_not_hold_do_not_count() -> None:
    first, second = shown(frozenset({0, 1}), frozenset({1}))
    tally = Tally(holds=(TASKS[0],), undecided=(TASKS[1],))
    whole = replace(
        first,
        task=None,
        curves=(*first.curves, *second.curves),
        judgement=replace(first.judgement, tally=tally),
    )
    assert dropping(IMAGE_QUESTION, [whole]) == (0, 1)
