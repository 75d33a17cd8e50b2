"""How answers are written is found out from the first greedy ones, and used for what is read."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from hypothesis import given, strategies as st

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import encode
from harness.checkpoint.info import CheckpointInfo
from harness.data.dataset import Dataset, make_dataset
from harness.data.flow import Flow
from harness.data.sample import TASKS
from harness.engine import reference
from harness.engine.engines import ReferenceEngine, SweepEngine
from harness.engine.protocol import Engine
from harness.interventions.measurements import Accuracy, FirstAnswer, Lens, Sweep
from harness.measuring.answer_form import (
    FEWEST,
    FIRST_SAMPLES,
    RULE,
    AnswerForm,
    Answering,
    Begun,
    answering,
)
from harness.measuring.first_answers import begun
from harness.measuring.loaded_once import LoadedOnce
from harness.measuring.measurer import ImageMeasurer
from harness.measuring.readout import FirstTokens, answer_tokens
from harness.measuring.request import Request
from harness.measuring.worker import Load, Measurer
from harness.statistics.forms import drops_somewhere
from harness.testing.answering import saying
from harness.testing.fake import Fake, fake_dataset
from harness.testing.tiny_checkpoints import picture, sample, tiny_checkpoint
from harness.validation.store.rows import settings
from harness.verdicts.claims import Claim
from harness.verdicts.examination import Examination
from harness.verdicts.study import Study

PLAIN = Begun((), "", otherwise=False, capital=True, alike=False, word=" Red")
MARK = "<img>"
"""Stands for a thinking marker: an added token that shows no word."""
WAYS: dict[str, tuple[Sequence[str], AnswerForm]] = {
    "capital, a space": (["▁Red"], RULE),
    "small letter, a space": (["▁red"], AnswerForm(capital=False)),
    "capital, no space": (["R", "e", "d"], AnswerForm(otherwise=True)),
    "small letter, no space": (["r", "e", "d"], AnswerForm(otherwise=True, capital=False)),
    "a line break, then no space": (["\n", "R", "e", "d"], AnswerForm(opening=(5,))),
    "a line break, then a space": (["\n", "▁Red"], AnswerForm(otherwise=True, opening=(5,))),
    "a space of its own": (["▁", "R", "e", "d"], AnswerForm(opening=(6,))),
    "a mark": ([MARK, "▁Red"], AnswerForm(opening=(-1,))),
    "a mark and a line break": ([MARK, "\n", "r", "e", "d"], AnswerForm(capital=False, opening=(-1, 5))),
}


def way(name: str) -> tuple[Sequence[str], AnswerForm]:
    pieces, form = WAYS[name]
    known = tiny_checkpoint().processor.tokenizer.get_vocab()
    return pieces, replace(form, opening=tuple(known[MARK] if one < 0 else one for one in form.opening))


def noise(folder: Path, images: int = FEWEST) -> Dataset:
    """As many questions as make a clear majority, each on a picture of its own."""
    shown = [picture(folder, seed) for seed in range(images)]
    return make_dataset("noise", f"noise-{images}", [replace(sample(one), id=one.stem) for one in shown])


# ------------------------------------------------------------------------------- from answers to a form


@pytest.mark.parametrize(
    ("answers", "form", "told"),
    [
        (
            [PLAIN] * 31 + [replace(PLAIN, capital=False)],
            RULE,
            'answers as "Red" with a leading space, 31 of 32',
        ),
        (
            [replace(PLAIN, otherwise=True, word="Red")] * 32,
            AnswerForm(otherwise=True),
            'answers as "Red" without a leading space, 32 of 32; the prompt\'s end would have it the other',
        ),
        (
            [replace(PLAIN, capital=False, word=" red")] * 24 + [PLAIN] * 8,
            AnswerForm(capital=False),
            'answers as "red" with a leading space, 24 of 32',
        ),
        (
            [replace(PLAIN, opening=(7, 8), opening_text="<think>\n")] * 24 + [PLAIN] * 8,
            AnswerForm(opening=(7, 8)),
            'answers as "Red" with a leading space, 24 of 32; always after "<think>\\n", which is made part',
        ),
        (
            [replace(PLAIN, otherwise=True, word="Red")] * 16 + [PLAIN] * 16,
            RULE,
            "32 first answers have no clear majority as to a space: as assumed there",
        ),
        (
            [replace(PLAIN, opening=(7,), opening_text="\n", capital=False)] * 16 + [PLAIN] * 16,
            RULE,
            "32 first answers have no clear majority as to what comes before the word and a capital: as",
        ),
        (
            [PLAIN] * (FEWEST - 1),
            RULE,
            "too few first answers to tell how it writes them (7): as assumed",
        ),
        (
            [replace(PLAIN, word="")] * 30 + [PLAIN] * 2,
            RULE,
            "answers with no word at all, 30 of 32: is this the prompt it was trained on? --prompt names",
        ),
        (
            [replace(PLAIN, alike=True)] * 32,
            RULE,
            'answers as "Red" with a leading space, 32 of 32; its tokenizer begins an answer\'s lower-case',
        ),
        (
            [replace(PLAIN, otherwise=None, capital=None, word="!")] * 8 + [PLAIN] * 24,
            RULE,
            'answers as "Red"',
        ),
        ([], RULE, ""),
    ],
)
def test_a_clear_majority_of_first_answers_says_how_they_are_written(
    answers: list[Begun], form: AnswerForm, told: str
) -> None:
    found = answering(answers)
    assert found.form == form
    assert found.told.startswith(told)
    assert bool(found.told) == bool(told)


def test_under_a_released_prompt_it_is_told_and_not_used() -> None:
    found = answering([replace(PLAIN, opening=(7,), opening_text="\n", otherwise=True)] * 32, released=True)
    assert found.form == RULE
    assert found.told.endswith("a released prompt's tokens are those of the released code all the same")
    assert "made part of the prompt" not in found.told


ANY = st.builds(
    Begun,
    opening=st.sampled_from([(), (5,), (6,)]),
    opening_text=st.just("\n"),
    otherwise=st.sampled_from([True, False, None]),
    capital=st.sampled_from([True, False, None]),
    alike=st.booleans(),
    word=st.sampled_from([" Red", "red", ""]),
)


@given(st.lists(ANY, max_size=FIRST_SAMPLES), st.randoms())
def test_whoever_reads_them_in_whatever_order_comes_to_the_same_form(
    answers: list[Begun], random: object
) -> None:
    shuffled = [*answers]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = answering(answers)
    assert answering(shuffled).form == found.form
    assert found.told or not answers


# ------------------------------------------------------------------------------- from tokens to an answer


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        (["▁Red"], ((), False, True, " Red")),
        (["▁red", "."], ((), False, False, " red.")),
        (["R", "e", "d"], ((), True, True, "Red")),
        (["\n", "R"], (("\n",), False, True, "R")),
        (["\n", "▁Red"], (("\n",), True, True, " Red")),
        ([MARK, "\n", "▁", "7"], ((MARK, "\n", "▁"), False, None, "7")),
        (["."], ((), None, None, ".")),
        (["\n"], (("\n",), None, None, "")),
        ([], ((), None, None, "")),
        (
            ["<image>", "▁Red"],
            ((), None, None, "<image> Red"),
        ),  # stands for a picture: no beginning of an answer
    ],
)
def test_what_an_answer_begins_with_is_read_off_its_tokens(
    pieces: list[str], found: tuple[object, ...], tmp_path: Path
) -> None:
    made = tiny_checkpoint()
    tokenizer = made.processor.tokenizer
    encoded = encode(made, sample(picture(tmp_path)))
    read = begun(made, encoded, tokenizer.convert_tokens_to_ids(pieces), alike=False)
    opening = tuple(tokenizer.convert_ids_to_tokens(list(read.opening)))
    assert (opening, read.otherwise, read.capital, read.word) == found


def test_a_prompt_that_goes_on_with_an_opening_has_its_tokens_as_the_model_said_them(tmp_path: Path) -> None:
    """Retokenised, the space would be one with the word; the last position moves on, and so do the roles."""
    made = tiny_checkpoint()
    asked = sample(picture(tmp_path))
    before = encode(made, asked)
    after = encode(replace(made, opening=(5, 6)), asked)
    assert after.ids.tolist() == [*before.ids.tolist(), 5, 6]
    assert after.regions["last"] == (before.length + 1,)
    assert after.regions["roles"] == (*before.regions["roles"], before.length - 1, before.length)
    assert after.regions["before_last"] == tuple(range(1, before.length + 1))
    assert after.regions["question"] == before.regions["question"]
    assert after.text == f"{before.text}\n "
    assert len(after.offsets) == after.length


# ------------------------------------------------------------------------------- from a form to what is read


@pytest.mark.parametrize("name", WAYS)
def test_the_probability_is_read_where_the_answers_word_begins(name: str, tmp_path: Path) -> None:
    """On a model that answers so: what is followed is the word's first token, whatever comes before it."""
    pieces, form = way(name)
    data = noise(tmp_path, 1)
    (asked,) = data.samples
    made = saying(asked, pieces)
    tokenizer = made.processor.tokenizer
    first = tokenizer.convert_tokens_to_ids(pieces[len(form.opening)])
    rows: dict[tuple[object, object], Any] = {
        (row["measurement"], row["reading"]): row
        for row in ImageMeasurer(made, SweepEngine(made), data).image(
            [Request(asked, (Sweep(Flow("question", "last"), 1), Lens(norm=True), Accuracy()), form)]
        )
    }
    prompt = encode(replace(made, opening=form.opening), asked)
    expected = reference.run(made, prompt).logits.softmax(0)
    assert rows["clean", "p"]["reason"] == "", rows["clean", "p"]["answer"]
    assert int(expected.argmax()) == first
    assert rows["clean", "p"]["p1"] == pytest.approx(float(expected[first]))
    case = "capital" if form.capital else "lower"
    assert rows["lens+norm", case]["values"][-1] == pytest.approx(float(expected[first]))
    assert rows["accuracy", "right"]["values"] == [1.0]
    written = answer_tokens(
        FirstTokens(replace(made, opening=form.opening), form), prompt, _pass(first), "blue"
    )
    wrong = {True: ("▁Blue", "B"), False: ("▁blue", "b")}[form.capital]
    assert tokenizer.convert_ids_to_tokens([written.distractor]) == [
        wrong[len(pieces[len(form.opening)]) == 1]
    ]


