"""Measurements and quantities as readers see them: words made from their fields, the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace

from harness.interventions.measurements import (
    Accuracy,
    BlockFromLayer,
    Chance,
    Mediators,
    OpenPathsOnly,
    Quantity,
    Route,
    Unblocked,
)
from harness.statistics.verdict import Judgement, Part, Tally
from harness.verdicts.curve_axes import measurement_record
from harness.verdicts.record import MeasurementRecord

REGIONS = {
    "after_image": "all after the image",
    "most_patches": "nine tenths of the patches",
    "random_patches": "as many random patches",
    "shifted_patches": "a shifted box",
    "foreign_patches": "another image's boxes",
    "centre_patch": "the object's centre patch",
    "centre_tile_patch": "the object's centre patch in the tiles",
    "central_object": "the object's words",
    "question_rest": "the question's other words",
}
"""Regions whose names do not explain themselves."""
MEDIATORS = {
    "separator": "line break",
    "separators": "marks between the visual tokens",
    "suffix": "instruction",
    "roles": "role words",
    "last": "last position",
}
"""Regions that can carry a source to the answer, where a list of them is written out."""
FORMS = {
    "lower": "lower-case answer",
    "capital": "capitalised answer",
    "either": "answer in either case",
    "false_lower": "false lower-case answer",
    "false_capital": "false capitalised answer",
    "false_either": "false answer in either case",
}
"""Whose probability the logit lens reads."""
REPLACEMENTS = {"mean": "the mean value", "other": "an image with another answer (minimal pair if any)"}
CONDITIONS = {
    "plain": "",
    "grey": "grey picture",
    "lower": "asked for lower case",
    "first_subword": "first of several sub-words",
    "last_subword": "last of several sub-words",
}
READINGS = {
    "p_c": "p_c",
    "distractor": "share against the wrong answer",
    "flip": "changed answers",
    "log_odds": "log-odds",
    "per_token": "p_c per token",
    "right": "share of right answers",
}


def measurement_name(measurement: MeasurementRecord) -> str:
    """What a curve shows, e.g. ``"related patches → question"`` or ``"lower-case answer"``."""
    more = (
        "final norm applied" if measurement.norm else "",
        CONDITIONS.get(measurement.condition, measurement.condition),
        measurement.checkpoint,
    )
    return ", ".join([_what(measurement), *filter(None, more)])


def _what(measurement: MeasurementRecord) -> str:
    match measurement.kind:
        case "lens":
            return FORMS.get(measurement.form, measurement.form)
        case "modules":
            return _module(measurement)
        case _:
            flow = f"{region(measurement.source)} → {region(measurement.target)}"
            return f"{flow}{_how(measurement)}"


def _module(measurement: MeasurementRecord) -> str:
    name = "MLP" if measurement.module == "mlp" else measurement.module
    if measurement.draw is None:
        return f"{name} zeroed at {region(measurement.source)}"
    return f"{name} output of equal norm removed at as many random positions"


def _how(measurement: MeasurementRecord) -> str:
    """How a flow was treated, if not simply blocked window by window."""
    match measurement.kind:
        case "activation_patch":
            read = REPLACEMENTS.get(measurement.replacement, measurement.replacement)
            return f", reading {read} instead"
        case "block_from_layer":
            return ", blocked from each layer on"
        case _ if measurement.draw is None:
            return ""
        case _:
            return ", random-source control" + (f" {measurement.draw + 1}" if measurement.draw else "")


def region(name: str, names: Mapping[str, str] = REGIONS) -> str:
    """A region's name as readers see it; ``a+b`` is the union of two."""
    return " and ".join(names.get(one, one.replace("_", " ")) for one in name.split("+"))


def quantity_name(quantity: Quantity) -> str:
    """A quantity as readers see it, e.g. ``"image → question, k = 7, p_c on ChooseAttr"``."""
    reading = READINGS.get(quantity.reading, quantity.reading)
    part = "" if quantity.part == "all" else f" ({quantity.part} images)"
    what = _measured(quantity)
    if not isinstance(quantity.measurement, Unblocked):
        what = f"{what}, {reading}"
    return f"{what} on {quantity.task}{part}" + (f", {quantity.checkpoint}" if quantity.checkpoint else "")


def _measured(quantity: Quantity) -> str:
    match quantity.measurement:
        case Mediators(source, mediators):
            names = ", ".join(region(one, MEDIATORS) for one in mediators)
            return f"{region(source)} hidden in all layers from {names}"
        case OpenPathsOnly(_, routes):
            return f"only {', '.join(map(_route, routes))} open"
        case Accuracy(condition):
            return ", ".join(filter(None, ("accuracy", CONDITIONS[condition])))
        case Chance():
            return "chance"
        case BlockFromLayer(flow, (start,)):
            where = f"in layers {start} and above" if start else "in all layers"
            return f"{region(flow.source)} → {region(flow.target)}, blocked {where}"
        case measurement:
            name = measurement_name(measurement_record(replace(quantity, checkpoint="")))
            window = getattr(measurement, "window", None)
            return name if window is None else f"{name}, k = {window}"


def tally_in_words(tally: Tally) -> str:
    """In how many of its parts a claim is shown, and what becomes of the others."""
    every = (*tally.holds, *tally.fails, *tally.undecided)
    told = [f"holds in {len(tally.holds)} of {len(every)}"]
    told += [f"not in {', '.join(tally.fails)}"] if tally.fails else []
    told += [f"inconclusive in {', '.join(tally.undecided)}"] if tally.undecided else []
    return ", ".join(told)


def _route(route: Route) -> str:
    return f"{region(route.flow.source)} → {region(route.flow.target)} in layers {route.first}–{route.last}"


def spelled_out(text: str, quantities: Iterable[Hashable]) -> str:
    """Write the quantities that a text names, each by its own notation, as readers see them.

    Args:
        text: made from a statement about the quantities.
        quantities: what it may name; of two that begin alike the longer is meant.
    """
    names = {str(one): quantity_name(one) for one in quantities if isinstance(one, Quantity)}
    found = "|".join(re.escape(notation) for notation in sorted(names, key=len, reverse=True))
    return re.sub(found, lambda match: names[match[0]], text) if names else text


def judgement_spelled_out(judgement: Judgement, quantities: Iterable[Hashable]) -> Judgement:
    """A judgement whose parts, notes and reason name their quantities as readers see them."""
    listed = tuple(quantities)

    def part(one: Part) -> Part:
        where = one.where and spelled_out(one.where, listed)
        return replace(one, label=spelled_out(one.label, listed), where=where)

    return replace(
        judgement,
        parts=tuple(map(part, judgement.parts)),
        reason=spelled_out(judgement.reason, listed),
        notes=tuple(replace(one, text=spelled_out(one.text, listed)) for one in judgement.notes),
        readings=tuple(replace(one, part=one.part and part(one.part)) for one in judgement.readings),
    )
