"""Read the paper's data files: one CSV per task, named ``*_<Task>.csv``, images ``<img_id>.jpg``.

The released files are read as they are: ids as text (leading zeros matter), ``img_id`` with or
without ``.jpg``, ``-`` for a box that is missing. A row that cannot be used is left out and counted
with its reason; a file that cannot be used is an error that names file, row and column. A row whose box
lies outside its picture (the release has one) is a sample like any other, without the patches of that box.
A folder may also hold ``minimal_pairs.csv``: which questions are asked alike of two images that differ in
what is asked.
"""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.data.dataset import Dataset, make_dataset
from harness.data.errors import DataError
from harness.data.sample import CHOOSE_TASKS, TASKS, Box, Sample, Size
from harness.data.tried_pictures import PictureTrial

REQUIRED = ("question_id", "img_id", "question", "answer", "image_w", "image_h")
OPTIONS = ("true option", "false option")
CENTRAL, PAIR = ("central object",), ("object1", "object2")
OBJECTS = {
    "ChooseAttr": CENTRAL,
    "ChooseCat": CENTRAL,
    "ChooseRel": PAIR,
    "CompareAttr": PAIR,
    "LogicalObj": PAIR,
    "QueryAttr": CENTRAL,
}
"""The annotated objects of each task, by the prefix of their columns."""
MISSING = "-"
PAIRS_FILE = "minimal_pairs.csv"
PAIR_COLUMNS = ("task", "question_id", "twin_question_id")
MAX_TABLE = 1 << 29
"""Bytes of a data file; the paper's largest has 20 million."""
csv.field_size_limit(10_000_000)  # captions of a whole picture stand in one field


@dataclass(frozen=True)
class LeftOut:
    """A row that cannot be used.

    Attributes:
        reason: why; rows are counted by it.
        example: the file that was looked for, or the row.
    """

    reason: str
    example: str


def load_tables(folder: Path, images: Path | None = None, *, name: str | None = None) -> Dataset:
    """Load every ``*_<Task>.csv`` of a folder.

    Args:
        folder: the folder of the data files.
        images: the folder of the images; ``images`` inside ``folder`` unless given.
        name: the data set's name; the folder's own unless given.

    Raises:
        DataError: if there are no data files, one cannot be read, or the images are missing.
    """
    files = task_files(folder)
    pictures = images or folder / "images"
    if not pictures.is_dir():
        raise DataError(f"{pictures}: no such image folder; name it with --images DIR")
    excluded: dict[tuple[str, str], list[str]] = defaultdict(list)
    with PictureTrial() as trial:
        samples = list(_usable(files, pictures, trial, excluded))
    if not samples:
        raise DataError(f"{folder}: no row can be used: {_reasons(excluded)}")
    pairs = [folder / PAIRS_FILE] if (folder / PAIRS_FILE).is_file() else []
    digest = _digest([*files.values(), *pairs, *sorted({sample.image_path for sample in samples})])
    twins = {key: twin for file in pairs for key, twin in _twins(file)}
    paired = [replace(sample, twin=twins.get((sample.task, sample.id))) for sample in samples]
    counts = {(task, f"{reason} (e.g. {some[0]})"): len(some) for (task, reason), some in excluded.items()}
    return make_dataset(name or folder.resolve().name, digest, paired, counts)


def _usable(
    files: Mapping[str, Path],
    images: Path,
    trial: PictureTrial,
    excluded: dict[tuple[str, str], list[str]],
) -> Iterator[Sample]:
    """The samples of all files; what is left out is added to ``excluded``, by task and reason."""
    for task, file in files.items():
        lines: dict[str, int] = {}
        for row, values in _rows(file, columns(task)):
            found = _sample(file, row, task, values, images, trial)
            if isinstance(found, LeftOut):
                excluded[task, found.reason].append(found.example)
                continue
            first = lines.setdefault(found.id, row)
            if first != row:
                raise DataError(f"{file}, line {row}: question {found.id} stands already in line {first}")
            yield found


def _reasons(excluded: Mapping[tuple[str, str], list[str]]) -> str:
    """Why rows were left out, each reason with how many and an example; most frequent first."""
    found: dict[str, list[str]] = defaultdict(list)
    for (_, reason), examples in excluded.items():
        found[reason] += examples
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))
    return (
        "; ".join(f"{reason} ({len(some)}, e.g. {some[0]})" for reason, some in ordered) or "they are empty"
    )


def _twins(file: Path) -> Iterator[tuple[tuple[str, str], str]]:
    """From a task and a question's id to its twin's id, in both directions."""
    for _, values in _rows(file, PAIR_COLUMNS):
        task, one, other = (values[column] for column in PAIR_COLUMNS)
        yield (task, one), other
        yield (task, other), one


@dataclass(frozen=True)
class Annotated:
    """The boxes of one row.

    Attributes:
        task: the task.
        id: the question's id.
        size: (width, height) of the picture in pixels, as annotated.
        boxes: the annotated objects.
    """

    task: str
    id: str
    size: Size
    boxes: tuple[Box, ...]


def annotated(folder: Path) -> Iterator[Annotated]:
    """The boxes of every row of a folder's data files; no picture is looked for.

    Raises:
        DataError: if there are no data files, or one cannot be read.
    """
    for task, file in task_files(folder).items():
        for row, values in _rows(file, columns(task)):
            size = _size(file, row, values)
            yield Annotated(task, values["question_id"], size, _boxes(file, row, task, values))