def _pass(token: int) -> reference.Pass:
    return reference.Pass(torch.nn.functional.one_hot(torch.tensor(token), 200).double(), torch.zeros(1, 1))


@pytest.mark.parametrize("capital", [True, False])
def test_a_wrong_answers_form_is_the_checkpoints_where_its_own_does_not_say(
    *, capital: bool, tmp_path: Path
) -> None:
    made = tiny_checkpoint()
    tokenizer = made.processor.tokenizer
    encoded = encode(made, sample(picture(tmp_path)))
    form = AnswerForm(otherwise=True, capital=capital)
    said = _pass(tokenizer.convert_tokens_to_ids("▁square"))
    found = answer_tokens(FirstTokens(made, form), encoded, said, "blue")
    assert tokenizer.convert_ids_to_tokens([found.forms["lower"], found.forms["capital"]]) == ["r", "R"]
    assert tokenizer.convert_ids_to_tokens([found.distractor]) == ["B" if capital else "b"]


def test_the_sweep_measures_behind_an_opening_what_the_reference_measures(tmp_path: Path) -> None:
    pieces, form = way("a mark and a line break")
    data = noise(tmp_path, 2)
    made = saying(data.samples[0], pieces)
    measurements = (
        FirstAnswer(),
        Sweep(Flow("image", "question"), 3),
        Sweep(Flow("roles", "last"), 1),
        Lens(norm=True),
    )

    def measured(engine: Engine) -> list[dict[str, object]]:
        rows = ImageMeasurer(made, engine, data).image([Request(data.samples[0], measurements, form)])
        return sorted(rows, key=lambda row: (str(row["measurement"]), str(row["reading"])))

    for fast, slow in zip(measured(SweepEngine(made)), measured(ReferenceEngine(made)), strict=True):
        assert fast["values"] == pytest.approx(slow["values"], abs=1e-9, nan_ok=True), fast["measurement"]
        assert fast["p1"] == pytest.approx(slow["p1"], abs=1e-9)


