"""Imports: what was measured elsewhere, in a folder of its own, as rows of the schema that evidence has here.

An import is named by its content: the folder by the hash of `MANIFEST`, which names every file it came from
with its hash, and each part by its own. Nothing is added to it later, and no run measures into it.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path

import cattrs
import polars as pl

from harness.data.atomic_files import WRITING, write_whole
from harness.data.dataset import Dataset, make_dataset
from harness.data.doors import door
from harness.data.errors import HarnessError
from harness.data.regular_files import read_regular
from harness.data.sample import TASKS, Sample
from harness.data.strict_json import strict_json
from harness.evidence.shards import CLEAN, SCHEMA

MANIFEST = "manifest.json"
VERSION = 1
LENS_NAME = "lens"
"""The measurement of the release's lens: `harness.interventions.measurements.Lens` without the final norm."""
MOST_LAYERS = 1000
_DIGITS = 12
"""Hex digits of the manifest's hash in the folder's name."""
_NAME = re.compile(r"\w[\w.-]*", re.ASCII)


class ImportedError(HarnessError):
    """An import that cannot be used."""


@dataclass(frozen=True)
class Source:
    """A file that was imported.

    Attributes:
        name: its name, with the folders that say the model and the task.
        sha256: of its bytes.
        holds: what it holds, e.g. ``"image->question@9 on ChooseAttr"``.
        questions: how many questions.
    """

    name: str
    sha256: str
    holds: str
    questions: int


@dataclass(frozen=True)
class Manifest:
    """What an import says of itself.

    Attributes:
        version: of its format.
        checkpoint: the model's name, as the user gave it.
        layers: its decoder's layers.
        window: the experiment's window size.
        square: whether it was run with the release's switch "no HD, no pad".
        sources: the files.
        parts: the file of each task by name, and the hash of its bytes.
        notes: what was left out of them, and why.
    """

    version: int
    checkpoint: str
    layers: int
    window: int
    square: bool
    sources: tuple[Source, ...]
    parts: Mapping[str, str]
    notes: tuple[str, ...] = ()


class Imported:
    """An import, for reading; to whoever judges it looks like a store that nobody writes into.

    Args:
        folder: its folder.

    Raises:
        ImportedError: if the folder is no import, or its manifest is not the one its name speaks of.
    """

    quarantined: tuple[str, ...] = ()
    """Names of files that were no evidence; here such a file is an error."""
    gone: tuple[str, ...] = ()
    """Names of files that are gone; here that is an error."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        path = folder / MANIFEST
        with door(ImportedError, f"{path}: not the manifest of an import"):
            content = read_regular(path)
            self.manifest = cattrs.structure(strict_json(content), Manifest)
        self.sha256 = hashlib.sha256(content).hexdigest()
        if not self.folder.name.endswith(f"-{self.sha256[:_DIGITS]}"):
            raise ImportedError(f"{path}: changed since the import; import the files again")
        _check(path, self.manifest)

    @property
    def by(self) -> str:
        """The file and its hash, or of several the first, how many more, and the import's hash."""
        sources = self.manifest.sources
        more = f" and {len(sources) - 1} more files" if len(sources) > 1 else ""
        digest = self.sha256 if more else sources[0].sha256
        return f"{sources[0].name.rpartition('/')[2]}{more} ({digest[:16]})"

    @property
    def told(self) -> str:
        """What every page says: who measured it was not this suite."""
        return f"measured elsewhere, by {self.by}"

    @cached_property
    def _frame(self) -> pl.DataFrame:
        return pl.concat([self._part(task, digest) for task, digest in self.manifest.parts.items()])

    def read(self) -> pl.DataFrame:
        """All rows, with the columns of `harness.evidence.shards.SCHEMA`.

        Raises:
            ImportedError: if a part is not what the manifest says.
        """
        return self._frame

    @cached_property
    def window_sizes(self) -> frozenset[int]:
        """The window sizes of its flows."""
        sizes = self.read()["measurement"].unique().str.extract(r"->.*@(\d+)(?:\[[\d,]+\])?$", 1).drop_nulls()
        return frozenset(map(int, sizes.to_list()))

    def shards(self) -> dict[int, list[str]]:
        """The files by number; they never change."""
        return {at: [part_name(*part)] for at, part in enumerate(self.manifest.parts.items())}

    def dataset(self) -> Dataset:
        """The samples that were looked at: what is known of them is task, image and answer."""
        clean = self.read().filter(pl.col("measurement") == CLEAN)
        samples = [
            Sample(sample, task, image, Path(), "", answer.lower(), None, None, (), (0, 0))
            for sample, task, image, answer in clean.select("sample", "task", "image", "answer").iter_rows()
        ]
        return make_dataset(f"questions of {self.folder.name}", self.sha256, samples)

    def _part(self, task: str, digest: str) -> pl.DataFrame:
        path = self.folder / part_name(task, digest)
        with door(ImportedError, f"{path}: not a part of the import"):
            content = read_regular(path)
            if hashlib.sha256(content).hexdigest() != digest:
                raise ImportedError(f"{path}: changed since the import; import the files again")
            frame = pl.read_parquet(io.BytesIO(content))
        if frame.schema != pl.Schema(SCHEMA) or not _is_sound(frame, task, self.manifest.layers):
            raise ImportedError(f"{path}: not rows of evidence as an import writes them")
        return frame


