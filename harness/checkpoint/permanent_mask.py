"""Checkpoints with a planted flow: some edges are blocked always, as a part of the checkpoint.

A checkpoint trained with permanent edge masks (say image → question in two layers only) has a known
truth: where a flow is always blocked, blocking it changes nothing. That is where the suite's
sensitivity and specificity are measured. The masks are data, in ``mask.json`` beside the weights, and
hold in every pass, the unblocked one and the answer's own included.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.checkpoint.regions import check_region_names
from harness.checkpoint.untrusted_files import read_json
from harness.data.errors import CheckpointError, HarnessError
from harness.data.flow import Flow

FILE = "mask.json"


@dataclass(frozen=True)
class PermanentBlock:
    """A flow that is blocked always.

    Attributes:
        flow: the flow; ``last``, at either end, stands for the answer's own positions too.
        layers: the layers in which it is blocked.
    """

    flow: Flow
    layers: tuple[int, ...]


def read_permanent_mask(path: Path, n_layers: int) -> tuple[PermanentBlock, ...]:
    """Read a checkpoint's ``mask.json``; nothing is blocked where there is none.

    Args:
        path: the file.
        n_layers: how many layers the checkpoint has.

    Raises:
        CheckpointError: if it is not ``{"blocked": [{"flow": "image->question", "layers": [0, 1]}]}``.
    """
    if not path.is_file():
        return ()
    content = read_json(path)
    try:
        entries = content["blocked"]
        found = tuple(_planted(entry) for entry in entries)
    except (OSError, ValueError, KeyError, TypeError, HarnessError) as error:
        raise CheckpointError(
            f'{path}: not a mask ({error}); it needs {{"blocked": [{{"flow": …, "layers": […]}}]}}'
        ) from error
    beyond = [layer for one in found for layer in one.layers if not 0 <= layer < n_layers]
    if beyond:
        raise CheckpointError(f"{path}: layer {beyond[0]} does not exist: the model has {n_layers} layers")
    return found


def _planted(entry: dict[str, object]) -> PermanentBlock:
    flow, layers = Flow.parse(str(entry["flow"])), entry["layers"]
    check_region_names(flow.source)
    check_region_names(flow.target)
    if not isinstance(layers, list):
        raise TypeError("layers must be a list")
    return PermanentBlock(flow, tuple(sorted({int(layer) for layer in layers})))
