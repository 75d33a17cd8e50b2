"""The files of a report, written so that no reader ever sees half of one."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from harness.data.atomic_files import write_whole
from harness.data.errors import HarnessError
from harness.verdicts.record import Curve, RunRecord, read_record, record_of
from reports import compare, markdown
from reports.page import render
from reports.paper_figures.sheets import sheets
from reports.paper_figures.table import table
from reports.picture import first_screen
from reports.published import page as published_page, svg as published_svg
from reports.published.curve import Beside
from reports.schema.json_schema import problem
from reports.shorten import shortened, with_fewer_samples
from reports.site.pages import links, pages
from reports.site.runs import FOLDER
from reports.snapshots import page, svg
from reports.snapshots.snapshots import Snapshot
from reports.summary import checkpoint_names
from reports.words import measurement_name

MOST_ON_ONE_PAGE = 4
"""The paper's own number of checkpoints; with more, `report.html` is an overview, and each has a page."""
INDEX = "index.html"
"""The overview of a site."""
KINDS: tuple[Literal["pdf", "svg"], ...] = ("pdf", "svg")
"""The formats of figures for a paper."""
_HEAD_BYTES = 4096


def write_report(record: RunRecord, folder: Path) -> tuple[Path, Path, Path]:
    """Write ``report.html``, ``report.md`` and ``report.json`` into ``folder``; return their paths.

    The record itself comes first, so that a report can be rebuilt whatever happens to the page. With more
    than `MOST_ON_ONE_PAGE` checkpoints the page is an overview, and each has its own in ``checkpoints/``.

    Raises:
        HarnessError: if the folder cannot be made or written, or the record breaks its schema.
    """
    return _write_report(record, record.to_json(), folder, "--report")


def write_example(
    record: RunRecord, folder: Path, beside: RunRecord | None = None, samples: int = 1
) -> tuple[Path, ...]:
    """Write the example that comes with the suite: a report on a shortened record, and its picture.

    Args:
        record: the run.
        folder: where to write.
        beside: another run, put beside it in ``comparison.md``.
        samples: example samples of a task that are kept.

    Returns:
        What was written.

    Raises:
        HarnessError: as `write_report`, and if no browser can take the picture.
    """
    text = shortened(with_fewer_samples(record, samples))
    short = record_of(json.loads(text))
    html, *others = _write_report(short, text, folder, "--out")
    with _made(folder, "the example cannot be written", "--out"):
        picture = folder / "report.png"
        write_whole(picture, first_screen(html))
        if beside:
            names = tuple(", ".join(checkpoint_names(run)) for run in (beside, short))
            others.append(
                _publish(folder / "comparison.md", compare.render(beside, short, (names[0], names[1])))
            )
    return html, *others, picture


def write_shortened(path: Path) -> tuple[int, int]:
    """Write a stored record in as few bytes as it can be told in; return its bytes before and after.

    Raises:
        HarnessError: if it is no record, or cannot be written.
    """
    text, before = shortened(read_record(path)), path.stat().st_size
    with _made(path.parent, "the record cannot be written", "its path"):
        _publish(path, text)
    return before, path.stat().st_size


def _write_report(record: RunRecord, text: str, folder: Path, option: str) -> tuple[Path, Path, Path]:
    broken = problem(json.loads(text))
    if broken:
        raise HarnessError(f"the record of this run breaks its own schema: {broken}. Please report it")
    for uneven in (curve for claim in record.claims for curve in claim.curves if _is_uneven(curve)):
        name = measurement_name(uneven.measurement)
        raise HarnessError(f"the record of this run has a curve {name!r:.80} whose series differ in length")
    with _made(folder, "the report cannot be written", option):
        stored = _publish(folder / "report.json", text)
        html = folder / "report.html"
        if len(checkpoint_names(record)) > MOST_ON_ONE_PAGE:
            _write_pages([record], folder, html.name, option)
        else:
            _publish(html, render.render(record))
        return html, _publish(folder / "report.md", markdown.render(record)), stored


def write_site(records: Sequence[RunRecord], folder: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Write an overview of some runs, ``index.html``, and a page for each checkpoint in ``checkpoints/``.

    Pages of a site that was written here before are written over; nothing else is, and nothing is deleted.

    Returns:
        What was written, the overview first, and pages of an earlier site that nothing leads to any more.

    Raises:
        HarnessError: if there is nothing to show, or the folder holds other files by those names or cannot be
            made or written.
    """
    with _made(folder, "the site cannot be written", "--out"):
        if not _is_ours(folder / INDEX):
            raise HarnessError(f"{folder / INDEX}: is no page of a site; name another folder with --out")
        written = _write_pages(records, folder, INDEX, "--out")
        there = {path for path in (folder / FOLDER).glob("*.html") if path.is_file() and _is_ours(path)}
        return written, tuple(sorted(there - set(written)))


def write_figures(record: RunRecord, folder: Path, claims: Collection[str] = ()) -> Iterator[Path]:
    """Write the panels of a run for a paper: PDF, SVG and CSV, in a folder for each checkpoint.

    Args:
        record: the run.
        folder: where to write.
        claims: ids of claims whose plots are drawn beside the paper's figures, or ``"all"``.

    Yields:
        What was written.

    Raises:
        HarnessError: if matplotlib is missing, a claim is not in the record, nothing was measured, or the
            folder cannot be made or written.
    """
    try:
        from reports.paper_figures.draw import draw  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise HarnessError("figures need matplotlib: pip install -e '.[figures]'") from error
    drawn = tuple(sheets(record, claims))
    if not drawn:
        raise HarnessError("this record has no curve that could be drawn")
    with _made(folder, "the figures cannot be written", "--out"):
        for sheet in drawn:
            target = folder / sheet.name
            target.parent.mkdir(exist_ok=True)
            yield _publish(target.with_name(f"{target.name}.csv"), table(sheet))
            for kind in KINDS:
                path = target.with_name(f"{target.name}.{kind}")
                write_whole(path, draw(sheet, kind))
                yield path


def _write_pages(records: Sequence[RunRecord], folder: Path, name: str, option: str) -> tuple[Path, ...]:
    """Write an overview and what it leads to; other files by those names stop it before the first page."""
    inside = folder / FOLDER
    if inside.is_symlink() or (inside.exists() and not inside.is_dir()):
        raise HarnessError(f"{inside}: is no folder but a link or a file; name another place with {option}")
    for path in (folder / link for link in links(records)):
        if not _is_ours(path):
            raise HarnessError(f"{path}: is no page of a site; name another folder with {option}")
    inside.mkdir(exist_ok=True)
    *several, overview = (_publish(folder / link, html) for link, html in pages(records, name))
    return overview, *several


def _is_ours(path: Path) -> bool:
    """Whether a path is free, or a page of a site."""
    if not path.is_file() or path.is_symlink():
        return not os.path.lexists(path)
    with path.open("rb") as file:
        return render.GENERATOR.encode() in file.read(_HEAD_BYTES)


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
