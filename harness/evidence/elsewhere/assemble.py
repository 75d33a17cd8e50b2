"""From files to an import: read, checked alone and together, and turned into rows of evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from harness.checkpoint.info import registry
from harness.data.depth import rule_window
from harness.data.sample import TASKS
from harness.evidence.elsewhere import plain, released
from harness.evidence.elsewhere.checks import Curves, check_together, checked
from harness.evidence.elsewhere.imports import (
    LENS_NAME,
    VERSION,
    Imported,
    Manifest,
    Source,
    rows_of,
    write_import,
)
from harness.evidence.elsewhere.parts import FALSE, WRONG, Part
from harness.evidence.elsewhere.tables import TableError, TableFile, read_table
from harness.evidence.shards import CLEAN

SUFFIXES = (".csv", ".parquet")
_FOLDERS = 5
"""How much of a path a source is called by: the release's folders are model, task, ``val``, flow."""


@dataclass(frozen=True)
class Asked:
    """What the user says of the files.

    Attributes:
        checkpoint: the model's name.
        layers: its decoder's layers.
        window: the experiment's window size, or None for that of the files.
        task: the task, for files that do not say it.
        partial: whether files of the release may hold fewer questions than others of their task.
    """

    checkpoint: str
    layers: int
    window: int | None = None
    task: str | None = None
    partial: bool = False


def import_files(files: Iterable[Path], asked: Asked, root: Path) -> Imported:
    """Import files, and those in folders.

    Args:
        files: files and folders.
        asked: what the user says of them.
        root: the folder of all imports.

    Raises:
        TableError: if a file cannot be used, or several do not belong together.
        ImportedError: if the import cannot be written.
    """
    _check_depth(asked)
    curves = [checked(_read(read_table(file), asked), asked.layers) for file in _found(files)]
    check_together(curves, partial=asked.partial)
    frames = {task: of for task in TASKS if len(of := _rows(curves, task))}
    manifest = Manifest(
        version=VERSION,
        checkpoint=asked.checkpoint,
        layers=asked.layers,
        window=_window(curves, asked),
        square=any(one.part.square for one in curves),
        sources=tuple(map(_source, curves)),
        parts={},
        notes=tuple(note for one in curves for note in _notes(one)),
    )
    return write_import(root, manifest, frames)


def _check_depth(asked: Asked) -> None:
    known = registry().get(asked.checkpoint)
    if known is not None and int(known["layers"]) != asked.layers:
        raise TableError(f"--layers {asked.layers}: {asked.checkpoint} has {known['layers']}")


