"""In which dtype a checkpoint is run: on a GPU its own bfloat16, else float16; on a CPU float32."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkpoint.info import CheckpointInfo
from harness.data.sample import TASKS
from harness.testing.fake import HERE, LAYERS, Fake, fake_dataset
from harness.validation.store.rows import settings
from harness.verdicts.examination import Examination
from harness.verdicts.settings import default_dtype


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:1", "auto"])
@pytest.mark.parametrize(
    ("stated", "on_gpu"), [("bfloat16", "bfloat16"), ("float32", "float16"), (None, "float16")]
)
def test_store_and_record_name_the_dtype_that_the_checkpoint_is_run_in(
    tmp_path: Path, device: str, stated: str | None, on_gpu: str
) -> None:
    expected = "float32" if device == "cpu" else on_gpu
    run = replace(settings(tmp_path), device=device, dtype=default_dtype(device))
    info = CheckpointInfo("fake", str(HERE), LAYERS, dtype=stated)
    examination = Examination(info, fake_dataset(2, TASKS), run, Fake)
    assert examination.evidence.key["dtype"] == expected
    assert examination.record().dtype == expected
    assert examination.settings.protocol["dtype"] == expected
    asked = Examination(info, fake_dataset(2, TASKS), replace(run, dtype="float64"), Fake)
    assert (asked.evidence.key["dtype"], asked.record().dtype) == ("float64", "float64")


def test_another_dtype_than_the_device_s_is_a_change(tmp_path: Path) -> None:
    plain = settings(tmp_path)
    assert plain.default_protocol and not replace(plain, dtype="bfloat16").default_protocol
    on_gpu = replace(plain, device="cuda", dtype=default_dtype("cuda"))
    assert on_gpu.default_protocol and not replace(on_gpu, dtype="float16").default_protocol
