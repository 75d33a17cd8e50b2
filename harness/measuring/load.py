"""Load a checkpoint, and the engine to measure with.

The parent process pickles a reference to this, and only who measures pays for torch: nothing heavy is
imported before it is called. What it imports is the engine that evidence depends on
(`harness.evidence.engine_version`).
"""

from __future__ import annotations

from harness.checkpoint.info import CheckpointInfo
from harness.data.dataset import Dataset
from harness.measuring.worker import Measurer


def load_measurer(
    info: CheckpointInfo,
    dataset: Dataset,
    device: str,
    dtype: str,
    threads: int,
    memory: int | None = None,
    *,
    by_reference: bool = False,
) -> Measurer:
    """Load a checkpoint, and the engine to measure a data set with.

    Args:
        info: the checkpoint.
        dataset: the data set.
        device: torch device.
        dtype: name of a torch dtype.
        threads: cores torch may use.
        memory: bytes a packed batch of the sweep may take; None for what is free.
        by_reference: whether the slow reference measures in place of the sweep.

    Raises:
        CheckpointError: if the checkpoint cannot be used.
    """
    import torch  # noqa: PLC0415 - takes seconds; only who measures pays

    from harness.checkpoint.loading import load  # noqa: PLC0415
    from harness.engine.engines import engine_for  # noqa: PLC0415
    from harness.measuring.measurer import ImageMeasurer  # noqa: PLC0415

    torch.set_num_threads(threads)
    checkpoint = load(info, device=device, dtype=getattr(torch, dtype))
    engine = engine_for(checkpoint, memory, by_reference=by_reference)
    return ImageMeasurer(checkpoint, engine, dataset)
