"""How a checkpoint writes its answers: found out from its first greedy answers, not assumed.

The same few samples are asked before anything else is measured, whatever a run is about, so that every
process and every run on the same checkpoint, data and prompt comes to the same form. A form that is not what
the rule would have is in the key of the evidence.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from harness.interventions.measurements import FirstAnswer

FIRST_SAMPLES = 32
"""Samples whose answers say it: the data set's first, task by task in turn."""
FEWEST = 8
"""With fewer answers than these nothing is told from them."""
CLEAR = 0.75
"""Share of the answers that is a clear majority."""
OPENING, WORD = "opening", "word"
"""Readings of a first answer: the tokens before its word; and how the word is written (`Begun`)."""
_FACTS = 3
"""Values of a word: otherwise, capital, alike."""
LONGEST = 30
"""Characters of a quoted answer."""


@dataclass(frozen=True)
class AnswerForm:
    """How answers are written; as it is by default, that is the rule.

    Attributes:
        otherwise: whether words begin without a space behind a prompt's text, or with one behind white space.
        capital: whether they begin with a capital, where a sample's own answer does not say.
        opening: token ids that come before the word of every answer; they are made part of every prompt.
    """

    otherwise: bool = False
    capital: bool = True
    opening: tuple[int, ...] = ()

    def __str__(self) -> str:
        """As it stands in the key of evidence."""
        space = "otherwise" if self.otherwise else "as the prompt's end says"
        after = f", after tokens {' '.join(map(str, self.opening))}" if self.opening else ""
        return f"{'capital' if self.capital else 'small letter'}, space {space}{after}"


RULE = AnswerForm()


@dataclass(frozen=True)
class Begun:
    """What one greedy answer begins with.

    Attributes:
        opening: its tokens before the first that shows a word: white space, marks.
        opening_text: what they say.
        otherwise: as `AnswerForm.otherwise`, of its word; None if there is no letter or digit to tell it by.
        capital: whether its first letter is a capital; None if it has no case.
        alike: whether the right answer's two forms, by the rule, begin with one token.
        word: the text behind the opening, its space included; empty if there is none.
    """

    opening: tuple[int, ...]
    opening_text: str
    otherwise: bool | None
    capital: bool | None
    alike: bool
    word: str

    def readings(self) -> dict[str, tuple[tuple[float, ...], str]]:
        """By reading its values and its text, as they are stored."""
        facts = (self.otherwise, self.capital, self.alike)
        values = tuple(math.nan if one is None else float(one) for one in facts)
        return {OPENING: (tuple(map(float, self.opening)), self.opening_text), WORD: (values, self.word)}


@dataclass(frozen=True)
class Answering:
    """What first answers say.

    Attributes:
        form: how answers are written.
        told: the same in one plain sentence; empty if there are no first answers.
    """

    form: AnswerForm = RULE
    told: str = ""


def stored_answers(frame: pl.DataFrame) -> list[tuple[tuple[str, str], Begun]]:
    """The first answers among rows of evidence, each with its task and sample."""
    rows = frame.filter((pl.col("measurement") == str(FirstAnswer())) & (pl.col("reason") == ""))
    by_sample: dict[tuple[str, str], dict[str, tuple[list[float], str]]] = {}
    for task, sample, reading, values, text in rows.select(
        "task", "sample", "reading", "values", "answer"
    ).iter_rows():
        by_sample.setdefault((task, sample), {})[reading] = values, text
    return [
        (sample, _begun(*of[OPENING], *of[WORD]))
        for sample, of in by_sample.items()
        if {OPENING, WORD} <= of.keys()
        and len(of[WORD][0]) == _FACTS
        and all(map(math.isfinite, of[OPENING][0]))
    ]


def _begun(opening: Sequence[float], before: str, facts: Sequence[float], word: str) -> Begun:
    otherwise, capital, alike = (None if math.isnan(one) else bool(one) for one in facts)
    return Begun(tuple(map(int, opening)), before, otherwise, capital, bool(alike), word)


def answering(answers: Sequence[Begun], *, released: bool = False) -> Answering:
    """Find how answers are written.

    Args:
        answers: the first ones.
        released: whether the prompt is the released code's: its tokens are looked up as that code does.
    """
    worded = [one for one in answers if one.word]
    if len(worded) < FEWEST or len(answers) - len(worded) >= CLEAR * len(answers):
        return Answering(told=_too_little(len(answers), len(worded)))
    (opening, count), *_ = Counter(one.opening for one in worded).most_common(1)
    settled = count >= CLEAR * len(worded)
    like = [one for one in worded if one.opening == opening] if settled else worded
    otherwise, capital = _most([one.otherwise for one in like]), _most([one.capital for one in like])
    form = AnswerForm(bool(otherwise), capital is not False, opening if settled else ())
    clear = {"what comes before the word": settled or None, "a space": otherwise, "a capital": capital}
    unclear = [what for what, found in clear.items() if found is None]
    return Answering(RULE if released else form, _told(answers, like, form, unclear, released=released))


def _too_little(answers: int, worded: int) -> str:
    """What is told where so few answers have a word that none is followed."""
    if answers and answers - worded >= CLEAR * answers:
        silent = f"answers with no word at all, {answers - worded} of {answers}"
        return f"{silent}: is this the prompt it was trained on? --prompt names another"
    return f"too few first answers to tell how it writes them ({worded}): as assumed" if answers else ""


def _most(votes: Sequence[bool | None]) -> bool | None:
    """What a clear majority says of those that say anything; None if there is none."""
    said = [vote for vote in votes if vote is not None]
    for found in (True, False):
        if said and said.count(found) >= CLEAR * len(said):
            return found
    return None


def _told(
    answers: Sequence[Begun],
    like: Sequence[Begun],
    form: AnswerForm,
    unclear: Sequence[str],
    *,
    released: bool,
) -> str:
    """One plain sentence; ``like``: the answers that have the form's opening."""
    if unclear:
        matters = " and ".join(unclear)
        said = f"{len(answers)} first answers have no clear majority as to {matters}: as assumed there"
    else:
        same = [one for one in like if _has(one, form)]
        words = Counter(one.word for one in same)
        example = min(words, key=lambda word: (-words[word], word))
        space = "with" if example.startswith(" ") else "without"
        said = f"answers as {_quoted(example.strip())} {space} a leading space, {len(same)} of {len(answers)}"
    if form.opening:
        said += f"; always after {_quoted(like[0].opening_text)}"
        said += "" if released else ", which is made part of the prompt"
    if form.otherwise:
        said += "; the prompt's end would have it the other way"
    if form != RULE and released:
        said += "; a released prompt's tokens are those of the released code all the same"
    return "; ".join(filter(None, (said, _alike(answers, form))))


def _has(answer: Begun, form: AnswerForm) -> bool:
    return answer.otherwise in {None, form.otherwise} and answer.capital in {None, form.capital}


def _alike(answers: Sequence[Begun], form: AnswerForm) -> str:
    """That the tokenizer cannot tell an answer's two forms apart, if so of most."""
    count = sum(one.alike for one in answers)
    if form.opening or count < CLEAR * len(answers):
        return ""
    both = "its tokenizer begins an answer's lower-case and capitalised form with one token"
    return f"{both}, {count} of {len(answers)}: the logit lens is not read there"


def _quoted(text: str) -> str:
    return json.dumps(text[:LONGEST], ensure_ascii=False)