def _found(files: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for file in files:
        if not file.exists():
            raise TableError(f"{file}: no such file")
        inside = sorted(one for one in file.rglob("*") if one.suffix in SUFFIXES) if file.is_dir() else [file]
        if not inside:
            raise TableError(f"{file}: no file {' or '.join(SUFFIXES)} in this folder")
        found += inside
    twice = next((file for file in found if [one.resolve() for one in found].count(file.resolve()) > 1), None)
    if twice is not None:
        raise TableError(f"{twice}: named twice")
    return found


def _read(table: TableFile, asked: Asked) -> Part:
    if released.is_flow(table):
        return released.read_flow(table, asked.task, asked.window)
    if released.is_lens(table):
        return released.read_lens(table, asked.task)
    if not plain.is_plain(table):
        flow, lens = released.FLOW_COLUMNS[5], released.LENS["lower"]
        table.refuse(1, f"no column {flow!r} or {lens!r} of the release, nor p1 and p2 of a plain table")
    return plain.read_plain(table, asked.task, asked.window)


def _window(curves: Sequence[Curves], asked: Asked) -> int:
    """The experiment's window size: what the user says, or what all files say."""
    first: dict[int, Curves] = {}
    for one in curves:
        if one.part.kind == "effects":
            for size in one.frame["window"].unique().sort().to_list():
                first.setdefault(size, one)
    if asked.window is not None:
        if first and asked.window not in first:
            found = ", ".join(map(str, sorted(first)))
            raise TableError(f"--window {asked.window}: the files hold windows of {found} layers")
        return asked.window
    if len(first) > 1:
        (size, a), (other, b) = list(first.items())[:2]
        b.table.refuse(
            None,
            f"holds window size {other}, {a.table.file} holds {size}; say with --window which is the "
            "experiment's, and the others are kept as other sizes",
        )
    return next(iter(first), rule_window(asked.layers))


def _source(one: Curves) -> Source:
    table = one.table
    name = "/".join(table.file.absolute().parts[-_FOLDERS:]) if one.part.model else table.file.name
    return Source(name, table.sha256, _holds(one), one.frame.select("task", "sample").n_unique())


def _holds(one: Curves) -> str:
    tasks = ", ".join(one.frame["task"].unique(maintain_order=True).to_list())
    if one.part.kind == "lens":
        return f"lens on {tasks}"
    named = one.frame.select(_name()).to_series().unique(maintain_order=True).to_list()
    return f"{', '.join(named)} on {tasks}"


def _name() -> pl.Expr:
    """The measurement's name: `harness.interventions.measurements.Sweep` as text."""
    whole = pl.format("{}->{}@{}", "source", "target", "window")
    part = pl.format("{}[{}]", whole, "only")
    return pl.when(pl.col("only") == "").then(whole).otherwise(part).alias("measurement")


def _notes(one: Curves) -> Iterable[str]:
    """What was left out of a file, counted by reason."""
    counts = one.frame.filter(pl.col("reason") != "").group_by("reason", maintain_order=True).len()
    for reason, count in counts.iter_rows():
        yield f"{one.table.file.name}: {count} of {len(one.frame)} curves left out: {reason}"


def _rows(curves: Sequence[Curves], task: str) -> pl.DataFrame:
    """A task's rows of evidence, those of the samples first."""
    of = [Curves(one.part, one.frame.filter(pl.col("task") == task)) for one in curves]
    parts = [
        frame
        for one in of
        for frame in (_effect_rows(one) if one.part.kind == "effects" else _lens_rows(one))
    ]
    rows = [frame for frame in parts if len(frame)]
    return rows_of([_samples(of, task), *rows])


def _samples(of: Sequence[Curves], task: str) -> pl.DataFrame:
    used = [
        one.frame.select(
            "task", "sample", "image", "answer", pl.col("p1") if "p1" in one.frame.columns else _none()
        )
        for one in of
    ]
    left_out = pl.concat([one.part.left_out for one in of]).filter(pl.col("task") == task)
    base = pl.concat(used).sort("answer", descending=True, maintain_order=True)
    seen = base.unique(["task", "sample"], keep="first", maintain_order=True).with_columns(reason=pl.lit(""))
    out = left_out.join(seen, on=["task", "sample"], how="anti").unique(
        ["task", "sample"], keep="first", maintain_order=True
    )
    both = pl.concat([seen, out.with_columns(_none())], how="diagonal")
    return both.sort("sample").with_columns(
        measurement=pl.lit(CLEAN), reading=pl.lit("p"), values=pl.concat_list("p1")
    )


def _none() -> pl.Expr:
    return pl.lit(None, dtype=pl.Float64()).alias("p1")


def _effect_rows(one: Curves) -> list[pl.DataFrame]:
    """The readings of effects: p2, and against the wrong answer where its probabilities are there."""
    there = pl.col("reason") == ""
    named = one.frame.with_columns(_name())
    readings = [
        named.with_columns(
            reading=pl.when(there).then(pl.lit("p")).otherwise(pl.lit("")),
            values=pl.when(there).then("p2").otherwise(pl.lit([], dtype=pl.List(pl.Float64()))),
        )
    ]
    if not set(WRONG) <= set(named.columns):
        return readings
    first, second = (pl.col(name).list for name in WRONG)
    known = named.filter(there, first.drop_nulls().list.len() == pl.col("p2").list.len())
    known = known.filter(second.drop_nulls().list.len() == pl.col("p2").list.len())
    return [*readings, *_against(known)]


def _against(known: pl.DataFrame) -> list[pl.DataFrame]:
    """The share against the wrong answer, relatively changed, and the log-odds; where both exist."""
    key = ["task", "sample", "image", "answer", "measurement", "p1", "reason"]
    long = known.select(*key, "p2", *WRONG).explode("p2", *WRONG)
    before, after = (
        pl.col("p1") / (pl.col("p1") + pl.col("wrong1")),
        pl.col("p2") / (pl.col("p2") + pl.col("wrong2")),
    )
    odds = (pl.col("p2") / pl.col("wrong2")).log() - (pl.col("p1") / pl.col("wrong1")).log()
    made = long.with_columns(distractor=100.0 * (after / before - 1.0), log_odds=odds)
    lists = made.group_by(key, maintain_order=True).agg("distractor", "log_odds")
    found = []
    for reading in ("distractor", "log_odds"):
        finite = pl.col(reading).list.eval(pl.element().is_finite()).list.all()
        found.append(lists.filter(finite).with_columns(reading=pl.lit(reading), values=pl.col(reading)))
    return found


def _lens_rows(one: Curves) -> list[pl.DataFrame]:
    """The readings of the lens: each form, and either of two; or the reason why it tells nothing."""
    frame = one.frame.with_columns(_none(), measurement=pl.lit(LENS_NAME))
    there = frame.filter(pl.col("reason") == "")
    nothing = frame.filter(pl.col("reason") != "").with_columns(
        reading=pl.lit(""), values=pl.lit([], dtype=pl.List(pl.Float64()))
    )
    made = {
        "lower": pl.col("lower"),
        "capital": pl.col("capital"),
        "either": pl.col("lower") + pl.col("capital"),
    }
    if set(FALSE) <= set(frame.columns):
        made |= {name: pl.col(name) for name in FALSE}
        made["false_either"] = pl.col(FALSE[0]) + pl.col(FALSE[1])
    return [
        nothing,
        *(there.with_columns(reading=pl.lit(name), values=values) for name, values in made.items()),
    ]
