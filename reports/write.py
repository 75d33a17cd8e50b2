"""The files of a report, written so that no reader ever sees half of one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.data.atomic_files import write_whole
from harness.data.errors import HarnessError
from harness.verdicts.record import Curve, RunRecord
from reports import markdown
from reports.page import render
from reports.published import page as published_page, svg as published_svg
from reports.published.curve import Beside
from reports.schema.json_schema import problem
from reports.snapshots import page, svg
from reports.snapshots.snapshots import Snapshot
from reports.words import measurement_name


def write_report(record: RunRecord, folder: Path) -> tuple[Path, Path, Path]:
    """Write ``report.html``, ``report.md`` and ``report.json`` into ``folder``; return their paths.

    The record itself comes first, so that a report can be rebuilt whatever happens to the page.

    Raises:
        HarnessError: if the folder cannot be made or written, or the record breaks its schema.
    """
    text = record.to_json()
    broken = problem(json.loads(text))
    if broken:
        raise HarnessError(f"the record of this run breaks its own schema: {broken}. Please report it")
    for uneven in (curve for claim in record.claims for curve in claim.curves if _is_uneven(curve)):
        name = measurement_name(uneven.measurement)
        raise HarnessError(f"the record of this run has a curve {name!r:.80} whose series differ in length")
    with _made(folder, "the report cannot be written", "--report"):
        stored = _publish(folder / "report.json", text)
        html = _publish(folder / "report.html", render.render(record))
        return html, _publish(folder / "report.md", markdown.render(record)), stored


def write_snapshots(found: Sequence[Snapshot], command: str, folder: Path) -> tuple[Path, Path]:
    """Write ``snapshots.svg`` and the page around it, ``README.md``, into ``folder``; return their paths.

    Args:
        found: the snapshots in order.
        command: what makes them, for the page.
        folder: where to write.

    Raises:
        HarnessError: if the folder cannot be made or written.
    """
    with _made(folder, "cannot be written", "--out"):
        picture = _publish(folder / "snapshots.svg", svg.draw(found))
        return picture, _publish(folder / "README.md", page.render(found, picture.name, command))


def write_published(found: Beside, name: str, command: str, folder: Path) -> tuple[Path, Path]:
    """Write ``curve.svg`` and the page around it, ``README.md``, into ``folder``; return their paths.

    Args:
        found: a published curve beside one of ours.
        name: what theirs is called.
        command: what makes them, for the page.
        folder: where to write.

    Raises:
        HarnessError: if the folder cannot be made or written.
    """
    with _made(folder, "cannot be written", "--out"):
        picture = _publish(folder / "curve.svg", published_svg.draw(found, name))
        text = published_page.render(found, name, picture.name, command)
        return picture, _publish(folder / "README.md", text)


@contextmanager
def _made(folder: Path, fault: str, option: str) -> Iterator[None]:
    """Make a folder to write into; what cannot be written is one line that names the option."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = error.strerror or error
        raise HarnessError(f"{folder}: {fault} ({reason}); name another folder with {option}") from error


def _is_uneven(curve: Curve) -> bool:
    series = (curve.points, curve.depth, curve.mean, curve.lower, curve.upper)
    return len({len(values) for values in series}) > 1


def _publish(path: Path, text: str) -> Path:
    """Write a text whole or not at all.

    A lone surrogate, which JSON may carry, is written as its escape: the file stays UTF-8 and JSON.
    """
    write_whole(path, text.encode("utf-8", errors="backslashreplace"))
    return path
