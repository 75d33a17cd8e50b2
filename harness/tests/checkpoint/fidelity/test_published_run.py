"""What somebody else's published run on LLaVA-1.5-7B says of its inputs, for two questions of ChooseAttr.

The numbers are theirs: positions with the pictures expanded, and patches of the annotated boxes. The pieces
are those that LLaMA's own vocabulary, 32,000 pieces as published in another package, cuts this prompt into.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from tokenizers import Tokenizer, decoders, models, normalizers, processors
from transformers import PreTrainedTokenizerFast

from harness.checkpoint.adapters import ANALYTIC_BOXES, RELEASED_BOXES
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import encode
from harness.checkpoint.loading import load
from harness.data.sample import Box, Sample, Size
from harness.testing import realistic_checkpoints as realistic

QUESTION = "Is the shirt black or yellow?"
POSITIONS, IMAGE, WORDS, LAST = 638, range(35, 611), range(613, 621), 637
SIDE = 24
COLON = 29901
PIECES = {
    "▁A": 319, "▁chat": 13563, "▁between": 1546, "▁a": 263, "▁curious": 12758, "▁user": 1404, "▁and": 322,
    "▁an": 385, "▁artificial": 23116, "▁intelligence": 21082, "▁assistant": 20255, ".": 29889, "▁The": 450,
    "▁gives": 4076, "▁helpful": 8444, ",": 29892, "▁detailed": 13173, "▁pol": 1248, "ite": 568,
    "▁answers": 6089, "▁to": 304, "▁the": 278, "'": 29915, "s": 29879, "▁questions": 5155, "▁US": 3148,
    "ER": 1001, ":": COLON, "▁": 29871, "Is": 3624, "▁sh": 528, "irt": 2728, "▁black": 4628, "▁or": 470,
    "▁yellow": 13328, "?": 29973, "Answer": 22550, "▁question": 1139, "▁using": 773, "▁single": 2323,
    "▁word": 1734, "▁phrase": 16549, "SS": 1799, "IST": 9047, "ANT": 13566,
}  # fmt: skip
"""Pieces of this prompt, and their numbers."""
SHIRTS: dict[Size, tuple[Box, range, range]] = {
    (500, 333): (Box("shirt", 264, 33, 57, 89), range(5, 10), range(12, 16)),
    (500, 375): (Box("shirt", 76, 147, 124, 134), range(10, 17), range(3, 10)),
}
"""By the picture's size: the annotated box, and the rows and columns of its patches."""


def vocabulary() -> Iterator[tuple[str, float]]:
    """LLaMA's places: specials, bytes, the pieces above; what else there is, is never cut."""
    places = {number: piece for piece, number in PIECES.items()}
    places |= {0: "<unk>", 1: "<s>", 2: "</s>"} | {3 + byte: f"<0x{byte:02X}>" for byte in range(256)}
    for number in range(32_000):
        yield places.get(number, f"<not here {number}>"), -1.0 if number in places else -100.0


def tokenizer() -> PreTrainedTokenizerFast:
    core = Tokenizer(models.Unigram(list(vocabulary()), unk_id=0, byte_fallback=True))
    core.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    core.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    core.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens={"image_token": "<image>"},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return realistic.llava(tmp_path_factory.mktemp("llava"), tokenizer())


@pytest.fixture(scope="module", params=[ANALYTIC_BOXES, RELEASED_BOXES])
def checkpoint(folder: Path, request: pytest.FixtureRequest) -> Checkpoint:
    return load(folder, prompt="vicuna_v1", boxes=request.param)


@pytest.mark.parametrize("size", SHIRTS)
def test_positions_and_patches_are_those_of_a_published_run(
    checkpoint: Checkpoint, size: Size, tmp_path: Path
) -> None:
    box, rows, columns = SHIRTS[size]
    path = tmp_path / "1.png"
    Image.new("RGB", size, (120, 130, 140)).save(path)
    shirt = Sample("1", "ChooseAttr", "1", path, QUESTION, "black", "black", "yellow", (box,), size)
    encoded = encode(checkpoint, shirt)
    regions = encoded.regions
    assert encoded.length == POSITIONS
    assert regions["image"] == tuple(IMAGE)
    assert regions["question"] == tuple(WORDS)
    assert regions["last"] == (LAST,)
    assert int(encoded.ids[LAST]) == COLON
    patches = {IMAGE[0] + row * SIDE + column for row in rows for column in columns}
    assert set(regions["related_patches"]) == patches
    assert len(patches) == (20 if size == (500, 333) else 49)
    assert set(regions["other_patches"]) == set(IMAGE) - patches
