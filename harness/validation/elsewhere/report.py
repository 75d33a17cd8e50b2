"""The authors' files of a made-up model, imported and judged: how long, with how much memory, how rightly."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data.errors import HarnessError
from harness.data.machine import usable_cores
from harness.statistics.verdict import Verdict
from harness.validation.elsewhere.made_up import BLOCKS, QUESTIONS, MadeUp
from harness.validation.tables import Page, table, today
from harness.verdicts.record import ClaimRecord, RunRecord, read_record

ROOT = Path(__file__).resolve().parents[3]
NAME = "made-up-13b"
TRUE = frozenset(
    {"A1", "A2", "A3", "A4", "A5", "A6", "B1", "B2", "B3", "B4", "B5"}
    | {"C1", "C2", "C3", "C3b", "D1", "E1", "E2", "E3", "E5"}
)
"""Claims that are true of the story, and that the six blocks and the lens speak of: all others need more."""
ACROSS = frozenset({"F6"})
"""Claims that need several checkpoints."""

_TEXT = """\
# The authors' files, imported and judged

{date}. Made by `python -m harness.validation elsewhere`. The output of the authors' two scripts, as they
would write it, for a made-up model of {layers} layers whose stages are known: {tasks} tasks, {blocks} blocks,
{questions:,} questions on {images:,} images; {rows:,} rows of effects and {lens:,} of the logit lens,
{size:.0f} MB. The truth is that of [paper-size](2026-11-30-paper-size.md); each question is drawn around it,
skewed, and shares its luck with others on its image. The processes ran one after the other, each on one
core of {cores}, which others used, too (load {load:.0f}).

{costs}
{verdicts}
Every claim that the files speak of is true of the story; what they do not hold is NOT MEASURED, and why.
{wrong}
"""


@dataclass(frozen=True)
class Cost:
    """What a process took.

    Attributes:
        step: what it did.
        seconds: by the clock.
        processor: seconds of processor time, of its children, too.
        memory: bytes of its largest resident set.
    """

    step: str
    seconds: float
    processor: float
    memory: int


@dataclass(frozen=True)
class Outcome:
    """A made-up run, imported and judged.

    Attributes:
        costs: of importing and judging.
        record: the record of the judging run.
    """

    costs: tuple[Cost, ...]
    record: RunRecord

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """How many verdicts of each kind there are, by what is known of the claim."""
        found = ((known(claim.id), claim.judgement.verdict.value) for claim in self.record.claims)
        return Counter((wanted.value, verdict) for wanted, verdict in found)

    @property
    def wrong(self) -> tuple[str, ...]:
        """The verdicts that contradict the known ones."""
        return tuple(map(_told, (one for one in self._differing if not _is_open(one))))

    @property
    def undecided(self) -> tuple[str, ...]:
        """Those that are open where more is known."""
        return tuple(map(_told, filter(_is_open, self._differing)))

    @property
    def _differing(self) -> list[ClaimRecord]:
        return [one for one in self.record.claims if one.judgement.verdict is not known(one.id)]


def _is_open(claim: ClaimRecord) -> bool:
    return claim.judgement.verdict is Verdict.INCONCLUSIVE


def _told(claim: ClaimRecord) -> str:
    said = f"{claim.judgement.verdict.value}, known {known(claim.id).value} ({claim.judgement.reason})"
    return f"{claim.id} on {claim.task or 'all tasks'}: {said}"


def known(claim: str) -> Verdict:
    """What must come out for a claim."""
    if claim in ACROSS:
        return Verdict.NOT_APPLICABLE
    return Verdict.SUPPORTED if claim in TRUE else Verdict.NOT_MEASURED


def judged(folder: Path, made_up: MadeUp, words: Sequence[str] = ()) -> Outcome:
    """Import what a made-up run has written, and judge it, each in a process of its own.

    Args:
        folder: where the import and the report go.
        made_up: the run; its files are there.
        words: further options of pytest.

    Raises:
        HarnessError: if the import fails, or no record is written.
    """
    output, imports, report = made_up.folder / "output", folder / "imports", folder / "report"
    taking = ["harness.evidence", "import", output, "--checkpoint", NAME, "--layers", made_up.layers]
    costs = [_run("import", [*taking, "--out", imports], folder, ok={0})]
    judging = ["pytest", "findings", f"--evidence-of={imports / NAME}", f"--report={report}", *words]
    costs.append(_run("judge and report", judging, folder, ok={0, 1}))
    return Outcome(tuple(costs), read_record(report / "report.json"))


def _run(step: str, words: Sequence[object], folder: Path, ok: set[int]) -> Cost:
    said, began = folder / "said.txt", time.monotonic()
    with said.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            [sys.executable, "-m", *map(str, words)], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ok:
        raise HarnessError(f"{step}: {said.read_text(encoding='utf-8', errors='replace')[-800:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(step, time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss * unit)


def run(options: argparse.Namespace) -> Page:
    """Write the files, import and judge them, and say what it took."""
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        made_up = MadeUp(folder, layers=options.layers)
        size = sum(file.stat().st_size for file in made_up.write())
        return Page("elsewhere", _page(made_up, size, judged(folder, made_up)))


def _page(made_up: MadeUp, size: int, outcome: Outcome) -> str:
    questions = sum(QUESTIONS.values())
    costs = table(
        "step | seconds: | of processor time: | peak memory, GiB:",
        [
            (one.step, f"{one.seconds:.1f}", f"{one.processor:.1f}", f"{one.memory / 2**30:.2f}")
            for one in outcome.costs
        ],
    )
    verdicts = table(
        "known | verdict | claims and tasks:",
        [(*kinds, f"{count:,}") for kinds, count in sorted(outcome.counts.items())],
    )
    wrong = (
        "\nWrong:\n\n" + "\n".join(f"- {one}" for one in outcome.wrong)
        if outcome.wrong
        else "\nNone is wrong."
    )
    if outcome.undecided:
        wrong += "\n\nOpen:\n\n" + "\n".join(f"- {one}" for one in outcome.undecided)
    return _TEXT.format(
        date=today(),
        cores=usable_cores(),
        load=os.getloadavg()[0],
        layers=made_up.layers,
        tasks=len(QUESTIONS),
        blocks=len(BLOCKS),
        questions=questions,
        images=made_up.images,
        rows=questions * len(BLOCKS) * made_up.layers,
        lens=questions * (made_up.layers + 1),
        size=size / 1e6,
        costs=costs,
        verdicts=verdicts,
        wrong=wrong,
    )
