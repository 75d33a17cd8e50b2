"""Measure: from samples on one image and the measurements asked for, to rows of evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded, encode
from harness.checkpoint.encode_condition import continued, encode_under
from harness.data.condition import Condition
from harness.data.dataset import Dataset
from harness.data.effect import relative_change
from harness.data.errors import NOT_FINITE, NumericsError, RegionError
from harness.data.flow import Flow
from harness.data.sample import Sample
from harness.engine import decoding
from harness.engine.protocol import Engine, EngineRun
from harness.engine.reference import Pass
from harness.engine.sweep.memory_budget import halving, memory_limit_told
from harness.evidence.shards import CLEAN, WRONG
from harness.interventions.control_regions import with_controls
from harness.interventions.knockout import Knockout
from harness.interventions.measurements import (
    RIGHT,
    Accuracy,
    Chance,
    FirstAnswer,
    KnockoutMeasurement,
    Lens,
    Measurement,
    Sweep,
    Unblocked,
    condition_of,
    is_unfiltered,
)
from harness.interventions.patching import PatchSource
from harness.interventions.to_knockouts import Subject, knockouts_of
from harness.measuring.answer_form import RULE, AnswerForm, Begun
from harness.measuring.first_answers import MOST_TOKENS, begun
from harness.measuring.progress import CHECKING, MEASURING, Tally
from harness.measuring.readout import (
    SMALLEST_P,
    FirstTokens,
    Tokens,
    answer_tokens,
    confusable_answers,
    confusable_forms,
    probability,
    read_lens,
    read_right,
    read_sweep,
)
from harness.measuring.request import Request

Row: TypeAlias = "dict[str, object]"
Readings: TypeAlias = "Mapping[str, tuple[float, ...]]"

UNDERFLOW = "probability of the answer underflows"
PARTS = frozenset(
    {"true_option", "false_option", "central_object", "object1", "object2", "question_rest"}
    | {"question_without_options"}
)
"""Regions that are parts of the question: their flows are also read per token."""


@dataclass(frozen=True, eq=False)
class Case:
    """One sample under one condition, and its unblocked pass.

    Attributes:
        sample: the sample.
        encoded: the sample as the model sees it.
        clean: its unblocked pass.
        tokens: the tokens that are followed.
        measurements: what is to be measured.
        included: whether it is answered rightly; else only accuracies are read.
    """

    sample: Sample
    encoded: Encoded
    clean: Pass
    tokens: Tokens
    measurements: tuple[Measurement, ...]
    included: bool

    @cached_property
    def p1(self) -> float:
        """The answer's probability without a knockout."""
        return probability(self.clean.logits, self.tokens.own)


