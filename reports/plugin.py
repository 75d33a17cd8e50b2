"""The pytest plugin: writes the report when a run of the findings is over.

It prints nothing; the caller says where the report is. Under GitHub Actions the Markdown summary also
goes to the job's page.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.session.options import output_folder
from harness.verdicts.record import RunRecord

BASELINES = Path(__file__).parent / "baselines"
SUMMARY_LIMIT = 900 * 1024
"""Bytes of a GitHub job summary that are used; above 1024 KiB GitHub drops all of it."""


@pytest.hookimpl
def pytest_findings_report(config: pytest.Config, record: RunRecord) -> Path:
    """Write the report of a run; return the path of the page.

    Raises:
        HarnessError: if the folder cannot be written.
    """
    from reports.write import write_report  # noqa: PLC0415 - importing what plots takes a second

    html, summary, _ = write_report(record, output_folder(config, "report"))
    job = os.environ.get("GITHUB_STEP_SUMMARY")
    if job:
        append_summary(Path(job), summary.read_text(encoding="utf-8"))
    return html


@pytest.hookimpl
def pytest_findings_baseline(name: str) -> Path:
    """Name the file of a checkpoint's baseline."""
    return BASELINES / f"{name}.parquet"


def append_summary(target: Path, text: str) -> None:
    """Append ``text`` to a GitHub job summary, cut so that the whole stays under its limit.

    A summary that cannot be written is no reason to fail a run whose report exists: it is left out.
    """
    try:
        room = SUMMARY_LIMIT - (target.stat().st_size if target.exists() else 0)
        with target.open("a", encoding="utf-8", newline="\n") as file:
            file.write(cut(text, room))
    except OSError:
        return


def cut(text: str, room: int) -> str:
    """Return ``text`` in at most ``room`` bytes of UTF-8: whole lines, and a pointer to the rest."""
    if len(text.encode()) <= room:
        return text
    pointer = "\n\nCut here: the whole summary is in report.md among the files of this run.\n"
    left = room - len(pointer.encode())
    if left <= 0:
        return ""
    head = text.encode()[:left].decode(errors="ignore")
    return head[: head.rfind("\n") + 1] + _closed(head) + pointer


def _closed(head: str) -> str:
    """Close a block of details that the cut went through."""
    return "\n</details>\n" * (head.count("<details>") - head.count("</details>"))
