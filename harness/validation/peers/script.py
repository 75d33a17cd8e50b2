"""A library's script, alive in its own environment, answering one knockout at a time."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from safetensors.torch import load_file
from torch import Tensor

from harness.validation.peers.library import ROOT, Library, environment


class PeerError(Exception):
    """A script that ended; the message is its last line."""


class ScriptProcess:
    """A running script.

    Args:
        library: whose script.
        environments: the folder of all environments.
        case: the folder of the case.
    """

    def __init__(self, library: Library, environments: Path, case: Path) -> None:
        self._errors = case / f"{library.name}.log"
        with self._errors.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [str(library.python(environments)), "-m", library.module, str(case)],
                cwd=ROOT,
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def ready(self) -> None:
        """Wait until the model is loaded and has run once.

        Raises:
            PeerError: if the script ended.
        """
        self._answer()

    def ask(self, number: int) -> tuple[float, Tensor]:
        """Run a knockout.

        Returns:
            CPU seconds, and log-probabilities ``[vocabulary]`` of the last row.

        Raises:
            PeerError: if the script ended.
        """
        assert self._process.stdin is not None, "opened as a pipe"  # noqa: S101 - for the type checker
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        answer = self._answer()
        return float(answer["seconds"]), load_file(answer["file"])["row"]

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None, "opened as a pipe"  # noqa: S101 - for the type checker
        for line in self._process.stdout:
            if line.startswith("{"):  # some libraries print when they are imported
                answer: dict[str, Any] = json.loads(line)
                return answer
        said = self._errors.read_text(encoding="utf-8").strip().splitlines()
        raise PeerError(said[-1] if said else "ended without a message")
