"""Does a marker expression demand a GPU, is there one, and which one is this worker's."""

from __future__ import annotations

import itertools
import os
import re

from _pytest.mark.expression import Expression

_WORDS = frozenset({"and", "or", "not", "True", "False", "None"})


def demands_gpu(expression: str) -> bool:
    """Whether only tests marked ``gpu`` can match: true for ``gpu``, not for ``not gpu`` or ``gpu or slow``.

    Args:
        expression: what ``-m`` was given; an expression pytest cannot read demands nothing.
    """
    names = sorted(set(re.findall(r"[A-Za-z_]\w*", expression)) - _WORDS - {"gpu"})
    if "gpu" not in expression or len(names) > 10:  # noqa: PLR2004 - 2**10 evaluations are quick
        return False
    try:
        compiled = Expression.compile(expression)
    except SyntaxError:
        return False
    return not any(
        _matches(compiled, {name for name, given in zip(names, chosen, strict=True) if given})
        for chosen in itertools.product((False, True), repeat=len(names))
    )


def _matches(compiled: Expression, marks: set[str]) -> bool:
    def has(name: str, /, **_: object) -> bool:
        return name in marks

    return compiled.evaluate(has)


def cuda_devices() -> int:
    """How many CUDA devices torch can use."""
    import torch  # noqa: PLC0415 - takes seconds; only runs that name a GPU pay

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def own_device(device: str) -> str:
    """The device of this process: of ``cuda``, where there are several, each xdist worker has one in turn.

    Args:
        device: as the run was asked for; one that is numbered is everybody's.
    """
    if device != "cuda":
        return device
    worker, devices = os.environ.get("PYTEST_XDIST_WORKER"), cuda_devices()
    return "cuda" if worker is None or devices < 2 else f"cuda:{int(worker.removeprefix('gw')) % devices}"  # noqa: PLR2004


def pin_worker() -> None:
    """Give each xdist worker one GPU in turn; must run before torch touches CUDA."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if worker is None or not visible:
        return
    devices = visible.split(",")
    os.environ["CUDA_VISIBLE_DEVICES"] = devices[int(worker.removeprefix("gw")) % len(devices)]
