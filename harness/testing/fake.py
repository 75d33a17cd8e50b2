"""A checkpoint without a model: deterministic numbers from hashes, so that only storing and sharing is left.

As a pytest plugin (``-p harness.testing.fake``, ``--checkpoint=fake``) it brings a
checkpoint, a data set and a measurer to whole runs of the findings that need no torch. What it does is
set by variables of the environment:
``FAKE_IMAGES`` (images in all, default 56: too few to decide), ``FAKE_SECONDS`` (time an image takes,
default 0), ``FAKE_LOG`` (a file to which each measured sample and measurement is appended), ``FAKE_DEATH`` (a
file; a worker of pytest-xdist that finds it missing makes it, and dies by SIGKILL while it measures),
``FAKE_DEATH_JUDGING`` (the same, in the middle of a claim test, when everything is measured), ``FAKE_DEATHS``
(how many workers die so, default 1).
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from harness.checkpoint.info import CheckpointInfo
from harness.data.dataset import Dataset, make_dataset
from harness.data.sample import TASKS, Sample
from harness.evidence.shards import CLEAN
from harness.interventions.measurements import (
    LENS_READINGS,
    RIGHT,
    Accuracy,
    ActivationPatch,
    BlockFromLayer,
    Chance,
    FirstAnswer,
    Lens,
    Measurement,
    Mediators,
    Modules,
    OpenPathsOnly,
    Sweep,
    is_unfiltered,
    only_of,
)
from harness.interventions.some_points import whole
from harness.measuring.answer_form import Begun
from harness.measuring.progress import MEASURING, Tally
from harness.measuring.request import Request
from harness.measuring.worker import Load
from harness.session.options import output_folder
from harness.verdicts.record import RunRecord

LAYERS = 12
HERE = Path(__file__).parent
READINGS = ("p", "distractor", "flip", "log_odds")


@dataclass
class Fake:
    """A measurer that measures nothing.

    Attributes:
        log: file to which what is measured is appended, ``task sample measurement`` a line (of a wrongly
            answered sample ``clean``), or None; first answers are not.
        seconds: time an image takes.
        passes: knocked-out passes pretended so far.
    """

    log: Path | None = None
    seconds: float = 0.0
    passes: int = 0

    def tally(self) -> Tally:
        """See `harness.measuring.worker.Measurer`."""
        return Tally(MEASURING, passes=self.passes, row_layers=self.passes * LAYERS)

    def image(self, requests: Sequence[Request]) -> list[Mapping[str, object]]:
        """See `harness.measuring.worker.Measurer`."""
        if any(request.measurements != (FirstAnswer(),) for request in requests):
            time.sleep(self.seconds)
        _die("FAKE_DEATH")
        rows: list[Mapping[str, object]] = []
        for request in requests:
            rows += _rows(request)
            self.passes += LAYERS * len([one for one in request.measurements if one != FirstAnswer()])
        self._note(requests)
        return rows

    def _note(self, requests: Sequence[Request]) -> None:
        if self.log is None:
            return
        lines = [
            f"{request.sample.task} {request.sample.id} {name}\n"
            for request in requests
            for name in _measured(request)
        ]
        handle = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(handle, "".join(lines).encode())  # one call: whole, whoever else writes
        finally:
            os.close(handle)


def _measured(request: Request) -> list[str]:
    """What is measured of a sample: wrongly answered, only what needs no right answer."""
    named = [one for one in request.measurements if one != FirstAnswer()]
    if not (named and _is_wrong(request.sample)):
        return [str(measurement) for measurement in named]
    return [CLEAN, *(str(measurement) for measurement in named if is_unfiltered(measurement))]


def _rows(request: Request) -> list[Mapping[str, object]]:
    sample = request.sample
    wrong = _is_wrong(sample)
    common = {
        "sample": sample.id,
        "task": sample.task,
        "image": sample.image_id,
        "p1": 0.9,
        "answer": "no" if wrong else "yes",
        "reason": "",
    }
    base = {**common, "measurement": CLEAN, "reading": "p", "values": [0.9]}
    rows: list[Mapping[str, object]] = [{**base, "reason": "wrong answer" if wrong else ""}]
    if request.measurements == (FirstAnswer(),):  # so that a run is seen to measure all of its own samples
        rows = []
    begun = Begun((), "", otherwise=False, capital=True, alike=False, word=" Yes").readings()
    return rows + [
        {**common, "measurement": str(measurement), "reading": reading, "values": values, "answer": text}
        for measurement in request.measurements
        if is_unfiltered(measurement) or not wrong
        for reading, (values, text) in (
            begun if measurement == FirstAnswer() else _curves(sample, measurement, str(common["answer"]))
        ).items()
    ]


def _curves(sample: Sample, measurement: Measurement, answer: str) -> dict[str, tuple[Sequence[float], str]]:
    return {reading: (_curve(sample, measurement, reading), answer) for reading in readings_of(measurement)}


def readings_of(measurement: Measurement) -> tuple[str, ...]:
    """What is read of a measurement."""
    match measurement:
        case Lens():
            return LENS_READINGS
        case Accuracy() | Chance():
            return (RIGHT,)
        case BlockFromLayer() | OpenPathsOnly() if is_unfiltered(measurement):
            return (*READINGS, RIGHT)
        case _:
            return (*READINGS, "per_token")


def points_of(measurement: Measurement) -> int:
    """How many values a reading of a measurement has, if it is of the whole curve."""
    match measurement:
        case Lens():
            return LAYERS + 1
        case BlockFromLayer():
            return len(measurement.starts)
        case Mediators():
            return int(2 ** len(measurement.mediators))
        case Sweep() | ActivationPatch() | Modules():
            return LAYERS
        case _:
            return 1


def _curve(sample: Sample, measurement: Measurement, reading: str) -> list[float]:
    first, only = _number(sample.task, sample.id, str(whole(measurement)), reading), only_of(measurement)
    places = range(points_of(measurement)) if only is None else only.places
    return [0.9 * ((first * (2 * at + 1)) % 1.0) for at in places]


def _is_wrong(sample: Sample) -> bool:
    return _number(sample.task, sample.id) < 0.1


def _number(*words: str) -> float:
    """A number in [0, 1) that depends on the words alone."""
    return int.from_bytes(hashlib.sha256("/".join(words).encode()).digest()[:6]) / 2**48


def _die(variable: str) -> None:
    """Die as the variable asks; the files beside the one it names count the deaths."""
    death = os.environ.get(variable)
    if death and "PYTEST_XDIST_WORKER" in os.environ:  # any of them: which one comes first is chance
        for number in range(int(os.environ.get("FAKE_DEATHS", "1"))):
            try:
                Path(f"{death}-{number}").touch(exist_ok=False)
            except FileExistsError:
                continue
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call() -> None:
    """Let a worker die in the middle of a test, if asked to."""
    _die("FAKE_DEATH_JUDGING")


def fake_dataset(images: int, tasks: Sequence[str] = TASKS[:2]) -> Dataset:
    """A data set of one sample for each task and image."""
    samples = [
        Sample(f"{task}-{at:06}", task, f"image-{at}", Path("none.jpg"), "?", "yes", "yes", "no", (), (8, 8))
        for task in tasks
        for at in range(images)
    ]
    return make_dataset("fake", f"fake-{images}", samples)


@pytest.hookimpl(tryfirst=True)
def pytest_findings_checkpoint(name: str) -> CheckpointInfo | None:
    """Bring the checkpoint ``fake``."""
    return CheckpointInfo("fake", str(HERE), LAYERS) if name == "fake" else None


@pytest.hookimpl(tryfirst=True)
def pytest_findings_dataset() -> Dataset:
    """Bring the fake data set."""
    return fake_dataset(int(os.environ.get("FAKE_IMAGES", "56")))


@pytest.hookimpl(tryfirst=True)
def pytest_findings_measurer(info: CheckpointInfo) -> Load | None:
    """Bring the fake measurer."""
    log = os.environ.get("FAKE_LOG")
    seconds = float(os.environ.get("FAKE_SECONDS", "0"))
    return partial(Fake, Path(log) if log else None, seconds) if info.name == "fake" else None


@pytest.hookimpl(tryfirst=True)
def pytest_findings_expectations(name: str) -> Path | None:
    """Expect nothing of it."""
    return HERE / "none.toml" if name == "fake" else None


@pytest.hookimpl(tryfirst=True)
def pytest_findings_report(config: pytest.Config, record: RunRecord) -> Path:
    """Keep the record of a run; it needs no page."""
    folder = output_folder(config, "report")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "report.json"
    file.write_text(record.to_json(), encoding="utf-8")
    return file
