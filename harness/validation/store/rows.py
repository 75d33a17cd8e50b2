"""Read a large store and judge every claim of the catalogue on it: how long, and how much memory.

The rows are made up (`harness.testing.fake`), in the number and of the kinds that the
catalogue's own claims ask for; what is timed is what a run does that finds everything stored.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from multiprocessing import get_context
from pathlib import Path

import polars as pl
import pytest

from harness.checkpoint.info import CheckpointInfo
from harness.data.dataset import BLOCK_IMAGES
from harness.data.sample import TASKS
from harness.evidence.shards import CLEAN, rows_to_frame
from harness.measuring.request import Request
from harness.session.claim_items import claims_of
from harness.statistics.looks import LOOKS
from harness.testing.fake import HERE, LAYERS, Fake, fake_dataset
from harness.verdicts.claims import Claim
from harness.verdicts.examination import Examination
from harness.verdicts.settings import USUAL_SCENES, Settings

LOCATING = ("B3", "B4", "D3")
"""Claims that locate a layer first, and may then ask for more: measured before the clock starts."""
WORDS = ["findings", "--collect-only", "-q", "-p", "harness.testing.fake", "--checkpoint=fake"]


@dataclass
class Gatherer:
    """A pytest plugin that keeps the claims it sees collected."""

    claims: Sequence[Claim] = ()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep them."""
        self.claims = claims_of(session.items)


def catalogue() -> Sequence[Claim]:
    """Every claim on the fake checkpoint."""
    gatherer = Gatherer()
    with redirect_stdout(StringIO()):
        status = pytest.main(WORDS, plugins=[gatherer])
    if status or not gatherer.claims:
        raise RuntimeError(f"the findings cannot be collected (exit status {status})")
    return gatherer.claims


def settings(folder: Path, *, judge_only: bool = False) -> Settings:
    """The options of a plain run, or of one that measures nothing."""
    return Settings(
        checkpoints=("fake",),
        dataset=None,
        images=None,
        tasks=None,
        samples=USUAL_SCENES,
        window=None,
        device="cpu",
        dtype="float32",
        alpha=0.05,
        evidence=folder,
        report=folder,
        accept=False,
        gpu=False,
        judge_only=judge_only,
    )


def examination(folder: Path, images: int, *, judge_only: bool = False) -> Examination:
    """An examination of the fake checkpoint on so many images, six questions on each."""
    options = settings(folder, judge_only=judge_only)
    return Examination(CheckpointInfo("fake", str(HERE), LAYERS), fake_dataset(images, TASKS), options, Fake)


def rows_a_block(examined: Examination, claims: Sequence[Claim]) -> tuple[pl.DataFrame, Sequence[str]]:
    """One block's rows as a run would store them, and the images they are on."""
    requests = examined.requests(claims, LOOKS[-1])
    by_image: dict[str, list[Request]] = {}
    for request in requests[0]:
        by_image.setdefault(request.sample.image_id, []).append(request)
    fake = Fake()
    rows = [row for asked in by_image.values() for row in fake.image(asked)]
    return rows_to_frame(rows), list(by_image)


def fill(examined: Examination, block: pl.DataFrame, images: Sequence[str]) -> int:
    """Store a block's rows once for every block of the data set; returns the number of rows."""
    by_block: dict[int, list[str]] = {}
    for image in examined.dataset.images:
        by_block.setdefault(examined.dataset.blocks[image], []).append(image)
    for number, others in by_block.items():
        names = dict(zip(images, others, strict=True))
        examined.evidence.publish(number, _renamed(block, names))
    return len(block) * len(by_block)


def _renamed(block: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    number = pl.col("image").str.strip_prefix("image-").str.zfill(6)
    return block.with_columns(pl.col("image").replace_strict(names)).with_columns(
        sample=pl.format("{}-{}", pl.col("task"), number)
    )


def report(rows: int) -> str:
    """Make a store of at least so many effect rows, read it and judge all claims; say what that took."""
    claims = catalogue()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sample, images = rows_a_block(examination(folder, BLOCK_IMAGES), claims)
        effects = sample.filter(pl.col("measurement") != CLEAN)
        blocks = -(-rows // len(effects))
        stored = examination(folder, blocks * BLOCK_IMAGES)
        fill(stored, sample, images)
        stored.examine([claim for claim in claims if claim.id in LOCATING], lambda *_: None)
        # In a process of its own, whose memory is not that of filling the store.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            judged = fresh.submit(_judged, folder, blocks * BLOCK_IMAGES).result()
    return f"{blocks * len(effects):,} effect rows ({_values(effects, blocks):,} values): {judged}"


def _values(effects: pl.DataFrame, blocks: int) -> int:
    return int(effects["values"].list.len().sum()) * blocks


def _judged(folder: Path, images: int) -> str:
    claims = catalogue()
    before = _peak()
    began, worked = time.monotonic(), time.process_time()
    examined = examination(folder, images, judge_only=True)
    examined.examine(claims, lambda *_: None)
    seconds, processor = time.monotonic() - began, time.process_time() - worked
    verdicts = Counter(judgement.verdict.value for judgement in examined.judgements.values())
    return (
        f"read, and {len(claims)} claims judged, in {seconds:.1f} s ({processor:.1f} s of processor time, "
        f"{len(os.sched_getaffinity(0))} cores); peak memory {_peak() / 2**20:.2f} GiB "
        f"(before: {before / 2**20:.2f}); {dict(verdicts)}"
    )


def _peak() -> int:
    """This process's largest memory so far, in KiB; `getrusage` would count its parent's, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
