"""The libraries, the environments they run in, and how much one writes for a knockout in them."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


@dataclass(frozen=True)
class Library:
    """A library.

    Attributes:
        name: its name, also that of its package and, with underscores, of its script.
        packages: what its environment has, as pip names it; none: our own environment.
        remark: what a reader should know of it.
    """

    name: str
    packages: tuple[str, ...]
    remark: str

    @property
    def module(self) -> str:
        """The script's module."""
        return f"harness.validation.peers.with_{self.name.replace('-', '_')}"

    @property
    def script(self) -> Path:
        """The script's file."""
        return HERE / f"{self.module.rpartition('.')[2]}.py"

    def python(self, folder: Path) -> Path:
        """The interpreter of its environment."""
        return folder / self.name / "bin" / "python" if self.packages else Path(sys.executable)

    def build(self, folder: Path, torch_version: str) -> None:
        """Make its environment, unless it is there.

        Raises:
            CalledProcessError: if its packages cannot be installed together.
        """
        done = folder / self.name / "complete"
        if not self.packages or done.exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        pins = folder / "constraints.txt"
        pins.write_text(f"torch=={torch_version}\n", encoding="utf-8")  # an open range fetches a CUDA build
        _run(sys.executable, "-m", "venv", "--clear", str(folder / self.name))
        _run(
            str(self.python(folder)),
            "-m",
            "pip",
            "install",
            "-q",
            "--no-compile",
            "-c",
            str(pins),
            *self.packages,
        )
        done.touch()

    def versions(self, folder: Path) -> str:
        """What is installed, in words."""
        names = [self.name, *(name.split("=")[0].split("<")[0] for name in self.packages), "transformers"]
        names = [name for name in dict.fromkeys(names) if name not in {"accelerate", "pillow"}]
        code = f"import json, importlib.metadata as m; print(json.dumps([m.version(n) for n in {names}]))"
        found = json.loads(_run(str(self.python(folder)), "-c", code))
        return ", ".join(f"{name} {version}" for name, version in zip(names, found, strict=True))

    def lines(self) -> int:
        """Lines of code of the script's ``prepare``: no blank lines, comments or docstring."""
        source = self.script.read_text(encoding="utf-8")
        found = next(
            node
            for node in ast.parse(source).body
            if isinstance(node, ast.FunctionDef) and node.name == "prepare"
        )
        first, last = found.body[1].lineno, found.end_lineno or 0
        used = {
            number
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type not in LAYOUT
            for number in range(token.start[0], token.end[0] + 1)
        }
        return len(used & set(range(first, last + 1)))


LIBRARIES = (
    Library("transformers", (), "a hook of one's own, no library; the way of the paper's code"),
    Library("nnsight", ("nnsight",), "the mask is replaced in the attention modules' inputs"),
    Library(
        "nnterp",
        ("nnterp", "nnsight==0.6.3"),
        "attention weights are zeroed and scaled up again; needs eager attention. It asks for nnsight 0.6 "
        "or later, but cannot be imported beside 0.8.1 (a module it uses was moved)",
    ),
    Library(
        "transformer-lens",
        ("transformer-lens",),
        "hooks on attention scores of a TransformerBridge, eager attention. Where it cannot load a processor "
        "it runs `pip install torchvision`, unasked and without constraints: that replaced torch by another "
        "version with 4 GB of CUDA; here pip is told to install nothing",
    ),
    Library(
        "vlmprobe",
        ("vlmprobe", "transformers==5.3.0", "accelerate", "pillow"),
        "`causal.knockout(layers, queries, keys, joint=True)`, eager attention; transformers 5.3 only",
    ),
)


def environment() -> dict[str, str]:
    """The environment of a script's process: one thread, our modules, and no installing at run time."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PIP_NO_INDEX": "1"}


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603
