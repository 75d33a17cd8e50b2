"""One long table of effects, CSV or parquet: what anybody's notebook can write.

A row is one window of one flow on one sample. ``sample``, ``image`` and ``task`` are texts; ``source`` and
``target`` are regions of this suite (``question``, ``last``, ``image``, ``related_patches``, …) or blocks of
the release; ``window`` is the number of layers blocked and ``layer`` the centre, from 0; ``p1`` and ``p2``
are the probabilities, 0 to 1, of the first token of the model's own, right answer without and with the
knockout. ``answer`` may be there, and ``wrong1`` and ``wrong2``, the same probabilities of the wrong answer
(empty where there is none). A row with ``left_out`` says of a sample that was looked at why it was not used,
and no more. ``only`` names the layers of a curve that was not measured at all of them, in ascending order,
``0,2,4``; it is the same in every row of the curve, and empty in those of whole ones. A table of one task, or
of one window size, may leave the column out: ``--task`` or ``--window`` says it then.
"""

from __future__ import annotations

import re

import polars as pl

from harness.data.sample import TASKS
from harness.evidence.elsewhere.parts import LEFT_OUT, WRONG, Part, regions
from harness.evidence.elsewhere.tables import LINE, TableFile, check_columns

NEEDED = ("sample", "image", "source", "target", "layer", "p1", "p2")
OPTIONAL = ("task", "window", "answer", "only", *WRONG, "left_out")

_LAYERS = re.compile(r"(0|[1-9]\d{0,5})(,[1-9]\d{0,5})*", re.ASCII)


def is_plain(table: TableFile) -> bool:
    """Whether a table looks like a long one."""
    return {"p1", "p2"} & set(table.frame.columns) != set()


def read_plain(table: TableFile, task: str | None, window: int | None) -> Part:
    """The effects of a long table.

    Args:
        table: the file.
        task: the task, for a table without that column.
        window: the windows' size, for a table without that column.

    Raises:
        TableError: if a column is missing or unknown, a cell is wrong, or the options say otherwise.
    """
    check_columns(table, NEEDED)
    unknown = [name for name in table.frame.columns if name not in {*NEEDED, *OPTIONAL, LINE}]
    if unknown:
        known = ", ".join((*NEEDED, *OPTIONAL))
        table.refuse(1, f"unknown column {unknown[0]!r}; a table of effects has {known}")
    unused = _unused(table)
    used = TableFile(table.file, table.sha256, table.frame.filter(unused.not_()), table.unit)
    left_out = TableFile(table.file, table.sha256, table.frame.filter(unused), table.unit)
    if not len(used.frame):
        table.refuse(None, "every sample is left out")
    frame = _sample(used, task).with_columns(
        source=regions(used, used.texts("source")),
        target=regions(used, used.texts("target")),
        window=_windows(used, window),
        layer=used.wholes("layer"),
        only=_only(used),
        p1=used.numbers("p1"),
        p2=used.numbers("p2"),
    )
    for name in WRONG:
        if name in used.frame.columns:
            frame = frame.with_columns(_numbers_or_empty(used, name).alias(name))
    return Part(used, "effects", frame, released=False, left_out=_left_out(left_out, task))


def _unused(table: TableFile) -> pl.Series:
    if "left_out" not in table.frame.columns:
        return pl.repeat(value=False, n=len(table.frame), eager=True)
    return (table.frame["left_out"].cast(pl.String).fill_null("") != "").alias("unused")


def _sample(table: TableFile, task: str | None) -> pl.DataFrame:
    answer = pl.lit("")
    if "answer" in table.frame.columns:
        answer = pl.lit(table.frame["answer"].cast(pl.String).fill_null(""))
    return pl.DataFrame(
        {LINE: table.frame[LINE], "sample": table.texts("sample"), "image": table.texts("image")}
    ).with_columns(answer=answer, task=_tasks(table, task))


def _left_out(table: TableFile, task: str | None) -> pl.DataFrame:
    if not len(table.frame):
        return pl.DataFrame(schema=dict.fromkeys(LEFT_OUT, pl.String()))
    return _sample(table, task).with_columns(reason=table.texts("left_out")).select(LEFT_OUT)


def _tasks(table: TableFile, asked: str | None) -> pl.Series:
    if "task" not in table.frame.columns:
        if asked is None:
            table.refuse(1, "no column 'task'; name the task with --task")
        return pl.repeat(asked, len(table.frame), dtype=pl.String(), eager=True)
    found = table.texts("task")
    known = pl.DataFrame({LINE: table.frame[LINE], "task": found})
    table.refuse_first(
        known.filter(found.is_in(TASKS).not_()), f"no task {{task!r}}; the tasks are {', '.join(TASKS)}"
    )
    if asked is not None:
        table.refuse_first(known.filter(found != asked), f"a row of {{task}}, --task says {asked}")
    return found


def _windows(table: TableFile, asked: int | None) -> pl.Series:
    if "window" in table.frame.columns:
        return table.wholes("window")
    if asked is None:
        table.refuse(1, "no column 'window'; say the size with --window")
    return pl.repeat(asked, len(table.frame), dtype=pl.Int64(), eager=True)


def _only(table: TableFile) -> pl.Series:
    """The layers that a row's curve was measured at, as written; empty for a whole curve."""
    if "only" not in table.frame.columns:
        return pl.repeat("", len(table.frame), dtype=pl.String(), eager=True)
    found = table.frame["only"].cast(pl.String).fill_null("").str.strip_chars()
    wrong = [text for text in found.unique().to_list() if text and not _ascending(text)]
    rows = pl.DataFrame({LINE: table.frame[LINE], "only": found}).filter(found.is_in(wrong))
    table.refuse_first(rows, "column 'only' holds {only!r}; it names layers in ascending order, as in 0,2,4")
    return found


def _ascending(text: str) -> bool:
    if not _LAYERS.fullmatch(text):
        return False
    layers = [int(layer) for layer in text.split(",")]
    return layers == sorted(set(layers))


def _numbers_or_empty(table: TableFile, column: str) -> pl.Series:
    """A column of numbers of which some are empty: a task without one wrong answer."""
    found = table.frame[column]
    there = found.is_not_null() if found.dtype != pl.String else found.fill_null("") != ""
    some = TableFile(table.file, table.sha256, table.frame.filter(there), table.unit)
    if not len(some.frame):
        return pl.repeat(None, len(found), dtype=pl.Float64(), eager=True)
    numbers = pl.DataFrame({LINE: some.frame[LINE], "number": some.numbers(column)})
    return table.frame.select(LINE).join(numbers, on=LINE, how="left", maintain_order="left")["number"]
