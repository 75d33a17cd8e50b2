"""Measure: from samples on one image and the probes asked for, to rows of evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from harness.checkpoint import Checkpoint
from harness.dataset import Dataset
from harness.encode import Encoded, encode
from harness.errors import RegionError
from harness.evidence import BASE
from harness.knockout import Knockout
from harness.knockouts import windows_of
from harness.outcome import (
    SMALLEST_P,
    Outcome,
    Tokens,
    answer_tokens,
    probability,
    read_lens,
    read_sweep,
    unusable,
)
from harness.probes import Lens, Sweep
from harness.reference import Pass
from harness.request import Request
from harness.sample import Sample


class Base(Protocol):
    """The unblocked run of all questions on one image, as an engine keeps it."""

    @property
    def passes(self) -> Sequence[Pass]:
        """The unblocked pass of every question."""

    @property
    def answers(self) -> Sequence[str]:
        """The model's own answer to every question; one known to be wrong may be cut short."""

    def sweep(self, knockouts: Sequence[Sequence[Knockout]]) -> list[Tensor]:
        """Per question the logits ``[knockouts, vocabulary]``."""


class Engine(Protocol):
    """What runs forward passes: the fast sweep, or the reference."""

    def base(self, encoded: Sequence[Encoded]) -> Base:
        """Run all questions on one image without a knockout."""


def measure_image(
    checkpoint: Checkpoint, engine: Engine, dataset: Dataset, requests: Sequence[Request]
) -> list[dict[str, object]]:
    """Measure all requests on one image.

    Args:
        checkpoint: the checkpoint.
        engine: what runs the passes.
        dataset: knows each sample's foil.
        requests: samples that share an image, with their probes.

    Returns:
        Rows with the columns of `harness.evidence.SCHEMA`.
    """
    encoded, rows = [], []
    ready: list[Request] = []
    for request in requests:
        try:
            encoded.append(encode(checkpoint, request.sample))
            ready.append(request)
        except RegionError as error:
            rows += _rows(request.sample, Outcome("", float("nan"), reason=str(error)))
    if not ready:
        return rows
    base = engine.base(encoded)
    plans = [
        _plan(checkpoint, dataset, request, item, unblocked, answer)
        for request, item, unblocked, answer in zip(ready, encoded, base.passes, base.answers, strict=True)
    ]
    logits = base.sweep([plan.knockouts for plan in plans])
    for request, plan, blocked in zip(ready, plans, logits, strict=True):
        rows += _rows(request.sample, plan.outcome(checkpoint, blocked))
    return rows


@dataclass(frozen=True)
class _Plan:
    """One sample's passes: what is known from the base, and what each knocked-out pass is for."""

    base: Pass
    answer: str
    reason: str
    tokens: Tokens | None
    sweeps: tuple[tuple[Sweep, tuple[Knockout, ...]], ...] = ()
    lenses: tuple[Lens, ...] = ()
    missing: Mapping[str, str] | None = None

    @property
    def knockouts(self) -> list[Knockout]:
        return [knockout for _, windows in self.sweeps for knockout in windows]

    def outcome(self, checkpoint: Checkpoint, blocked: Tensor) -> Outcome:
        """Read the passes; a kept sample always has tokens."""
        if self.tokens is None:
            p1 = probability(self.base.logits, int(self.base.logits.argmax()))
            return Outcome(self.answer, p1, self.reason)
        curves: dict[tuple[str, str], tuple[float, ...]] = {}
        missing = dict(self.missing or {})
        start = 0
        for probe, windows in self.sweeps:
            part = blocked[start : start + len(windows)]
            start += len(windows)
            for reading, values in read_sweep(self.base.logits, part, self.tokens).items():
                curves[str(probe), reading] = values
        confusable = unusable(self.tokens)
        for lens in self.lenses:
            if confusable:
                missing[str(lens)] = confusable
                continue
            for reading, values in read_lens(checkpoint, self.base, self.tokens, norm=lens.norm).items():
                curves[str(lens), reading] = values
        p1 = probability(self.base.logits, self.tokens.own)
        return Outcome(self.answer, p1, "", curves, missing)


def _plan(
    checkpoint: Checkpoint, dataset: Dataset, request: Request, encoded: Encoded, base: Pass, answer: str
) -> _Plan:
    sample = request.sample
    if answer.strip().lower() != sample.answer:
        return _Plan(base, answer, "wrong answer", None)
    tokens = answer_tokens(checkpoint, encoded, base, dataset.foil(sample))
    if probability(base.logits, tokens.own) < SMALLEST_P:
        return _Plan(base, answer, "probability of the answer underflows", None)
    sweeps, missing = [], {}
    for probe in request.probes:
        if isinstance(probe, Sweep):
            try:
                sweeps.append(
                    (
                        probe,
                        windows_of(probe.flow, probe.window, encoded.regions, checkpoint.n_layers, sample),
                    )
                )
            except RegionError as error:
                missing[str(probe)] = str(error)
    lenses = tuple(probe for probe in request.probes if isinstance(probe, Lens))
    return _Plan(base, answer, "", tokens, tuple(sweeps), lenses, missing)


def _rows(sample: Sample, outcome: Outcome) -> list[dict[str, object]]:
    common = {
        "sample": sample.id,
        "task": sample.task,
        "image": sample.image_id,
        "p1": outcome.p1,
        "answer": outcome.answer,
    }
    rows = [{**common, "probe": BASE, "reading": "p", "values": [outcome.p1], "reason": outcome.reason}]
    rows += [
        {**common, "probe": probe, "reading": reading, "values": list(values), "reason": ""}
        for (probe, reading), values in outcome.curves.items()
    ]
    rows += [
        {**common, "probe": probe, "reading": "", "values": [], "reason": reason}
        for probe, reason in outcome.missing.items()
    ]
    return rows
