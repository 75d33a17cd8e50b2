"""What the benchmarks compute from what they measure."""

import dataclasses
import gc
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import linear
from torch.overrides import TorchFunctionMode

from harness.interventions.knockout import block, visible
from harness.validation.peers.case import Blocked, Case
from harness.validation.peers.library import LIBRARIES, Library
from harness.validation.speed.geometry import GEOMETRIES, Geometry
from harness.validation.speed.growth import exponent
from harness.validation.speed.large import Float32Products
from harness.validation.speed.measure import measure
from harness.validation.speed.memory import MIB, reset_most, resident
from harness.validation.speed.substitutions import Windows


@pytest.fixture(scope="module")
def small() -> Geometry:
    return dataclasses.replace(GEOMETRIES["embedded"], layers=2, vision_layers=1)


def test_the_ways_that_are_timed_agree(small: Geometry) -> None:
    rows = measure(small, 1, 1, lambda _: None)
    assert [row.knockouts for row in rows] == [12, 2, 6]
    assert rows[0].difference < 1e-5
    assert all(row.released[0] > 0 and row.tidy[0] > 0 for row in rows)


def test_other_contents_are_read_where_they_are_timed(small: Geometry) -> None:
    windows = Windows(small)
    found = [windows.blocked(), windows.mean(), windows.other()]
    assert {tuple(logits.shape) for logits in found} == {(windows.number, small.vocabulary)}
    assert not any(torch.allclose(found[one], found[other]) for one, other in ((0, 1), (0, 2), (1, 2)))


def test_an_exponent_is_the_power_of_a_power_law() -> None:
    assert exponent([(size, 7 * size**1.5) for size in (2, 4, 8)]) == pytest.approx(1.5)


def test_an_exponent_needs_every_cost() -> None:
    assert exponent([(2, 1.0), (4, None)]) is None


def test_the_most_memory_is_seen_and_forgotten() -> None:
    gc.collect()  # what other tests left behind must not be freed meanwhile
    reset_most()
    before = resident("VmRSS")
    room = bytearray(64 * MIB)
    room[:: 4096 // 2] = b"1" * len(room[:: 4096 // 2])
    del room
    assert resident("VmHWM") - before > 48 * MIB
    reset_most()
    assert resident("VmHWM") - before < 48 * MIB


class Watching(TorchFunctionMode):
    """Notes in which dtype linear layers multiply."""

    def __init__(self) -> None:
        super().__init__()
        self.dtypes: list[torch.dtype] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is linear:
            self.dtypes.append(args[0].dtype)
        return function(*args, **(kwargs or {}))


def test_products_in_float32_are_rounded_once() -> None:
    rows, weight = torch.randn(3, 64).bfloat16(), torch.randn(5, 64).bfloat16()
    with Watching() as seen, Float32Products():
        found = linear(rows, weight)
    assert seen.dtypes == [torch.float32]
    assert found.dtype is torch.bfloat16
    assert torch.equal(found, (rows.float() @ weight.float().T).bfloat16())


def test_products_of_other_dtypes_are_left_alone() -> None:
    rows, weight = torch.randn(3, 64), torch.randn(5, 64)
    with Float32Products():
        assert torch.equal(linear(rows, weight), linear(rows, weight, bias=None))
        assert linear(rows, weight).dtype is torch.float32


def test_a_case_comes_back_as_it_was_written(tmp_path: Path) -> None:
    inputs = {"input_ids": torch.arange(5)[None], "pixel_values": torch.randn(1, 3, 4, 4)}
    case = Case(str(tmp_path / "model"), inputs, [Blocked([1, 2], [4], [0])])
    case.write(tmp_path)
    back = Case.read(tmp_path)
    assert (back.model, back.knockouts) == (case.model, case.knockouts)
    assert all(torch.equal(back.inputs[name], tensor) for name, tensor in inputs.items())


def test_the_libraries_mask_is_the_harness_mask() -> None:
    case = Case("", {"input_ids": torch.arange(6)[None]}, [])
    mask = case.mask(Blocked([1, 2], [3, 5], [0]))
    assert torch.equal(mask[0, 0] == 0, visible(block([1, 2], [3, 5], [0]), 0, 6))
    assert math.isfinite(float(mask.min()))


def test_lines_of_code_leave_out_comments_blank_lines_and_docstrings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "with_some.py").write_text(
        'import os\n\ndef prepare(case):\n    """Load\n    it."""\n'
        "    a = [\n        1,\n    ]\n\n    # why\n    return a\n"
    )
    monkeypatch.setattr("harness.validation.peers.library.HERE", tmp_path)
    assert Library("some", (), "").lines() == 4


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda one: one.name)
def test_every_library_has_a_script(library: Library) -> None:
    assert library.script.exists()
    assert library.lines() > 5
