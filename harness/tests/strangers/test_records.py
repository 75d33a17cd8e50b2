"""Records, baselines and expectations: what is accepted reads as it was written."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from harness.data.errors import HarnessError
from harness.data.flow import Flow
from harness.interventions.measurements import Quantity, Sweep
from harness.statistics.curves import EFFECT, Curves
from harness.statistics.verdict import Verdict
from harness.tests.strangers.guard import SEEN, through, trying
from harness.tests.strangers.mutations import mutated, mutated_json
from harness.tests.verdicts.test_record import RECORD
from harness.verdicts.content_hash import FIELD, stamped
from harness.verdicts.expectations import Expectations, read_expectations, write_expectations
from harness.verdicts.record import read_record
from harness.verdicts.regression.baseline import About, Baseline, read_baseline, to_bytes

DATA: dict[str, Any] = json.loads(RECORD.to_json())


def baseline() -> bytes:
    random = np.random.default_rng(0)
    flows = ("image->question", "question->last")
    curves = {
        Quantity("ChooseAttr", Sweep(Flow.parse(flow), 3), "p_c"): Curves(
            ("a", "b", "c"), random.normal(size=(3, 12)).round(2), 5, EFFECT
        )
        for flow in flows
    }
    about = About("tiny", "0" * 64, 12, 3, "scenes", "1" * 64, {"window": "rule"}, "2026-11-01")
    return to_bytes(Baseline(about, curves))


BASELINE = baseline()
EXPECTED = Expectations(
    *(Path("x.toml"), "0" * 64, "1" * 64, {"alpha": "0.05"}),
    *({"A1": Verdict.SUPPORTED, "B1/ChooseAttr": Verdict.REFUTED}, {"A1": "p_c: -60"}, "2026-11-01"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


def written(folder: Path, name: str, content: bytes) -> Path:
    SEEN["files"] += 1
    (folder / name).write_bytes(content)
    return folder / name


@trying(10_000)
@given(content=mutated_json(DATA))
def test_a_mutated_record_is_refused_or_says_the_same(folder: Path, content: bytes) -> None:
    path = written(folder, "report.json", content)
    read = through(lambda: read_record(path), path.name, folder)
    assert read is None or read.to_json() == RECORD.to_json()


@trying(2_000)
@given(content=mutated_json(DATA))
def test_a_crafted_record_breaks_nothing(folder: Path, content: bytes) -> None:
    """Its hash fits."""
    try:
        content = json.dumps(stamped(json.loads(content))).encode()
    except (ValueError, TypeError, AttributeError, RecursionError):
        return
    path = written(folder, "report.json", content)
    read = through(lambda: read_record(path), path.name, folder)
    if read is not None:
        read.to_json()


def curves_of(read: Baseline) -> dict[str, Any]:
    return {
        str(quantity): (curves.images, curves.values.tolist(), curves.samples)
        for quantity, curves in read.curves.items()
    }


@trying(2_000)
@given(content=mutated([BASELINE]))
def test_a_mutated_baseline_is_refused_or_says_the_same(folder: Path, content: bytes) -> None:
    true = read_baseline(written(folder, "true.parquet", BASELINE))
    path = written(folder, "x.parquet", content)
    SEEN["files"] -= 1
    read = through(lambda: read_baseline(path), path.name, folder)
    assert read is None or (read.about, curves_of(read)) == (true.about, curves_of(true))


def expectations() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write_expectations(Path(folder) / "x.toml", EXPECTED)
        return (Path(folder) / "x.toml").read_bytes()


@trying(2_000)
@given(content=mutated([expectations()]))
def test_mutated_expectations_are_refused_or_say_the_same(folder: Path, content: bytes) -> None:
    path = written(folder, "x.toml", content)
    read = through(lambda: read_expectations(path), path.name, folder)
    if read is not None and FIELD.encode() in content:  # else as files from before the hash was kept
        assert replace(read, path=EXPECTED.path, reasons=EXPECTED.reasons) == EXPECTED


def test_other_verdicts_than_were_accepted_are_refused_and_other_reasons_are_not(folder: Path) -> None:
    changed = expectations().replace(b"B1/ChooseAttr", b"B2/ChooseAttr")
    assert changed != expectations()
    with pytest.raises(HarnessError, match="damaged or changed by hand"):
        read_expectations(written(folder, "x.toml", changed))
    reworded = expectations().replace(b'reason = "', b'reason = "in other words: ')
    assert read_expectations(written(folder, "x.toml", reworded)) is not None
    with pytest.raises(HarnessError, match="has no field 'content_sha257'"):
        read_expectations(
            written(folder, "x.toml", expectations().replace(b"content_sha256", b"content_sha257"))
        )


def test_a_claim_that_stands_twice_in_expectations_is_refused(folder: Path) -> None:
    kept = expectations().partition(b"\n")[2]  # the hash is the first line
    path = written(folder, "x.toml", kept.replace(b"B1/ChooseAttr", b"A1"))
    with pytest.raises(HarnessError, match="a claim stands there twice"):
        read_expectations(path)
