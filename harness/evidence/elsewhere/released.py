"""The authors' own output: a file a task and flow, or a task and its logit lens; the folder says which model.

``InformationFlow.py`` writes ``<data file>_window<K>_<Source>___<Target>.csv``, in one folder a flow below
``information_flow/<model>/<task>/val``; ``last_position_answer_prob.py`` writes ``<data file>.csv`` below
``last_position_answer_probs/<model>/<task>/val``, probabilities in per cent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from harness.data.sample import CHOOSE_TASKS, TASKS
from harness.evidence.elsewhere.parts import FALSE, Part, regions
from harness.evidence.elsewhere.tables import LINE, TableFile, check_columns

QUESTION = ("question_id", "image", "goden answer", "question", "layer")
DIFFERENCE = "relative diff first"
FLOW_COLUMNS = (
    *("question_id", "image", "goden answer", "predicted answer", "question", "block_desc", "layer"),
    *("base_score_first", "new_score_first", DIFFERENCE),
)
LENS = {"lower": "Noncapitalized Answer", "capital": "Capitalized Answer"}
FALSE_LENS = dict(zip(FALSE, ("Noncapitalized False Option", "Capitalized False Option"), strict=True))
LENS_FILE_COLUMNS = (*QUESTION, *LENS.values())
DATA_FILES = {
    "ChooseAttr": "GQA_val_correct_question_with_choose_ChooseAttr",
    "ChooseCat": "GQA_val_correct_question_with_categoryThatThisChoose_objThisChoose_ChooseCat",
    "ChooseRel": "GQA_val_correct_question_with_relChooser_ChooseRel",
    "CompareAttr": "GQA_val_correct_question_with_twoCommon_CompareAttr",
    "LogicalObj": "GQA_val_correct_question_with_existThatOr_LogicalObj",
    "QueryAttr": "GQA_val_correct_question_with_positionQuery_QueryAttr",
}
"""The released data files, whose names the plotting scripts ask for."""
MODELS = {
    "llava-1.5-7b": "llava_v1_5_7b",
    "llava-1.5-13b": "llava_v1_5_13b",
    "llava-1.6-vicuna-7b": "llava_v1_6_vicuna_7b",
}
"""What the release calls the paper's checkpoints, where that is not our alias with underscores."""
SQUARE = "_noHD_noPad"
ARROW = "->"
JPG = r"(\.jpg)+$"
"""What the one script adds to an image's id and the other does not."""
FLOWS_FOLDER, LENS_FOLDER = "information_flow", "last_position_answer_probs"
_NAME = re.compile(rf"(?P<data>.*)_window(?P<window>\d+)_(?P<flow>.+?___.+?)(?P<square>{SQUARE})?")
_TOLERANCE = 0.01
"""Points of p_c by which a difference may miss its scores: Excel keeps 15 digits, a notebook perhaps six."""
_LEAST_PER_CENT = 1.0
"""What a lens in per cent exceeds somewhere: the answers were right, so likely at the top."""


@dataclass(frozen=True)
class Named:
    """What a file's name and folder say.

    Attributes:
        task: the task; empty if they do not say it.
        model: the model's folder; empty if it lies in none.
        window: of a flow's file its windows' size; None if they do not say it.
        flow: of a flow's file its block, written as in the file; empty if they do not say it.
        square: whether it was run with the switch "no HD, no pad".
    """

    task: str
    model: str
    window: int | None = None
    flow: str = ""
    square: bool = False


def is_flow(table: TableFile) -> bool:
    """Whether a table looks like a flow's file."""
    return {"block_desc", "base_score_first"} & set(table.frame.columns) != set()


def is_lens(table: TableFile) -> bool:
    """Whether a table looks like a logit lens."""
    return set(LENS.values()) & set(table.frame.columns) != set()