# ------------------------------------------------------------------------------- a whole examination


def drop(study: Study, task: str) -> None:
    """A claim."""
    study.judge(drops_somewhere(study.effect("question->last", task), study.grid))


def fails() -> Measurer:
    raise AssertionError("nothing is to be measured")


def examined(
    made: Checkpoint, data: Dataset, folder: Path, *, judge_only: bool = False, load: Load | None = None
) -> Examination:
    info = CheckpointInfo("noise", str(folder), made.n_layers)
    options = settings(folder / "evidence", judge_only=judge_only)
    own = load or (lambda: ImageMeasurer(made, SweepEngine(made), data))
    found = Examination(info, data.limited(data.tasks, 2), options, own)
    assert load or found.answering == Answering(), "before they are asked nothing is known"
    found.examine(
        [Claim("x.py::test", "X1", "OURS", "A statement.", "noise", "ChooseAttr", drop)], lambda *_: None
    )
    return found


@pytest.mark.parametrize("name", ["capital, a space", "capital, no space", "a mark and a line break"])
def test_a_run_finds_the_form_and_keeps_apart_what_it_measures_by_it(name: str, tmp_path: Path) -> None:
    """And who comes later reads it: another process, and one that only judges."""
    pieces, form = way(name)
    data = noise(tmp_path)
    made = saying(data.samples[0], pieces)
    first = examined(made, data, tmp_path)
    assert first.answering.form == form
    assert first.record().answers == first.answering.told
    assert first.evidence.key.get("answers") == (None if form == RULE else str(form))
    kept = first.evidence.read().filter(pl.col("measurement").str.starts_with("question->last"))
    assert kept["sample"].n_unique() == 2  # of eight whose answers were looked at
    opened = replace(made, opening=form.opening)
    for image, p1 in kept.select("image", "p1").iter_rows():
        asked = next(one for one in data.samples if one.image_id == image)
        own = reference.run(opened, encode(opened, asked)).logits.softmax(0).max()
        assert p1 == pytest.approx(float(own))
    for judging in (False, True):
        later = examined(made, data, tmp_path, judge_only=judging, load=fails)
        assert later.evidence.folder == first.evidence.folder
        assert later.answering == first.answering
        assert later.judgements["x.py::test"].n_images == first.judgements["x.py::test"].n_images