def task_files(folder: Path) -> dict[str, Path]:
    """The data file of each task that has one.

    Raises:
        DataError: if there is none, or a task has two.
    """
    files: dict[str, Path] = {}
    for file in sorted(folder.glob("*.csv")):
        task = next((task for task in TASKS if file.stem.endswith(f"_{task}")), None)
        if task is None:
            continue
        if task in files:
            raise DataError(f"{folder}: two files for {task}, {files[task].name} and {file.name}; keep one")
        files[task] = file
    if not files:
        raise DataError(f"{folder}: no data file *_<Task>.csv with a task of {', '.join(TASKS)}")
    return files


def columns(task: str) -> tuple[str, ...]:
    """The columns that a task's file must have; it may have more."""
    options = OPTIONS if task in CHOOSE_TASKS else ()
    boxes = (f"{prefix} {part}" for prefix in OBJECTS[task] for part in ("name", "x", "y", "w", "h"))
    return (*REQUIRED, *options, *boxes)


def _rows(file: Path, required: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Data rows with their line numbers; a byte-order mark is ignored."""
    if not file.is_file():
        raise DataError(f"{file}: not a regular file")
    if file.stat().st_size > MAX_TABLE:
        raise DataError(f"{file}: {file.stat().st_size >> 20} MiB; a data file has at most {MAX_TABLE >> 20}")
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            present = reader.fieldnames or []
            missing = [column for column in required if column not in present]
            if missing:
                # A link may lead to any file of this machine, whose first line is then not ours to tell.
                there = f"{len(present)} others" if file.is_symlink() else ", ".join(present) or "none"
                raise DataError(f"{file}, line 1: column {missing[0]!r} is missing; it has {there}")
            twice = next((column for column in present if present.count(column) > 1), None)
            if twice is not None:
                raise DataError(f"{file}, line 1: column {twice!r} occurs twice")
            for values in reader:
                if None in values or None in values.values():
                    raise DataError(
                        f"{file}, line {reader.line_num}: not {len(present)} fields as in the header"
                    )
                yield reader.line_num, {key: value.strip() for key, value in values.items()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}: cannot be read as CSV in UTF-8 ({error})") from error


def _sample(
    file: Path, row: int, task: str, values: Mapping[str, str], images: Path, pictures: PictureTrial
) -> Sample | LeftOut:
    """The row's sample, or why it has none."""
    for column in ("question_id", "img_id", "question", "answer"):
        if not values[column]:
            raise DataError(f"{file}, line {row}: column {column!r} is empty")
    path = image_path(images, values["img_id"], file, row)
    if not _is_file(path):
        return LeftOut("image file missing", str(path))
    size = _size(file, row, values)
    tried = pictures(path)
    if tried.ended:
        return LeftOut("image file cannot be decoded in 5 s and 2 GiB", str(path))
    if tried.size is None:
        return LeftOut("image file cannot be read", str(path))
    if tried.size != size:
        return LeftOut("image of another size than its row says", str(path))
    if tried.fault:
        return LeftOut(tried.fault, str(path))
    return Sample(
        id=values["question_id"],
        task=task,
        image_id=path.stem,
        image_path=path,
        question=values["question"],
        answer=values["answer"].lower(),
        true_option=_optional(values.get("true option")),
        false_option=_optional(values.get("false option")),
        objects=_boxes(file, row, task, values),
        image_size=size,
    )


def _size(file: Path, row: int, values: Mapping[str, str]) -> Size:
    """(width, height) of the row's picture, as annotated."""
    width, height = (_number(file, row, side, values[side]) for side in ("image_w", "image_h"))
    if min(width, height) < 1:
        raise DataError(f"{file}, line {row}: image_w × image_h is {width} × {height}")
    return width, height


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long for the file system
        return False


def image_path(images: Path, img_id: str, file: Path, row: int) -> Path:
    """The image file of an id, which may or may not carry ``.jpg``, and may not leave the folder.

    Raises:
        DataError: if the id is not the name of a file in the folder.
    """
    name = img_id.removesuffix(".jpg")
    if not name or name != Path(name).name or name in {".", ".."} or "\\" in name or "\0" in name:
        raise DataError(f"{file}, line {row}: img_id {img_id!r} is not the name of a file")
    return images / f"{name}.jpg"


def _boxes(file: Path, row: int, task: str, values: Mapping[str, str]) -> tuple[Box, ...]:
    """The row's annotated objects; one outside its picture keeps its name and has no patches."""
    found = (_box(file, row, prefix, values) for prefix in OBJECTS[task])
    return tuple(box for box in found if box is not None)


def _box(file: Path, row: int, prefix: str, values: Mapping[str, str]) -> Box | None:
    fields = {side: values.get(f"{prefix} {side}", MISSING) or MISSING for side in ("x", "y", "w", "h")}
    if MISSING in fields.values():
        return None
    x, y, w, h = (_number(file, row, f"{prefix} {side}", text) for side, text in fields.items())
    return Box(values.get(f"{prefix} name", ""), x, y, w, h)


def _number(file: Path, row: int, column: str, text: str) -> int:
    try:
        return int(float(text))
    except (ValueError, OverflowError) as error:
        raise DataError(f"{file}, line {row}: column {column!r} holds {text!r}, not a number") from error


def _optional(text: str | None) -> str | None:
    return None if text in {None, "", MISSING} else str(text).lower()


def _digest(files: list[Path]) -> str:
    """SHA-256 over the names and bytes of all files."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(file.name.encode() + b"\0" + hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
