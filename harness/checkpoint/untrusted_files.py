"""The text files of a checkpoint, read with care: a checkpoint comes from a stranger.

Configurations, templates and prompts are regular files of a limited size inside the checkpoint's folder. A
link may not lead out of it, or a template could print a file of this machine into a log; the hub's own
cache, where a snapshot's files are links into ``blobs``, is the exception. No message repeats what a file
holds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.checkpoint.fingerprint import TEMPLATES
from harness.data.errors import CheckpointError
from harness.data.strict_json import strict_json

LIMITS = {".json": 1 << 20, ".jinja": 1 << 20, ".txt": 1 << 24, ".model": 1 << 26}
"""Most bytes of a text file, by suffix."""
LARGE = {"tokenizer.json": 1 << 27, "model.safetensors.index.json": 1 << 26, "vocab.json": 1 << 25}
"""The same, of files that hold a whole vocabulary or list every weight."""


PARSED = frozenset(
    {
        *("config", "generation_config", "processor_config", "preprocessor_config"),
        *("video_preprocessor_config", "tokenizer_config", "special_tokens_map", "added_tokens"),
    }
)
"""JSON files that transformers reads, by stem: they must mean one thing to every reader."""
INDEX = "model.safetensors.index.json"
ADAPTER = "adapter_config.json"


def check_text_files(folder: Path) -> None:
    """Refuse a checkpoint folder one of whose text files is not what it should be.

    Nor may weights come from elsewhere: they would not be in the checkpoint's fingerprint.

    Args:
        folder: the checkpoint's folder.

    Raises:
        CheckpointError: in one line that names the file.
    """
    for file in sorted([*folder.iterdir(), *folder.glob(f"{TEMPLATES}/*")]):
        if file.suffix in LIMITS:
            check_text_file(file)
        if file.suffix == ".json" and file.stem in PARSED:
            read_json(file)
        if file.suffix == ".safetensors" and not file.is_file():  # a pipe would be waited for
            raise CheckpointError(f"{file}: not a regular file")
    if (folder / ADAPTER).exists():
        raise CheckpointError(
            f"{folder / ADAPTER}: an adapter, whose model lies elsewhere; merge the two and save that"
        )
    if (folder / INDEX).exists():
        _check_index(folder / INDEX)


def _check_index(file: Path) -> None:
    """Refuse an index of weights that names any but weights beside it."""
    weights = read_json(file).get("weight_map")
    if not isinstance(weights, dict):
        raise CheckpointError(f"{file}: has no weight_map")
    there = {path.name for path in file.parent.glob("*.safetensors")}
    for name in weights.values():
        if not isinstance(name, str) or name not in there:
            raise CheckpointError(f"{file}: names {name!r}, which is no file of weights in this folder")


def check_text_file(file: Path) -> None:
    """Refuse a text file that is no regular one, is too large, or is a link out of its folder."""
    if not file.is_file():
        raise CheckpointError(f"{file}: not a regular file")
    if file.is_symlink() and not _inside(file.resolve(), file.parent.resolve()):
        raise CheckpointError(f"{file}: a link out of the checkpoint's folder; put the file itself there")
    size, most = file.stat().st_size, LARGE.get(file.name, LIMITS.get(file.suffix, 1 << 20))
    if size > most:
        raise CheckpointError(f"{file}: {size:,} bytes; such a file has at most {most:,}")


def _inside(target: Path, folder: Path) -> bool:
    """Whether a target lies in the folder, or among the blobs of the hub's cache that it is a snapshot of."""
    cached = folder.parent.name == "snapshots" and target.is_relative_to(folder.parents[1] / "blobs")
    return cached or target.is_relative_to(folder)


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        CheckpointError: if the file is missing, not to be read, or holds no object; nested too deep included.
    """
    check_text_file(file)
    try:
        data = strict_json(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise CheckpointError(f"{file}: not JSON ({reason})") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{file}: holds no JSON object")
    return data
