"""The released experiment's inputs, token for token and patch for patch, on every supported class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings, strategies as st
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
    LlavaOnevisionImageProcessorPil,
)

from harness.adapters.llava import SquarePictures
from harness.adapters.tiling import TiledPictures, Tiling
from harness.checkpoint import Checkpoint, load
from harness.encode import encode
from harness.errors import CheckpointError, RegionError
from harness.flow import Flow
from harness.outcome import FirstTokens
from harness.patches import Grid, Layout, Size, SquarePadding
from harness.prompt import LLAMA_3_SYSTEM, SINGLE_WORD, VICUNA_SYSTEM
from harness.regions import RELEASED_NAMES
from harness.sample import Box, Sample
from harness.sweep.entry import entering
from harness.tests import families
from harness.tests.families import EDGES, NEXT_PINPOINTS, ONEVISION_PINPOINTS

QUESTION = "Is the jar full or empty?"
SIZES: list[Size] = [
    (640, 480), (480, 640), (336, 336), (500, 375), (333, 500), (672, 672), (1, 1),
    (1000, 100), (100, 1000), (2000, 3), (3, 2000), (1344, 336), (2304, 2304), (3000, 1500),
]  # fmt: skip
"""Pictures of all shapes, (width, height), tall and wide extremes among them."""
NEXT = Tiling(336, 14, tuple((height, width) for height, width in NEXT_PINPOINTS))
ONEVISION = Tiling(384, 14, tuple((height, width) for height in EDGES for width in EDGES), most=9)
MAKE: dict[str, Callable[[Path], Path]] = {
    "llava": families.llava,
    "llava_next": lambda folder: families.llava_next(folder, families.sentencepiece_like()),
    "llama_3": lambda folder: families.llava_next(folder, families.byte_level(*families.LLAMA_3_SPECIAL)),
    "llava_onevision": families.llava_onevision,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Checkpoint directories by name, made when first asked for."""
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = MAKE[name](tmp_path_factory.mktemp(name))
        return made[name]

    return folder


@pytest.fixture(scope="module")
def checkpoints(folders: Callable[[str], Path]) -> Callable[[str], Checkpoint]:
    loaded: dict[str, Checkpoint] = {}

    def checkpoint(name: str) -> Checkpoint:
        if name not in loaded:
            loaded[name] = load(folders(name), prompt="llava_llama_3" if name == "llama_3" else None)
        return loaded[name]

    return checkpoint


def sample(folder: Path, size: Size = (640, 480), box: Box | None = None, question: str = QUESTION) -> Sample:
    path = folder / f"{size[0]}x{size[1]}.png"
    if not path.exists():
        noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
    objects = (box or Box("jar", 0, 0, 27, 1),)
    return Sample("007", "ChooseAttr", "1", path, question, "empty", "empty", "full", objects, size)


# --- prompts --------------------------------------------------------------------------------------


def released_ids(tokenizer: Any, prompt: str, image: int, count: int) -> list[int]:
    """The released code's way: the texts around the image tokenized apart, one BOS kept."""
    before, after = (tokenizer(part)["input_ids"] for part in prompt.split("<image>"))
    bos = tokenizer.bos_token_id
    return [*before, *[image] * count, *(after[1:] if after[0] == bos else after)]


def test_vicuna_token_for_token(checkpoints: Callable[[str], Checkpoint], tmp_path: Path) -> None:
    for name, count in (("llava", 576), ("llava_next", 2340)):
        checkpoint = checkpoints(name)
        encoded = encode(checkpoint, sample(tmp_path))
        prompt = f"{VICUNA_SYSTEM} USER: <image>\n{QUESTION} \n{SINGLE_WORD} ASSISTANT:"
        tokenizer = checkpoint.processor.tokenizer
        ids = released_ids(tokenizer, prompt, checkpoint.model.config.image_token_id, count)
        assert encoded.ids.tolist() == ids
        assert encoded.text.replace("<image>" * count, "<image>") == prompt
        around = tokenizer.convert_ids_to_tokens(encoded.ids.tolist())
        start = encoded.regions["image"][0]
        assert around[start - 1] == "▁"
        assert around[start + count : start + count + 3] == ["▁", "<0x0A>", "Is"]


