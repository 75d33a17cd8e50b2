"""Adding a claim as `findings/README.md` says, in a copy of the suite: one test, one entry, nothing else."""

from __future__ import annotations

import html
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.testing.warm import python
from harness.verdicts.catalogue import CATALOGUE, read_catalogue

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[3]
COPIED = ("findings", "harness", "fixtures", "reports", "conftest.py", "pyproject.toml")
GUARDS = (
    "reports/tests/test_catalogue.py",
    "reports/tests/test_summary.py",
    "harness/tests/verdicts/test_catalogue.py",
    "harness/tests/validation/test_calibration.py::test_every_form_of_the_findings_is_on_the_edge_and_well_inside",
    "harness/tests/session/test_usage.py::test_the_catalogue_loads_no_model_classes",
    "fixtures/tests/test_planted.py::test_no_claim_has_two_truths_on_a_control",
    "fixtures/tests/test_planted.py::test_the_table_speaks_of_every_control_and_gives_reasons",
    "fixtures/tests/test_planted.py::test_every_settled_claim_has_a_test_to_run",
)
"""The tests that look at all claims at once."""
FAKE = ("-p", "harness.testing.fake", "--checkpoint=fake", "--task=ChooseAttr", "-p", "no:cacheprovider")
Run = Callable[..., pytest.RunResult]


def recipe(language: str) -> str:
    """The block of code in one language that the recipe shows."""
    text = (ROOT / CATALOGUE.parent / "README.md").read_text(encoding="utf-8")
    _, _, told = text.partition("\n## Add a claim\n")
    (block,) = re.findall(rf"```{language}\n(.*?)```", told.partition("\n## ")[0], re.DOTALL)
    return str(block)


def copy_suite(folder: Path) -> Path:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the suite with the recipe's claim."""
    folder = copy_suite(tmp_path_factory.mktemp("suite"))
    (folder / CATALOGUE.parent / "test_added.py").write_text(recipe("python"), encoding="utf-8")
    with (folder / CATALOGUE).open("a", encoding="utf-8") as file:
        file.write("\n" + recipe("toml"))
    return folder


@pytest.fixture
def run(copy: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a Python command in the copy; what it writes stays there."""
    monkeypatch.chdir(copy)
    monkeypatch.setenv("PYTHONPATH", str(copy))
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST")]:
        monkeypatch.delenv(name)
    return lambda *words: pytester.run(python(), "-m", *words, timeout=500)


def test_the_claim_is_listed_with_its_prose(copy: Path, run: Run) -> None:
    done = run("pytest", "findings", "--claims")
    assert done.ret == pytest.ExitCode.OK
    entry = read_catalogue(copy / CATALOGUE).claims["B7"]
    done.stdout.fnmatch_lines(
        [
            "B7   [[]OURS[]] Blocking Image→Instruction changes the answer's probability little.",
            f"     {entry.asked}",
        ]
    )


def test_the_claim_is_judged_and_told_in_terminal_and_report(copy: Path, run: Run) -> None:
    stores = [f"--{name}={copy / name}" for name in ("evidence", "report")]
    done = run("pytest", "findings", *FAKE, *stores, "-k", "hardly_reads_the_image or hardly_needs")
    assert done.ret in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}, (
        "a made-up checkpoint may refute it"
    )
    done.stdout.fnmatch_lines(["B7   ChooseAttr: * Blocking Image→Instruction changes the answer's proba*"])
    assert run("reports", str(copy / "report" / "report.json")).ret == 0
    entry = read_catalogue(copy / CATALOGUE).claims["B7"]
    page = html.unescape((copy / "report" / "report.html").read_text(encoding="utf-8"))
    assert all(text in page for text in (entry.asked, entry.matters, entry.supported, entry.refuted))
    assert "B. From the image to the question" in page
    summary = (copy / "report" / "report.md").read_text(encoding="utf-8")
    assert "| **B7** | Blocking Image→Instruction changes" in summary
    assert f"- **B7** {entry.asked}" in summary


@pytest.mark.slow
def test_no_guard_wants_anything_else(run: Run) -> None:
    done = run("pytest", "-q", "-p", "no:cacheprovider", *GUARDS)
    assert done.ret == pytest.ExitCode.OK


@pytest.fixture
def changed(copy: Path) -> Iterator[Callable[[str, str, str], None]]:
    """Replace text in a file of the copy, until the test is over."""
    before: dict[Path, str] = {}

    def change(name: str, old: str, new: str) -> None:
        path = copy / CATALOGUE.parent / name
        before[path] = path.read_text(encoding="utf-8")
        assert old in before[path]
        path.write_text(before[path].replace(old, new), encoding="utf-8")

    yield change
    for path, text in before.items():
        path.write_text(text, encoding="utf-8")


NO_ENTRY = ("catalogue.toml", "[claims.B7]", "[claims.B8]")
NO_TEST = ("test_added.py", '@pytest.mark.claim("B7")', "")
UNKNOWN_FIELD = ("catalogue.toml", "[claims.B7]", "[claims.B7]\nmatter = 'x'")


@pytest.mark.parametrize(
    ("change", "words", "said"),
    [
        (NO_ENTRY, ["findings"], "claim B7 has no entry, but a test, findings/test_added.py::test_the_*"),
        (
            NO_ENTRY,
            ["findings", "-n2"],
            "claim B7 has no entry, but a test, findings/test_added.py::test_the_*",
        ),
        (NO_TEST, ["findings"], "claim B7 has an entry, but no test in findings/"),
        (NO_TEST, ["findings/test_rivals.py", "--collect-only"], "claim B7 has an entry, but no test in*"),
        (UNKNOWN_FIELD, ["findings", "--claims"], "claim B7: unknown field 'matter'; there are source, *"),
    ],
)
def test_what_is_missing_is_one_usage_error(
    change: tuple[str, str, str],
    words: list[str],
    said: str,
    run: Run,
    changed: Callable[[str, str, str], None],
) -> None:
    changed(*change)
    done = run("pytest", *words, *FAKE)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([f"ERROR: *findings/catalogue.toml: {said}"])
    assert len([line for line in done.errlines if line.strip()]) == 1
    assert "INTERNALERROR" not in done.stdout.str()


def test_tests_of_other_folders_run_while_a_claim_is_unfinished(
    run: Run, changed: Callable[[str, str, str], None]
) -> None:
    changed("catalogue.toml", "[claims.B7]", "[claims.B8]")
    assert run("pytest", "harness/tests/data/test_depth.py", "-q", "--collect-only").ret == 0
