"""GPUs that are not there: tensors compute on the CPU and say that they lie on a device.

Under `PretendedDevices` a tensor that was made on, or moved to, ``cuda:0`` says so, and what is computed
from it lies there too. Whatever mixes tensors of two devices raises, as it does on a machine with GPUs. The
numbers are real: code that looks at them runs as it is, and results can be compared with the CPU's. (torch's
own fake tensors have no numbers, and a build without CUDA cannot index those that say they are on a GPU.)
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

from harness.checkpoint.checkpoint import Checkpoint

CPU = torch.device("cpu")
_DEVICE_OF: Any = Tensor.device
_INDEXING = (Tensor.__getitem__, Tensor.__setitem__, Tensor.index_put, Tensor.index_put_)
"""Functions whose second argument, an index, may lie on the CPU whatever they index."""
_TO_NUMPY = (Tensor.numpy, Tensor.__array__)


class DeviceMixtureError(RuntimeError):
    """A function was given tensors of two devices."""


class PretendedDevices(TorchFunctionMode):
    """While it is entered, tensors lie where they are told to lie; see the module."""

    def __enter__(self) -> Any:
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(torch, "vmap", _placing(torch.vmap))
        return super().__enter__()  # type: ignore[no-untyped-call]

    def __exit__(self, *error: object) -> None:
        self._patch.undo()
        super().__exit__(*error)  # type: ignore[no-untyped-call]

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        if func == _DEVICE_OF.__get__:
            return device_of(args[0])
        if func is torch.device:
            return func(*args, **named)
        where = _result_device(func, args, named)
        if func in _TO_NUMPY and where != CPU:
            raise TypeError(f"a tensor on {where} has no numpy array; copy it to the CPU first")
        out = func(*map(_without_gpu, args), **{name: _without_gpu(one) for name, one in named.items()})
        return tree_map_only(Tensor, lambda tensor: _placed(tensor, where, args), out)


def _placing(vmap: Callable[..., Any]) -> Callable[..., Any]:
    """``torch.vmap``, of which no mode is told: what it gives lies where what it was given lies."""

    def placing(*options: Any, **named: Any) -> Any:
        mapped = vmap(*options, **named)

        def placed(*args: Any) -> Any:
            where = _result_device(vmap, args, {})
            return tree_map_only(Tensor, lambda tensor: _placed(tensor, where, ()), mapped(*args))

        return placed

    return placing


def on_one_gpu(checkpoint: Checkpoint) -> Checkpoint:
    """A copy of a checkpoint whose model lies on ``cuda:0``."""
    moved = replace(checkpoint, model=copy.deepcopy(checkpoint.model))
    place(moved.model, lambda _: "cuda:0")
    return moved


def on_two_gpus(checkpoint: Checkpoint) -> Checkpoint:
    """A copy of a checkpoint whose model is spread: all layers but the first, and its top, on ``cuda:1``.

    A head that shares the embeddings' weights lies where they do, as accelerate has it.
    """
    moved = replace(checkpoint, model=copy.deepcopy(checkpoint.model))
    text = "model.language_model"
    layers = {f"{text}.layers.{layer}": f"cuda:{min(layer, 1)}" for layer in range(checkpoint.n_layers)}
    top = dict.fromkeys((f"{text}.norm", f"{text}.rotary_emb", "lm_head"), "cuda:1")
    tower = "model.visual" if hasattr(moved.model.model, "visual") else "model.vision_tower"
    below = dict.fromkeys((f"{text}.embed_tokens", tower), "cuda:0")
    tied = moved.model.lm_head.weight is moved.model.get_input_embeddings().weight
    spread(moved.model, {**below, **layers, **top, **({"lm_head": "cuda:0"} if tied else {})})
    return moved


def gpu_memory(
    monkeypatch: pytest.MonkeyPatch, free: int | Mapping[str, int], reserved: int = 0, allocated: int = 0
) -> None:
    """Say what memory the GPUs have, in bytes.

    Args:
        monkeypatch: pytest's.
        free: what the driver could give, of every GPU or by its name.
        reserved: what torch has taken from the driver, of every GPU.
        allocated: how much of that is tensors.
    """

    def left(device: torch.device) -> tuple[int, int]:
        one = free if isinstance(free, int) else free[str(device)]
        return one, one + reserved

    monkeypatch.setattr(torch.cuda, "mem_get_info", left)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: reserved)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: allocated)


def place(model: nn.Module, where: Callable[[str], str]) -> None:
    """Let a model's weights and buffers lie on devices from now on.

    Args:
        model: the model, changed; outside of `PretendedDevices` nobody notices.
        where: the device, by a weight's or buffer's name.
    """
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        _set_device(tensor, torch.device(where(name)))


def spread(model: nn.Module, devices: Mapping[str, str]) -> None:
    """Place a model on several devices; its parts fetch what they are given, as with accelerate's hooks.

    Args:
        model: the model, changed.
        devices: the device of a part by the name of its module; what is in none of them lies on ``cuda:0``.
    """
    place(
        model, lambda name: next((devices[part] for part in devices if name.startswith(f"{part}.")), "cuda:0")
    )
    for part, device in devices.items():
        model.get_submodule(part).register_forward_pre_hook(_fetching(device), with_kwargs=True)


def _fetching(device: str) -> Callable[..., Any]:
    def hook(_module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:
        return tree_map_only(Tensor, lambda tensor: tensor.to(device), (inputs, named))

    return hook


def device_of(tensor: Tensor) -> torch.device:
    """Where a tensor says it lies."""
    found: torch.device = getattr(tensor, "pretended_device", CPU)
    return found


def _set_device(tensor: Any, where: torch.device) -> None:
    tensor.pretended_device = where


def _placed(tensor: Tensor, where: torch.device, given: tuple[Any, ...]) -> Tensor:
    if device_of(tensor) == where:
        return tensor
    if any(tensor is one for one in given):
        tensor = tensor.clone()  # moved: what was given stays where it is
    _set_device(tensor, where)
    return tensor


def _result_device(func: Callable[..., Any], args: tuple[Any, ...], named: Mapping[str, Any]) -> torch.device:
    """Where the result of a function lies.

    Raises:
        DeviceMixtureError: if it was given tensors of two devices.
    """
    if func == Tensor.cpu:
        return CPU
    if func == Tensor.copy_:
        return device_of(args[0])
    if func == Tensor.to:
        return _moved_to(args, named)
    if named.get("device") is not None:
        return _numbered(named["device"])
    concerned = (args[0], *args[2:]) if func in _INDEXING else (args, named)
    tensors = [one for one in tree_leaves(concerned) if isinstance(one, Tensor)]
    # A single number on the CPU may meet anything.
    devices = {device_of(one) for one in tensors if one.dim() or device_of(one) != CPU}
    if len(devices) > 1:
        name = getattr(func, "__name__", str(func))
        raise DeviceMixtureError(f"{name}: tensors on {' and '.join(sorted(map(str, devices)))}")
    return next(iter(devices), CPU)


def _moved_to(args: tuple[Any, ...], named: Mapping[str, Any]) -> torch.device:
    for one in (*args[1:], *named.values()):
        if isinstance(one, torch.device | str):
            return _numbered(one)
        if isinstance(one, Tensor):
            return device_of(one)
    return device_of(args[0])


def _numbered(device: torch.device | str) -> torch.device:
    made = torch.device(device)
    return torch.device("cuda:0") if made == torch.device("cuda") else made


def _without_gpu(given: Any) -> Any:
    """The same argument, the CPU if it is a GPU."""
    is_gpu = isinstance(given, torch.device | str) and str(given).startswith("cuda")
    return CPU if is_gpu else given
