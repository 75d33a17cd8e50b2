"""Baselines: the per-image curves of an accepted run of one checkpoint, as a file.

A baseline keeps what is needed to compare with it later, with the noise of both sides: for every
knockout curve the mean of each image's samples. It is one parquet file; what it was measured on stands
in the file's own metadata.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from harness.data.doors import door
from harness.data.errors import HarnessError
from harness.data.flow import Flow
from harness.data.regular_files import read_regular
from harness.data.strict_json import strict_json
from harness.data.tried_parquet import try_parquet
from harness.interventions.measurements import Quantity, Sweep
from harness.statistics.curves import EFFECT, Curves
from harness.verdicts.record import structure

VERSION = 2
"""Raised whenever a reader of the old form would misread the new one."""
FLOWS = (
    "question->last",
    "image->last",
    "last->last",
    "image->question",
    "related_patches->question",
    "other_patches->question",
)
"""The paper's flows: what reaches the last position, and what reaches the question."""
_KEY = "findings-baseline"
_DECIMALS, _LEVEL = 2, 19
"""Baselines are committed: rounding to far less than any noise makes a third of the bytes of them."""
_COLUMNS = {
    "task": pl.String(),
    "flow": pl.String(),
    "image": pl.String(),
    "samples": pl.Int64(),
    "effect": pl.List(pl.Float32()),
}


@dataclass(frozen=True)
class About:
    """What a baseline was measured on.

    Attributes:
        checkpoint: its name.
        sha256: hash over its files.
        layers: L.
        window: k.
        dataset: the data set's name.
        dataset_sha256: hash over its files.
        protocol: the options that a curve depends on (window, dtype, prompt, image handling).
        date: ISO 8601 date of the run.
    """

    checkpoint: str
    sha256: str
    layers: int
    window: int
    dataset: str
    dataset_sha256: str
    protocol: Mapping[str, str]
    date: str


@dataclass(frozen=True)
class Baseline:
    """A baseline as read from its file.

    Attributes:
        about: what it was measured on.
        curves: per-image p_c by quantity; one value per window.
    """

    about: About
    curves: Mapping[Quantity, Curves]

    @property
    def flows(self) -> tuple[tuple[str, Flow], ...]:
        """The flows it holds, by task."""
        return tuple(
            (one.task, one.measurement.flow) for one in self.curves if isinstance(one.measurement, Sweep)
        )


def kept_flows(tasks: Iterable[str]) -> tuple[tuple[str, Flow], ...]:
    """What a baseline keeps: the paper's flows, on every task."""
    return tuple((task, Flow.parse(flow)) for task in tasks for flow in FLOWS)


def kept_quantities(tasks: Iterable[str], window: int) -> list[Quantity]:
    """The same as quantities, by the rule's window."""
    return [Quantity(task, Sweep(flow, window), "p_c") for task, flow in kept_flows(tasks)]


def to_bytes(baseline: Baseline) -> bytes:
    """A baseline as the bytes of its file; effects are rounded to a hundredth of a point of p_c."""
    rows = [
        {
            "task": quantity.task,
            "flow": str(quantity.measurement),
            "image": image,
            "samples": curves.samples,
            "effect": values.round(_DECIMALS).tolist(),
        }
        for quantity, curves in baseline.curves.items()
        for image, values in zip(curves.images, curves.values, strict=True)
    ]
    frame = pl.DataFrame(rows, schema=_COLUMNS).sort("task", "flow", "image")
    about = {"version": VERSION, **asdict(baseline.about)}
    about["content_sha256"] = _content_digest(about, frame)
    buffer = io.BytesIO()
    frame.write_parquet(
        buffer, compression="zstd", compression_level=_LEVEL, metadata={_KEY: json.dumps(about)}
    )
    return buffer.getvalue()


def _content_digest(about: Mapping[str, Any], frame: pl.DataFrame) -> str:
    """SHA-256 over all that a baseline says: one flipped bit makes another one."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for task, flow, image, samples, effect in frame.iter_rows():
        digest.update(f"{task}\0{flow}\0{image}\0{samples}\0".encode())
        digest.update(np.asarray(effect, dtype="<f4").tobytes())
    return digest.hexdigest()


def read_baseline(path: Path) -> Baseline:
    """Read a baseline file.

    Raises:
        HarnessError: if the file is missing, no baseline, damaged, or of another version.
    """
    with door(HarnessError, f"{path}: not a baseline", "--accept writes one"):
        content = read_regular(path)
        try_parquet(path)
        about = strict_json(pl.read_parquet_metadata(io.BytesIO(content))[_KEY].encode())
        version = about["version"]
    if version != VERSION:
        raise HarnessError(
            f"{path}: a baseline of version {version}, this suite reads {VERSION}; use the one that wrote "
            "it, or --accept the checkpoint again"
        )
    with door(HarnessError, f"{path}: not a baseline", "--accept writes one"):
        frame = pl.read_parquet(io.BytesIO(content)).cast(pl.Schema(_COLUMNS))
        expected = about.pop("content_sha256")
        if expected != _content_digest(about, frame):
            raise HarnessError(f"{path}: damaged: its content does not match its hash; --accept writes one")
        about.pop("version")
        read = Baseline(structure(about, About), dict(_curves(frame)))
        if any(curves.values.shape[1] != read.about.layers for curves in read.curves.values()):
            raise HarnessError(f"{path}: not a baseline: its curves have not one value for each layer")
    return read


def _curves(frame: pl.DataFrame) -> Iterable[tuple[Quantity, Curves]]:
    groups = frame.sort("image").partition_by(["task", "flow"], as_dict=True, maintain_order=True)
    for (task, flow), group in groups.items():
        values = np.array(group["effect"].to_list(), dtype=np.float64)
        if not np.isfinite(values).all():
            raise ValueError(f"{flow} on {task} has effects that are not finite")
        curves = Curves(tuple(group["image"].to_list()), values, int(group["samples"][0]), EFFECT)
        yield Quantity(str(task), _sweep(str(flow)), "p_c"), curves


def _sweep(text: str) -> Sweep:
    flow, _, window = text.rpartition("@")
    return Sweep(Flow.parse(flow), int(window))