def test_llama_3_token_for_token(checkpoints: Callable[[str], Checkpoint], tmp_path: Path) -> None:
    checkpoint = checkpoints("llama_3")
    encoded = encode(checkpoint, sample(tmp_path))
    assert encoded.text.replace("<image>" * 2340, "<image>") == (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
        "You are a helpful language and vision assistant. You are able to understand the visual content that "
        "the user provides, and assist the user with a variety of tasks using natural language.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\n"
        "<image>\nIs the jar full or empty? \nAnswer the question using a single word or phrase.<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n \n"
    )
    tokens = checkpoint.processor.tokenizer.convert_ids_to_tokens(encoded.ids.tolist())
    assert tokens.count("<|begin_of_text|>") == 1
    assert tokens[-2:] == ["<|end_header_id|>", "ĊĊĠĊ"]
    assert LLAMA_3_SYSTEM in encoded.text


@pytest.mark.parametrize(
    ("name", "token"),
    [("llava", "▁yes"), ("llava_next", "▁yes"), ("llama_3", "yes"), ("llava_onevision", "yes")],
)
def test_an_answer_s_first_token_follows_the_prompt(
    name: str, token: str, checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    """After the role words comes a word start; after a line break there is no space to begin with."""
    checkpoint = checkpoints(name)
    encoded = encode(checkpoint, sample(tmp_path))
    tokenizer, first = checkpoint.processor.tokenizer, FirstTokens(checkpoint)
    found = first(encoded, "yes")
    assert tokenizer.convert_ids_to_tokens([found]) == [token]
    assert tokenizer.decode([*encoded.ids.tolist(), found]).endswith("yes")
    again = encode(checkpoint, sample(tmp_path, question="Is the hat full, or is it empty?"))
    assert first(again, "yes") == FirstTokens(checkpoint)(again, "yes") == found, "remembered or not"


def test_another_models_prompt_is_its_chat_template(
    checkpoints: Callable[[str], Checkpoint], folders: Callable[[str], Path], tmp_path: Path
) -> None:
    checkpoint = checkpoints("llava_onevision")
    text = encode(checkpoint, sample(tmp_path)).text
    assert text.replace("<image>" * (text.count("<image>")), "<image>") == (
        f"<|im_start|>user <image>\n{QUESTION} \n{SINGLE_WORD}<|im_end|>\n<|im_start|>assistant\n"
    )
    own = tmp_path / "mine.json"
    own.write_text(
        '{"name": "mine", "segments": [["image", "<image>"], ["separator", " "], ["question", "{question}"], '
        '["suffix", " {instruction}"]], "instructions": {"default": "Say it."}}',
        encoding="utf-8",
    )
    other = load(folders("llava_onevision"), prompt=str(own))
    assert encode(other, sample(tmp_path)).text.endswith("<image> Is the jar full or empty? Say it.")
    with pytest.raises(CheckpointError, match="no prompt format 'vicuna': give a file, or one of vicuna_v1"):
        load(folders("llava_onevision"), prompt="vicuna")


@pytest.mark.parametrize("name", ["llava", "llama_3", "llava_onevision"])
@pytest.mark.parametrize(
    ("question", "true", "false", "object_name"),
    [
        (QUESTION, "empty", "full", "jar"),
        ("What is on the left, a hat or a cat?", "hat", "cat", "left"),
        ("Is it light brown or brown?", "brown", "light brown", "it"),
        ("Is the naïve Ωmega café's sign red or  blue ?", "red", "blue", "café's sign"),
    ],
)
def test_decoding_a_region_gives_back_its_words(
    name: str,
    question: str,
    true: str,
    false: str,
    object_name: str,
    checkpoints: Callable[[str], Checkpoint],
    tmp_path: Path,
) -> None:
    """Whole words, never "hat" in "What", whatever the tokenizer."""
    checkpoint = checkpoints(name)
    asked = Sample(
        *("7", "ChooseAttr", "1", sample(tmp_path).image_path, question, true, true, false),
        (Box(object_name, 0, 0, 9, 9),),
        (640, 480),
    )
    encoded = encode(checkpoint, asked)

    def said(region: str) -> str:
        ids = [int(encoded.ids[at]) for at in encoded.regions[region]]
        return " ".join(checkpoint.processor.tokenizer.decode(ids).split())

    assert said("question") == " ".join(question.split())
    assert (said("true_option"), said("false_option")) == (true, false)
    assert said("central_object").lower() == object_name
    assert said("suffix") == SINGLE_WORD
    rest = set(encoded.regions["question"]) - set(encoded.regions["true_option+false_option"])
    assert set(encoded.regions["question_without_options"]) == rest
    if (true, false) == ("brown", "light brown"):
        assert encoded.regions["true_option"][0] > encoded.regions["false_option"][-1]


@pytest.mark.parametrize("question", ["What is <image> here?", "Is it </s> or <s>?"])
def test_words_that_are_special_tokens_exclude_the_sample(
    question: str, checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    with pytest.raises(RegionError, match=r"image tokens in the prompt|the question's tokens say"):
        encode(checkpoints("llava"), sample(tmp_path, question=question))


# --- where each visual token comes from -------------------------------------------------------------


def coordinates(layout: Layout) -> torch.Tensor:
    """Per visual token its grid, and first and last patch row and column it shows: ``[tokens, 5]``."""
    table = torch.full((layout.count, 5), -1.0)
    for number, grid in enumerate(layout.grids):
        where = iter(grid.patches)
        for rows in grid.rows.shown:
            for columns in grid.columns.shown:
                seen = [number, rows.start, rows.stop - 1, columns.start, columns.stop - 1]
                table[next(where)] = torch.tensor(seen, dtype=torch.float32)
    return table


def packed(checkpoint: Checkpoint, tiling: Tiling, size: Size) -> torch.Tensor:
    """What transformers makes of features that say (grid, row, column): ``[tokens, 3]``, newlines -1."""
    per_side = tiling.per_side
    down, across = (edge // tiling.side for edge in tiling.canvas(size))
    inside = torch.stack(torch.meshgrid(torch.arange(per_side), torch.arange(per_side), indexing="ij"), -1)
    pictures = [torch.cat([torch.zeros(per_side, per_side, 1), inside], -1)]
    for row in range(down):
        for column in range(across):
            shifted = inside + torch.tensor([row * per_side, column * per_side])
            pictures.append(torch.cat([torch.ones(per_side, per_side, 1), shifted], -1))
    features = torch.stack(pictures).flatten(1, 2).double()
    newline = torch.full((3,), -1.0, dtype=torch.float64)
    sizes = torch.tensor([[size[1], size[0]]])
    options = {"vision_feature_select_strategy": "default"} if tiling.most is None else {}
    rows, _ = checkpoint.model.model.pack_image_features([features], sizes, image_newline=newline, **options)
    result: torch.Tensor = rows[0]
    return result


GEOMETRIES = [("llava_next", NEXT), ("llava_onevision", ONEVISION)]


def same_order(checkpoint: Checkpoint, tiling: Tiling, size: Size) -> None:
    layout = tiling.layout(size)
    ours, theirs = coordinates(layout), packed(checkpoint, tiling, size)
    assert len(ours) == len(theirs) == layout.count
    newline = theirs[:, 0] < 0
    assert newline.nonzero()[:, 0].tolist() == list(layout.newlines)
    assert torch.equal(ours[~newline, 0].double(), theirs[~newline, 0].round())
    for first, last, says in ((1, 2, 1), (3, 4, 2)):
        assert (theirs[~newline, says] >= ours[~newline, first] - 1e-4).all()
        assert (theirs[~newline, says] <= ours[~newline, last] + 1e-4).all()
        between = ours[~newline, first] < ours[~newline, last]
        inside = theirs[~newline, says][between]
        assert ((inside - inside.round()).abs() > 1e-6).all()  # both rows have weight


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("name", "tiling"), GEOMETRIES)
def test_tokens_are_in_the_order_of_transformers_own_packing(
    name: str, tiling: Tiling, size: Size, checkpoints: Callable[[str], Checkpoint]
) -> None:
    same_order(checkpoints(name), tiling, size)


@pytest.mark.parametrize(("name", "tiling"), GEOMETRIES)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(size=st.tuples(st.integers(1, 3000), st.integers(1, 3000)))
def test_so_are_those_of_pictures_of_any_size(
    name: str, tiling: Tiling, checkpoints: Callable[[str], Checkpoint], size: Size
) -> None:
    same_order(checkpoints(name), tiling, size)


class Processor:
    """Real image processors that sample the nearest pixel and leave colours alone: paint stays paint."""

    def __init__(self, kind: type[Any], **options: Any) -> None:
        self.real = kind(resample=0, do_normalize=False, do_rescale=False, **options)
        self.image_mean = (0.0, 0.0, 0.0)

    def __call__(self, **words: Any) -> Any:
        return self.real(**words)


def pictures_of(name: str) -> Any:
    if name == "llava":
        size = {"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}}
        made = Processor(CLIPImageProcessorPil, **size)
        return SquarePictures(made, SquarePadding(336, 14))
    if name == "llava_next":
        size = {"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}}
        made = Processor(LlavaNextImageProcessorPil, image_grid_pinpoints=NEXT_PINPOINTS, **size)
        return TiledPictures(made, NEXT)
    pinpoints = ONEVISION_PINPOINTS
    return TiledPictures(
        Processor(LlavaOnevisionImageProcessorPil, image_grid_pinpoints=pinpoints), ONEVISION
    )


def painted_tokens(pictures: Any, size: Size, box: Box) -> set[int]:
    """Paint a box, transform the picture, find the tokens that show a painted pixel."""
    canvas = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    canvas[max(box.y, 0) : max(box.y + box.height, 0), max(box.x, 0) : max(box.x + box.width, 0)] = 255
    values = pictures.inputs(Image.fromarray(canvas))["pixel_values"]
    layout = pictures.layout(size)
    tiles = values.reshape(-1, 3, *values.shape[-2:])[:, 0] > 0
    side, patch = tiles.shape[-1], pictures.geometry.patch
    per_side = side // patch
    kept = per_side * patch
    marked = tiles[:, :kept, :kept].reshape(-1, per_side, patch, per_side, patch).any(4).any(2)
    found = showing(layout.base, marked[0])
    if layout.tiles is not None:
        down, across = (edge // side for edge in pictures.geometry.canvas(size))
        grid = marked[1 : 1 + down * across].reshape(down, across, per_side, per_side)
        found |= showing(layout.tiles, grid.transpose(1, 2).flatten(0, 1).flatten(1, 2))
    return found


def showing(grid: Grid, marked: torch.Tensor) -> set[int]:
    tokens = iter(grid.patches)
    return {
        token
        for rows in grid.rows.shown
        for columns in grid.columns.shown
        for token in [next(tokens)]
        if marked[rows.start : rows.stop, columns.start : columns.stop].any()
    }


def grown(box: Box, size: Size, by: int) -> Box:
    """A box without the pixels whose paint the nearest-pixel sampling may miss at its edges."""
    left, top = max(box.x, 0) + by, max(box.y, 0) + by
    right, bottom = min(box.x + box.width, size[0]) - by, min(box.y + box.height, size[1]) - by
    return Box(box.name, left, top, max(right - left, 0), max(bottom - top, 0))


@pytest.mark.parametrize("name", ["llava", "llava_next", "llava_onevision"])
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    size=st.tuples(st.integers(2, 700), st.integers(2, 700)),
    corner=st.tuples(st.integers(-20, 600), st.integers(-20, 600)),
    extent=st.tuples(st.integers(1, 300), st.integers(1, 300)),
)
@example(size=(640, 480), corner=(0, 0), extent=(27, 1))
@example(size=(700, 40), corner=(0, 0), extent=(700, 40))
@example(size=(9, 700), corner=(0, 0), extent=(9, 1))
def test_a_box_is_where_its_paint_lands(
    name: str, size: Size, corner: tuple[int, int], extent: tuple[int, int]
) -> None:
    """Through the very transform that makes the pixels.

    Sampling the nearest pixel takes one picture pixel for each canvas pixel. What is painted must be
    found; what is found but not painted is a patch that the box enters by less than a picture pixel or
    a canvas pixel: the box without its outermost pixels must be painted there, wherever it is found.
    """
    pictures, box = pictures_of(name), Box("object", *corner, *extent)
    layout = pictures.layout(size)
    found, paint = set(layout.holding(box)), painted_tokens(pictures, size, box)
    assert paint <= found
    shrink = -(-max(size) // 336)  # picture pixels to a canvas pixel, where a picture is made smaller
    assert set(layout.holding(grown(box, size, shrink))) <= paint


def test_the_tokens_of_a_640_by_480_picture_by_hand() -> None:
    """It fills 672x504 of a 672x672 canvas: 84 rows of padding, six rows of patches, on both sides.

    Base: 24 rows of 24; then 36 rows of 48 and a newline: 576 + 36 * 49 = 2,340 tokens. A box of 27x1
    pixels at the corner covers 14.2 pixels of the base (patches 0 and 1), 28.4 of the tiles (0 to 2).
    """
    layout = NEXT.layout((640, 480))
    assert NEXT.canvas((640, 480)) == (672, 672)
    assert layout.count == 2340
    assert layout.base.patches == tuple(range(576))
    assert layout.newlines == tuple(576 + 49 * row + 48 for row in range(36))
    assert layout.holding(Box("jar", 0, 0, 27, 1)) == (0, 1, 576, 577, 578)
    assert layout.holding(Box("jar", 639, 479, 1, 1)) == (575, 576 + 35 * 49 + 47)
    assert layout.padding == ()


def test_the_tokens_of_tall_and_wide_pictures_by_hand() -> None:
    """1000x100 goes on 336x1008 scaled by 1.008: 100.8 rows, 7.2 patches of 24, of which 8 stay."""
    wide, tall = NEXT.layout((1000, 100)), NEXT.layout((100, 1000))
    assert NEXT.canvas((1000, 100)) == (336, 1008)
    assert wide.tiles is not None and tall.tiles is not None
    assert (len(wide.tiles.rows.shown), len(wide.tiles.columns.shown)) == (8, 72)
    assert (len(tall.tiles.rows.shown), len(tall.tiles.columns.shown)) == (72, 8)
    assert wide.count == 576 + 8 * 73
    assert tall.count == 576 + 72 * 9
    # So thin that unpadding leaves no column of patches: newline tokens alone.
    thin = NEXT.layout((3, 2000))
    assert thin.tiles is not None and thin.tiles.patches == ()
    assert thin.newlines == tuple(range(576, 576 + 72))


def test_unpadding_can_crop_a_box_away() -> None:
    """640x480 on OneVision's 768x768: the first 2 of 576 rows are in a patch row that unpadding drops."""
    layout = ONEVISION.layout((640, 480))
    assert layout.tiles is not None
    assert layout.tiles.rows.shown[0] == range(7, 8)
    assert layout.tiles.holding(Box("jar", 0, 0, 27, 1)) == ()
    assert layout.tiles.holding(Box("jar", 0, 0, 27, 2)) == (729, 730, 731)


# --- regions ----------------------------------------------------------------------------------------


def test_every_region_of_a_next_prompt_by_hand(
    checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    encoded = encode(checkpoints("llava_next"), sample(tmp_path))
    regions, tokens = encoded.regions, 2340
    start = regions["image"][0]
    text = start + tokens
    assert regions["image"] == tuple(range(start, text))
    assert regions["separator"] == (text, text + 1)  # the word-start mark and the line break
    assert regions["question"] == tuple(range(text + 2, text + 9))  # Is the jar full or empty ?
    assert regions["false_option"] == (text + 5,)
    assert regions["true_option"] == (text + 7,)
    assert regions["central_object"] == regions["object1"] == (text + 4,)
    assert regions["question_without_options"] == tuple(text + at for at in (2, 3, 4, 6, 8))
    assert regions["question_rest"] == tuple(text + at for at in (2, 3, 6, 8))
    assert regions["last"] == (encoded.length - 1,)
    assert regions["base_patches"] == tuple(range(start, start + 576))
    assert regions["newline"] == tuple(start + 576 + 49 * row + 48 for row in range(36))
    assert len(regions["tile_patches"]) == 36 * 48
    assert regions["related_patches"] == tuple(start + at for at in (0, 1, 576, 577, 578))
    assert regions["related_base_patches"] == (start, start + 1)
    assert regions["related_tile_patches"] == tuple(start + at for at in (576, 577, 578))
    every = set(regions["image"])
    assert set(regions["other_patches"]) == every - set(regions["related_patches+newline"])
    assert set(regions["other_base_patches"]) == set(regions["base_patches"]) - every.intersection(
        regions["related_patches"]
    )
    assert len(regions["other_tile_patches"]) == 36 * 48 - 3
    assert regions["after_image"] == tuple(range(text, encoded.length))


def test_every_released_block_name_is_a_flow(
    checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    encoded = encode(checkpoints("llava_next"), sample(tmp_path))
    for region in RELEASED_NAMES.values():
        flow = Flow.parse(f"{region}->last")
        assert encoded.regions[flow.source]
    one = {name: set(encoded.regions[region]) for name, region in RELEASED_NAMES.items()}
    assert one["Image"] == one["Image Original Patch"] | one["Image HD Patch"]
    assert one["Image"] - one["Image Central Object"] == one["Image Without Central Object with pad"]
    assert one["Image HD Patch"] - one["Image Central Object in HD"] == one["Image HD Without Central Object"]


def test_a_picture_of_another_size_than_annotated_is_excluded(
    checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    wrong = sample(tmp_path, (64, 48))
    with pytest.raises(RegionError, match="the picture is 64×48 pixels, its row says 48×64"):
        encode(checkpoints("llava"), Sample(**{**vars(wrong), "image_size": (48, 64)}))


# --- no tiles, no padding ---------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "count"), [("llava_next", 576), ("llava_onevision", 729)])
def test_without_tiles_the_model_reads_one_padded_square(
    name: str, count: int, folders: Callable[[str], Path], tmp_path: Path
) -> None:
    """The released switch "no HD, no pad": 1.5's picture, no newline token, through the model's own code."""
    checkpoint = load(folders(name), image_handling="square")
    encoded = encode(checkpoint, sample(tmp_path))
    assert len(encoded.regions["image"]) == count
    assert encoded.regions["base_patches"] == encoded.regions["image"]
    assert not {"newline", "tile_patches"} & set(encoded.regions.positions)
    assert encoded.pixels.shape[:2] == (1, 1)
    (rows,) = entering(checkpoint, [encoded])
    with torch.inference_mode():
        tower = checkpoint.model.model.vision_tower(encoded.pixels[0], output_hidden_states=True)
        layer = checkpoint.model.config.vision_feature_layer
        features = tower.hidden_states[layer][:, -count:]
        expected = checkpoint.model.model.multi_modal_projector(features)[0]
    torch.testing.assert_close(rows[list(encoded.regions["image"])], expected)


def test_what_is_not_one_token_per_patch_is_refused(folders: Callable[[str], Path]) -> None:
    with pytest.raises(CheckpointError, match="'llava' handles pictures as square, not 'tiles'"):
        load(folders("llava"), image_handling="tiles")


def test_the_model_is_given_what_its_processor_makes(
    checkpoints: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    """Pixels and image sizes are those of the real processor, the tokens as many as it counts."""
    checkpoint = checkpoints("llava_next")
    for size in [(640, 480), (100, 1000)]:
        encoded = encode(checkpoint, sample(tmp_path, size))
        with Image.open(encoded.sample.image_path) as image:
            made = checkpoint.processor(text="<image>", images=image.convert("RGB"), return_tensors="pt")
        assert torch.equal(made["pixel_values"], encoded.pixels)
        assert torch.equal(made["image_sizes"], encoded.extra["image_sizes"])
        image_tokens = made["input_ids"][0] == checkpoint.model.config.image_token_id
        assert int(image_tokens.sum()) == len(encoded.regions["image"])
        assert set(encoded.visual) == {"pixel_values", "image_sizes"}