class ImageMeasurer:
    """Measures samples of a data set on a checkpoint.

    Args:
        checkpoint: the checkpoint.
        engine: what runs the passes.
        dataset: the data set; knows distractors, chance and other images.
    """

    def __init__(self, checkpoint: Checkpoint, engine: Engine, dataset: Dataset) -> None:
        self._engine = engine
        self._dataset = dataset
        self._take_on(checkpoint, RULE)
        self.passes = 0
        """Knocked-out passes run so far; what had to be done again, for lack of memory say, counts once."""
        self._passes_under_way = 0
        self._walked_before = 0
        self._doing = CHECKING

    def _take_on(self, checkpoint: Checkpoint, form: AnswerForm) -> None:
        """Ask and read as the checkpoint writes its answers; forget what was found out by another form."""
        self._checkpoint = opened = replace(checkpoint, opening=form.opening)
        self._first_token = FirstTokens(opened, form)
        self._patch_source = PatchSource(
            self._dataset, lambda sample: encode(opened, sample), self._engine.contents
        )

    def tally(self) -> Tally:
        """What was done so far, the image in hand included; see `harness.measuring.worker.Measurer`."""
        walked = self._engine.walked
        under_way = max(0, walked.passes - self._walked_before)
        return Tally(self._doing, passes=self.passes + under_way, row_layers=walked.row_layers)

    def image(self, requests: Sequence[Request]) -> list[Row]:
        """Measure all requests on one image.

        Args:
            requests: samples that share an image, with their measurements; all of one form of answers.

        Returns:
            Rows with the columns of `harness.evidence.SCHEMA`.

        Raises:
            MemoryLimitError: if memory does not suffice even for one question at a time.
        """
        ready: list[tuple[Request, Encoded]] = []
        rows: list[Row] = []
        if requests[0].form != self._first_token.form:
            self._take_on(self._checkpoint, requests[0].form)
        for request in requests:
            try:
                with memory_limit_told():
                    ready.append((request, encode_under(self._checkpoint, request.sample, "plain")))
            except RegionError as error:
                rows += _refused(request, str(error))
        for _, measured in halving(ready, self._where_finite) if ready else ():
            rows += measured
        return rows

    def _where_finite(self, ready: Sequence[tuple[Request, Encoded]]) -> list[Row]:
        """Rows of questions on one image; one whose logits are not finite is left out, not the others."""
        self._passes_under_way = 0
        try:
            rows = list(self._measured(ready))
        except NumericsError:
            if len(ready) == 1:
                return _refused(ready[0][0], NOT_FINITE)
        else:
            self.passes += self._passes_under_way
            self._walked_before = self._engine.walked.passes
            return rows
        return [row for one in ready for row in self._where_finite([one])]

    def _measured(self, ready: Sequence[tuple[Request, Encoded]]) -> Iterator[Row]:
        clean = self._engine.clean_run([encoded for _, encoded in ready])
        self._doing = MEASURING  # the first clean run is checked against the model
        cases = []
        for (request, encoded), unblocked, said in zip(ready, clean.passes, clean.answers, strict=True):
            case, row = self._judged(request, encoded, unblocked, said)
            cases.append(case)
            yield row
        yield from self._first_answers(clean, cases)
        yield from self._swept(clean, cases, "plain")
        for other in ("grey", "lower"):
            yield from self._under(other, cases)
        for which in ("first_subword", "last_subword"):
            yield from self._subwords(which, cases, clean.answers)

    def _judged(
        self, request: Request, encoded: Encoded, unblocked: Pass, said: tuple[int, ...]
    ) -> tuple[Case, Row]:
        """Whether a sample is kept, and the row that says so."""
        sample, answer = request.sample, decoding.read(self._checkpoint, said)
        tokens = self._tokens(sample, encoded, unblocked)
        p1 = probability(unblocked.logits, tokens.own)
        reason = "" if self._right(answer, sample) else WRONG
        if not reason and p1 < SMALLEST_P:
            reason = UNDERFLOW
        case = Case(sample, encoded, unblocked, tokens, request.measurements, not reason)
        row = _row(sample, CLEAN, "p", (p1,), p1, reason=reason, answer=answer)
        return case, row

    def _right(self, answer: str, sample: Sample) -> bool:
        full_stop = self._checkpoint.prompt.may_end_in_full_stop
        return decoding.reads_as(answer, sample.answer, full_stop=full_stop)

    def _tokens(self, sample: Sample, encoded: Encoded, unblocked: Pass) -> Tokens:
        distractor, wrong = self._dataset.distractor(sample), self._dataset.wrong_answers(sample)
        return answer_tokens(self._first_token, encoded, unblocked, distractor, wrong)

    def _first_answers(self, clean: EngineRun, cases: Sequence[Case]) -> Iterator[Row]:
        """Read what the model's own answers begin with, where that is asked."""
        if not any(FirstAnswer() in case.measurements for case in cases):
            return
        for case, said in zip(cases, clean.beginnings(MOST_TOKENS), strict=True):
            if FirstAnswer() in case.measurements:
                alike = case.tokens.forms["lower"] == case.tokens.forms["capital"]
                read = begun(self._checkpoint, case.encoded, said, alike=alike)
                yield from begun_rows(case.sample, read, case.p1)

    def _under(self, condition: Condition, plain: Sequence[Case]) -> Iterator[Row]:
        """Take the measurements of one other condition."""
        ready: list[tuple[Case, Encoded]] = []
        for case in plain:
            if not _wanted(case, condition):
                continue
            try:
                ready.append((case, encode_under(self._checkpoint, case.sample, condition)))
            except RegionError as error:
                yield from _undefined(case, condition, str(error))
        if not ready:
            return
        clean = self._engine.clean_run([encoded for _, encoded in ready])
        cases = []
        for number, (case, encoded) in enumerate(ready):
            unblocked = clean.passes[number]
            tokens = self._tokens(case.sample, encoded, unblocked)
            included = case.included
            if included and condition == "lower":
                said = decoding.read(self._checkpoint, clean.answers[number])
                included = said == said.lower() and self._right(said, case.sample)
                if not included:
                    yield from _undefined(case, condition, "not answered in lower case when asked to")
            cases.append(Case(case.sample, encoded, unblocked, tokens, case.measurements, included))
        yield from self._swept(clean, cases, condition)

    def _subwords(
        self, condition: Condition, plain: Sequence[Case], answers: Sequence[tuple[int, ...]]
    ) -> Iterator[Row]:
        """Measure the first or the last sub-word of answers that have several."""
        ready: list[tuple[Case, Encoded]] = []
        for case, said in zip(plain, answers, strict=True):
            if not _wanted(case, condition):
                continue
            try:
                words = decoding.without_full_stop(self._checkpoint, said)
                ready.append((case, continued(case.encoded, words, condition)))
            except RegionError as error:
                yield from _undefined(case, condition, str(error))
        if not ready:
            return
        clean = self._engine.clean_run([encoded for _, encoded in ready])
        cases = [
            Case(case.sample, encoded, unblocked, _own(unblocked), case.measurements, included=True)
            for (case, encoded), unblocked in zip(ready, clean.passes, strict=True)
        ]
        yield from self._swept(clean, cases, condition)

    def _swept(self, clean: EngineRun, cases: Sequence[Case], condition: Condition) -> Iterator[Row]:
        """Run and read all measurements of one condition on one clean run."""
        plans = [self._plan(case, condition) for case in cases]
        knockouts = [[one for _, made in plan.knocked for one in made] for plan in plans]
        logits = clean.sweep(knockouts)
        self._passes_under_way += sum(map(len, knockouts))
        for case, plan, blocked in zip(cases, plans, logits, strict=True):
            yield from plan.rows
            start = 0
            for measurement, made in plan.knocked:
                part = blocked[start : start + len(made)]
                start += len(made)
                yield from _rows(case, measurement, _knocked_readings(case, measurement, part))
                if is_unfiltered(measurement):
                    yield _accuracy(case, measurement, part)
            for other in plan.others:
                yield from self._unblocked(case, other)

    def _plan(self, case: Case, condition: Condition) -> _Plan:
        regions = with_controls(self._checkpoint, self._dataset, case.encoded)
        subject = Subject(case.sample, regions, self._checkpoint.n_layers, self._patch_source)
        plan = _Plan([], [], [])
        for measurement in case.measurements:
            if condition_of(measurement) != condition or not (case.included or is_unfiltered(measurement)):
                continue
            if isinstance(measurement, Unblocked):
                plan.others.append(measurement)
            else:
                _prepare(plan, case, measurement, subject)
        return plan

    def _unblocked(self, case: Case, measurement: Unblocked) -> Iterator[Row]:
        """Read a measurement that needs no knockout."""
        match measurement:
            case Accuracy():
                yield _accuracy(case, measurement, case.clean.logits[None])
            case Chance():
                yield from _rows(case, measurement, {RIGHT: (self._dataset.chance(case.sample),)})
            case Lens():
                reason = confusable_forms(case.tokens)
                if reason:
                    yield _row(case.sample, str(measurement), "", (), case.p1, reason=reason)
                    return
                read = read_lens(self._checkpoint, case.clean, case.tokens, norm=measurement.norm)
                yield from _rows(case, measurement, read)


