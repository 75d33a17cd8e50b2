"""What a run of one checkpoint would measure: at most, and as far as verdicts on file tell when it stops."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property

from harness.checkpoint.checkpoint import Checkpoint
from harness.data.errors import DataError, RegionError
from harness.data.sample import Sample
from harness.interventions.measurements import Measurement, Quantity, Unblocked
from harness.measuring.answer_form import Answering
from harness.measuring.load import load_measurer
from harness.measuring.request import Request
from harness.session.plan.cost import Cost, Sizes
from harness.session.plan.counting import Carried, SampleCount, SampleCounter
from harness.session.plan.needed import points_of
from harness.statistics.inference import FEWEST_IMAGES
from harness.statistics.looks import LOOKS
from harness.statistics.verdict import Verdict
from harness.verdicts.claims import Claim
from harness.verdicts.examination import Examination
from harness.verdicts.expectations import Expectations

SAMPLED = 4
"""Samples of a task whose passes are counted; of more, these stand for all."""
SAMPLED_BY_CLAIM = 2
"""The same for what each claim costs."""
OFF = "off"
"""What a protocol calls it if every undecided claim went to the last look."""
_IMAGES = re.compile(r"; (\d+) images\b")
"""In the reason of a verdict on file: on how many images it was decided."""


class Planned(Examination):
    """An examination of which only what it would ask for is read: it measures nothing.

    Attributes:
        inapplicable: tests of the claims that ask for nothing further, once what they need is known.
    """

    inapplicable: frozenset[str] = frozenset()

    def _wanted(self, claim: Claim) -> tuple[Quantity, ...]:
        """All that a claim may ask for; where layers would be located, what it says before they are."""
        stated = self.declared(claim)
        return stated.needed if claim.test in self.inapplicable else (*stated.quantities, *stated.needed)

    @cached_property
    def answering(self) -> Answering:
        """As assumed: a run finds it out; a plan reads no store and hashes no weights."""
        return Answering()

    @property
    def begins_afresh(self) -> bool:
        """Whether a run will measure with the sweep, and finds nothing stored.

        Raises:
            HarnessError: if the store cannot be opened.
        """
        return getattr(self._load, "func", None) is load_measurer and not self.evidence.shards()


@dataclass(frozen=True)
class ClaimCost:
    """What a claim costs, over all its tasks, to the last look.

    Attributes:
        id: the claim.
        alone: if nothing else were measured.
        adds: knocked-out passes that no other claim asks for.
    """

    id: str
    alone: Cost
    adds: Cost


class Prediction:
    """What a run of one checkpoint would measure, as if nothing were stored.

    Args:
        planned: says what is asked for.
        claims: the claims to be judged.
        checkpoint: the checkpoint; its weights need no values.
        expectations: the verdicts on file for it, or None.
        sampled: samples of a task that are counted.
    """

    def __init__(
        self,
        planned: Planned,
        claims: Sequence[Claim],
        checkpoint: Checkpoint,
        expectations: Expectations | None,
        sampled: int = SAMPLED,
    ) -> None:
        self._planned, self._checkpoint = planned, checkpoint
        self.claims = [claim for claim in claims if planned.declared(claim).tree is not None]
        self._expectations, self._sampled = expectations, sampled
        self.sizes = Sizes(checkpoint)
        self._counter = cache(self._made)
        self._counted = cache(self._count)
        planned.inapplicable = frozenset(claim.test for claim in self.claims if self._is_inapplicable(claim))

    @property
    def name(self) -> str:
        """The checkpoint's name."""
        return self._planned.info.name

    def points(self, claim_id: str) -> int:
        """How many points of a curve a claim reads at once."""
        stated = (self._planned.declared(claim) for claim in self.claims if claim.id == claim_id)
        return max((points_of(one, self._planned.info.layers) for one in stated), default=1)

    @property
    def looks(self) -> tuple[int, ...]:
        """The looks that are taken: those with images enough to decide, and the last."""
        last = len(LOOKS) - 1
        return tuple(at for at in range(len(LOOKS)) if at == last or self._images(None, at) >= FEWEST_IMAGES)

    @cached_property
    def most(self) -> Cost:
        """The worst case: every claim goes to the last look."""
        return self.cost(self._requests(self.claims, self.looks[-1]))

    @cached_property
    def expected(self) -> tuple[Cost, str]:
        """What it takes if claims stop early, and how that was derived."""
        if not self._on_file:
            early = self.looks[min(1, len(self.looks) - 1)]
            cost = self._until({claim.test: early for claim in self.claims})
            return (cost + self.most).times(0.5), (
                f"no verdict is on file: half of what is left after look {early + 1} is assumed to be spared"
            )
        stops = {claim.test: self._stop(claim) for claim in self.claims}
        return self._until(stops), (
            f"claims stop where those runs did whose verdicts are on file ({len(self._known)} of "
            f"{len(self.claims)}); the others go to the last look"
        )

    def by_claim(self) -> list[ClaimCost]:
        """What each claim costs, in the catalogue's order."""
        groups: dict[str, list[Claim]] = defaultdict(list)
        for claim in self.claims:
            groups[claim.id].append(claim)
        last = self.looks[-1]
        asked = {name: self._requests(group, last) for name, group in groups.items()}
        adds = self._exclusive(self._requests(self.claims, last), asked)
        return [ClaimCost(name, self.cost(asked[name], SAMPLED_BY_CLAIM), adds[name]) for name in groups]

    def cost(self, requests: Sequence[Request], sampled: int = 0) -> Cost:
        """What some requests cost, counted on a few samples of each task."""
        total = Cost()
        for (task, measurements), samples in _alike(requests).items():
            chosen = self._chosen(task, samples, sampled or self._sampled)
            found = [self._counted(sample, measurements) for sample in chosen]
            mean = sum((self._of_sample(one) for one in found if one is not None), Cost())
            total += mean.times(len(samples) / len(chosen))
        return total + self._pictures(requests)

    def typical(self) -> tuple[SampleCount | None, int]:
        """A sample of the longest prompts, and most questions on an image."""
        requests = self._requests(self.claims, self.looks[-1])
        counts = [
            self._counted(sample, ())
            for (task, _), samples in _alike(requests).items()
            for sample in self._chosen(task, samples, self._sampled)
        ]
        longest = max((one for one in counts if one), key=lambda one: one.stem + one.tail, default=None)
        return longest, max(Counter(one.sample.image_id for one in requests).values(), default=1)

    def _is_inapplicable(self, claim: Claim) -> bool:
        """Whether a sample has nothing of what a claim cannot be asked without: tiles, say."""
        return any(
            not self._has(quantity.task, quantity.measurement)
            for quantity in self._planned.declared(claim).needed
            if not isinstance(quantity.measurement, Unblocked)
        )

    def _has(self, task: str, measurement: Measurement) -> bool:
        samples = self._planned.dataset.by_task.get(task, ())[: self._sampled]
        counts = [one for sample in samples if (one := self._counted(sample, (measurement,)))]
        return not counts or any(one.passes for one in counts)

    # ------------------------------------------------------------------------------- looks

    def _requests(self, claims: Sequence[Claim], look: int) -> list[Request]:
        return [one for wanted in self._planned.requests(claims, LOOKS[look]).values() for one in wanted]

    def _until(self, stops: Mapping[str, int]) -> Cost:
        """What it takes if each claim is measured up to a look, and no further."""
        total, seen = Cost(), set[tuple[str, str]]()
        for look in self.looks:
            still = [claim for claim in self.claims if stops[claim.test] >= look]
            new = [one for one in self._requests(still, look) if (one.sample.task, one.sample.id) not in seen]
            seen |= {(one.sample.task, one.sample.id) for one in new}
            total += self.cost(new)
        return total

    @property
    def _on_file(self) -> bool:
        """Whether anything is on file of these claims."""
        known = self._expectations
        return known is not None and any(claim.key in known.verdicts for claim in self.claims)

    @cached_property
    def _known(self) -> dict[str, int]:
        """By claim and task, on how many images it was measured for its verdict on file.

        What was undecided went to the last look, unless that run gave claims up.
        """
        known = self._expectations
        if known is None:
            return {}
        ended = {Verdict.SUPPORTED, Verdict.REFUTED}
        if known.protocol.get("futility", OFF) != OFF:
            ended.add(Verdict.INCONCLUSIVE)
        found = {
            key: int(hits[-1])
            for key, verdict in known.verdicts.items()
            if verdict in ended and (hits := _IMAGES.findall(known.reasons.get(key, "")))
        }
        return {claim.key: found[claim.key] for claim in self.claims if claim.key in found}

    def _stop(self, claim: Claim) -> int:
        needed = self._known.get(claim.key)
        enough = [at for at in self.looks if needed is not None and self._images(claim.task, at) >= needed]
        return min(enough, default=self.looks[-1])

    def _images(self, task: str | None, look: int) -> int:
        dataset = self._planned.dataset
        tasks = dataset.tasks if task is None else (task,)
        return len({one.image_id for name in tasks for one in dataset.first(name, LOOKS[look])})

    # ------------------------------------------------------------------------------- samples

    def _chosen(self, task: str, samples: Sequence[Sample], most: int) -> Sequence[Sample]:
        """Samples that stand for others of their task: all, if they are few, else the task's first."""
        return samples if len(samples) <= most else self._planned.dataset.by_task[task][:most]

    def _made(self, sample: Sample) -> SampleCounter | None:
        with suppress(RegionError, DataError):
            planned = self._planned
            return SampleCounter(
                self._checkpoint,
                planned.info.layers,
                planned.dataset,
                sample,
                by_reference=planned.settings.reference,
            )
        return None

    def _count(self, sample: Sample, measurements: tuple[Measurement, ...]) -> SampleCount | None:
        """What a sample needs; None if it cannot be put to the checkpoint, and so is left out."""
        counter = self._counter(sample)
        return None if counter is None else counter.count(measurements)

    def _of_sample(self, count: SampleCount) -> Cost:
        return self.sizes.passes(count.passes.values()) + self.sizes.unblocked(count)

    def _pictures(self, requests: Sequence[Request]) -> Cost:
        """What the pictures of some samples cost."""
        first = {one.sample.image_id: one.sample for one in reversed(requests)}
        by_task: dict[str, list[Sample]] = defaultdict(list)
        for sample in first.values():
            by_task[sample.task].append(sample)
        total = Cost()
        for task, samples in by_task.items():
            chosen = self._chosen(task, samples, self._sampled)
            counts = [(self._counted(sample, ()), sample.image_size) for sample in chosen]
            mean = sum((self.sizes.picture(one, size) for one, size in counts if one is not None), Cost())
            total += mean.times(len(samples) / len(chosen))
        return total

    def _exclusive(
        self, everything: Sequence[Request], asked: Mapping[str, Sequence[Request]]
    ) -> dict[str, Cost]:
        """By claim, the passes that it alone asks for, as the whole run carries them."""
        by_sample = {
            name: {(one.sample.task, one.sample.id): one.measurements for one in requests}
            for name, requests in asked.items()
        }
        found = dict.fromkeys(asked, Cost())
        for (task, measurements), samples in _alike(everything).items():
            like = task, samples[0].id
            chosen = self._chosen(task, samples, SAMPLED_BY_CLAIM)
            for sample in chosen:
                together = self._counted(sample, measurements)
                wants = {
                    name: self._counted(sample, of[like]) for name, of in by_sample.items() if like in of
                }
                if together is None:
                    continue
                points = {name: set(one.passes) for name, one in wants.items() if one is not None}
                owners = Counter(point for some in points.values() for point in some)
                for name, some in points.items():
                    own = _carried(together, (point for point in some if owners[point] == 1))
                    found[name] += self.sizes.passes(own).times(len(samples) / len(chosen))
        return found


def _carried(count: SampleCount, points: Iterable[tuple[str, int]]) -> list[Carried]:
    return [count.passes[point] for point in points if point in count.passes]


def _alike(
    requests: Iterable[Request],
) -> dict[tuple[str, tuple[Measurement, ...]], list[Sample]]:
    """Samples of one task that are asked the same."""
    found: dict[tuple[str, tuple[Measurement, ...]], list[Sample]] = defaultdict(list)
    for one in requests:
        found[one.sample.task, one.measurements].append(one.sample)
    return found