def test_released_prompts_are_read_as_the_released_code_reads_them(tmp_path: Path) -> None:
    prompt = {"name": "x", "as_released": True, "segments": SEGMENTS, "instructions": {"default": "?"}}
    (tmp_path / "prompt.json").write_text(json.dumps(prompt), encoding="utf-8")
    data = noise(tmp_path)
    made = saying(data.samples[0], ["R", "e", "d"])
    found = examined(made, data, tmp_path)
    assert found.answering.form == RULE
    assert "answers" not in found.evidence.key
    assert "those of the released code" in found.answering.told


SEGMENTS = [["image", "<image>"], ["question", "{question}"]]


def test_what_is_shared_by_pools_is_loaded_once_and_pickled_unloaded() -> None:
    loaded = LoadedOnce(Fake)
    assert loaded() is loaded()
    again = pickle.loads(pickle.dumps(loaded))  # noqa: S301 - our own
    assert again() is not loaded()


def test_the_first_samples_are_the_same_whatever_a_run_asks() -> None:
    data = fake_dataset(40, TASKS)
    first = data.beginning(FIRST_SAMPLES)
    assert [one.task for one in first[:7]] == [*TASKS, TASKS[0]]
    assert len(set(first)) == FIRST_SAMPLES
    assert data.limited(TASKS[1:2], 3).beginning(FIRST_SAMPLES) == first
    assert len(fake_dataset(2, TASKS[:2]).beginning(FIRST_SAMPLES)) == 4
