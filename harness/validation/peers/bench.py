"""Paired timing of one library against the sweep, and whether the two agree."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from harness.data.flow import Flow
from harness.engine.sweep.sweeper import Sweeper
from harness.interventions.knockout import Knockout
from harness.validation.peers.case import Blocked, Case
from harness.validation.peers.library import Library
from harness.validation.peers.script import PeerError, ScriptProcess
from harness.validation.speed.baseline_ways import released
from harness.validation.speed.clock import timed
from harness.validation.speed.geometry import Geometry
from harness.validation.speed.measure import FLOWS, knockout_sets

RAN = ("question->last", "image->question")
"""The flows whose middle window the libraries run."""


@dataclass
class Result:
    """What one library did.

    Attributes:
        name: the library.
        versions: what is installed in its environment.
        lines: lines of code it takes.
        remark: what a reader should know.
        ratios: per pair, the time it needs for all knockouts, from those it ran, over the sweep's time.
        seconds: per pair, its seconds for one knockout.
        difference: largest difference in log-probability from the released way; None if it ran nothing.
        error: how its script ended, if it did.
    """

    name: str
    versions: str
    lines: int
    remark: str
    ratios: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    difference: float | None = None
    error: str = ""

    @property
    def ratio(self) -> float:
        """The median over pairs."""
        return statistics.median(self.ratios)


class Bench:
    """A random checkpoint, saved once for all libraries, and its sweep.

    Args:
        geometry: the model's size.
        folder: where checkpoint, inputs and knockouts are written.
    """

    def __init__(self, geometry: Geometry, folder: Path) -> None:
        self.folder = folder
        self.checkpoint = geometry.checkpoint()
        self.encoded = geometry.question(self.checkpoint)
        self.knockouts = knockout_sets(self.checkpoint, self.encoded)["six flows, all windows"]
        layers = self.checkpoint.n_layers
        self.chosen = [FLOWS.index(Flow.parse(flow)) * layers + layers // 2 for flow in RAN]
        self._write()
        self.reference = self._released().log_softmax(-1)
        self.sweeper = Sweeper(self.checkpoint)
        swept = self.sweep()[1][self.chosen].log_softmax(-1)
        self.sweep_difference = float((swept - self.reference).abs().max())

    def sweep(self) -> tuple[float, Tensor]:
        """Seconds and logits of the whole six-flow sweep, vision tower and clean run included."""
        took, swept = timed(partial(self.sweeper.image, [self.encoded], [self.knockouts]))
        return took, swept[0].logits

    def compare(
        self, library: Library, environments: Path, pairs: int, report: Callable[[str], None]
    ) -> Result:
        """Let a library run the chosen knockouts and the sweep run right after, some times over."""
        result = Result(library.name, library.versions(environments), library.lines(), library.remark)
        with ScriptProcess(library, environments, self.folder) as worker:
            try:
                worker.ready()
                for _ in range(pairs):
                    self._pair(worker, result)
                    report(f"{library.name}: {result.ratios[-1]:.1f}×, differs by {result.difference:.1e}")
            except PeerError as error:
                result.error = str(error)
                report(f"{library.name}: {error}")
        return result

    def _pair(self, worker: ScriptProcess, result: Result) -> None:
        answers = [worker.ask(number) for number in self.chosen]
        each = statistics.mean(seconds for seconds, _ in answers)
        took, _ = self.sweep()
        result.seconds.append(each)
        result.ratios.append(each * len(self.knockouts) / took)
        apart = [
            float((row - ours).abs().max()) for (_, row), ours in zip(answers, self.reference, strict=True)
        ]
        result.difference = max(*apart, result.difference or 0.0)

    def _released(self) -> Tensor:
        return released(self.checkpoint, self.encoded, [self.knockouts[number] for number in self.chosen])

    def _write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        listed = [_listed(one) for one in self.knockouts]
        inputs = {"input_ids": self.encoded.ids[None], "pixel_values": self.encoded.pixels}
        Case(str(self.folder / "model"), inputs, listed).write(self.folder)
        self.checkpoint.model.save_pretrained(self.folder / "model")
        self.checkpoint.processor.save_pretrained(self.folder / "model")
        _name_as_published(self.folder / "model" / "model.safetensors")


def _listed(knockout: Knockout) -> Blocked:
    """A knockout of one edge block, as the scripts read it."""
    (edge,) = knockout.edges
    return Blocked(list(edge.sources), list(edge.targets), list(edge.layers))


def _name_as_published(path: Path) -> None:
    """Name the vision tower's weights as published LLaVAs do.

    transformers 5.23 reads both names but writes a shorter one, which 5.3 takes for missing weights
    and leaves the tower random with no more than a printed table.
    """
    old, new = "vision_tower.", "vision_tower.vision_model."
    weights = {name.replace(old, new, 1): weight for name, weight in load_file(path).items()}
    save_file(weights, path, {"format": "pt"})
