"""A checkpoint's files, mutated: it is loaded and encodes a sample, or is refused by name."""

from __future__ import annotations

import json
import os
import resource
import struct
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from harness.checkpoint.encode import encode
from harness.checkpoint.info import directory_info
from harness.checkpoint.loading import load
from harness.checkpoint.permanent_mask import FILE as MASK, read_permanent_mask
from harness.checkpoint.prompt import read_format
from harness.checkpoint.without_weights import bare_checkpoint
from harness.data.errors import CheckpointError
from harness.data.sample import Sample
from harness.testing import building_blocks as blocks
from harness.testing.tiny_checkpoints import _pinpoints, picture, sample, tiny_checkpoint, tokenizer
from harness.tests.strangers.guard import SEEN, through, trying
from harness.tests.strangers.mutations import mutated, mutated_json

PROMPT = {
    "name": "tiny",
    "segments": [["system", "a chat "], ["image", "<image>"], ["separator", "\n"], ["question", "{question}"],
                 ["suffix", "\n{instruction}"], ["roles", " ASSISTANT:"]],
    "instructions": {"default": "answer with one word ."},
    "adds_bos": True,
}  # fmt: skip
BLOCKED = {"blocked": [{"flow": "image->question", "layers": [0, 1]}, {"flow": "last->last", "layers": [3]}]}
MEMORY = 6 << 30
"""Bytes of address space that a test may take beyond what it has: a mutated size is no reason to take all."""


@cache
def written(kind: str, folder: Path) -> dict[str, bytes]:
    """A checkpoint of a kind in a folder of its own, and what its files held."""
    folder.mkdir()
    made = tiny_checkpoint(kind=kind)
    made.model.save_pretrained(folder)
    images = blocks.image_processor(kind, 8, _pinpoints(kind, 8))
    blocks.processor(kind, images, tokenizer(), 4).save_pretrained(folder)
    (folder / "prompt.json").write_text(json.dumps(PROMPT), encoding="utf-8")
    # What older versions of transformers wrote in place of a part of processor_config.json.
    processor = json.loads((folder / "processor_config.json").read_bytes())
    old = json.dumps(processor.pop("image_processor"))
    (folder / "preprocessor_config.json").write_text(old, encoding="utf-8")
    (folder / "processor_config.json").write_text(json.dumps(processor), encoding="utf-8")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, before[1]))
    yield tmp_path_factory.mktemp("checkpoints")
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return sample(picture(tmp_path_factory.mktemp("asked"), size=(11, 7)), size=(11, 7))


@cache
def original(kind: str, name: str) -> Any:
    return json.loads(sources(kind)[name])


@cache
def sources(kind: str) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        return written(kind, Path(folder) / "x")


def whole_processor() -> Any:
    """A processor's configuration as the installed transformers writes it, in one file."""
    images = original("llava_next", "preprocessor_config.json")
    return {**original("llava_next", "processor_config.json"), "image_processor": images}


def used(folder: Path, asked: Sample) -> bool:
    """Whether a checkpoint is accepted and encodes a sample; without its weights."""
    info = through(lambda: directory_info(folder), str(folder), folder)
    if info is None:
        return False
    checkpoint = through(lambda: bare_checkpoint(info), str(folder), folder)
    return checkpoint is not None and through(lambda: encode(checkpoint, asked), "", folder) is not None


def with_file(root: Path, kind: str, name: str, content: bytes) -> Path:
    """The folder of a checkpoint with one file's content exchanged, all others as they were."""
    SEEN["files"] += 1
    folder = root / kind
    folder.mkdir(exist_ok=True)
    for other, held in {**sources(kind), name: content}.items():
        if not (folder / other).exists() or (folder / other).read_bytes() != held:
            (folder / other).write_bytes(held)
    for path in folder.iterdir():
        if path.name not in {*sources(kind), name}:
            path.unlink()
    return folder