def read_flow(table: TableFile, task: str | None, window: int | None) -> Part:
    """The effects of a flow's file.

    Args:
        table: the file.
        task: the task, for a file that does not say it.
        window: the windows' size, for a file that does not say it.

    Raises:
        TableError: if it contradicts itself or what is asked for.
    """
    check_columns(table, FLOW_COLUMNS)
    named = _named(table, flow=True)
    blocks = table.texts("block_desc")
    if named.flow:
        other = pl.DataFrame({LINE: table.frame[LINE], "block": blocks}).filter(_plain(blocks) != named.flow)
        table.refuse_first(other, f"block {{block!r}} in a file named for {named.flow}")
    ends = blocks.str.split_exact(ARROW, 1).struct.unnest()
    frame = _question(table, _task(table, named, task)).with_columns(
        source=regions(table, ends["field_0"].fill_null("")),
        target=regions(table, ends["field_1"].fill_null("")),
        window=pl.lit(_window(table, named, window), dtype=pl.Int64()),
        only=pl.lit(""),
        p1=table.numbers("base_score_first"),
        p2=table.numbers("new_score_first"),
        difference=table.numbers(DIFFERENCE),
    )
    follows = 100.0 * (pl.col("p2") - pl.col("p1")) / pl.col("p1")
    off = (pl.col("difference") - follows).abs() > _TOLERANCE + 1e-6 * follows.abs()
    table.refuse_first(
        frame.filter(off & (pl.col("p1") > 0)),
        f"{DIFFERENCE} is {{difference}}, which does not follow from {{p1}} and {{p2}}",
    )
    return Part(table, "effects", frame.drop("difference"), True, named.model, named.square)


def read_lens(table: TableFile, task: str | None) -> Part:
    """The logit lens of a file, as shares of one.

    Raises:
        TableError: as `read_flow`; or if nothing in it exceeds one per cent.
    """
    check_columns(table, LENS_FILE_COLUMNS)
    named = _named(table, flow=False)
    of = _task(table, named, task)
    if of in CHOOSE_TASKS:
        check_columns(table, list(FALSE_LENS.values()))
    columns = {**LENS, **(FALSE_LENS if of in CHOOSE_TASKS else {})}
    frame = _question(table, of).with_columns(
        **{name: table.numbers(column) for name, column in columns.items()}
    )
    for name, column in columns.items():
        table.refuse_first(
            frame.filter((pl.col(name) < 0) | (pl.col(name) > 100 * (1 + 1e-6))),
            f"{column!r} is {{{name}}}; the release writes per cent, 0 to 100",
        )
    if max(float(str(frame[name].max())) for name in LENS) <= _LEAST_PER_CENT:
        table.refuse(None, "no probability of an answer exceeds 1; the release writes per cent, not shares")
    return Part(table, "lens", frame.with_columns(pl.col(*columns) / 100.0), True, named.model, named.square)


def _question(table: TableFile, task: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            LINE: table.frame[LINE],
            "sample": table.texts("question_id"),
            "image": table.texts("image").str.replace(JPG, ""),
            "answer": table.frame["goden answer"].cast(pl.String).fill_null(""),
            "layer": table.wholes("layer"),
        }
    ).with_columns(task=pl.lit(task))


def _named(table: TableFile, *, flow: bool) -> Named:
    """What name and folder say; they must not contradict each other."""
    file = table.file.absolute()
    model, folder_task = _folder(file)
    if not flow:
        return Named(_agreed(table, _task_in(file.stem), folder_task), model)
    found = _NAME.fullmatch(file.stem)
    if found is None:
        return Named(folder_task, model)
    return Named(
        task=_agreed(table, _task_in(found["data"]), folder_task),
        model=model,
        window=int(found["window"]),
        flow=found["flow"],
        square=found["square"] is not None,
    )


def _folder(file: Path) -> tuple[str, str]:
    """The model and the task that the release's folders name; empty texts elsewhere."""
    parts = file.parts[:-1]
    for top in (FLOWS_FOLDER, LENS_FOLDER):
        if top in parts:
            below = parts[len(parts) - parts[::-1].index(top) :]
            if len(below) > 1 and below[1] in TASKS:
                return below[0], below[1]
    return "", ""


def _task_in(stem: str) -> str:
    last = stem.rpartition("_")[2]
    return last if last in TASKS else ""


def _agreed(table: TableFile, name: str, folder: str) -> str:
    if name and folder and name != folder:
        table.refuse(None, f"named for {name}, in the folder of {folder}")
    return name or folder


def _task(table: TableFile, named: Named, asked: str | None) -> str:
    if named.task and asked and named.task != asked:
        table.refuse(None, f"is of {named.task}, --task says {asked}")
    found = named.task or asked or ""
    if not found:
        table.refuse(None, "neither its name nor its folder says the task; name it with --task")
    return found


def _window(table: TableFile, named: Named, asked: int | None) -> int:
    found = named.window or asked
    if found is None:
        table.refuse(None, "its name does not say the window (…_window9_…); name it with --window")
    return found


def _plain(blocks: pl.Series) -> pl.Series:
    return blocks.str.replace_all(" ", "_", literal=True).str.replace_all(ARROW, "___", literal=True)
