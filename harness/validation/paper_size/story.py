"""Made-up truths: where in a decoder each flow matters, by relative depth, and the curves that follow.

A flow matters in *stretches* of layers. A knockout of all of a stretch costs its drop; one of a part of it
costs less, as if each layer lost the same share of what is left. So one truth gives the curves of every
window size and of every depth of decoder. On top a *drift*: points of p_c in all windows above a depth,
where nothing happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np

from harness.data.depth import window_layers
from harness.data.flow import Flow
from harness.interventions.measurements import (
    RIGHT,
    Accuracy,
    ActivationPatch,
    BlockFromLayer,
    Chance,
    FirstAnswer,
    Lens,
    Mediators,
    Modules,
    OpenPathsOnly,
    Quantity,
    Sweep,
    only_of,
)
from harness.statistics.curves import Floats

Stretch: TypeAlias = tuple[float, float, float]
"""From and to a relative depth, and the drop of blocking all of it, in points of p_c."""

_CHANCE, _ACCURACY = 0.25, 0.9
_RATES = {Chance: _CHANCE, Accuracy: _ACCURACY, OpenPathsOnly: 0.95 * _ACCURACY}
"""Shares of right answers: by chance, without a knockout, and with the paper's pathway alone."""
_DRIFT_FROM = 0.55
_PER_TOKEN = {"central_object": 0.5, "question_rest": 0.2}
"""One over the number of tokens."""


@dataclass(frozen=True)
class Story:
    """What is true.

    Attributes:
        flows: stretches by flow, written ``"image->question"``; a flow that is not named does nothing.
        scales: by task, by what a task's drops are multiplied; a pair (task, flow) goes before its task.
        drift: points of p_c added in every window above 0.55, by flow.
        control: share of a flow's drop that its random-source control has.
        patched: share of a flow's drop that is left where other contents are read instead of none.
        modules: stretches of the outputs of attention, of the MLPs, and of their control.
        carried: drop that each mediator carries.
        constant: a flow that has one value in every window, and that value.
        lens: where, in relative depth, the answer rises in lower case, is capitalised, and how high.
    """

    flows: Mapping[str, tuple[Stretch, ...]]
    scales: Mapping[str | tuple[str, str], float] = field(default_factory=dict)
    drift: Mapping[str, float] = field(default_factory=dict)
    control: float = 0.15
    patched: float = 0.85
    modules: Mapping[Literal["attention", "mlp", "control"], tuple[Stretch, ...]] = field(
        default_factory=dict
    )
    carried: Mapping[str, float] = field(default_factory=dict)
    constant: tuple[str, float] = ("", 0.0)
    lens: tuple[float, float, float] = (0.65, 0.85, 0.8)

    def with_flows(self, **changes: tuple[Stretch, ...]) -> Story:
        """The story with other stretches; in a name ``__`` stands for the arrow."""
        flows = {name.replace("__", "->"): stretches for name, stretches in changes.items()}
        return replace(self, flows={**self.flows, **flows})

    def mean(self, quantity: Quantity, layers: int) -> Floats:
        """The true mean curve of a quantity on a decoder of ``layers`` layers, at the points that it has."""
        every, only = self._every(quantity, layers), only_of(quantity.measurement)
        return every if only is None else every[list(only.places)]

    def _every(self, quantity: Quantity, layers: int) -> Floats:
        match quantity.measurement:
            case Lens(_, condition):
                return self._probability(quantity.reading, condition, layers)
            case BlockFromLayer(flow, starts, _):
                return self._blocked_from(flow, starts, quantity, layers)
            case OpenPathsOnly() | Accuracy() | Chance() as rate:
                return np.array([_RATES[type(rate)]])
            case FirstAnswer():
                raise ValueError("no claim is about how answers are written")
            case measurement:
                return self._effect(measurement, quantity, layers)

    def _effect(
        self, measurement: Sweep | ActivationPatch | Modules | Mediators, quantity: Quantity, layers: int
    ) -> Floats:
        match measurement:
            case Sweep(flow, window, condition):
                shift = 0.02 if condition == "last_subword" else 0.0
                points = self._windows(flow, quantity.task, layers, window, shift)
                return points * _PER_TOKEN[flow.source] if quantity.reading == "per_token" else points
            case ActivationPatch(flow, window, _):
                return self.patched * self._windows(flow, quantity.task, layers, window)
            case Modules(module, _, window, draw):
                stretches = self.modules["control" if draw is not None else module]
                return _curve(stretches, layers, window, 1.0)
            case Mediators(_, names):
                places = np.arange(2 ** len(names))
                carried = [
                    -sum(self.carried.get(one, 0.0) for one in name.split("+")) * (places >> at & 1)
                    for at, name in enumerate(names)
                ]
                return np.asarray(np.sum(carried, axis=0), dtype=np.float64)

    def _blocked_from(self, flow: Flow, starts: tuple[int, ...], quantity: Quantity, layers: int) -> Floats:
        left = np.array([_left(self._of(flow), layers, range(start, layers)) for start in starts])
        if quantity.reading == RIGHT:
            return _CHANCE + (_ACCURACY - _CHANCE) * left
        return 100 * (left - 1) * self._scale(flow, quantity.task)

    def _of(self, flow: Flow) -> tuple[Stretch, ...]:
        return self.flows.get(f"{flow.source}->{flow.target}", ())

    def _scale(self, flow: Flow, task: str) -> float:
        name = f"{flow.source}->{flow.target}"
        return self.scales.get((task, name), self.scales.get(task, 1.0))

    def _windows(self, flow: Flow, task: str, layers: int, window: int, shift: float = 0.0) -> Floats:
        plain = f"{flow.source}->{flow.target}"
        if plain == self.constant[0]:
            return np.full(layers, self.constant[1])
        stretches = tuple((start + shift, end + shift, drop) for start, end, drop in self._of(flow))
        scale = self._scale(flow, task) * (1.0 if flow.draw is None else self.control)
        above = (np.arange(layers) + 0.5) / layers > _DRIFT_FROM
        return _curve(stretches, layers, window, scale) + above * self.drift.get(plain, 0.0)

    def _probability(self, form: str, condition: str, layers: int) -> Floats:
        rises, turns, height = self.lens
        depths = np.arange(layers + 1) / layers
        either = height * _logistic(depths, rises)
        capital = either * _logistic(depths, turns) * (0.02 if condition == "lower" else 1.0)
        forms = {"either": either, "capital": capital, "lower": either - capital, "false_either": either / 8}
        return forms[form]


