"""A checkpoint: a model that sees, with its processor and prompt format, ready to be knocked out.

Loading refuses what would make a measurement wrong without a word: missing or unexpected weights,
weights that are not safetensors, decoders whose attention is not plain causal attention. The text
model is switched to the harness's own attention function (`harness.checkpoint.attention`); the vision tower
keeps its own.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from harness.checkpoint.adapters import ADAPTERS
from harness.checkpoint.attention import ATTENTION_NAME, register
from harness.checkpoint.backed_sizes import refuse_unbacked_sizes
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.configuration import configuration
from harness.checkpoint.door import checkpoint_door
from harness.checkpoint.fingerprint import fingerprint
from harness.checkpoint.info import CheckpointInfo, check_supported, checkpoint_info
from harness.checkpoint.lengths import SLIDING, attention_window
from harness.checkpoint.permanent_mask import FILE as MASK_FILE, read_permanent_mask
from harness.checkpoint.positions import FINDS_POSITIONS
from harness.checkpoint.processor import check_image_token, first_line, load_processor
from harness.checkpoint.prompt import prompt_format
from harness.data.errors import CheckpointError

AUTO = "auto"
"""The device of a model that is spread over all GPUs."""


def load(
    path: str | Path | CheckpointInfo,
    *,
    name: str | None = None,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    prompt: str | None = None,
    image_handling: str | None = None,
    boxes: str | None = None,
) -> Checkpoint:
    """Load a checkpoint directory, hub id or alias.

    Args:
        path: a directory in transformers' format, a hub id, an alias, or facts already known.
        name: how reports call it; the alias or the last part of the path unless given.
        device: a torch device, or ``auto``: spread over all GPUs and, where they do not suffice, memory.
        dtype: the dtype of all weights.
        prompt: name or file of a prompt format, instead of the checkpoint's own.
        image_handling: one of `harness.checkpoint.adapters.HANDLINGS`, instead of the checkpoint's own.
        boxes: ``analytic`` or ``released``: how boxes become patches, instead of the default.

    Raises:
        CheckpointError: if there is no such checkpoint, its type is not supported, weights are
            missing, unexpected or unsafe, or its decoder attends in a way the engines cannot
            reproduce exactly.
    """
    info = path if isinstance(path, CheckpointInfo) else checkpoint_info(str(path))
    source = info.path
    model = _load_model(info, device, dtype).eval()
    with checkpoint_door(source, "its decoder cannot be told"):
        _check_decoder(model, info)
        refuse_unsupported_attention(model, source)
    register()
    model.set_attn_implementation({"text_config": ATTENTION_NAME})
    processor = load_processor(info)
    with checkpoint_door(source, "its processor does not go with its model"):
        check_image_token(processor, model)
        adapter = ADAPTERS[model.config.model_type]
        handling = adapter.handling(image_handling or info.image_handling)
        pictures = adapter.pictures(model, processor, handling)
        box_rule = adapter.box_rule(boxes or info.boxes)
        prompting = prompt_format(Path(source), processor, prompt or info.prompt)
    return Checkpoint(
        name=name or info.name,
        path=source,
        model=model,
        processor=processor,
        prompt=prompting,
        pictures=pictures,
        sha256=fingerprint(source, info.revision),
        boxes=box_rule,
        permanent_blocks=read_permanent_mask(Path(source) / MASK_FILE, len(model.model.get_decoder().layers)),
    )


def _load_model(info: CheckpointInfo, device: str, dtype: torch.dtype) -> Any:  # noqa: ANN401
    import transformers  # noqa: PLC0415 - takes seconds; collection must not pay

    transformers.utils.logging.disable_progress_bar()  # the terminal shows progress of its own
    source, spread = info.path, _spread(device)
    with checkpoint_door(source, "weights cannot be loaded"):
        config = configuration(info)
        check_supported(str(config.model_type), source)
        model_class = getattr(transformers, ADAPTERS[config.model_type].model_class)
        refuse_unbacked_sizes(model_class, config, Path(source))
        model, loaded = model_class.from_pretrained(
            source,
            revision=info.revision,
            dtype=dtype,
            use_safetensors=True,
            output_loading_info=True,
            **spread,
        )
    for kind in ("missing_keys", "mismatched_keys", "unexpected_keys"):
        keys = sorted(str(key) for key in loaded.get(kind) or ())
        if keys:
            words = kind.replace("_keys", "")
            raise CheckpointError(
                f"{source}: {len(keys)} {words} weights, e.g. {keys[0]}; a model with them would be partly "
                "random. Save the checkpoint again with the installed transformers"
            )
    return model if spread else _moved(model, device, source)


def _moved(model: Any, device: str, source: str) -> Any:  # noqa: ANN401
    try:
        return model.to(device)
    except (RuntimeError, AssertionError) as error:
        raise CheckpointError(
            f"{source}: its weights cannot be put on {device} ({first_line(error)}); where memory "
            "is what lacks, use --dtype bfloat16 or float16, or --device auto"
        ) from error


def _spread(device: str) -> dict[str, str]:
    """What transformers is given for devices: nothing, unless the model is to be spread over several."""
    if device != AUTO:
        return {}
    if find_spec("accelerate") is None:
        raise CheckpointError(
            "device auto: spreading a model over GPUs needs accelerate; pip install accelerate"
        )
    return {"device_map": "auto"}


def _check_decoder(model: Any, info: CheckpointInfo) -> None:  # noqa: ANN401
    """A run is planned by the depth that the configuration states; the model must have it.

    And it must be put together of the parts that the engines walk through, under their usual names.
    """
    decoder = model.model.get_decoder()
    lacking = [part for part in ("layers", "norm", "rotary_emb") if not hasattr(decoder, part)]
    if lacking:
        raise CheckpointError(
            f"{info.path}: {type(decoder).__name__} is not built as the engine knows decoders (it has no "
            f"{' and no '.join(lacking)}); it cannot be measured"
        )
    if hasattr(model.model, FINDS_POSITIONS) and ADAPTERS[model.config.model_type].positions is None:
        raise CheckpointError(
            f"{info.path}: {type(model).__name__} finds rotary positions of its own ({FINDS_POSITIONS}), "
            "which its adapter does not tell the engine; it cannot be measured"
        )
    layers = len(decoder.layers)
    if layers != info.layers:
        raise CheckpointError(
            f"{info.path}: its configuration was read as {info.layers} layers, the loaded model has {layers}"
        )


def refuse_unsupported_attention(model: Any, source: str) -> None:  # noqa: ANN401
    """Refuse attention that is not plain causal attention: chunks, soft caps, sinks.

    A sliding window is plain where it is at least as long as the prompt: see `harness.checkpoint.lengths`.
    """
    config = model.config.text_config
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    known = {"full_attention", *([SLIDING] if attention_window(config) else [])}
    if not kinds <= known:
        raise CheckpointError(f"{source}: attention {min(kinds - known)} is not supported")
    if getattr(config, "use_bidirectional_attention", None):
        raise CheckpointError(f"{source}: a prompt that attends both ways is not supported")
    if getattr(config, "attn_logit_softcapping", None):
        raise CheckpointError(f"{source}: soft-capped attention is not supported")
