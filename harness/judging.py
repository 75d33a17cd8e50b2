"""From a judgement to pytest: which exception a verdict is, and what it says."""

from __future__ import annotations

from harness.claims import Claim
from harness.depth import Grid, LensGrid
from harness.describe import describe
from harness.examine import Examination
from harness.expectations import Expectations
from harness.probes import Lens, Measure
from harness.record import ClaimRecord, Curve
from harness.statistics import curve_band
from harness.table import Look
from harness.verdict import Judgement, Part

UNITS = {
    "p_c": "change of the answer's probability in per cent",
    "log_odds": "change of the log-odds against the wrong answer",
    "flip": "rate of changed answers",
}


class ClaimRefutedError(AssertionError):
    """The evidence shows the opposite of the claim."""


class ClaimUndecidedError(AssertionError):
    """The evidence shows neither the claim nor its opposite."""


def message(claim: Claim, judgement: Judgement, command: str) -> str:
    """The failure message: estimate, interval, threshold, sample size, and how to reproduce it."""
    where = f" on {claim.task}" if claim.task else ""
    lines = [f"{judgement.verdict.value}: {claim.id}{where}, {claim.checkpoint}: {claim.statement}"]
    lines += [_part(part) for part in judgement.parts[:1]]
    lines.append(
        f"  n = {judgement.n_images} images, {judgement.n_samples} samples, look {judgement.look + 1}; "
        f"p(claim) = {judgement.p_support:.2g}, p(opposite) = {judgement.p_refute:.2g}"
    )
    if judgement.reason:
        lines.append(f"  {judgement.reason}")
    lines.append(f"  reproduce: {command}")
    return "\n".join(lines)


def _part(part: Part) -> str:
    where = f" at {part.where}" if part.where else ""
    interval = f"{part.estimate:.3g} [{part.lower:.3g}, {part.upper:.3g}]"
    return f"  {part.label}{where}: {interval}, claimed {part.asserts} {part.threshold:g}"


def claim_record(
    examination: Examination, claim: Claim, expected: Expectations | None, *, enforced: bool
) -> ClaimRecord:
    """Everything the report says of one claim.

    Args:
        examination: the checkpoint's examination, done.
        claim: the claim.
        expected: what is on file for the checkpoint.
        enforced: whether a different verdict fails the run.
    """
    judgement = examination.judgements[claim.test]
    look = examination.look(judgement.look)
    stated = examination.hypothesis(claim, look)
    verdict = expected.verdicts.get(claim.key) if expected else None
    return ClaimRecord(
        id=claim.id,
        source=claim.source,
        statement=claim.statement,
        hypothesis=describe(stated.tree),
        test=claim.test,
        command=command(claim),
        checkpoint=examination.facts.name,
        task=claim.task,
        judgement=judgement,
        expected=verdict.value if verdict else None,
        enforced=enforced,
        curves=tuple(curve(examination, measure, look) for measure in stated.measures if measure in look),
        bands=tuple((band.name, band.start, band.end) for band in stated.bands),
        threshold=stated.threshold,
    )


def curve(examination: Examination, measure: Measure, look: Look) -> Curve:
    """A measure's mean curve with its simultaneous band."""
    data = look[measure]
    band = curve_band(data, str(measure))
    points, depth = _geometry(examination, measure)
    return Curve(
        label=_label(measure),
        task=measure.task,
        reading="probability" if isinstance(measure.probe, Lens) else measure.reading,
        unit="probability" if isinstance(measure.probe, Lens) else UNITS[measure.reading],
        role=_role(measure),
        window=None if isinstance(measure.probe, Lens) else measure.probe.window,
        points=points,
        depth=depth,
        mean=tuple(band.mean.tolist()),
        lower=tuple(band.lower.tolist()),
        upper=tuple(band.upper.tolist()),
        n_images=len(data.images),
    )


def command(claim: Claim) -> str:
    """The command line that judges this claim alone."""
    checkpoint = "" if claim.checkpoint == "embedded" else f" --checkpoint={claim.checkpoint}"
    return f'pytest "{claim.test}"{checkpoint}'


def _geometry(examination: Examination, measure: Measure) -> tuple[tuple[int, ...], tuple[float, ...]]:
    layers = examination.facts.layers
    if isinstance(measure.probe, Lens):
        lens = LensGrid(layers)
        return tuple(range(layers + 1)), tuple(lens.depths.tolist())
    grid = Grid(layers, measure.probe.window)
    return tuple(grid.centres), tuple(grid.depths.tolist())


def _label(measure: Measure) -> str:
    if isinstance(measure.probe, Lens):
        norm = ", final norm applied" if measure.probe.norm else ""
        return f"{measure.reading.replace('_', ' ')} answer{norm}"
    return str(measure.probe.flow)


def _role(measure: Measure) -> str:
    if isinstance(measure.probe, Lens):
        return "lens"
    return "effect" if measure.probe.flow.draw is None else "null"
