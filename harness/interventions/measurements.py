"""What can be measured on a sample, by name: the vocabulary that claims, evidence and report share.

A *measurement* is one thing done to a sample, such as every window of one flow. It gives one or several
*readings*, each a curve over windows or layers, or a single value. A *condition* says how the sample
is put to the model: as it is, with a grey picture, asked for a lower-case answer, or with part of its
answer given. A `Quantity` is a reading of a measurement on a task: the key under which
statistics find the per-image curves. Plain records; importing them loads neither torch nor transformers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.data.condition import Condition
from harness.data.depth import Points
from harness.data.flow import Flow

SWEEP_READINGS = ("p_c", "distractor", "flip", "log_odds")
"""Ways to read an effect: relative change of the answer's probability in per cent; the same of its
share against the distractor, p(answer) / (p(answer) + p(distractor)); minus the rate of changed first
tokens in per cent; and the change of the log-odds against the distractor, of which the
second is a bounded form."""
PART_READINGS = ("p_c", "per_token")
"""Of a flow from a part of the question also: p_c divided by the number of source tokens."""
LENS_READINGS = ("lower", "capital", "either", "false_lower", "false_capital", "false_either")
"""Probabilities at the last position: the answer's first token in lower case, capitalised, and in either
case (their sum); and the same of the false option."""
RIGHT = "right"
"""Whether the first token is that of the right answer, in either case (0 or 1)."""


def _under(text: str, condition: Condition) -> str:
    return text if condition == "plain" else f"{text}|{condition}"


def _at(text: str, only: Points | None) -> str:
    return text if only is None else f"{text}[{only}]"


@dataclass(frozen=True, order=True)
class Sweep:
    """Every window of ``window`` layers of one flow; ``only``: or some of them, by their centres."""

    flow: Flow
    window: int
    condition: Condition = "plain"
    only: Points | None = None

    def __str__(self) -> str:
        return _at(_under(f"{self.flow}@{self.window}", self.condition), self.only)


@dataclass(frozen=True, order=True)
class ActivationPatch:
    """Every window of a flow whose target reads other contents at the source instead of nothing.

    ``by="mean"``: the values there are the data set's mean, keys stay. ``by="other"``: keys and values
    are those of another image. ``only``: some windows, by their centres.
    """

    flow: Flow
    window: int
    by: Literal["mean", "other"]
    only: Points | None = None

    def __str__(self) -> str:
        return _at(f"{self.by}:{self.flow}@{self.window}", self.only)


@dataclass(frozen=True, order=True)
class Modules:
    """Every window of a module's output zeroed at a region.

    ``draw`` names a control: equally many rows drawn at random outside the region lose outputs of equal
    norm, each that of one of the region's rows. ``only``: some windows, by their centres.
    """

    module: Literal["attention", "mlp"]
    region: str
    window: int
    draw: int | None = None
    only: Points | None = None

    def __str__(self) -> str:
        prefix = "" if self.draw is None else f"random{self.draw}:"
        return _at(f"{prefix}{self.module}({self.region})@{self.window}", self.only)


@dataclass(frozen=True, order=True)
class BlockFromLayer:
    """A flow blocked in every layer from a start on, for each start.

    Start 0 blocks it in all layers. ``unfiltered``: measured on wrongly answered samples too, for
    statements about accuracy. ``only``: some of the starts, by their places among them.
    """

    flow: Flow
    starts: tuple[int, ...]
    unfiltered: bool = False
    only: Points | None = None

    def __str__(self) -> str:
        first, last = self.starts[0], self.starts[-1]
        span = f"{first}+" if first == last else f"{first}+…{last}+"
        return _at(f"{self.flow}@{span}" + ("|all" if self.unfiltered else ""), self.only)


@dataclass(frozen=True, order=True)
class Mediators:
    """A source hidden, in all layers, from every subset of several mediators.

    Value b hides it from mediator i if bit i of b is set; value 0 hides nothing. A mediator that is empty for
    a sample (a prompt without a line break before the question) carries nothing.
    """

    source: str
    mediators: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.source}->subsets({','.join(self.mediators)})"


@dataclass(frozen=True, order=True)
class Route:
    """A flow that stays open in a range of layers, ``first`` to ``last``, both included."""

    flow: Flow
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.flow}@{self.first}-{self.last}"


@dataclass(frozen=True, order=True)
class OpenPathsOnly:
    """Some flows blocked in all layers, but for the routes: parts of them that stay open.

    All other edges stay: those to the first position, and from text to text unless a closed flow names
    them. Measured on wrongly answered samples too.

    Attributes:
        closed: the flows.
        routes: what stays open, each from a closed flow's source.
    """

    closed: tuple[Flow, ...]
    routes: tuple[Route, ...]

    def __str__(self) -> str:
        return f"only({', '.join(map(str, self.routes))} of {', '.join(map(str, self.closed))})"


@dataclass(frozen=True, order=True)
class Lens:
    """The logit lens at the last position, with or without the final norm below the top."""

    norm: bool
    condition: Condition = "plain"

    def __str__(self) -> str:
        return _under("lens+norm" if self.norm else "lens", self.condition)


@dataclass(frozen=True, order=True)
class Accuracy:
    """Whether the model answers rightly, without a knockout, on all samples."""

    condition: Condition = "plain"

    def __str__(self) -> str:
        return _under("accuracy", self.condition)


@dataclass(frozen=True, order=True)
class Chance:
    """What answering without image and model would get: see `harness.data.dataset.Dataset.chance`."""

    def __str__(self) -> str:
        return "chance"


@dataclass(frozen=True, order=True)
class FirstAnswer:
    """What the greedy answer begins with; asked of a few samples before anything else is measured."""

    def __str__(self) -> str:
        return "first_answer"


KnockoutMeasurement: TypeAlias = (
    Sweep | ActivationPatch | Modules | BlockFromLayer | Mediators | OpenPathsOnly
)
"""Measurements that run knocked-out passes."""
Unblocked: TypeAlias = Lens | Accuracy | Chance | FirstAnswer
"""Measurements that need none."""
Measurement: TypeAlias = KnockoutMeasurement | Unblocked


def condition_of(measurement: Measurement) -> Condition:
    """The condition a measurement is measured under."""
    match measurement:
        case Sweep() | Lens() | Accuracy():
            return measurement.condition
        case _:
            return "plain"


def only_of(measurement: Measurement) -> Points | None:
    """Which points of its curve a measurement has; None: all."""
    match measurement:
        case Sweep() | ActivationPatch() | Modules() | BlockFromLayer():
            return measurement.only
        case _:
            return None


def is_unfiltered(measurement: Measurement) -> bool:
    """Whether a measurement is measured on wrongly answered samples too."""
    match measurement:
        case BlockFromLayer():
            return measurement.unfiltered
        case OpenPathsOnly() | Accuracy() | Chance() | FirstAnswer():
            return True
        case _:
            return False


@dataclass(frozen=True)
class Quantity:
    """A reading of a measurement on a task.

    It is named without the points that were measured: whoever speaks of one of them names it beside.

    Attributes:
        task: the task.
        measurement: what is done.
        reading: what is read.
        part: which images: all of them, the quarter on which layers are located, or the rest.
        checkpoint: the name of another checkpoint of the run; empty for the one under study.
    """

    task: str
    measurement: Measurement
    reading: str
    part: Literal["all", "locating", "testing"] = "all"
    checkpoint: str = ""

    def __str__(self) -> str:
        part = "" if self.part == "all" else f" ({self.part} images)"
        of = f" of {self.checkpoint}" if self.checkpoint else ""
        measurement = str(self.measurement).removesuffix(_at("", only_of(self.measurement)))
        return f"{measurement} {self.reading} on {self.task}{part}{of}"
