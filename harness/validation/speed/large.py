"""One sample's six-flow sweep at LLaVA-1.5-7B's size, on a CPU.

Run by hand: with ``--float32-products`` it took ten minutes of one core and 15.4 GiB, weights and check
included; without, half an hour is predicted from two layers. The weights are random and made in bfloat16
one after the other, so that the model never exists in another precision.

A CPU without bfloat16 instructions multiplies bfloat16 matrices three times slower than float32 ones
(measured: 31 against 105 billion operations a second). With ``--float32-products`` each linear layer
converts its bfloat16 weights and inputs as it needs them and rounds its result back.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, TypeVar

import torch
from torch.overrides import TorchFunctionMode

from harness.engine.sweep.sweeper import Sweeper
from harness.validation.speed.clock import timed
from harness.validation.speed.conditions import conditions
from harness.validation.speed.geometry import LLAVA_7B
from harness.validation.speed.measure import knockout_sets
from harness.validation.speed.memory import GIB, resident
from harness.validation.tables import Page, listed, table

Result = TypeVar("Result")


def run(options: argparse.Namespace) -> Page:
    """Make the model, sweep it once, and say what each step took."""
    torch.set_num_threads(options.threads)
    with Float32Products() if options.float32_products else nullcontext():
        text = report(options.layers, "float32" if options.float32_products else "bfloat16")
    return Page("large", text)


class Float32Products(TorchFunctionMode):
    """Linear layers multiply in float32 and give back what they were given."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Run a torch function."""
        if function is torch.nn.functional.linear and args[0].dtype is torch.bfloat16:
            rows, *weights = (None if one is None else one.float() for one in args)
            return function(rows, *weights).to(torch.bfloat16)
        return function(*args, **(kwargs or {}))


def report(layers: int, products: str) -> str:
    """Make the model, sweep it once, and say what each step took.

    Args:
        layers: decoder layers.
        products: in which dtype linear layers multiply, for the report.
    """
    load = os.getloadavg()
    geometry = dataclasses.replace(LLAVA_7B, layers=layers)
    making, checkpoint = _step(geometry.checkpoint)
    encoded = geometry.question(checkpoint)
    knockouts = knockout_sets(checkpoint, encoded)["six flows, all windows"]
    sweeper = Sweeper(checkpoint)
    basing, base = _step(partial(sweeper.clean_run, [encoded]))
    sweeping, swept = _step(partial(sweeper.sweep, base, [knockouts]))
    moved = (swept[0].logits.float().log_softmax(-1) - base.passes[0].logits.float().log_softmax(-1)).abs()
    info = conditions(load)
    steps = (
        ("make the weights", *making),
        ("clean run, and the check against the model's own forward pass", *basing),
        (f"all {len(knockouts)} knockouts", *sweeping),
    )
    return (
        f"# One sample's sweep at the size of {geometry.name}, {info['date']}\n\n"
        f"Random bfloat16 weights, products in {products}, {layers} decoder layers, {encoded.length} tokens, "
        f"{len(knockouts)} knockouts\n(six flows, all windows).\n\n"
        f"{table('step | seconds: | most memory so far, GiB:', steps)}\n"
        f"Largest change of a log-probability by a knockout: {float(moved.max()):.2g}.\n\n{listed(info)}"
    )


def _step(work: Callable[[], Result]) -> tuple[tuple[str, str], Result]:
    """Do some work; returns its time and the most memory so far, as cells of the table, and its result."""
    took, result = timed(work)
    return (f"{took:,.0f}", f"{resident('VmHWM') / GIB:.1f}"), result
