"""The page around both curves, as Markdown."""

from __future__ import annotations

from reports.markdown import escape, table
from reports.published.curve import At, Beside, mean_of
from reports.words import count, interval, measurement_name, number

_CAVEAT = (
    "A description, and no verdict. Both bands are meant to hold everywhere at once with 95 %; theirs takes "
    "means as normal, and is too narrow if its n counts questions that share images. Their curve is read "
    "between its windows where ours has one. Questions, prompt and precision may differ."
)


def render(found: Beside, name: str, picture: str, command: str) -> str:
    """The page around the picture.

    Args:
        found: both curves.
        name: what theirs is called.
        picture: the picture's file, seen from the page.
        command: what makes the page.
    """
    flow = escape(measurement_name(found.ours.measurement))
    ours, theirs = escape(found.checkpoint.name), escape(name)
    head = ["our layer", "depth", ours, theirs, "difference"]
    return (
        "\n\n".join(
            [
                f"# {flow} on {escape(found.ours.task)}: {theirs} beside {ours}",
                f"![{theirs} beside {ours}]({picture})",
                _sources(found, name),
                _differences(found),
                _CAVEAT,
                table(head, [_row(one) for one in found.at]),
                f"Made by `{command}`.",
            ]
        )
        + "\n"
    )


def _sources(found: Beside, name: str) -> str:
    ours, theirs, run = found.ours, found.theirs, found.checkpoint
    measured = f"; {escape(run.elsewhere)}" if run.elsewhere else ""
    behind = f", at least {theirs.least:,} behind a mean" if theirs.least else ""
    return (
        f"- {escape(run.name)}: {run.layers} layers, windows of {ours.window}, "
        f"{count(ours.n_images, 'image')}{measured}.\n"
        f"- {escape(name)}: {escape(theirs.file.name)} (SHA-256 {theirs.sha256[:16]}), "
        f"{theirs.layers} layers, windows of {theirs.window}{behind}; means and a spread, no samples."
    )


def _differences(found: Beside) -> str:
    largest, apart = found.largest, [one for one in found.at if one.apart]
    differences = [one.difference[0] for one in found.at]
    sizes = mean_of([abs(value) for value in differences])
    return (
        f"- Largest difference: {_told(largest.difference)} points of p_c, at depth {largest.depth:.2f} "
        f"(our layer {largest.point}).\n"
        f"- On average over {count(len(found.at), 'window')}: {number(mean_of(differences))} points, "
        f"{number(sizes)} in size.\n"
        f"- More than the noise of both at {len(apart)} of {count(len(found.at), 'window')}."
    )


def _row(one: At) -> list[str]:
    mark = " **≠**" if one.apart else ""
    cells = [_told(one.ours), _told(one.theirs), f"{_told(one.difference)}{mark}"]
    return [str(one.point), f"{one.depth:.2f}", *cells]


def _told(values: tuple[float, float, float]) -> str:
    return f"{number(values[0])} [{interval(values[1], values[2])}]"
