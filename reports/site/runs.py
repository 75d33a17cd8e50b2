"""The runs of a site: every checkpoint of every record alone, and the files they are written into."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from harness.verdicts.record import ChangeRecord, CheckpointRecord, ClaimRecord, RunRecord, SampleRecord
from reports.summary import Headline, checkpoint_names, headlines, rows
from reports.words import anchor

_Of = TypeVar("_Of", ClaimRecord, SampleRecord, ChangeRecord)
FOLDER = "checkpoints"
"""Where the pages of checkpoints lie, beside the overview."""


@dataclass(frozen=True)
class Run:
    """One checkpoint as one run found it.

    Attributes:
        name: the checkpoint's name.
        record: the run's record, of this checkpoint alone.
        page: its page, as a link from the overview.
    """

    name: str
    record: RunRecord
    page: str

    @property
    def checkpoint(self) -> CheckpointRecord | None:
        """How the checkpoint was run, or None where only claims name it."""
        return self.record.checkpoints[0] if self.record.checkpoints else None

    @property
    def sha256(self) -> str:
        """Hash over the checkpoint's files; empty where the record does not say."""
        return self.checkpoint.sha256 if self.checkpoint else ""

    @property
    def headline(self) -> Headline | None:
        """Its result in one sentence; None where no claim was judged."""
        return next(iter(headlines(rows(self.record))), None)


@dataclass(frozen=True)
class History:
    """All runs of one checkpoint, the oldest first.

    Attributes:
        name: the checkpoint's name.
        runs: its runs.
    """

    name: str
    runs: tuple[Run, ...]

    @property
    def latest(self) -> Run:
        """The newest of its runs, which stands for it."""
        return self.runs[-1]


def histories(records: Iterable[RunRecord]) -> tuple[History, ...]:
    """The checkpoints of some records, in their order; a run that is there twice counts once.

    The page of a checkpoint's newest run is named after the checkpoint alone, so that a link to it lasts;
    those of older runs have their date and a hash in their names.
    """
    found: dict[str, dict[str, RunRecord]] = {}
    for record in records:
        for name, one in alone(record).items():
            found.setdefault(name, {}).setdefault(_key(one), one)
    pages = _page_names(found)
    return tuple(_history(name, runs, pages[name]) for name, runs in found.items())


def alone(record: RunRecord) -> dict[str, RunRecord]:
    """The record of each of its checkpoints, with nothing of the others."""
    names = checkpoint_names(record)
    claims = _by_checkpoint(record.claims)
    samples, changes = _by_checkpoint(record.samples), _by_checkpoint(record.changes)
    return {
        name: replace(
            record,
            checkpoints=tuple(one for one in record.checkpoints if one.name == name),
            claims=claims.get(name, ()),
            samples=samples.get(name, ()),
            changes=changes.get(name, ()),
        )
        for name in names
    }


def _by_checkpoint(several: Sequence[_Of]) -> dict[str, tuple[_Of, ...]]:
    found: dict[str, list[_Of]] = {}
    for one in several:
        found.setdefault(one.checkpoint, []).append(one)
    return {name: tuple(group) for name, group in found.items()}


def _history(name: str, runs: dict[str, RunRecord], page: str) -> History:
    inside = sorted(runs.items(), key=lambda one: (one[1].created, one[0]))
    last = len(inside) - 1
    return History(
        name,
        tuple(
            Run(name, record, f"{FOLDER}/{page if place == last else f'{page}-{_dated(record, key)}'}.html")
            for place, (key, record) in enumerate(inside)
        ),
    )


def _key(record: RunRecord) -> str:
    """A hash of what makes a run another one: checkpoint, weights, data set, command, time."""
    which = [(one.name, one.sha256) for one in record.checkpoints]
    told = repr((which, record.dataset_sha256, record.command, record.created, record.suite))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _dated(record: RunRecord, key: str) -> str:
    return f"{anchor(record.created[:10])}-{key}"


def _page_names(names: Iterable[str]) -> dict[str, str]:
    """A file's name for each checkpoint; two that look alike as such get different ones."""
    chosen: dict[str, str] = {}
    for name in names:
        wanted = anchor(name)
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        chosen[name] = wanted if wanted not in chosen.values() else f"{wanted}-{digest}"
    return chosen
