"""Which prompt format a checkpoint is asked in: named in the header, in the record, and checked at once."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures import embedded
from harness.checkpoint.info import CheckpointInfo, directory_info
from harness.checkpoint.prompt import format_name
from harness.data.errors import CheckpointError
from harness.session.recording import RecordCollector
from harness.session.run import Run, header
from harness.statistics.verdict import Verdict
from harness.testing.warm import python
from harness.tests.session.test_recording import collector, handed_over, session
from harness.validation.store.rows import examination, settings
from harness.verdicts.record import RunRecord

ROOT = Path(__file__).parents[3]
PROMPT = (("system", "Look. "), ("image", "36 visual tokens"), ("question", "Why?"))


def run_of(tmp_path: Path, info: CheckpointInfo) -> Run:
    config: Any = None
    run = Run(config, settings(tmp_path))
    run.__dict__["info"] = {info.name: info}
    return run


def test_a_format_has_its_name_without_a_processor(tmp_path: Path) -> None:
    assert format_name(embedded(), None) == "scenes"
    assert format_name(embedded(), "vicuna_v1") == "vicuna_v1"
    assert format_name(embedded(), "chat") == format_name(tmp_path, None) == "chat"
    assert format_name(tmp_path, str(embedded() / "prompt.json")) == "scenes"
    with pytest.raises(CheckpointError, match="no prompt format 'nothing'"):
        format_name(tmp_path, "nothing")


def test_a_name_from_a_stranger_is_one_plain_line(tmp_path: Path) -> None:
    data = json.loads((embedded() / "prompt.json").read_text(encoding="utf-8"))
    data["name"] = "\x1b[31mred\n::error::" + 100 * "x"
    (tmp_path / "prompt.json").write_text(json.dumps(data), encoding="utf-8")
    name = format_name(tmp_path, None)
    assert name.startswith("[31mred ::error::xxx") and len(name) == 80


def test_the_header_names_the_format(tmp_path: Path) -> None:
    line = header(run_of(tmp_path, directory_info(embedded(), "embedded")))[0]
    assert line.startswith("checkpoints: embedded (12 layers, ")
    assert line.endswith(", prompt scenes)")


def test_the_record_of_a_checkpoint_names_the_format(tmp_path: Path) -> None:
    examined = examination(tmp_path, 2)
    examined.info = directory_info(embedded(), "embedded")
    assert examined.record().prompt == "scenes"


def test_the_record_holds_the_whole_prompt_of_one_sample(tmp_path: Path) -> None:
    heard: list[RunRecord] = []
    made: RecordCollector = collector(tmp_path, heard)
    shown: Any = [SimpleNamespace(checkpoint="embedded", prompt=prompt) for prompt in ((), PROMPT, ())]
    made._run.samples = lambda _: tuple(shown)  # type: ignore[method-assign, assignment]
    made.pytest_runtest_logreport(handed_over(Verdict.SUPPORTED))
    made.pytest_sessionfinish(session())
    assert heard[0].checkpoints[0].asked == PROMPT


@pytest.mark.slow
def test_a_broken_format_is_a_usage_error(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"name": "mine", "segments": []}', encoding="utf-8")
    done = subprocess.run(
        [python(), "-m", "pytest", "findings", "--collect-only", "-q", f"--prompt={file}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 4
    assert done.stderr.startswith(f"ERROR: --prompt: {file}: not a prompt format")
    assert len(done.stderr.strip().splitlines()) == 1
