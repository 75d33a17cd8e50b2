"""Bad options: one clear line and exit status 4, before anything starts; nobody else's files obeyed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from harness.plugin import INTERNAL
from harness.session.gpu import demands_gpu, own_device
from harness.testing.tiny_checkpoints import tiny_checkpoint
from harness.testing.warm import python

ROOT = Path(__file__).parents[3]
needs_no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a GPU")
Runner = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def suite(tmp_path: Path) -> Runner:
    """Run pytest on the findings in a process of its own, with stores of its own."""

    def run(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        stores = [f"--evidence={tmp_path / 'evidence'}", f"--report={tmp_path / 'report'}"]
        return subprocess.run(
            [python(), "-m", "pytest", *stores, *words],
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run


def usage_error(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a usage error."""
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("ERROR: ")
    return lines[0]


BAD = [
    ("--checkpoint=no-such-model", "no checkpoint 'no-such-model'"),
    ("--checkpoint=./nowhere", "give a directory, a hub id, or one of embedded, llava-1.5-7b"),
    ("--samples=0", "--samples 0: must be a whole number of at least 1"),
    ("--samples=-3", "--samples -3: must be a whole number of at least 1"),
    ("--samples=many", "--samples many: must be a whole number of at least 1"),
    ("--report-samples=13", "--report-samples 13: must be a whole number from 0 to 12"),
    ("--report-samples=-1", "--report-samples -1: must be a whole number from 0 to 12"),
    ("--task=ChoseAttr", "--task ChoseAttr: no such task; the tasks are ChooseAttr, ChooseCat"),
    ("--window=13", "--window 13: checkpoint embedded has only 12 layers"),
    ("--window=0", "--window 0: must be a whole number of at least 1"),
    ("--alpha=0", "--alpha 0: must be a number between 0 and 1"),
    ("--alpha=1.5", "--alpha 1.5: must be a number between 0 and 1"),
    ("--alpha=nan", "--alpha nan: must be a number between 0 and 1"),
    ("--accept-as=../x", "--accept-as ../x: must be the name of a file, e.g. my-checkpoint"),
    ("--device=mps", "--device mps: not supported, since it has no float64; choose cpu"),
    ("--device=tpu", "--device tpu: no such device; choose cpu, cuda, cuda:N or auto"),
    (
        "--prompt=vicuna",
        "--prompt vicuna: no such file, and not one of vicuna_v1, llava_llama_3, ",
    ),
    ("--image-handling=crop", "--image-handling crop: choose square, tiles, released-tiles"),
    ("--boxes=drawn", "--boxes drawn: choose analytic, released"),
    ("--plan-rate=40", "--plan-rate: it is about a plan; add --plan"),
    ("--plan-effect=5", "--plan-effect: it is about a plan; add --plan"),
    ("--dtype=int8", "--dtype int8: no such dtype; choose from float32"),
    ("--dataset=nowhere", "--dataset nowhere: no such folder"),
    ("--images=fixtures/evaluation/images", "--images: the pictures of which data? name their folder with"),
    ("--evidence=README.md/inside", "--evidence {root}/README.md/inside: cannot be written"),
    ("--report=README.md/inside", "--report {root}/README.md/inside: cannot be written"),
]
MANY = """
import contextlib, io, json, sys, pytest
for word in json.load(sys.stdin):
    heard = io.StringIO()
    with contextlib.redirect_stderr(heard), contextlib.redirect_stdout(io.StringIO()):
        code = pytest.main(["findings", word])
    print(json.dumps([word, int(code), heard.getvalue()]))
"""


