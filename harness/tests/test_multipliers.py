"""Random numbers that are kept: the same whatever was asked for before, and never too many."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from harness.statistics import FEWEST_IMAGES, Curves, Leaf, Panel, decide, judge, some
from harness.statistics.multipliers import Kept, Multipliers, Shape, draw

SHAPES = tuple(Shape(seed, 50, images, (3, 4)) for seed in (1, 2) for images in (10, 20))


class Counting:
    """A source that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Shape] = []

    def __call__(self, shape: Shape) -> Multipliers:
        self.asked.append(shape)
        return draw(shape)


def equal(first: Multipliers, second: Multipliers) -> bool:
    pairs = zip(
        (first.images, *first.pseudo, *first.swapped),
        (second.images, *second.pseudo, *second.swapped),
        strict=True,
    )
    return all(np.array_equal(one, two) for one, two in pairs)


def test_order_and_repetition_of_calls_change_no_number() -> None:
    there, back = Kept(), Kept(limit=0)
    forth = {shape: there(shape) for shape in SHAPES}
    for shape in (*reversed(SHAPES), *SHAPES):
        assert equal(back(shape), forth[shape])
        assert there(shape) is forth[shape]
    assert len({drawn.images.tobytes() for drawn in forth.values()}) == len(SHAPES)


def test_numbers_are_those_of_one_generator_in_a_fixed_order() -> None:
    """Verdicts on file rest on these very numbers: images first, then stretches and pseudo-images."""
    drawn = draw(Shape(7, 40, 9, (3, 5)))
    random = np.random.default_rng(7)
    assert np.array_equal(drawn.images, 1 - random.standard_exponential((40, 9), dtype=np.float32))
    for points, pseudo, swapped in zip((3, 5), drawn.pseudo, drawn.swapped, strict=True):
        start, end = random.integers(0, points + 1, (2, 40, 1))
        inside = (np.arange(points) >= start) != (np.arange(points) >= end)
        assert np.array_equal(swapped, inside.T)
        assert np.array_equal(pseudo, (1 - random.standard_exponential((40, 2), dtype=np.float32)).T)


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    size = draw(SHAPES[1]).nbytes
    kept = Kept(limit=3 * size)
    source = Counting()
    counting = Kept(3 * size, source)
    for shape in (Shape(seed, 50, 20, (3, 4)) for seed in range(10)):
        kept(shape)
        assert kept.nbytes <= 3 * size
    for seed in (0, 1, 2, 0, 3, 0, 1):
        counting(Shape(seed, 50, 20, (3, 4)))
    assert [shape.seed for shape in source.asked] == [0, 1, 2, 3, 1]
    tiny = Kept(limit=size - 1)
    assert equal(tiny(SHAPES[1]), kept(SHAPES[1]))
    assert tiny.nbytes == 0


def test_threads_share_them() -> None:
    kept = Kept(limit=2 * draw(SHAPES[1]).nbytes)
    found: list[tuple[Shape, Multipliers]] = []

    def ask() -> None:
        found.extend((shape, kept(shape)) for _ in range(20) for shape in SHAPES)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 * 20 * len(SHAPES)
    assert all(equal(drawn, draw(shape)) for shape, drawn in found)


def test_a_panel_draws_when_it_is_first_asked() -> None:
    source = Counting()
    data = {"a": Curves(("x", "y", "z"), np.arange(6.0).reshape(3, 2), 3, None)}
    panel = Panel(data, ("a",), 5, 100, source=source)
    assert panel.mean("a") == pytest.approx([2.0, 3.0])
    assert source.asked == []
    panel.atoms(Leaf("a", ("a",), lambda a: a, 0.0, ">", ("0", "1")))
    panel.replicates("a")
    assert source.asked == [Shape(5, 100, 3, (2,))]


def test_looks_known_to_decide_nothing_are_not_drawn_again() -> None:
    """And what comes of the last look is the same, its share of alpha included."""
    tree = some(Leaf("a", ("a",), lambda a: a, 0.0, ">"))
    sizes = (FEWEST_IMAGES - 1, FEWEST_IMAGES, 2 * FEWEST_IMAGES)
    values = np.random.default_rng(0).normal(0.1, 1.0, (max(sizes), 1))
    looks = [
        {"a": Curves(tuple(f"{image:03}" for image in range(size)), values[:size], size, None)}
        for size in sizes
    ]
    whole = judge("x", tree, looks, draws=200)
    assert judge("x", tree, looks, draws=200, open_after=2) == whole
    source = Counting()
    panels = (Panel(data, ("a",), 1, 200, source) for data in looks)
    decision = decide(tree, panels, open_after=2)
    assert [shape.images for shape in source.asked] == [sizes[2]]
    assert decision.look == 2
    assert decision.level == pytest.approx(0.035)
    with pytest.raises(ValueError, match="known to decide nothing"):
        judge("x", tree, looks, draws=200, open_after=3)
