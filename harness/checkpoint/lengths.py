"""How long a prompt a decoder can be measured on: its context, a sliding window, its rotary positions.

Beyond its context a decoder was never trained: what it says there tells nothing of it, so such a sample is
left out. A sliding window that is at least as long as a prompt hides nothing from it, and attention is plain;
one that is shorter would hide what the engines show, and the checkpoint is refused. So it is where rotary
positions depend on a prompt's length: prompts of several lengths are run at once, by one table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.data.errors import CheckpointError, RegionError

SLIDING = "sliding_attention"
"""The kind of layer, in a configuration's ``layer_types``, that has a window."""
DYNAMIC, LONGROPE = "dynamic", "longrope"
"""The kinds of rotary scaling that depend on how long a prompt is."""


def context_length(config: Any) -> int | None:  # noqa: ANN401 - transformers' configurations
    """Most tokens a decoder is made for, by its configuration; None where that does not say.

    Args:
        config: the decoder's configuration. Of stretched rotary positions the stretched length counts.
    """
    most = getattr(config, "max_position_embeddings", None)
    if not isinstance(most, int) or most < 1:
        return None
    return max([most, *_stretched(getattr(config, "rope_parameters", None), most)])


def _stretched(rope: object, most: int) -> Iterator[int]:
    """Lengths to which rotary positions are stretched; each kind of layer may have settings of its own."""
    if not isinstance(rope, Mapping):
        return
    for value in rope.values():
        yield from _stretched(value, most)
    factor, original = rope.get("factor"), rope.get("original_max_position_embeddings") or most
    if isinstance(factor, int | float) and isinstance(original, int | float):
        yield int(factor * original)


def attention_window(config: Any) -> int | None:  # noqa: ANN401 - transformers' configurations
    """How many keys a query sees at most, itself included; None without a sliding window.

    Args:
        config: the decoder's configuration. Models that know kinds of layers heed ``use_sliding_window``, the
            others do not.
    """
    kinds = getattr(config, "layer_types", None)
    window = getattr(config, "sliding_window", None)
    bites = not kinds or SLIDING in kinds or getattr(config, "use_sliding_window", True)
    return int(window) if window and bites else None


def check_context(config: Any, length: int) -> None:  # noqa: ANN401 - a model's configuration
    """Refuse a prompt that is longer than the decoder's context.

    Args:
        config: the model's configuration.
        length: the prompt's length in tokens.

    Raises:
        RegionError: so that the sample is left out and counted; all of a checkpoint have the same reason.
    """
    most = context_length(config.text_config)
    if most is not None and length > most:
        raise RegionError(f"the prompt is longer than the decoder's context of {most} tokens")


def fixed_rotary_length(config: Any) -> int | None:  # noqa: ANN401 - transformers' configurations
    """Most tokens whose rotary positions do not depend on how long the prompt is; None where none do.

    Args:
        config: the decoder's configuration. Under ``dynamic`` and ``longrope`` scaling, transformers changes
            all positions of a prompt beyond a length (`transformers.modeling_rope_utils`).
    """
    return min(_fixed(config, getattr(config, "rope_parameters", None)), default=None)


def _fixed(config: Any, rope: object) -> Iterator[int]:  # noqa: ANN401
    """Such lengths; each kind of layer may have settings of its own."""
    if not isinstance(rope, Mapping):
        return
    for value in rope.values():
        yield from _fixed(config, value)
    kind = str(rope.get("rope_type"))
    if kind == LONGROPE:
        yield int(rope.get("original_max_position_embeddings") or config.max_position_embeddings)
    elif DYNAMIC in kind:
        yield int(config.max_position_embeddings)


def check_length(name: str, config: Any, length: int) -> None:  # noqa: ANN401 - a model's configuration
    """Refuse a checkpoint at a prompt so long that the decoder attends otherwise than to shorter ones.

    Args:
        name: the checkpoint's name.
        config: the model's configuration.
        length: tokens of the prompt, with those of an answer that has begun.

    Raises:
        CheckpointError: if a query of this prompt would not see all keys before it, or its rotary positions
            would not be those of a shorter prompt that is run beside it.
    """
    text = config.text_config
    for what, most in (
        ("is longer than the decoder's sliding window of", attention_window(text)),
        ("changes the decoder's rotary positions, which are fixed up to", fixed_rotary_length(text)),
    ):
        if most is not None and length > most:
            raise CheckpointError(
                f"{name}: a prompt of {length} tokens {what} {most}: not supported; it can be measured on "
                "shorter prompts (fewer visual tokens: --image-handling=square or limited)"
            )
