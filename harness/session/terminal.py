"""What the terminal says: the header, the catalogue, verdict words, the closing table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

import pytest

from harness.data.plain_text import without_controls
from harness.session.progress import clock
from harness.session.work_done import Work
from harness.statistics.verdict import Ground, Judgement, Part, Verdict, goes_to_or_from_undecided
from harness.verdicts.catalogue import Catalogue
from harness.verdicts.claims import Claim
from harness.verdicts.record import ChangeRecord, ClaimRecord, CostRecord, RunRecord
from harness.verdicts.settings import Settings
from harness.verdicts.wording import tally_in_words

LETTERS = {
    Verdict.SUPPORTED: "S",
    Verdict.REFUTED: "R",
    Verdict.INCONCLUSIVE: "?",
    Verdict.NOT_APPLICABLE: "-",
    Verdict.NOT_MEASURED: "-",
}
COLOURS = {
    Verdict.SUPPORTED: {"green": True},
    Verdict.REFUTED: {"red": True},
    Verdict.INCONCLUSIVE: {"yellow": True},
    Verdict.NOT_APPLICABLE: {"light": True},
    Verdict.NOT_MEASURED: {"light": True},
}


def write_line(config: pytest.Config, text: str) -> None:
    """Write one plain line of one's own, wherever the cursor is; whatever text came from outside."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.ensure_newline()
        reporter.write_line(without_controls(text))
        reporter.flush()


def ensure_newline(config: pytest.Config) -> None:
    """Begin a new line, wherever the cursor is."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.ensure_newline()
        reporter.flush()


def stream(config: pytest.Config) -> TextIO | None:
    """What the terminal's lines are written to; None under ``-p no:terminal``."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    found: TextIO | None = None if reporter is None else reporter._tw._file  # noqa: SLF001 - has no public name
    return found


def catalogue(config: pytest.Config, known: Catalogue, claims: Iterable[Claim]) -> None:
    """List each claim once under its part, in the catalogue's order: id, source, statement, what is asked."""
    statements = {claim.id: claim.statement for claim in claims}
    part = ""
    for name, entry in known.claims.items():
        if name not in statements:
            continue
        if known.part_of(name) != part:
            part = known.part_of(name)
            write_line(config, f"{part}. {known.parts[part]}")
        write_line(config, f"{name:4} [{entry.source}] {statements[name]}")
        write_line(config, f"     {entry.asked}")


def evidence_notes(config: pytest.Config, work: Work, *, judge_only: bool) -> None:
    """Name what was wrong with stored evidence, and subprocesses that died."""
    for found in work.damages:
        write_line(config, f"evidence: {damage(found, judge_only=judge_only)}")
    if work.lost_subprocesses:
        write_line(
            config,
            f"evidence: {work.lost_subprocesses} subprocess workers died; others did their work",
        )
    if work.lost_workers:
        write_line(config, lost_workers(work))


def lost_workers(work: Work) -> str:
    """What became of what dead workers did."""
    return f"{work.lost_workers} of the run's workers died; what they measured is kept, but not counted here"


def damage(found: str, *, judge_only: bool) -> str:
    """What became of a file of a store that is not what its name says, or is gone."""
    return f"{found}: {'left out' if judge_only else 'measured again'}"


def measured_only(config: pytest.Config, settings: Settings, work: Work) -> None:
    """Close a run that judged nothing: what it was for, and what comes next."""
    part = f"shard {settings.shard}" if settings.shard else "everything"
    measured = _measured(sum(work.passes.values()), work)
    write_line(config, f"measured only: {part} is in {settings.evidence}; {measured}, nothing judged")
    write_line(config, "judge with the same command without --measure-only and --shard")


