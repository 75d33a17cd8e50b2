"""The page around the picture of a training's snapshots, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from harness.statistics.inference import FEWEST_IMAGES
from reports.markdown import escape, table
from reports.page.environment import TEMPLATES
from reports.snapshots.snapshots import Snapshot, flows_of
from reports.words import count, measurement_name


def render(found: Sequence[Snapshot], picture: str, command: str) -> str:
    """The page around the picture.

    Args:
        found: the snapshots in order.
        picture: the picture's file, seen from the page.
        command: what makes the page.
    """
    head = [escape(one.name) for one in found]
    rows = [
        ["right answers", *(f"{100 * one.right:.0f} %" for one in found)],
        ["images behind a curve", *(one.images for one in found)],
        [f"curves against {escape(found[0].baseline)}", *(escape(one.changes) for one in found)],
    ]
    stages = [
        [measurement_name(flow), *(one.cells[flow].words if flow in one.cells else "–" for one in found)]
        for flow in flows_of(found)
    ]
    return (
        (TEMPLATES / "snapshots.md")
        .read_text(encoding="utf-8")
        .format(
            what=f"{count(len(found), 'snapshot')} of one training, a row for each flow",
            picture=picture,
            samples=table(["", *head], rows),
            fewest=FEWEST_IMAGES,
            stages=table(["flow", *head], stages),
            command=command,
        )
    )
