"""Small checkpoints of every supported class, made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.loading import load
from harness.testing import realistic_checkpoints as realistic


def llama_3(folder: Path, *, adds_bos: bool = True) -> Path:
    return realistic.llava_next(folder, realistic.byte_level(*realistic.LLAMA_3_SPECIAL, adds_bos=adds_bos))


MAKE: dict[str, Callable[[Path], Path]] = {
    "llava": realistic.llava,
    "llava_next": lambda folder: realistic.llava_next(folder, realistic.sentencepiece_like()),
    "llama_3": llama_3,
    "llama_3_without_bos": lambda folder: llama_3(folder, adds_bos=False),
    "llava_onevision": realistic.llava_onevision,
    "smolvlm_256m": realistic.smolvlm_256m,
    "smolvlm2": realistic.smolvlm2,
    "internvl": realistic.internvl,
    "qwen2_5_vl": realistic.qwen2_5_vl,
    "qwen3_vl": realistic.qwen3_vl,
    "gemma3": realistic.gemma3,
    "mistral3": realistic.mistral3,
}


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Checkpoint directories by name, made when first asked for."""
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = MAKE[name](tmp_path_factory.mktemp(name))
        return made[name]

    return folder


@pytest.fixture(scope="session")
def checkpoints(folders: Callable[[str], Path]) -> Callable[[str], Checkpoint]:
    loaded: dict[str, Checkpoint] = {}

    def checkpoint(name: str) -> Checkpoint:
        if name not in loaded:
            loaded[name] = load(folders(name), prompt=realistic.PROMPTS.get(name))
        return loaded[name]

    return checkpoint