def verdict_table(config: pytest.Config, record: RunRecord, work: Work) -> None:
    """Close with a table of claims and tasks for every checkpoint."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    for checkpoint in record.checkpoints:
        said = without_controls(checkpoint.elsewhere) or _measured(checkpoint.passes, work)
        reporter.section(f"{checkpoint.name}: {said}")
        if checkpoint.answers:
            reporter.write_line(without_controls(checkpoint.answers))
        if checkpoint.cost is not None:
            reporter.write_line(cost(checkpoint.cost))
        claims = [claim for claim in record.claims if claim.checkpoint == checkpoint.name]
        for claim_id in dict.fromkeys(claim.id for claim in claims):
            rows = [claim for claim in claims if claim.id == claim_id]
            reporter.write_line(f"{claim_id:4} {_verdicts(rows)}  {_shortened(rows[0].statement)}")


def cost(record: CostRecord) -> str:
    """What measuring was predicted to take, and what it took."""
    said = record.predicted
    passes, row_layers = f"{said.passes:,} passes (at most {said.most_passes:,})", f"{said.row_layers:,}"
    time = f"{clock(said.shortest)} to {clock(said.longest)}"
    took = f"{record.passes:,} passes, {record.row_layers:,} rows × layers, {clock(record.seconds)}"
    return f"predicted: {passes}, {row_layers} rows × layers, {time}; took: {took}"


def _measured(passes: int, work: Work) -> str:
    """What a run measured; without knocked-out passes there may still have been unblocked ones."""
    if work.lost_workers:
        return f"at least {passes} knocked-out passes measured"
    return f"{passes} knocked-out passes measured" if passes else "no knocked-out pass had to be measured"


def _verdicts(rows: list[ClaimRecord]) -> str:
    words = [f"{row.task}: {_word(row)}" if row.task else _word(row) for row in rows]
    return ", ".join(words)


def _word(row: ClaimRecord) -> str:
    judgement = row.judgement
    told = [missing_stage(judgement), tally_in_words(judgement.tally) if judgement.tally else None]
    told += [None if row.expected in {None, judgement.verdict.value} else f"expected {row.expected}"]
    details = "; ".join(filter(None, told))
    return f"{judgement.verdict.value} ({details})" if details else judgement.verdict.value


def missing_stage(judgement: Judgement) -> str:
    """What is missing, with its estimate, where a claim is refuted by that alone; else empty."""
    if judgement.ground is not Ground.MISSING or not judgement.parts:
        return ""
    part = judgement.parts[0]
    return f"{judgement.ground}: {part.estimate:.1f} [{part.lower:.1f}, {part.upper:.1f}]"


def _shortened(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def pytest_report_teststatus(
    report: pytest.TestReport,
) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Say the verdict's word, but keep pytest's category, so that summaries and counts stay."""
    if getattr(report, "when", None) != "call":
        return None
    payload: Any = next((value for name, value in report.user_properties if name == "findings"), None)
    if payload is None:
        return None
    verdict = Verdict(payload["claim"]["judgement"]["verdict"])
    xfailed = hasattr(report, "wasxfail") and report.skipped
    expected = payload["claim"]["expected"]
    known = ""
    if xfailed and expected:
        known = " (as known)" if expected == verdict.value else f" (was {expected})"
    category = "xfailed" if xfailed else str(report.outcome)
    return category, LETTERS[verdict], (f"{verdict.value}{known}", COLOURS[verdict])


def warn_inconclusive_changes(config: pytest.Config, record: RunRecord) -> None:
    """Warn of verdicts that went to or from INCONCLUSIVE on a checkpoint whose verdicts are known."""
    for claim in record.claims:
        verdict = claim.judgement.verdict
        if claim.enforced and claim.expected and goes_to_or_from_undecided(Verdict(claim.expected), verdict):
            name = f"{claim.id}/{claim.task}" if claim.task else claim.id
            write_line(
                config,
                f"warning: {claim.checkpoint} {name} was {claim.expected}, is {verdict.value}; "
                "--accept makes that the known verdict",
            )


def not_enforced(config: pytest.Config, checkpoint: str, reason: str) -> None:
    """Say why a checkpoint's known verdicts fail nothing in this run."""
    write_line(config, f"known verdicts of {checkpoint} are shown, not enforced: {reason}")


def changes(config: pytest.Config, found: Sequence[ChangeRecord]) -> None:
    """Say how many curves moved since the baseline, and name those that did."""
    if not found:
        return
    counts = Counter(change.change for change in found)
    told = ", ".join(f"{count} {word}" for word, count in counts.most_common())
    write_line(config, f"since the baseline {found[0].baseline}: {told}")
    for change in (one for one in found if one.moved):
        where = f"  {change.checkpoint}: {change.flow} on {change.task}"
        write_line(config, f"{where} {change.change}{_by(change.difference)}")


def _by(part: Part | None) -> str:
    if part is None:
        return ""
    return f", {part.estimate:+.0f} [{part.lower:.0f}, {part.upper:.0f}] points at {part.where}"
