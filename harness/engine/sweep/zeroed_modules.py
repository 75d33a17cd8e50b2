"""Zeroed module outputs in a packed batch: forward hooks on one layer, removed as soon as it has run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from harness.engine.reference import zero_rows, zeroed_module


@contextmanager
def zeroed_rows(block: Any, rows: Mapping[str, Tensor]) -> Iterator[None]:  # noqa: ANN401
    """Take the outputs of a decoder layer's modules away at some rows of the batch.

    Args:
        block: the decoder layer.
        rows: by module (``attention``, ``mlp``), row numbers ``[2, n]``; see `reference.zero_rows`.
    """
    handles = []
    try:
        for module, numbers in rows.items():
            handles.append(zeroed_module(block, module).register_forward_hook(zero_rows(numbers)))
        yield
    finally:
        for handle in handles:
            handle.remove()
