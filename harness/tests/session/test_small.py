"""Small parts: expectations."""

from pathlib import Path

import pytest

from harness.data.errors import HarnessError
from harness.statistics.verdict import Verdict
from harness.verdicts.expectations import Expectations, differences, read_expectations, write_expectations


def expectations(path: Path) -> Expectations:
    verdicts = {"A1": Verdict.SUPPORTED, "B1/ChooseAttr": Verdict.REFUTED}
    return Expectations(path, "c", "d", {"alpha": "0.05"}, verdicts, {"A1": 'because "so"'}, "2026-11-22")


def test_expectations_read_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "embedded.toml"
    write_expectations(path, expectations(path))
    read = read_expectations(path)
    assert read is not None
    assert read.verdicts == expectations(path).verdicts
    assert read.reasons == {"A1": 'because "so"', "B1/ChooseAttr": ""}
    assert read.valid_for("c", "d", {"alpha": "0.05"})
    assert not read.valid_for("other", "d", {"alpha": "0.05"})
    assert not read.valid_for("c", "other", {"alpha": "0.05"})
    assert not read.valid_for("c", "d", {"alpha": "0.01"})
    assert read_expectations(tmp_path / "none.toml") is None


@pytest.mark.parametrize(
    ("here", "reason"),
    [
        (("c", "d", {"alpha": "0.05"}), ""),
        (("other", "d", {"alpha": "0.01"}), "accepted on other files of the checkpoint (c, here other)"),
        (("c", "other", {"alpha": "0.05"}), "accepted on another data set (d, here other)"),
        (("c", "d", {"alpha": "0.01"}), "accepted with alpha 0.05, this run has alpha 0.01"),
        (("c", "d", {"alpha": "0.05", "prompt": "p"}), "accepted with prompt default, this run has prompt p"),
    ],
)
def test_stale_expectations_are_one_clear_line(here: tuple[str, str, dict[str, str]], reason: str) -> None:
    assert expectations(Path()).stale(*here) == reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version = 2\n", "expectations of version 2, this suite reads 1"),
        ("version = 1\n", "write it with --accept"),
        ("not toml", "not a file of expectations"),
        ('version = 1\nverdict = [{claim = "A1", verdict = "MAYBE"}]\n', "not a file of expectations"),
    ],
)
def test_expectations_that_cannot_be_read_are_one_clear_error(
    text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "embedded.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HarnessError, match=message):
        read_expectations(path)


def test_differences_name_what_changes() -> None:
    old = {"A1": Verdict.SUPPORTED, "A2": Verdict.REFUTED}
    new = {"A1": Verdict.SUPPORTED, "A2": Verdict.SUPPORTED, "A3": Verdict.INCONCLUSIVE}
    assert differences(old, new) == ["A2: REFUTED → SUPPORTED", "A3: — → INCONCLUSIVE"]
