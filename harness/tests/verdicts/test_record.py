"""The record of a run, read back by this suite and by a later one."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from harness.data.errors import HarnessError
from harness.statistics.verdict import Judgement, Verdict
from harness.verdicts.content_hash import stamped
from harness.verdicts.record import (
    RECORD_VERSION,
    ClaimRecord,
    Curve,
    MeasurementRecord,
    RunRecord,
    read_record,
)

JUDGED = Judgement(Verdict.SUPPORTED, 0.01, 0.9, 0.05, 0, 60, 120)
CURVE = Curve(
    measurement=MeasurementRecord("sweep", "image", "question", draw=0),
    task="ChooseAttr",
    reading="p_c",
    unit="per cent",
    role="control",
    window=3,
    points=(0, 1),
    depth=(0.25, 0.75),
    mean=(-3.0, math.nan),
    lower=(-4.0, math.nan),
    upper=(-2.0, math.nan),
    n_images=60,
)
CLAIM = ClaimRecord("A1", "ABS", "It does.", "x > 0", "test", "pytest", "tiny", None, JUDGED, curves=(CURVE,))
RECORD = RunRecord("1", "today", "pytest", "scenes", "0" * 64, {}, {}, (), (CLAIM,))


def stored(path: Path, **more: Any) -> Path:
    path.write_text(json.dumps(stamped({**json.loads(RECORD.to_json()), **more})), encoding="utf-8")
    return path


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    read = read_record(stored(tmp_path / "a.json"))
    assert read.to_json() == RECORD.to_json()
    assert read.claims[0].curves[0].measurement == CURVE.measurement
    assert read.claims[0].curves[0].measurement.flow == "image->question"
    assert math.isnan(read.claims[0].curves[0].mean[1])


def test_curves_that_are_listed_once_are_shared_by_their_claims(tmp_path: Path) -> None:
    data = json.loads(RECORD.to_json())
    curves = data["claims"][0]["curves"]
    claims = [{**data["claims"][0], "curves": places} for places in ([0], [0, 0], [])]
    first, second, third = read_record(stored(tmp_path / "a.json", curves=curves, claims=claims)).claims
    assert first.curves[0] is second.curves[0] is second.curves[1]
    assert first.curves[0].measurement == CURVE.measurement and not third.curves


@pytest.mark.parametrize("places", [[1], [-1], [0, "0"], [True], [0.0], 0, [[0]], [10**30]])
def test_a_curve_that_is_not_listed_is_one_line(tmp_path: Path, places: Any) -> None:
    data = json.loads(RECORD.to_json())
    curves = data["claims"][0]["curves"]
    path = stored(tmp_path / "a.json", curves=curves, claims=[{**data["claims"][0], "curves": places}])
    with pytest.raises(HarnessError, match=r"a\.json: not the record of a run") as raised:
        read_record(path)
    assert "\n" not in str(raised.value)


def test_fields_of_a_later_suite_pass_wherever_they_stand(tmp_path: Path) -> None:
    data = json.loads(RECORD.to_json())
    data["claims"][0]["judgement"]["later"] = {"a": 1}
    data["claims"][0]["curves"][0]["measurement"]["later"] = "x"
    read = read_record(stored(tmp_path / "a.json", later=[1], claims=data["claims"]))
    assert read.to_json() == RECORD.to_json()


@pytest.mark.parametrize("version", [RECORD_VERSION + 1, RECORD_VERSION - 1, "2", None])
def test_another_version_is_refused_in_one_line(version: object, tmp_path: Path) -> None:
    path = stored(tmp_path / "a.json", version=version)
    with pytest.raises(
        HarnessError, match=f"version {version}, this suite reads {RECORD_VERSION}"
    ) as refused:
        read_record(path)
    assert len(str(refused.value).splitlines()) == 1


def test_a_field_that_is_missing_is_named_in_one_line(tmp_path: Path) -> None:
    path = stored(tmp_path / "a.json", claims=[{"id": "A1"}])
    with pytest.raises(HarnessError, match="required field missing") as refused:
        read_record(path)
    assert len(str(refused.value).splitlines()) == 1