@dataclass(frozen=True)
class _Plan:
    """What is run for one case: knocked-out passes, what needs none, and rows already known."""

    knocked: list[tuple[KnockoutMeasurement, tuple[Knockout, ...]]]
    others: list[Unblocked]
    rows: list[Row]


def _prepare(plan: _Plan, case: Case, measurement: KnockoutMeasurement, subject: Subject) -> None:
    """Put a measurement's knockouts on the plan, or the reason why it is undefined for the case."""
    try:
        plan.knocked.append((measurement, knockouts_of(measurement, subject)))
    except RegionError as error:
        plan.rows.append(_row(case.sample, str(measurement), "", (), case.p1, reason=str(error)))


def _own(unblocked: Pass) -> Tokens:
    """Tokens of a pass whose only question is what it says itself."""
    return Tokens(int(unblocked.logits.argmax()), None, {})


def _knocked_readings(
    case: Case, measurement: KnockoutMeasurement, blocked: Tensor
) -> dict[str, tuple[float, ...]]:
    readings = dict(read_sweep(case.clean.logits, blocked, case.tokens)) if case.included else {}
    if isinstance(measurement, Sweep) and case.included and measurement.flow.source in PARTS:
        readings["per_token"] = _per_token(case, measurement.flow, readings["p"])
    return readings


