"""Random numbers: an image's and a quantity's own, the same whatever was asked for before."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from scipy import stats

from harness.statistics.curves import Curves, Singles
from harness.statistics.inference import FEWEST_IMAGES, Panel
from harness.statistics.judge import judge
from harness.statistics.looks import EarlierLooks, LookPlan, decide
from harness.statistics.multipliers import BLOCK_IMAGES, Drawn, Pseudo, Source
from harness.statistics.trees import Leaf, some


class Counting(Source):
    """A source that remembers of how many images it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def images(self, ids: Sequence[str], seed: int, draws: int) -> Iterator[tuple[slice, Singles]]:
        self.asked.append(len(ids))
        return Drawn().images(ids, seed, draws)

    def pseudo(self, quantity: str, points: int, seed: int, draws: int) -> Pseudo:
        return Drawn().pseudo(quantity, points, seed, draws)


def rows(ids: Sequence[str], seed: int = 0, draws: int = 50) -> dict[str, Singles]:
    """Each image's multipliers."""
    found: dict[str, Singles] = {}
    for run, block in Drawn().images(ids, seed, draws):
        found.update(zip(ids[run], block, strict=True))
    return found


def test_an_image_has_its_own_whatever_stands_beside_it() -> None:
    many = [f"image-{number}" for number in range(2 * BLOCK_IMAGES + 7)]
    together = rows(many)
    assert list(together) == many
    for some_of_them in (many[:1], many[5:9][::-1], many[-3:]):
        for image, alone in rows(some_of_them).items():
            assert np.array_equal(alone, together[image])
    assert len({row.tobytes() for row in together.values()}) == len(many)
    assert not np.array_equal(rows(["a"], seed=1)["a"], rows(["a"])["a"])


def test_blocks_are_no_larger_than_they_may_be() -> None:
    many = tuple(map(str, range(BLOCK_IMAGES + 1)))
    assert [len(block) for _, block in Drawn().images(many, 0, 5)] == [BLOCK_IMAGES, 1]


def test_pseudo_images_have_a_third_of_the_skewness_of_images() -> None:
    (image,) = rows(["a"], draws=200_000).values()
    moments = image.mean(), image.var(), stats.moment(image, 3)
    assert moments == pytest.approx((0.0, 1.0, -2.0), abs=0.1)
    for one in Drawn().pseudo("a", 3, 0, 200_000).pair:
        assert (one.mean(), one.var(), stats.moment(one, 3)) == pytest.approx((0.0, 1.0, -2 / 3), abs=0.1)


def test_pseudo_images_change_places_over_a_stretch() -> None:
    pseudo = Drawn().pseudo("a", 6, 0, 2_000)
    changes = np.diff(np.pad(pseudo.patched.astype(int), ((1, 1), (0, 0))), axis=0)
    assert set(np.abs(changes).sum(axis=0)) == {0, 2}
    assert pseudo.patched.any(axis=1).all()
    other = Drawn().pseudo("b", 6, 0, 2_000)
    assert not np.array_equal(other.pair, pseudo.pair)
    assert not np.array_equal(other.patched, pseudo.patched)


def test_threads_find_the_same() -> None:
    ids = [f"thread-{number}" for number in range(40)]
    found: list[dict[str, Singles]] = []
    threads = [threading.Thread(target=lambda at=at: found.append(rows(ids[at:]))) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = rows(ids)
    assert len(found) == len(threads)
    assert all(np.array_equal(row, whole[image]) for one in found for image, row in one.items())


def test_a_panel_draws_when_it_is_first_asked() -> None:
    source = Counting()
    data = {"a": Curves(("x", "y", "z"), np.arange(6.0).reshape(3, 2), 3, None)}
    panel = Panel(data, ("a",), 100, source=source)
    assert panel.mean("a") == pytest.approx([2.0, 3.0])
    assert source.asked == []
    panel.atoms(Leaf("a", ("a",), lambda a: a, 0.0, ">", ("0", "1")))
    panel.replicates("a")
    assert source.asked == [3]


def test_more_images_than_a_block_holds_are_added_up() -> None:
    """The noise of many images, block by block, is that of one product."""
    names = tuple(f"{image:05}" for image in range(BLOCK_IMAGES + 100))
    values = np.random.default_rng(0).normal(0, 10, (len(names), 2))
    data = {"a": Curves(names, values, len(names), (0.0, 0.0))}
    noise = Panel(data, ("a",), 50).replicates("a")
    multipliers = np.stack(list(rows(names).values()))
    mean, units = values.mean(axis=0), len(names) + 2
    ends = [np.minimum(values.min(axis=0), 0) - mean, np.maximum(values.max(axis=0), 0) - mean]
    pseudo = Drawn().pseudo("a", 2, 0, 50)
    pair = np.where(pseudo.patched[:, None], pseudo.pair[::-1], pseudo.pair)  # [points, 2, draws]
    expected = multipliers.T @ (values - mean) + np.einsum("pkd,kp->dp", pair, np.stack(ends))
    expected *= np.sqrt((len(names) - 1) / (len(names) - 3) / (units * (units - 1)))
    assert noise == pytest.approx(mean + expected, abs=1e-4)


def test_looks_known_to_decide_nothing_are_not_drawn_again() -> None:
    """And what comes of the last look is the same, its share of alpha included."""
    tree = some(Leaf("a", ("a",), lambda a: a, 0.0, ">"))
    sizes = (FEWEST_IMAGES - 1, FEWEST_IMAGES, 2 * FEWEST_IMAGES)
    values = np.random.default_rng(0).normal(0.1, 1.0, (max(sizes), 1))
    looks = [
        {"a": Curves(tuple(f"{image:03}" for image in range(size)), values[:size], size, None)}
        for size in sizes
    ]
    plan = LookPlan(draws=200)
    whole = judge(tree, looks, plan)
    assert judge(tree, looks, plan, EarlierLooks(undecided=2)) == whole
    source = Counting()
    panels = (Panel(data, ("a",), 200, source=source) for data in looks)
    decision = decide(tree, panels, plan, EarlierLooks(undecided=2))
    assert source.asked == [sizes[2]]
    assert decision.look == 2
    assert decision.level == pytest.approx(0.010)
    with pytest.raises(ValueError, match="known to decide nothing"):
        judge(tree, looks, plan, EarlierLooks(undecided=3))
