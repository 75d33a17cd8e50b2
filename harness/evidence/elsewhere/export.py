"""Hand evidence on: in the release's format, which its plotting scripts read, or as one plain long table.

Handed on are sweeps of whole flows by the answer's probability and, in the release's format, the logit lens
without the final norm; curves that were measured at some layers alone in the plain table only. What these
formats have no name for (random-source controls, patching, sub-words) stays behind, and is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from harness.data.atomic_files import replacing
from harness.data.errors import HarnessError
from harness.data.sample import CHOOSE_TASKS
from harness.evidence.elsewhere.imports import LENS_NAME
from harness.evidence.elsewhere.parts import BLOCKS
from harness.evidence.elsewhere.released import (
    ARROW,
    DATA_FILES,
    DIFFERENCE,
    FALSE_LENS,
    FLOW_COLUMNS,
    FLOWS_FOLDER,
    LENS,
    LENS_FOLDER,
    MODELS,
    SQUARE,
)
from harness.evidence.shards import CLEAN

SUFFIXES = (".csv", ".parquet")
_FLOW = r"^([a-z0-9_+]+)->([a-z0-9_+]+)@(\d+)(?:\[([\d,]+)\])?$"
_BLOCKS = {region: name for name, region in BLOCKS.items()}
"""Of two names for one region the script's own, which is the later one."""


@dataclass(frozen=True)
class Written:
    """What was handed on.

    Attributes:
        files: the files.
        rows: rows in all of them.
        behind: names of the measurements that stay behind.
    """

    files: tuple[Path, ...]
    rows: int
    behind: tuple[str, ...]


def export_plain(frame: pl.DataFrame, file: Path) -> Written:
    """Write a plain long table; see `harness.evidence.elsewhere.plain`.

    Samples that were looked at and not used are rows of their own: a judge then sees as many images.

    Args:
        frame: rows of evidence.
        file: a ``.csv`` or ``.parquet`` file; written whole or not at all.

    Raises:
        HarnessError: if the suffix is another, there is nothing to hand on, or it cannot be written.
    """
    if file.suffix not in SUFFIXES:
        raise HarnessError(f"{file}: a plain table is {' or '.join(SUFFIXES)}")
    swept = _swept(frame)
    if not len(swept):
        raise HarnessError(f"{file}: there is no flow to hand on")
    effects = swept.select(
        *("sample", "image", "task", "source", "target", "window", "layer", "only", "p1", "p2", "answer")
    )
    out = frame.filter((pl.col("measurement") == CLEAN) & (pl.col("reason") != "")).unique(["task", "sample"])
    left_out = out.select("sample", "image", "task", "answer", left_out="reason").sort("task", "sample")
    table = pl.concat([effects, left_out], how="diagonal")
    _write(table, file)
    return Written((file,), len(table), _behind(frame, _named(swept)))


def export_released(frame: pl.DataFrame, checkpoint: str, folder: Path, *, square: bool = False) -> Written:
    """Write the release's files, in its folders below ``output``.

    Args:
        frame: rows of evidence.
        checkpoint: the model's name; the folders call it so, with underscores, or as the release does.
        folder: where ``output`` goes.
        square: whether it was measured with the release's switch "no HD, no pad"; folders and files name it.

    Raises:
        HarnessError: if there is nothing to hand on, or a file cannot be written.
    """
    model = MODELS.get(checkpoint, checkpoint.replace("-", "_").replace(".", "_"))
    swept = _swept(frame)
    known = swept.filter(
        pl.col("only") == "", pl.col("source").is_in(list(_BLOCKS)), pl.col("target").is_in(list(_BLOCKS))
    )
    files = [*_flow_files(known, SQUARE if square else ""), *_lens_files(frame)]
    if not files:
        raise HarnessError(f"{folder}: there is nothing that the release's format has a name for")
    paths = []
    for place, table in files:
        path = folder / "output" / place.format(model=model)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(table, path)
        paths.append(path)
    lens = {LENS_NAME} if any(place.startswith(LENS_FOLDER) for place, _ in files) else set()
    rows = sum(len(table) for _, table in files)
    return Written(tuple(paths), rows, _behind(frame, _named(known) | lens))