ELSEWHERE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"model.safetensors.index.json": {"weight_map": {"a": "../b.safetensors"}}}, "names '../b.safetensors'"),
    ({"model.safetensors.index.json": {"weight_map": {"a": "/b.safetensors"}}}, "names '/b.safetensors'"),
    ({"model.safetensors.index.json": {"weight_map": {"a": ["b"]}}}, r"names \['b'\]"),
    ({"model.safetensors.index.json": {}}, "has no weight_map"),
    ({"adapter_config.json": {"base_model_name_or_path": "a/b"}}, "an adapter, whose model lies elsewhere"),
    ({"generation_config.json": {"top_p": float("nan")}}, "NaN is not a number"),
)


@pytest.mark.parametrize(("more", "said"), ELSEWHERE)
def test_a_checkpoint_is_all_in_its_folder(root: Path, more: dict[str, Any], said: str) -> None:
    ((name, content),) = more.items()
    folder = with_file(root, "llava", name, json.dumps(content).encode())
    with pytest.raises(CheckpointError, match=said):
        directory_info(folder)


def test_a_pipe_for_weights_is_not_waited_for(root: Path) -> None:
    folder = with_file(root, "llava", "prompt.json", sources("llava")["prompt.json"])
    os.mkfifo(folder / "more.safetensors")
    assert through(lambda: directory_info(folder), "more.safetensors", folder) is None


@pytest.mark.parametrize("part", [None, "text_config", "vision_config"])
def test_attention_from_the_hub_is_refused(root: Path, part: str | None) -> None:
    named = "kernels-community/flash-attn"
    data = json.loads(sources("llava")["config.json"])
    data["attn_implementation"] = {part: named} if part else named
    folder = with_file(root, "llava", "config.json", json.dumps(data).encode())
    for door in (load, lambda path: bare_checkpoint(directory_info(path))):
        with pytest.raises(CheckpointError, match="asks for attention from 'kernels-community/flash-attn'"):
            door(folder)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("text_config", "vocab_size", 10**9),
        ("text_config", "intermediate_size", 10**9),
        ("text_config", "num_hidden_layers", 1000),
        ("vision_config", "intermediate_size", 10**9),
        ("vision_config", "num_channels", 10**9),
    ],
)
def test_a_model_larger_than_its_weights_is_refused_before_it_is_made(
    root: Path, part: str, name: str, value: int
) -> None:
    data = json.loads(sources("llava")["config.json"])
    data[part][name] = value
    if name == "num_hidden_layers":
        data[part]["intermediate_size"] = 48_000
    folder = with_file(root, "llava", "config.json", json.dumps(data).encode())
    with pytest.raises(CheckpointError, match=r"a model of [\d,]+ values, its weights are [\d,]+ bytes"):
        load(folder)


def test_a_pattern_that_backtracks_without_end_is_refused(root: Path) -> None:
    """The tokenizers' regular expressions give up after ten million tries of one match: about a second."""
    data = json.loads(sources("llava")["tokenizer.json"])
    pattern = {
        "type": "Split",
        "pattern": {"Regex": r"(\S|\S|\s)*\d"},
        "behavior": "Isolated",
        "invert": False,
    }
    data["pre_tokenizer"] = pattern
    folder = with_file(root, "llava", "tokenizer.json", json.dumps(data).encode())
    assert (
        through(lambda: directory_info(folder), "tokenizer.json: cannot tokenize some lines", folder) is None
    )


def test_a_vision_tower_of_too_many_layers_is_refused(root: Path) -> None:
    data = json.loads(sources("llava")["config.json"])
    data["vision_config"]["num_hidden_layers"] = 10**30
    folder = with_file(root, "llava", "config.json", json.dumps(data).encode())
    with pytest.raises(CheckpointError, match="num_hidden_layers is more than 1000"):
        load(folder)


@pytest.mark.parametrize("size", [{"shortest_edge": 10**9}, {"shortest_edge": 0}, {"shortest_edge": "8"}])
def test_a_processor_that_resizes_without_bounds_is_refused(root: Path, size: dict[str, Any]) -> None:
    data = json.loads(sources("llava_next")["preprocessor_config.json"])
    content = json.dumps({**data, "size": size}).encode()
    folder = with_file(root, "llava_next", "preprocessor_config.json", content)
    assert through(lambda: bare_checkpoint(directory_info(folder)), str(folder), folder) is None


