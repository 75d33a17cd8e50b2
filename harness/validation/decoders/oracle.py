"""What a model says by transformers alone: eager attention, an explicit mask, no part of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from harness.checkpoint.encode import Encoded
from harness.interventions.knockout import Knockout, visible


@torch.inference_mode()
def oracle(model: Any, encoded: Encoded, knockout: Knockout) -> Tensor:  # noqa: ANN401 - transformers' class
    """Logits ``[vocabulary]`` after the prompt, by the model's own forward pass in eager attention.

    Args:
        model: a LLaVA that nothing was registered on or changed in; its decoder attends eagerly.
        encoded: the prompt.
        knockout: the blocked edges; layers without one have the model's own mask.
    """
    with _masks(model, encoded, knockout):
        output = model(input_ids=encoded.ids[None], **encoded.visual, use_cache=False)
    logits: Tensor = output.logits[0, -1]
    return logits


@torch.inference_mode()
def generated(model: Any, encoded: Encoded, limit: int, stop: frozenset[int]) -> tuple[int, ...] | None:  # noqa: ANN401
    """The model's own greedy answer, at most ``limit`` token ids, without the one that ends it.

    Args:
        model: as in `oracle`.
        encoded: the prompt.
        limit: most tokens.
        stop: the token ids that end an answer.

    Returns:
        None where transformers itself cannot generate with the model.
    """
    try:
        ids = model.generate(
            input_ids=encoded.ids[None],
            attention_mask=torch.ones_like(encoded.ids)[None],
            **encoded.visual,
            max_new_tokens=limit,
            do_sample=False,
        )
    except Exception:  # noqa: BLE001 - some decoders take no cache but their own
        return None
    said = ids[0, encoded.length :].tolist()
    return tuple(said[:-1] if said[-1] in stop else said)


@contextmanager
def _masks(model: Any, encoded: Encoded, knockout: Knockout) -> Iterator[None]:  # noqa: ANN401
    touched = {layer for edge in knockout.edges for layer in edge.layers}
    handles = []
    for layer in touched:
        mask = torch.zeros(1, 1, encoded.length, encoded.length, dtype=model.dtype)
        seen = visible(knockout, layer, encoded.length, encoded.regions.two_way)
        mask.masked_fill_(~seen, torch.finfo(model.dtype).min)
        block = model.model.language_model.layers[layer]
        handles.append(block.register_forward_pre_hook(_given(mask), with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _given(mask: Tensor) -> Any:  # noqa: ANN401 - a forward pre-hook
    def hook(_layer: Any, inputs: Any, named: dict[str, Any]) -> Any:  # noqa: ANN401
        return inputs, {**named, "attention_mask": mask}

    return hook
