"""Before anything is believed: clean run and knockouts against the model's own forward pass.

The engines replace the model's attention function and hand it a plan through the decoder layers. A decoder
that does something more in its attention (windows, sinks, soft caps, a prompt that attends both ways), or
whose layers do not pass the plan on, would be computed wrongly without a word, and the reference with it. So
the next-token distributions of one or two prompts, unblocked and under three knockouts, are compared with
what the model says by itself: its own inputs, its own eager attention, an explicit additive mask for each
layer. Nothing of the engines is in the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from harness.checkpoint.attention import ATTENTION_NAME
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import TOKEN_TYPES, Encoded
from harness.checkpoint.processor import visual_token
from harness.data.depth import window_layers
from harness.data.errors import CheckpointError
from harness.data.pictures import read_picture
from harness.interventions.knockout import Knockout, block, visible
from harness.interventions.permanent_edges import permanent_edges

UNMEASURED = "it cannot be measured"
ROUNDING = 1e-4
"""Largest total variation between the two distributions that rounding explains. Not smaller for
float64: transformers' eager attention takes its softmax in float32 whatever the model's dtype."""
FLOAT32_BYTES = 4
LOW_PRECISION = 0.1
"""The same for 16-bit formats, whose attention functions round at different places."""


def prompts_to_check(encoded: Sequence[Encoded]) -> list[int]:
    """Which of the questions on an image are checked: the shortest, and the longest if it is longer."""
    if not encoded:  # for the engine to refuse
        return []
    order = sorted(range(len(encoded)), key=lambda number: encoded[number].length)
    different = encoded[order[0]].length != encoded[order[-1]].length
    return [order[0], order[-1]] if different else [order[0]]


def knockouts_to_check(checkpoint: Checkpoint, encoded: Encoded) -> list[Knockout]:
    """A window of a flow into the question, one of a flow to the last position, and a block of all layers."""
    layers = checkpoint.n_layers
    window = window_layers(layers // 2, checkpoint.window, layers)
    image, question, last = (encoded.regions[name] for name in ("image", "question", "last"))
    return [
        block(image, question, window),
        block(question, last, window),
        block(image, question, range(layers)),
    ]


def compare(
    checkpoint: Checkpoint,
    encoded: Encoded,
    clean: Tensor,
    knocked_out: Mapping[Knockout, Tensor],
    otherwise: str = UNMEASURED,
) -> float:
    """Refuse a checkpoint for which the engine does not say what its own forward pass says.

    Args:
        checkpoint: the checkpoint.
        encoded: one prompt.
        clean: ``[vocabulary]``, the engine's logits without a knockout.
        knocked_out: the same under knockouts.
        otherwise: what a refusal ends with.

    Returns:
        The largest total variation between two distributions, between 0 and 1.

    Raises:
        CheckpointError: if a distribution differs by more than rounding; it names the model's class.
    """
    inputs = own_inputs(checkpoint, encoded)
    found = []
    for types in token_types(checkpoint, encoded, inputs):
        own = own_distribution(checkpoint, encoded, Knockout(), {**inputs, **types})
        found.append(_demand_equal(checkpoint, "the clean run", own, clean, otherwise))
    for knockout, logits in knocked_out.items():
        own = own_distribution(checkpoint, encoded, knockout, inputs)
        found.append(_demand_equal(checkpoint, "a knockout", own, logits, otherwise))
    return max(found)


def total_variation(one: Tensor, other: Tensor) -> float:
    """Half the sum of differences between the distributions of two rows of logits ``[vocabulary]``."""
    return _distance(_probabilities(one), other)


def _distance(own: Tensor, logits: Tensor) -> float:
    return float((own - _probabilities(logits).to(own.device)).abs().sum() / 2)


def _demand_equal(checkpoint: Checkpoint, what: str, own: Tensor, logits: Tensor, otherwise: str) -> float:
    distance = _distance(own, logits)
    limit = ROUNDING if checkpoint.dtype.itemsize >= FLOAT32_BYTES else LOW_PRECISION
    if not distance <= limit:
        raise CheckpointError(
            f"{checkpoint.name}: {what} of {type(checkpoint.model).__name__} on "
            f"{type(checkpoint.decoder).__name__} is not what the model's own forward pass says (total "
            f"variation {distance:.2g}, rounding explains {limit:.0e}): its attention does something "
            f"that the engine does not know; {otherwise}"
        )
    return distance


def own_distribution(
    checkpoint: Checkpoint, encoded: Encoded, knockout: Knockout, inputs: Mapping[str, Tensor]
) -> Tensor:
    """Next-token probabilities ``[vocabulary]`` of the model's own eager forward pass under explicit masks.

    Args:
        checkpoint: the checkpoint; edges that it blocks always are blocked here, too.
        encoded: the prompt.
        knockout: the blocked edges.
        inputs: what else the model's processor gives it.
    """
    blocked = knockout.beside(permanent_edges(checkpoint.permanent_blocks, encoded.regions))
    checkpoint.model.set_attn_implementation({"text_config": "eager"})
    try:
        with _explicit_masks(checkpoint, blocked, encoded):
            output = checkpoint.model(
                input_ids=encoded.ids[None].to(checkpoint.device),
                **{**encoded.visual, **inputs},
                use_cache=False,
                logits_to_keep=1,
            )
    finally:
        checkpoint.model.set_attn_implementation({"text_config": ATTENTION_NAME})
    return _probabilities(output.logits[0, -1])


def own_inputs(checkpoint: Checkpoint, encoded: Encoded) -> dict[str, Tensor]:
    """What a model's processor gives it for every token beside the ids: which tokens are an image's, say.

    Positions are not among them: a model that finds them by itself does so here.
    """
    modalities = encoded.modalities(checkpoint.model.config.image_token_id)
    return {**modalities, **_of_the_processor(checkpoint, encoded)}


def _of_the_processor(checkpoint: Checkpoint, encoded: Encoded) -> dict[str, Tensor]:
    if not callable(checkpoint.processor):
        return {}
    picture = read_picture(encoded.sample.image_path)
    written = checkpoint.pictures.layout(picture.size).written(visual_token(checkpoint.processor))
    text = encoded.text.replace(written, str(checkpoint.processor.image_token), 1)
    try:
        made = checkpoint.processor(
            text=text, images=picture, return_tensors="pt", add_special_tokens=checkpoint.prompt.adds_bos
        )
    except Exception:  # noqa: BLE001 - the harness writes prompts and pictures without it
        return {}
    known = {"input_ids", "attention_mask", "pixel_values", *encoded.extra}
    per_token = {
        name: value
        for name, value in made.items()
        if name not in known and isinstance(value, Tensor) and value.shape == (1, encoded.length)
    }
    return {name: value.to(checkpoint.device) for name, value in per_token.items()}


def token_types(
    checkpoint: Checkpoint, encoded: Encoded, inputs: Mapping[str, Tensor]
) -> list[dict[str, Tensor]]:
    """The token types with which a clean run is compared; the prompt's own, if any, are always among them.

    Models whose prompt, or whose image, attends both ways are told by token types where it does, and attend
    causally without. Where a model takes such types and its processor gave none that fit the prompt, the two
    meanings in use are tried: zero for all of a prompt (PaliGemma), one for the image's tokens (Gemma 3).
    """
    given = {*inputs, *encoded.visual}
    if TOKEN_TYPES in given or TOKEN_TYPES not in signature(checkpoint.model.forward).parameters:
        return [{}]
    prompt = torch.zeros_like(encoded.ids)
    image = prompt.index_fill(0, torch.tensor(sorted(encoded.regions["image"])), 1)
    return [{}, *({TOKEN_TYPES: types[None].to(checkpoint.device)} for types in (prompt, image))]


@contextmanager
def _explicit_masks(checkpoint: Checkpoint, knockout: Knockout, encoded: Encoded) -> Iterator[None]:
    """Every decoder layer is given its additive mask instead of the model's; without a knockout, none is."""
    touched = {layer for edge in knockout.edges for layer in edge.layers}
    handles = [
        checkpoint.decoder.layers[layer].register_forward_pre_hook(
            _masked(visible(knockout, layer, encoded.length, encoded.regions.two_way)), with_kwargs=True
        )
        for layer in sorted(touched)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _masked(seen: Tensor) -> Any:  # noqa: ANN401 - a forward pre-hook
    def hook(layer: Any, inputs: Any, named: dict[str, Any]) -> Any:  # noqa: ANN401
        if "attention_mask" not in named:
            raise CheckpointError(
                f"{type(layer).__name__} is given no attention mask by its model: no knockout of it can be "
                "checked; it cannot be measured"
            )
        state: Tensor = inputs[0] if inputs else named["hidden_states"]
        mask = torch.zeros(seen.shape, dtype=state.dtype, device=state.device)
        mask.masked_fill_(~seen.to(state.device), torch.finfo(state.dtype).min)
        return inputs, {**named, "attention_mask": mask[None, None]}

    return hook


def _probabilities(logits: Tensor) -> Tensor:
    return logits.softmax(dim=-1, dtype=torch.promote_types(logits.dtype, torch.float32))
