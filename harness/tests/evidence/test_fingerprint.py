"""What a result depends on: nothing that measures is forgotten, nothing that does not measure counts."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.checkpoint.fingerprint import fingerprint
from harness.evidence.engine_version import HARNESS, NOT_MEASURING, engine_sources, engine_versions

ROOT = Path(__file__).parents[3]
LOADED = """
import sys
import harness.engine.engines
import harness.measuring.measurer
print(*(name for name in sys.modules if name.startswith("harness.")), sep="\\n")
"""
ENGINE = {
    "measuring/load.py": '"""Runs."""\nfrom harness import parts\nfrom harness.walk import step\n',
    "walk/__init__.py": "from harness.walk.stride import step\n",
    "walk/stride.py": "import torch\n\ndef step():\n    return 1  # one\n",
    "parts.py": "import harness.data.errors\n",
    "data/errors.py": "class E(Exception): ...\n",
    "report.py": "x = 1\n",
}


@pytest.fixture
def harness(tmp_path: Path) -> Path:
    for name, text in ENGINE.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    with monkeypatch.context() as patch:
        patch.setattr("harness.evidence.engine_version.engine_sources", lambda: engine_sources(folder))
        return engine_versions.__wrapped__()["engine"]


def test_every_module_that_the_engine_loads_is_hashed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.removeprefix("harness.") for name in done.stdout.split()}
    hashed = {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in engine_sources()
    }
    assert {name for name in loaded - hashed if not name.startswith(NOT_MEASURING)} == set()
    assert {
        "engine.sweep.walk",
        "interventions.to_knockouts",
        "data.dataset",
        "data.flow",
        "measuring.measurer",
    } <= hashed
    assert not hashed & {"statistics.trees", "verdicts.study", "plugin"}


def test_imports_are_followed_into_packages_and_no_further(harness: Path) -> None:
    assert set(engine_sources(harness)) == {
        "measuring/load.py",
        "parts.py",
        "walk/__init__.py",
        "walk/stride.py",
    }


@pytest.mark.parametrize(
    ("name", "text", "same"),
    [
        ("walk/stride.py", "import torch\n\ndef step():\n    return 2\n", False),
        ("walk/stride.py", 'import torch\n\ndef step():\n    """Step."""\n    return 1\n', True),
        ("measuring/load.py", ENGINE["measuring/load.py"].replace("Runs", "Runs it"), True),
        ("data/errors.py", "class F(Exception): ...\n", True),
        ("report.py", "x = 2\n", True),
    ],
)
def test_the_engine_is_what_its_code_does(
    harness: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, *, same: bool
) -> None:
    before = engine(harness, monkeypatch)
    (harness / name).write_text(text, encoding="utf-8")
    assert (engine(harness, monkeypatch) == before) is same


def test_a_hub_id_is_its_commit() -> None:
    assert fingerprint("org/model", "abc") != fingerprint("org/model", "abd")


@pytest.mark.parametrize(
    ("changed", "before", "after"),
    [
        ("engine/sweep/walk.py", "logits[members.to(logits.device)] = packed", "logits[members] = packed"),
        ("interventions/to_knockouts.py", "subset >> number & 1", "subset >> number & 3"),
        ("checkpoint/patches.py", "if stop <= start", "if stop < start"),
    ],
)
def test_one_changed_line_of_what_measures_changes_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str, before: str, after: str
) -> None:
    copy = shutil.copytree(
        HARNESS, tmp_path / "harness", ignore=shutil.ignore_patterns("__pycache__", "tests")
    )
    was = engine(copy, monkeypatch)
    assert was == engine_versions()["engine"]
    text = (copy / changed).read_text(encoding="utf-8")
    assert text.count(before) == 1
    (copy / changed).write_text(text.replace(before, after), encoding="utf-8")
    assert engine(copy, monkeypatch) != was