def _accuracy(case: Case, measurement: Measurement, logits: Tensor) -> Row:
    """Whether each row of logits is right; or why its first token cannot tell."""
    reason = confusable_answers(case.tokens)
    values = () if reason else read_right(logits, case.tokens)
    return _row(case.sample, str(measurement), RIGHT, values, case.p1, reason=reason)


def _per_token(case: Case, flow: Flow, p: tuple[float, ...]) -> tuple[float, ...]:
    """p_c in per cent, divided by the number of source tokens."""
    tokens = len(case.encoded.regions[flow.source])
    return tuple(relative_change(value, case.p1) / tokens for value in p)


def _wanted(case: Case, condition: Condition) -> bool:
    """Whether anything is to be measured on a case under a condition."""
    return any(
        condition_of(measurement) == condition and (case.included or is_unfiltered(measurement))
        for measurement in case.measurements
    )


def _undefined(case: Case, condition: Condition, reason: str) -> Iterator[Row]:
    """Rows that say why the measurements of a condition are undefined for a sample."""
    for measurement in case.measurements:
        if condition_of(measurement) == condition:
            yield _row(case.sample, str(measurement), "", (), case.p1, reason=reason)


def _refused(request: Request, reason: str) -> list[Row]:
    """Rows of a sample that cannot be put to the model at all."""
    nothing = float("nan")
    named = [str(measurement) for measurement in request.measurements if is_unfiltered(measurement)]
    return [
        _row(request.sample, CLEAN, "p", (nothing,), nothing, reason=reason),
        *(_row(request.sample, name, "", (), nothing, reason=reason) for name in named),
    ]


def _rows(case: Case, measurement: Measurement, readings: Readings) -> Iterator[Row]:
    for reading, values in readings.items():
        yield _row(case.sample, str(measurement), reading, values, case.p1)


def begun_rows(sample: Sample, read: Begun, p1: float) -> Iterator[Row]:
    """The rows of a first answer."""
    for reading, (values, text) in read.readings().items():
        yield _row(sample, str(FirstAnswer()), reading, values, p1, answer=text)


def _row(
    sample: Sample,
    measurement: str,
    reading: str,
    values: tuple[float, ...],
    p1: float,
    *,
    reason: str = "",
    answer: str = "",
) -> Row:
    return {
        "sample": sample.id,
        "task": sample.task,
        "image": sample.image_id,
        "measurement": measurement,
        "reading": reading,
        "values": list(values),
        "p1": p1,
        "reason": reason,
        "answer": answer,
    }
