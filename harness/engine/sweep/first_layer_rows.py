"""The rows that enter the first decoder layer, and what is added to them later, taken from the model itself.

What a model does between token ids and its first layer is its own business: features of the image
put in place, embeddings scaled. So the model is started and stopped at the door of layer 0, and
what stands there is taken. The vision tower runs for the first question only; the other questions
on the image take its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.engine.sweep.added_features import FEATURES


class _AtTheDoorError(Exception):
    """Stops a forward pass before its first decoder layer; carries what was about to enter."""

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.rows = rows


@dataclass
class Entering:
    """What a decoder is given for the questions on one image.

    Attributes:
        rows: by question, what enters layer 0, ``[n, width]``.
        added: by layer, what is added to the visual tokens after it, ``[visual tokens, width]``.
    """

    rows: list[Tensor]
    added: list[Tensor] = field(default_factory=list)


def entering(checkpoint: Checkpoint, encoded: Sequence[Encoded]) -> Entering:
    """What enters the decoder, for every question on one image.

    Args:
        checkpoint: the checkpoint.
        encoded: the questions; all on the same image.
    """
    token = checkpoint.model.config.image_token_id
    first, *others = encoded
    ids = first.ids[None].to(checkpoint.device)
    found = Entering([])

    def listen(_decoder: Any, _inputs: Any, named: dict[str, Any]) -> None:  # noqa: ANN401
        found.added = list(named.get(FEATURES) or ())

    listening = checkpoint.decoder.register_forward_pre_hook(listen, with_kwargs=True)
    start = partial(checkpoint.model, ids, **first.visual, **first.placed, use_cache=False)
    try:
        found.rows.append(_stopped(checkpoint, start))
    finally:
        listening.remove()
    (rows,) = found.rows
    visual = rows[(first.ids == token).to(rows.device)]
    for one in others:
        text = token_rows(checkpoint, one.ids)
        text[(one.ids == token).to(text.device)] = visual
        found.rows.append(text)
    return found


def token_rows(checkpoint: Checkpoint, ids: Tensor) -> Tensor:
    """Rows ``[n, width]`` that enter layer 0 for token ids ``[n]``, nothing put in place of image tokens."""
    ids = ids[None].to(checkpoint.device)
    return _stopped(checkpoint, partial(checkpoint.decoder, ids, use_cache=False))


def _stopped(checkpoint: Checkpoint, start: Callable[[], Any]) -> Tensor:
    """Start a forward pass and return what reaches layer 0, ``[n, width]``."""

    def stop(_layer: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:  # noqa: ANN401
        rows: Tensor = inputs[0] if inputs else named["hidden_states"]
        raise _AtTheDoorError(rows[0])

    handle = checkpoint.decoder.layers[0].register_forward_pre_hook(stop, with_kwargs=True)
    try:
        start()
    except _AtTheDoorError as door:
        return door.rows.clone()
    finally:
        handle.remove()
    raise AssertionError("a forward pass that never reached its first decoder layer")
