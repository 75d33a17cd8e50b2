"""What the answers of a task alone give away: the accuracy of a guess that never sees an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.data.dataset import order_key
from harness.data.sample import Sample


def prior_accuracy(samples: Sequence[Sample]) -> float | None:
    """Share of right guesses by how often each answer is right on other images.

    Between two options the guess is the one that is right in the larger share of the questions that name
    it, else it is the commonest answer; ties count by their chance. What is guessed on one half of the images
    is learnt on the other: a rule tried on what it was learnt from looks better than it is.

    Args:
        samples: the samples of one task.

    Returns:
        The share, or None if one half has no samples.
    """
    halves: tuple[list[Sample], list[Sample]] = ([], [])
    for sample in samples:
        halves[_half(sample)].append(sample)
    if not all(halves):
        return None
    learnt = [_Learnt(half) for half in halves]
    return sum(learnt[1 - _half(sample)].right(sample) for sample in samples) / len(samples)


def _half(sample: Sample) -> int:
    return int(order_key(sample.image_id)[-1], 16) % 2


class _Learnt:
    """What is known after seeing some questions with their answers."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._answers = Counter(sample.answer for sample in samples)
        self._named = Counter(option for sample in samples for option in _options(sample))

    def right(self, sample: Sample) -> float:
        """Chance that the guess on a sample is right."""
        options = _options(sample) or tuple(self._answers)
        scores = {option: self._score(option) for option in options}
        best = [option for option, score in scores.items() if score == max(scores.values())]
        return float(sample.answer in best) / len(best)

    def _score(self, answer: str) -> float:
        """How often an answer is right, of the times it is offered; one half where it never was."""
        if not self._named:
            return float(self._answers[answer])
        return self._answers[answer] / self._named[answer] if self._named[answer] else 0.5


def _options(sample: Sample) -> tuple[str, ...]:
    return tuple(option for option in (sample.true_option, sample.false_option) if option is not None)