def _swept(frame: pl.DataFrame) -> pl.DataFrame:
    """Curves of whole flows, a row a window, in a fixed order; of several the one with most windows."""
    flow, layers = pl.col("measurement"), pl.col("only").str.split(",").cast(pl.List(pl.Int64))
    named = (
        frame.filter((pl.col("reading") == "p") & (pl.col("reason") == "") & flow.str.contains(_FLOW))
        .with_columns(
            source=flow.str.extract(_FLOW, 1),
            target=flow.str.extract(_FLOW, 2),
            window=flow.str.extract(_FLOW, 3).cast(pl.Int64),
            only=flow.str.extract(_FLOW, 4).fill_null(""),
        )
        .with_columns(
            layer=pl.when(pl.col("only") == "")
            .then(pl.int_ranges(pl.col("values").list.len()))
            .otherwise(layers)
        )
    )
    curve = ["task", "source", "target", "window", "sample"]
    most = named.sort(*curve, pl.col("values").list.len(), descending=[False] * 5 + [True])
    ordered = most.unique(curve, keep="first", maintain_order=True)
    return _with_answers(ordered, frame).explode("values", "layer").rename({"values": "p2"})


def _with_answers(rows: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows with what the model answered; a run keeps that in its clean row alone."""
    key = ["task", "sample"]
    said = pl.col("answer").str.strip_chars()
    answers = frame.filter(pl.col("measurement") == CLEAN).select(*key, said).unique(key)
    return rows.drop("answer").join(answers, on=key, how="left", maintain_order="left")


def _named(swept: pl.DataFrame) -> set[str]:
    return set(swept["measurement"].unique().to_list())


def _behind(frame: pl.DataFrame, handed_on: set[str]) -> tuple[str, ...]:
    return tuple(sorted(set(frame["measurement"].unique().to_list()) - handed_on - {CLEAN}))


def _flow_files(swept: pl.DataFrame, switch: str) -> Iterator[tuple[str, pl.DataFrame]]:
    """The files of flows, by their places below ``output``."""
    parts = swept.partition_by(["task", "source", "target", "window"], as_dict=True, maintain_order=True)
    for (task, source, target, window), part in parts.items():
        block = f"{_BLOCKS[str(source)]}{ARROW}{_BLOCKS[str(target)]}"
        name = block.replace(" ", "_").replace(ARROW, "___") + switch
        said = pl.col("answer").str.to_lowercase()
        table = part.with_columns(
            pl.lit("").alias("question"),
            pl.lit(block).alias("block_desc"),
            (pl.col("image") + ".jpg").alias("image"),
            said.alias("goden answer"),
            said.alias("predicted answer"),
            (100.0 * (pl.col("p2") - pl.col("p1")) / pl.col("p1")).alias(DIFFERENCE),
        ).rename({"sample": "question_id", "p1": "base_score_first", "p2": "new_score_first"})
        folder = f"{FLOWS_FOLDER}/{{model}}/{task}/val/{name}"
        yield f"{folder}/{DATA_FILES[str(task)]}_window{window}_{name}.csv", table.select(FLOW_COLUMNS)


def _lens_files(frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """The files of the logit lens, in per cent; a form that was not read is not written."""
    lens = _with_answers(frame.filter((pl.col("measurement") == LENS_NAME) & (pl.col("reason") == "")), frame)
    for task in lens["task"].unique(maintain_order=True).sort().to_list():
        columns = {**LENS, **(FALSE_LENS if task in CHOOSE_TASKS else {})}
        of = lens.filter(pl.col("task") == task)
        wide = of.filter(pl.col("reading").is_in(list(columns))).pivot(
            "reading", index=["sample", "image", "answer"], values="values", aggregate_function="first"
        )
        if not set(columns) <= set(wide.columns):
            continue
        points = wide.drop_nulls(list(columns)).with_columns(layer=pl.int_ranges(pl.col("lower").list.len()))
        table = points.sort("sample").explode("layer", *columns)
        yield (
            f"{LENS_FOLDER}/{{model}}/{task}/val/{DATA_FILES[task]}.csv",
            table.select(
                pl.col("sample").alias("question_id"),
                "image",
                pl.col("answer").str.to_lowercase().alias("goden answer"),
                pl.lit("").alias("question"),
                "layer",
                *(pl.lit("").alias(name) for name in ("top_k_word", "top_k_score")),
                *((100.0 * pl.col(form)).alias(name) for form, name in columns.items()),
            ),
        )


def _write(table: pl.DataFrame, path: Path) -> None:
    write = table.write_csv if path.suffix == ".csv" else table.write_parquet
    try:
        with replacing(path) as half:
            write(half)
    except OSError as error:
        raise HarnessError(f"{path}: cannot be written ({error.strerror or error})") from error
