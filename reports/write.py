"""The files of a report, written so that no reader ever sees half of one."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.data.errors import HarnessError
from harness.verdicts.record import Curve, RunRecord
from reports import markdown, page, stages, stages_art
from reports.schema import problems, schema
from reports.stages import Snapshot


def write_report(record: RunRecord, folder: Path) -> tuple[Path, Path, Path]:
    """Write ``report.html``, ``report.md`` and ``report.json`` into ``folder``; return their paths.

    The record itself comes first, so that a report can be rebuilt whatever happens to the page.

    Raises:
        HarnessError: if the folder cannot be made or written, or the record breaks its schema.
    """
    text = record.to_json()
    broken = problems(json.loads(text), schema())
    if broken:
        raise HarnessError(f"the record of this run breaks its own schema: {broken[0]}. Please report it")
    uneven = next((curve.label for claim in record.claims for curve in claim.curves if _uneven(curve)), None)
    if uneven is not None:
        raise HarnessError(f"the record of this run has a curve {uneven!r:.80} whose series differ in length")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stored = _publish(folder / "report.json", text)
        html = _publish(folder / "report.html", page.render(record))
        summary = _publish(folder / "report.md", markdown.render(record))
    except OSError as error:
        reason = error.strerror or error
        raise HarnessError(
            f"{folder}: the report cannot be written ({reason}); name another folder with --report"
        ) from error
    return html, summary, stored


def write_stages(found: Sequence[Snapshot], command: str, folder: Path) -> tuple[Path, Path]:
    """Write ``snapshots.svg`` and the page around it, ``README.md``, into ``folder``; return their paths.

    Args:
        found: the snapshots in order.
        command: what makes them, for the page.
        folder: where to write.

    Raises:
        HarnessError: if the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        picture = _publish(folder / "snapshots.svg", stages_art.draw(found, "snapshots"))
        return picture, _publish(folder / "README.md", stages.markdown(found, picture.name, command))
    except OSError as error:
        reason = error.strerror or error
        raise HarnessError(
            f"{folder}: cannot be written ({reason}); name another folder with --out"
        ) from error


def _uneven(curve: Curve) -> bool:
    series = (curve.points, curve.depth, curve.mean, curve.lower, curve.upper)
    return len({len(values) for values in series}) > 1


def _publish(path: Path, text: str) -> Path:
    """Write beside the target, then rename: a reader sees the old file or the new one.

    A lone surrogate, which JSON may carry, is written as its escape: the file stays UTF-8 and JSON.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path