@cache
def imported_at(folder: Path) -> Imported:
    """The import in a folder, read once by a process.

    Raises:
        ImportedError: if it cannot be used.
    """
    return Imported(folder)


def part_name(task: str, digest: str) -> str:
    """The file's name of a task's rows."""
    return f"{task}-{digest[:16]}.parquet"


def write_import(root: Path, manifest: Manifest, frames: Mapping[str, pl.DataFrame]) -> Imported:
    """Write an import, whole or not at all; the same one again is the one that is there.

    Args:
        root: the folder of all imports.
        manifest: what it says; its parts are filled in here.
        frames: the rows of each task.

    Raises:
        ImportedError: if another import of that name is there, or the folder cannot be written.
    """
    if not _NAME.fullmatch(manifest.checkpoint):
        raise ImportedError(
            f"--checkpoint {manifest.checkpoint}: must be the name of a file, e.g. llava-1.5-13b"
        )
    contents = {task: _bytes(frame) for task, frame in frames.items()}
    parts = {task: hashlib.sha256(content).hexdigest() for task, content in contents.items()}
    text = json.dumps({**asdict(manifest), "parts": parts}, indent=1).encode()
    folder = root / f"{manifest.checkpoint}-{hashlib.sha256(text).hexdigest()[:_DIGITS]}"
    if folder.is_dir():
        return Imported(folder)
    others = _named(root, manifest.checkpoint)
    if others:
        raise ImportedError(
            f"{others[0]}: holds another import of that name; remove it, or choose another --checkpoint"
        )
    try:
        root.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(dir=root, prefix=WRITING))
        try:
            for task, content in contents.items():
                write_whole(half / part_name(task, parts[task]), content)
            write_whole(half / MANIFEST, text)
            half.chmod(0o755)
            half.rename(folder)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    except OSError as error:
        raise ImportedError(f"{root}: cannot be written ({error.strerror}); choose one with --out") from error
    return Imported(folder)


def find_import(named: str, root: Path, here: Path) -> Imported:
    """The import of a name.

    Args:
        named: a checkpoint's name, or a path: an import's, or that of a folder of imports and the name.
        root: the folder of imports that names are looked up in.
        here: what a path is relative to.

    Raises:
        ImportedError: if there is none, or it cannot be used.
    """
    path = here / named
    if (path / MANIFEST).is_file():
        return Imported(path)
    folder = path.parent if "/" in named else root
    found = _named(folder, path.name)
    if len(found) != 1:
        raise ImportedError(
            f"{len(found) or 'no'} imports of {path.name!r} in {folder}; `python -m harness.evidence import "
            "FILES --checkpoint NAME --layers L` makes one"
        )
    return Imported(found[0])


def _named(root: Path, name: str) -> list[Path]:
    if not root.is_dir():
        return []
    of = re.compile(rf"{re.escape(name)}-[0-9a-f]{{{_DIGITS}}}")
    return [folder for folder in sorted(root.iterdir()) if of.fullmatch(folder.name)]


def _bytes(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.cast(pl.Schema(SCHEMA)).write_parquet(buffer)
    return buffer.getvalue()


def _check(path: Path, manifest: Manifest) -> None:
    """Refuse a manifest that a hand has written: its names become file names, its numbers sizes."""
    sound = (
        manifest.version == VERSION
        and _NAME.fullmatch(manifest.checkpoint)
        and 1 <= manifest.window <= manifest.layers <= MOST_LAYERS
        and manifest.parts
        and manifest.parts.keys() <= set(TASKS)
        and all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in manifest.parts.values())
        and manifest.sources
    )
    if not sound:
        raise ImportedError(f"{path}: not the manifest of an import of version {VERSION}")


def _is_sound(frame: pl.DataFrame, task: str, layers: int) -> bool:
    """Whether rows are as they are written here: one a reading, curves whole, numbers finite."""
    clean, there = pl.col("measurement") == CLEAN, pl.col("reason") == ""
    some = pl.col("measurement").str.extract(r"\[([\d,]+)\]$", 1)
    whole = pl.when(pl.col("measurement") == LENS_NAME).then(layers + 1).otherwise(layers)
    points = pl.when(some.is_null()).then(whole).otherwise(some.str.count_matches(",") + 1)
    length = pl.when(clean).then(1).when(there).then(points).otherwise(0)
    values = pl.col("values")
    finite = values.list.eval(pl.element().is_finite().fill_null(value=False)).list.all()
    named = pl.all_horizontal(pl.col(name).is_not_null() for name in SCHEMA if name != "p1")
    probable = pl.col("p1").is_between(0, 1 + 1e-6, closed="right").fill_null(value=True)
    sound = named & probable & (pl.col("task") == task) & (values.list.len() == length) & (clean | finite)
    key = ["sample", "measurement", "reading"]
    return bool(frame.select(sound.all()).item()) and not frame.select(key).is_duplicated().any()


def rows_of(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Rows of one kind put together, with the columns of the schema."""
    return pl.concat([frame.select(pl.col(name).cast(of) for name, of in SCHEMA.items()) for frame in frames])