def _logistic(depths: Floats, middle: float) -> Floats:
    rise: Floats = 1 / (1 + np.exp(-(depths - middle) / 0.03))
    return rise


def _curve(stretches: tuple[Stretch, ...], layers: int, window: int, scale: float) -> Floats:
    left = [_left(stretches, layers, window_layers(at, window, layers)) for at in range(layers)]
    return scale * 100 * (np.array(left) - 1)


def _left(stretches: tuple[Stretch, ...], layers: int, blocked: range) -> float:
    """What is left of a probability with some layers blocked."""
    depths = (np.arange(layers) + 0.5) / layers
    left = 1.0
    for start, end, drop in stretches:
        inside = (depths >= start) & (depths < end)
        share = inside[blocked.start : blocked.stop].sum() / max(inside.sum(), 1)
        left *= (1 + drop / 100) ** share
    return left


PAPER = Story(
    flows={
        "question->last": ((0.36, 0.56, -75.0), (0.56, 0.75, -20.0)),
        "image->question": ((0.0, 0.05, -60.0), (0.29, 0.35, -21.0)),
        "other_patches->question": ((0.0, 0.05, -45.0), (0.29, 0.35, -6.0)),
        "related_patches->question": ((0.0, 0.05, -6.0), (0.29, 0.35, -21.0)),
        "random_patches->question": ((0.0, 0.05, -6.0), (0.29, 0.35, -4.0)),
        "shifted_patches->question": ((0.0, 0.05, -6.0), (0.29, 0.35, -5.0)),
        "foreign_patches->question": ((0.0, 0.05, -6.0), (0.29, 0.35, -4.0)),
        "most_patches->question": ((0.0, 0.05, -52.0), (0.29, 0.35, -18.0)),
        "image->last": ((0.45, 0.55, -5.0),),
        "related_patches->last": ((0.45, 0.55, -3.0),),
        "last->last": ((0.45, 0.55, -1.0),),
        "image->after_image": ((0.0, 0.05, -62.0), (0.29, 0.35, -24.0)),
        "most_patches->after_image": ((0.0, 0.05, -54.0), (0.29, 0.35, -20.0)),
        "centre_patch->after_image": ((0.0, 0.05, -2.0), (0.29, 0.35, -2.0)),
        "true_option->last": ((0.36, 0.56, -35.0),),
        "false_option->last": ((0.36, 0.56, -15.0),),
        "central_object->last": ((0.36, 0.56, -40.0),),
        "question_rest->last": ((0.36, 0.56, -30.0),),
        "image->central_object": ((0.0, 0.05, -30.0), (0.29, 0.35, -18.0)),
        "image->question_rest": ((0.0, 0.05, -12.0), (0.29, 0.35, -5.0)),
    },
    scales={
        ("QueryAttr", "image->last"): 3.0,
        ("CompareAttr", "image->question"): 0.7,
        ("LogicalObj", "image->question"): 0.6,
        "ChooseCat": 0.95,
        "ChooseRel": 0.9,
    },
    drift={"image->question": 1.0, "other_patches->question": 1.0, "related_patches->question": 1.0},
    modules={
        "mlp": ((0.1, 0.5, -70.0),),
        "attention": ((0.1, 0.5, -35.0),),
        "control": ((0.1, 0.5, -15.0),),
    },
    carried={"question": 55.0, "suffix": 8.0, "last": 5.0, "roles": 2.0},
)
"""Curves of the paper's size, on which its story is true and its rivals' mostly is not."""
