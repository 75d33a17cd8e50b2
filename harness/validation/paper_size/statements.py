"""The claim tests themselves, asked of a made-up truth."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import findings
from harness.data.depth import TooShallowError, rule_window
from harness.data.sample import TASKS
from harness.interventions.measurements import RIGHT, Lens, Quantity, only_of
from harness.statistics.curves import EFFECT, PROBABILITY, Curves, Floats
from harness.statistics.inference import FEWEST_IMAGES
from harness.statistics.trees import Tree, quantities
from harness.statistics.verdict import Verdict
from harness.validation.calibration.cases import Case
from harness.validation.paper_size.story import Story
from harness.verdicts.claim_tests import claim_tests
from harness.verdicts.hypothesis import EvidenceView, Hypothesis
from harness.verdicts.study import Study


@dataclass(frozen=True, eq=False)
class Asked:
    """A claim asked of a truth.

    Attributes:
        claim: its id.
        task: the task it is asked of; None for one over all tasks.
        tree: the statement.
        means: the true mean curves of what it speaks of.
    """

    claim: str
    task: str | None
    tree: Tree
    means: Mapping[Quantity, Floats]

    def case(self, truth: str) -> Case:
        """The claim as the calibration counts it, both verdicts."""
        probabilities = frozenset(key for key in self.means if bounds(key) == PROBABILITY)
        return Case(
            form=self.claim,
            functions=(),
            counts=(Verdict.SUPPORTED, Verdict.REFUTED),
            truth=truth,
            tree=self.tree,
            means=self.means,  # type: ignore[arg-type]  # any key will do
            probabilities=probabilities,  # type: ignore[arg-type]
            shapes=(),
        )


def bounds(quantity: Quantity) -> tuple[float, float]:
    """The bounds of a quantity's values."""
    return PROBABILITY if isinstance(quantity.measurement, Lens) or quantity.reading == RIGHT else EFFECT


def ask(claim: str, story: Story, layers: int, task: str = "ChooseAttr") -> Asked | None:
    """Ask a claim of a truth, its layers located where they truly are; None if it does not apply.

    Args:
        claim: the claim's id.
        story: what is true.
        layers: decoder layers.
        task: for a claim about single tasks.
    """
    function, by_task = claim_functions()[claim]
    heard: list[Hypothesis] = []
    truth = _Truth(story, layers)
    view = EvidenceView(truth, truth, lambda quantity: FEWEST_IMAGES * _absent(quantity))
    study = Study("paper", layers, rule_window(layers), TASKS, view, heard.append)
    try:
        function(**({"study": study, "task": task} if by_task else {"study": study}))
    except TooShallowError:
        return None
    tree = heard[0].tree
    if tree is None:
        return None
    named = [key for key in quantities(tree) if isinstance(key, Quantity)]
    return Asked(claim, task if by_task else None, tree, {key: story.mean(key, layers) for key in named})


def claim_functions() -> dict[str, tuple[Any, bool]]:
    """The claim tests by id: the function, and whether it is asked of single tasks."""
    folder = Path(findings.__file__).parent
    return {
        test.id: (getattr(importlib.import_module(module), name), test.by_task)
        for test in claim_tests(folder)
        for module, name in [_imported(test.node)]
    }


def _imported(node: str) -> tuple[str, str]:
    path, _, name = node.partition("::")
    return path.removesuffix(".py").replace("/", "."), name


class _Truth:
    """Evidence that is the truth: one image, at the mean."""

    def __init__(self, story: Story, layers: int) -> None:
        self._story = story
        self._layers = layers

    def __getitem__(self, quantity: Quantity) -> Curves:
        mean = self._story.mean(quantity, self._layers)
        return Curves(("truth",), mean[None], 1, bounds(quantity), only_of(quantity.measurement))

    def __contains__(self, quantity: object) -> bool:
        return isinstance(quantity, Quantity) and not _absent(quantity)

    def __iter__(self) -> Iterator[Quantity]:
        return iter(())


def _absent(quantity: Quantity) -> bool:
    """Whether a model that sees its pictures once lacks it."""
    return "tile" in str(quantity.measurement)