@pytest.fixture(scope="module")
def refusals() -> dict[str, tuple[int, str]]:
    """Exit status and standard error of every bad option; one process says them all."""
    done = subprocess.run(
        [sys.executable, "-c", MANY],
        cwd=ROOT,
        input=json.dumps([word for word, _ in BAD]),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return {word: (code, heard) for word, code, heard in answers}


@pytest.mark.parametrize(("word", "text"), BAD)
def test_a_bad_option_is_one_clear_line(word: str, text: str, refusals: dict[str, tuple[int, str]]) -> None:
    code, heard = refusals[word]
    lines = [line for line in heard.splitlines() if line.strip()]
    assert code == pytest.ExitCode.USAGE_ERROR
    assert len(lines) == 1, heard
    assert lines[0].startswith("ERROR: ")
    assert text.format(root=ROOT) in lines[0]


@needs_no_gpu
@pytest.mark.parametrize("words", [[], ["-n2"]])
def test_demanding_a_gpu_without_one_is_one_sentence(words: list[str], suite: Runner) -> None:
    assert "no usable CUDA device" in usage_error(suite("findings", "-m", "gpu", *words))


@needs_no_gpu
def test_a_cuda_device_that_is_not_there_is_one_clear_line(suite: Runner) -> None:
    assert "0 usable CUDA devices" in usage_error(suite("findings", "--device=cuda"))


def test_the_papers_checkpoints_need_a_data_set(suite: Runner) -> None:
    line = usage_error(suite("findings", "-m", "gpu", "--allow-cpu"))
    assert "need --dataset DIR and --images DIR" in line


@pytest.mark.parametrize(
    ("expression", "demanded"),
    [
        ("gpu", True),
        ("gpu and slow", True),
        ("gpu and not slow", True),
        ("(gpu)", True),
        ("not gpu", False),
        ("gpu or slow", False),
        ("slow", False),
        ("", False),
        ("not (slow or not gpu)", True),
        ("gpu and (", False),
    ],
)
def test_what_demands_a_gpu(expression: str, demanded: bool) -> None:  # noqa: FBT001
    assert demands_gpu(expression) is demanded


def test_each_worker_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.session.gpu.cuda_devices", lambda: 2)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    assert own_device("cuda") == "cuda"
    for worker, device in (("gw0", "cuda:0"), ("gw1", "cuda:1"), ("gw2", "cuda:0")):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        assert own_device("cuda") == device
        assert (own_device("cpu"), own_device("cuda:1"), own_device("auto")) == ("cpu", "cuda:1", "auto")
    monkeypatch.setattr("harness.session.gpu.cuda_devices", lambda: 1)
    assert own_device("cuda") == "cuda"


def test_an_internal_error_asks_for_a_report(
    suite: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_hook.py").write_text(
        "def pytest_collection_modifyitems():\n    raise AttributeError('ours')\n", encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    done = suite("findings", "-p", "broken_hook", "-k", "hardly_needs")
    assert done.returncode == pytest.ExitCode.INTERNAL_ERROR
    assert done.stderr.strip().splitlines()[-1] == INTERNAL


def test_a_claim_without_its_tasks_is_skipped_with_the_reason(suite: Runner) -> None:
    done = suite("findings", "-k", "leaves_the_false_one_behind", "--task=QueryAttr", "-rs", "-q")
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr
    assert "no samples of the tasks that this claim is about, or none asked for" in done.stdout


def test_the_reference_does_not_stand_in_for_a_plugin_s_measurer(suite: Runner) -> None:
    words = ("-p", "harness.testing.fake", "--checkpoint=fake", "-k", "hardly_reaches")
    done = suite("findings", *words, "--reference")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "--reference: fake is measured by a plugin, not by the suite; leave it out" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_foreign_root_directory_is_refused(suite: Runner, tmp_path: Path) -> None:
    line = usage_error(suite(str(ROOT / "findings"), f"--rootdir={tmp_path}", cwd=tmp_path))
    assert "not the suite's" in line


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A folder with data files, a checkpoint, and pytest files that must not be obeyed."""
    folder = tmp_path / "trap"
    folder.mkdir()
    tiny_checkpoint().model.save_pretrained(folder)
    tiny_checkpoint().processor.save_pretrained(folder)
    for name in ("conftest.py", "test_trap.py"):
        (folder / name).write_text("raise SystemExit('foreign code ran')\n", encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n", encoding="utf-8")
    source = ROOT / "fixtures" / "evaluation"
    for file in source.glob("*.csv"):
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "images").symlink_to(source / "images")
    return folder


@pytest.mark.parametrize("joint", ["=", " "])
def test_nothing_in_a_named_folder_is_executed_or_obeyed(joint: str, suite: Runner, trap: Path) -> None:
    words = [word for name in ("--dataset", "--checkpoint") for word in f"{name}{joint}{trap}".split(" ")]
    cwd, findings = (ROOT, "findings") if joint == " " else (trap, str(ROOT / "findings"))
    done = suite(findings, *words, "--collect-only", "-q", cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_last_position.py" in done.stdout
    assert "test_trap.py" not in done.stdout


def test_the_catalogue_loads_no_model_classes(suite: Runner) -> None:
    program = (
        "import sys, pytest\n"
        "code = pytest.main(['findings', '--collect-only', '-q'])\n"
        "heavy = [name for name in ('torch', 'transformers.modeling_utils') if name in sys.modules]\n"
        "print('heavy:', heavy)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "heavy: []" in done.stdout
    listed = suite("findings", "--claims")
    assert listed.returncode == 0, listed.stdout + listed.stderr
    assert "A1   [ABS, 3P] Blocking Question→Last" in listed.stdout


def test_a_python_that_keeps_no_docstrings_still_says_what_a_claim_is(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(python(), "-m", "pytest", "findings", "-k", "last_position_hardly_needs", "--judge-only"),
            *(f"--evidence={tmp_path / 'none'}", f"--report={tmp_path / 'report'}"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONOPTIMIZE": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "A3   INCONCLUSIVE" in done.stdout, done.stdout + done.stderr
    assert "Blocking Last→Last barely matters, in all tasks." in done.stdout