@pytest.mark.parametrize("kind", ["llava", "llava_next"])
def test_an_undamaged_checkpoint_is_used(root: Path, asked: Sample, kind: str) -> None:
    folder = with_file(root, kind, "prompt.json", sources(kind)["prompt.json"])
    assert used(folder, asked)
    assert through(lambda: load(folder), str(folder), folder) is not None


@trying(5_000)
@given(content=mutated_json(original("llava", "config.json")))
def test_a_mutated_configuration(root: Path, asked: Sample, content: bytes) -> None:
    used(with_file(root, "llava", "config.json", content), asked)


@trying(5_000)
@given(content=mutated_json(original("llava_next", "config.json")))
def test_a_mutated_configuration_with_tiles(root: Path, asked: Sample, content: bytes) -> None:
    used(with_file(root, "llava_next", "config.json", content), asked)


@trying(1_000)
@given(content=mutated_json(original("llava", "config.json"), original("llava_next", "config.json")))
def test_a_mutated_configuration_with_weights(root: Path, content: bytes) -> None:
    folder = with_file(root, "llava", "config.json", content)
    through(lambda: load(folder), str(folder), folder)


@pytest.mark.parametrize("kind", ["llava", "llava_next"])
@trying(2_500)
@given(content=mutated_json(whole_processor(), original("llava_next", "processor_config.json")))
def test_a_mutated_processor(root: Path, asked: Sample, kind: str, content: bytes) -> None:
    used(with_file(root, kind, "processor_config.json", content), asked)


@pytest.mark.parametrize("kind", ["llava", "llava_next"])
@trying(2_500)
@given(content=mutated_json(original("llava_next", "preprocessor_config.json")))
def test_a_mutated_image_processor(root: Path, asked: Sample, kind: str, content: bytes) -> None:
    used(with_file(root, kind, "preprocessor_config.json", content), asked)


@trying(10_000)
@given(content=mutated_json(PROMPT))
def test_a_mutated_prompt(root: Path, content: bytes) -> None:
    SEEN["files"] += 1
    path = root / "prompt.json"
    path.write_bytes(content)
    through(lambda: read_format(path), path.name, root)


@trying(1_000)
@given(content=mutated_json(PROMPT))
def test_a_mutated_prompt_encodes(root: Path, asked: Sample, content: bytes) -> None:
    used(with_file(root, "llava", "prompt.json", content), asked)


@trying(2_000)
@given(content=mutated_json(BLOCKED))
def test_a_mutated_mask(root: Path, content: bytes) -> None:
    SEEN["files"] += 1
    path = root / MASK
    path.write_bytes(content)
    through(lambda: read_permanent_mask(path, 4), path.name, root)


@trying(1_000)
@given(content=mutated_json(original("llava", "tokenizer.json")))
def test_a_mutated_tokenizer(root: Path, asked: Sample, content: bytes) -> None:
    used(with_file(root, "llava", "tokenizer.json", content), asked)


@trying(1_000)
@given(content=mutated_json(original("llava", "tokenizer_config.json")))
def test_a_mutated_tokenizer_configuration(root: Path, asked: Sample, content: bytes) -> None:
    used(with_file(root, "llava", "tokenizer_config.json", content), asked)


@cache
def header() -> Any:
    weights = sources("llava")["model.safetensors"]
    return json.loads(weights[8 : 8 + struct.unpack("<Q", weights[:8])[0]])


@trying(500)
@given(content=mutated_json(header()))
def test_a_mutated_header_of_weights(root: Path, content: bytes) -> None:
    weights = sources("llava")["model.safetensors"]
    values = weights[8 + struct.unpack("<Q", weights[:8])[0] :]
    whole = struct.pack("<Q", len(content)) + content + values
    folder = with_file(root, "llava", "model.safetensors", whole)
    through(lambda: load(folder), str(folder), folder)


@trying(500)
@given(content=mutated([sources("llava")["model.safetensors"]]))
def test_mutated_weights(root: Path, content: bytes) -> None:
    folder = with_file(root, "llava", "model.safetensors", content)
    through(lambda: load(folder), str(folder), folder)
