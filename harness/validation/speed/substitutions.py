"""What reading other contents costs beside blocking: ``python -m harness.validation substitutions``.

All windows of image → question on one prompt, off a clean run that is there already: blocked; with other
values, as the data set's mean has them; with the keys and values of another picture, whose own run is
part of the time. In a pair all three run right after one another.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.data.depth import window_layers
from harness.engine.engines import SweepEngine, SweepRun
from harness.engine.pixel_check import other_pixels
from harness.interventions.knockout import Knockout, Layers, Substitution, block
from harness.interventions.patching import KeyValues
from harness.validation.speed.clock import timed
from harness.validation.speed.conditions import conditions
from harness.validation.speed.geometry import GEOMETRIES, Geometry
from harness.validation.tables import Page, chosen, listed, report_progress, table

HEADER = "model | windows: | blocked, ms a pass: | mean, ×: | other, ×: | spread of mean | spread of other"


class Windows:
    """All windows of image → question on one prompt, and its clean run.

    Args:
        geometry: the model's size.
    """

    def __init__(self, geometry: Geometry) -> None:
        checkpoint = geometry.checkpoint()
        self._encoded = geometry.question(checkpoint)
        self._donor = other_pixels(self._encoded)
        self._engine = SweepEngine(checkpoint)
        self._clean: SweepRun = self._engine.clean_run([self._encoded])
        self._layers = _windows(checkpoint)
        self._mean = _means(self._contents(self._encoded))

    @property
    def number(self) -> int:
        """How many windows there are."""
        return len(self._layers)

    def blocked(self) -> Tensor:
        """Logits ``[windows, vocabulary]`` with the edges blocked."""
        image, question = self._edges
        return self._swept([block(image, question, layers) for layers in self._layers])

    def mean(self) -> Tensor:
        """The same with mean values along the edges."""
        return self._swept([self._patched(self._mean, layers) for layers in self._layers])

    def other(self) -> Tensor:
        """The same with another picture's keys and values, which are computed first."""
        given = self._contents(self._donor)
        return self._swept([self._patched(given, layers) for layers in self._layers])

    @property
    def _edges(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return self._encoded.regions["image"], self._encoded.regions["question"]

    def _contents(self, encoded: Encoded) -> KeyValues:
        return self._engine.contents(encoded, encoded.regions["image"])

    def _patched(self, given: KeyValues, layers: Layers) -> Knockout:
        keys = None if given.keys is None else tuple(given.keys[layer] for layer in layers)
        values = tuple(given.values[layer] for layer in layers)
        return Knockout((Substitution(*self._edges, layers, values, keys),))

    def _swept(self, knockouts: Sequence[Knockout]) -> Tensor:
        return self._clean.sweep([knockouts])[0]


def _windows(checkpoint: Checkpoint) -> list[Layers]:
    layers = checkpoint.n_layers
    return [tuple(window_layers(centre, checkpoint.window, layers)) for centre in range(layers)]


def _means(given: KeyValues) -> KeyValues:
    """What a mean looks like: one value for all visual tokens."""
    return KeyValues(tuple(value.mean(dim=1, keepdim=True).expand_as(value) for value in given.values))


def run(options: argparse.Namespace) -> Page:
    """Time the three on random models of some sizes."""
    torch.set_num_threads(options.threads)
    load, names = os.getloadavg(), chosen(options.models, GEOMETRIES, "model")
    rows = [_row(name, Windows(GEOMETRIES[name]), options.pairs, report_progress) for name in names]
    info = conditions(load, "random, float32")
    text = (
        f"# What reading other contents costs beside blocking, {info['date']}\n\n{table(HEADER, rows)}\n"
        "All windows of image → question, off a clean run that is there already. × is a median over pairs:\n"
        "the time with the mean's values, or with another picture's keys and values, that picture's own run\n"
        "included, over the time of blocking in the same pair. Spread: smallest and largest pair.\n\n"
        f"{listed(info)}"
    )
    return Page("-".join(["substitutions", *names]), text)


def _row(name: str, windows: Windows, pairs: int, report: Callable[[str], None]) -> Sequence[object]:
    ways = (windows.blocked, windows.mean, windows.other)
    for way in ways:
        way()  # warm up
    seconds, mean, other = [], [], []
    for number in range(pairs):
        blocked, *patched = (timed(way)[0] for way in ways)
        seconds.append(blocked)
        mean.append(patched[0] / blocked)
        other.append(patched[1] / blocked)
        report(f"{name} pair {number + 1}/{pairs}: {mean[-1]:.2f}, {other[-1]:.2f}")
    return (
        name,
        windows.number,
        f"{1e3 * statistics.median(seconds) / windows.number:.3g}",
        f"{statistics.median(mean):.2f}",
        f"{statistics.median(other):.2f}",
        *(f"{min(some):.2f}–{max(some):.2f}" for some in (mean, other)),
    )
