"""What is wrong with measured curves, said with file and line; what is right, as one row a curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from harness.evidence.elsewhere.parts import FALSE, WRONG, Part
from harness.evidence.elsewhere.tables import LINE, TableFile

NOTHING_BLOCKED = "exactly zero in every window: nothing was blocked"
SAME_TOKEN = "lower-case and capitalised answer share their first token"
SAME_OPTIONS = "the two options share their first token"
CURVE = ("task", "source", "target", "window", "sample")
LENS_CURVE = ("task", "sample")
_SATURATED = 0.99
"""Above this a probability in half precision may stay exactly as it is under a weak knockout."""
_SAME = 1e-6
"""How far, relatively, a base score may vary from row to row: by rounding."""
_ALIKE = 0.02
"""How far the base scores of two files on the same questions may lie apart, in the median: another GPU."""


@dataclass(frozen=True, eq=False)
class Curves:
    """The curves of one file.

    Attributes:
        part: the file.
        frame: a row a curve: of effects `CURVE`, image, answer, only, p1, lists p2 (and `WRONG`), ``reason``;
            of a lens `LENS_CURVE`, image, answer, a list a form, ``reason``.
    """

    part: Part
    frame: pl.DataFrame

    @property
    def table(self) -> TableFile:
        """The file."""
        return self.part.table


def checked(part: Part, layers: int) -> Curves:
    """The curves of a file, each whole and in the order of layers.

    Args:
        part: the file.
        layers: decoder layers, L: effects have centres 0 … L-1, a lens has layers 0 … L.

    Raises:
        TableError: if something is wrong.
    """
    return _effects(part, layers) if part.kind == "effects" else _lens(part, layers)


def _effects(part: Part, layers: int) -> Curves:
    table, frame = part.table, part.frame
    wrong = [name for name in WRONG if name in frame.columns]
    for name in ("p1", "p2", *wrong):
        outside = frame.filter((pl.col(name) < 0) | (pl.col(name) > 1 + _SAME))
        table.refuse_first(outside, f"a probability of {{{name}}} ({name}); they lie between 0 and 1")
    table.refuse_first(frame.filter(pl.col("p1") == 0), "p1 is 0: no relative change of it exists")
    size = pl.col("window")
    table.refuse_first(frame.filter((size < 1) | (size > layers)), f"window {{window}} of {layers} layers")
    ordered = _in_order(table, frame, CURVE, layers)
    lists = [pl.col("p2"), *map(pl.col, wrong)]
    base = pl.col("p1")
    curves = ordered.group_by(CURVE, maintain_order=True).agg(
        pl.col("image", "answer", "only").first(),
        base.first(),
        *lists,
        zero=(pl.col("p2") == base).all() & (base.first() < _SATURATED),
    )
    _check_base(table, ordered)
    _check_not_all_zero(table, ordered)
    reason = pl.when("zero").then(pl.lit(NOTHING_BLOCKED)).otherwise(pl.lit("")).alias("reason")
    return Curves(part, curves.with_columns(reason).drop("zero"))


def _lens(part: Part, layers: int) -> Curves:
    ordered = _in_order(part.table, part.frame, LENS_CURVE, layers + 1)
    forms = [name for name in ("lower", "capital", *FALSE) if name in ordered.columns]
    same = (pl.col("lower") == pl.col("capital")).all()
    options = pl.lit(value=False)
    if FALSE[0] in forms:
        same |= (pl.col(FALSE[0]) == pl.col(FALSE[1])).all()
        pairs = [(right, false) for right in ("lower", "capital") for false in FALSE]
        options = pl.any_horizontal((pl.col(one) == pl.col(other)).all() for one, other in pairs)
    reason = pl.when(same).then(pl.lit(SAME_TOKEN)).when(options).then(pl.lit(SAME_OPTIONS))
    curves = ordered.group_by(LENS_CURVE, maintain_order=True).agg(
        pl.col("image", "answer").first(), pl.col(*forms), reason=reason.otherwise(pl.lit(""))
    )
    return Curves(part, curves)


def _in_order(table: TableFile, frame: pl.DataFrame, curve: Sequence[str], points: int) -> pl.DataFrame:
    """Rows curve by curve and layer by layer: each layer once, and all of them; one image a question."""
    layer = pl.col("layer")
    table.refuse_first(
        frame.filter((layer < 0) | (layer >= points)),
        f"layer {{layer}} is not one of 0 to {points - 1}; is --layers right?",
    )
    ordered = frame.sort(*curve, "layer", LINE)
    again = pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in (*curve, "layer"))
    first = pl.col(LINE).shift().alias("first")
    twice = ordered.with_columns(first).filter(again.fill_null(value=False)).sort(LINE)
    table.refuse_first(
        twice, f"question {{sample}}, layer {{layer}} stands already in {table.unit} {{first}}"
    )
    _check_whole(table, ordered, curve, points)
    images = ordered.group_by("task", "sample").agg(
        pl.col("image").n_unique().alias("images"), pl.col(LINE).max()
    )
    table.refuse_first(images.filter(pl.col("images") > 1), "question {sample} has {images} images")
    return ordered


def _check_whole(table: TableFile, ordered: pl.DataFrame, curve: Sequence[str], points: int) -> None:
    """Of a curve in part, that it has the layers that it says; of any other, that it has all."""
    if "only" in ordered.columns:
        in_part = (pl.col("only") != "").any().over(curve)
        _check_parts(table, ordered.filter(in_part), curve)
        ordered = ordered.filter(in_part.not_())
    counts = ordered.group_by(*curve).agg(pl.len().alias("rows"), pl.col("layer"), pl.col(LINE).max())
    short = counts.filter(pl.col("rows") < points).sort(LINE)
    if len(short):
        row = short.row(0, named=True)
        absent = min(set(range(points)) - set(row["layer"]))
        what = f"question {row['sample']} has no layer {absent} of 0 to {points - 1}"
        more = f"; nor have {len(short) - 1} other curves all theirs" if len(short) > 1 else ""
        table.refuse(row[LINE], f"{what}{more}; is the file half finished, or --layers wrong?")


def _check_parts(table: TableFile, ordered: pl.DataFrame, curve: Sequence[str]) -> None:
    layers = pl.col("layer").cast(pl.String).implode().list.join(",")
    curves = ordered.group_by(*curve, maintain_order=True).agg(
        pl.col("only").first(),
        pl.col("only").n_unique().alias("texts"),
        layers.alias("found"),
        pl.col(LINE).max(),
    )
    wrong = curves.filter((pl.col("texts") > 1) | (pl.col("only") != pl.col("found"))).sort(LINE)
    table.refuse_first(
        wrong, "question {sample} has layers {found} of {source}->{target}, and names {only!r} as 'only'"
    )


def _check_base(table: TableFile, ordered: pl.DataFrame) -> None:
    """Of one question, one file and one flow there is one unblocked pass."""
    base = pl.col("p1").first().over(CURVE).alias("base")
    varied = ordered.with_columns(base).filter((pl.col("p1") - pl.col("base")).abs() > _SAME * pl.col("base"))
    what = "the base score of question {sample} is {p1}, in another row {base}; it is of one unblocked pass"
    table.refuse_first(varied.sort(LINE), what)


def _check_not_all_zero(table: TableFile, ordered: pl.DataFrame) -> None:
    """A whole flow without any effect is a knockout that did not work."""
    flows = ordered.group_by(*CURVE[:-1], maintain_order=True).agg(
        (pl.col("p2") == pl.col("p1")).all().alias("zero"), pl.col(LINE).min()
    )
    what = (
        "every effect of {source}->{target} at windows of {window} on {task} is exactly zero: nothing was "
        "blocked (an attention implementation that takes no mask, or an empty region)"
    )
    table.refuse_first(flows.filter("zero"), what)


# ------------------------------------------------------------------------------- several files


def check_together(files: Sequence[Curves], *, partial: bool = False) -> None:
    """Refuse files that do not belong together: twice the same, another model's, one half finished.

    Args:
        files: all that are imported.
        partial: whether files of the release may hold fewer questions than others of their task.

    Raises:
        TableError: if some do not; it names both.
    """
    _check_one_model([one.part for one in files])
    _check_no_curve_twice(files)
    _check_pictures(files)
    _check_base_scores([one for one in files if one.part.kind == "effects"])
    if not partial:
        _check_questions([one for one in files if one.part.released])


def _check_one_model(parts: Sequence[Part]) -> None:
    named: dict[str, Part] = {}
    for part in parts:
        if part.model:
            named.setdefault(part.model, part)
        for other in named.values():
            if part.model and part.model != other.model:
                part.table.refuse(None, f"of {part.model}, while {other.table.file} is of {other.model}")
    released = [part for part in parts if part.released and part.kind == "effects"]
    for part in released[1:]:
        if part.square is not released[0].square:
            part.table.refuse(
                None, f'with the switch "no HD, no pad" or without, unlike {released[0].table.file}'
            )


def _numbered(files: Sequence[Curves], columns: Sequence[str]) -> pl.DataFrame:
    """Some columns of all files, and in ``file`` which file a row is of."""
    return pl.concat(
        [one.frame.select(*columns, file=pl.lit(at, pl.Int64())) for at, one in enumerate(files)]
    )


def _check_no_curve_twice(files: Sequence[Curves]) -> None:
    for kind, key in (("effects", CURVE), ("lens", LENS_CURVE)):
        of = [one for one in files if one.part.kind == kind]
        if not of:
            continue
        counted = _numbered(of, key).group_by(key).agg(pl.col("file").min(), last=pl.col("file").max())
        twice = counted.filter(pl.col("file") != pl.col("last")).sort("sample")
        if len(twice):
            row = twice.row(0, named=True)
            what = f"{row['source']}->{row['target']}@{row['window']}" if kind == "effects" else "the lens"
            first = of[row["file"]].table.file
            of[row["last"]].table.refuse(
                None, f"{what} of question {row['sample']} of {row['task']} stands in {first}, too"
            )


def _check_pictures(files: Sequence[Curves]) -> None:
    seen = _numbered(files, ("task", "sample", "image"))
    first = seen.unique(["task", "sample"], keep="first", maintain_order=True)
    joined = seen.join(first, on=["task", "sample"], suffix="_first", maintain_order="left")
    other = joined.filter(pl.col("image") != pl.col("image_first"))
    if len(other):
        row = other.row(0, named=True)
        files[row["file"]].table.refuse(
            None,
            f"question {row['sample']} of {row['task']} is on image {row['image']}, in "
            f"{files[row['file_first']].table.file} on {row['image_first']}",
        )


def _check_base_scores(files: Sequence[Curves]) -> None:
    """The unblocked pass is the same whatever is blocked beside it; in another model it is another."""
    if len(files) < 2:  # noqa: PLR2004 - to compare
        return
    scores = _numbered(files, ("task", "sample", "p1"))
    key = ["task", "sample"]
    usual = scores.group_by(key).agg(pl.col("p1").median().alias("usual"))
    apart = (
        scores.join(usual, on=key)
        .group_by("file")
        .agg(((pl.col("p1") / pl.col("usual") - 1).abs()).median().alias("apart"))
        .filter(pl.col("apart") > _ALIKE)
        .sort("apart", descending=True)
    )
    if len(apart):
        file, share = apart.row(0)
        what = f"its base scores lie {share:.0%} (median) from the other files' on the same questions"
        files[file].table.refuse(None, f"{what}; another model, prompt or precision? leave it out")


def _check_questions(files: Sequence[Curves]) -> None:
    """The release keeps the same questions of a task, whatever it blocks: those answered rightly."""
    if not files:
        return
    seen = _numbered(files, ("task", "sample")).unique()
    for task in seen["task"].unique(maintain_order=True).to_list():
        of = seen.filter(pl.col("task") == task)
        every = of["sample"].unique()
        counts = of.group_by("file").len().sort("len", "file")
        file, count = counts.row(0)
        if count < len(every):
            own = of.filter(pl.col("file") == file)["sample"]
            absent = every.filter(every.is_in(own.to_list()).not_()).sort()[0]
            what = f"has {count:,} of the {len(every):,} questions of {task} that other files have"
            files[file].table.refuse(
                None, f"{what} ({absent} is missing); is it half finished? --partial takes it as it is"
            )
