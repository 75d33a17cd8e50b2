"""Regions: whole words, unions, errors; decoding a region gives back its words."""

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from harness.checkpoint.encode import Encoded, encode
from harness.checkpoint.encode_condition import continued
from harness.checkpoint.regions import REGION_NAMES, Regions, word_spans
from harness.data.errors import DataError, RegionError
from harness.data.sample import Box
from harness.testing.tiny_checkpoints import WORDS, picture, sample, tiny_checkpoint


def words_of(encoded: Encoded, region: str) -> str:
    spans = [encoded.offsets[at] for at in encoded.regions[region]]
    return " ".join("".join(encoded.text[start:stop] for start, stop in spans).split())


def test_an_option_is_found_as_a_whole_word() -> None:
    """The released code finds "hat" inside "What"."""
    assert word_spans("What is it, a hat or a cap?", "hat") == [(14, 17)]
    assert word_spans("What is that?", "hat") == []
    assert word_spans("Is it light  brown or brown?", "light brown") == [(6, 18)]


@given(st.text(max_size=30), st.text(max_size=5))
def test_word_spans_never_cut_a_word(question: str, phrase: str) -> None:
    for start, stop in word_spans(question, phrase):
        before, after = question[:start][-1:], question[stop:][:1]
        assert not (before.isalnum() or before == "_")
        assert not (after.isalnum() or after == "_")
        assert question[start:stop].lower().split() == phrase.lower().split()


def test_regions_of_a_prompt_by_hand(tmp_path: Path) -> None:
    encoded = encode(tiny_checkpoint(), sample(picture(tmp_path)))
    assert words_of(encoded, "question") == "is the circle red or blue ?"
    assert words_of(encoded, "true_option") == "red"
    assert words_of(encoded, "false_option") == "blue"
    assert words_of(encoded, "central_object") == "circle"
    assert words_of(encoded, "question_without_options") == "is the circle or ?"
    assert words_of(encoded, "question_rest") == "is the or ?"
    assert words_of(encoded, "suffix") == "answer with one word ."
    assert words_of(encoded, "system") == "a chat"
    assert words_of(encoded, "roles") == "USER: ASSISTANT"
    assert encoded.text[slice(*encoded.offsets[encoded.regions["separator"][0]])] == "\n"
    assert encoded.regions["last"] == (encoded.length - 1,)
    assert len(encoded.regions["image"]) == 4
    assert encoded.regions["related_patches"] == encoded.regions["image"][:1]
    assert encoded.regions["other_patches"] == encoded.regions["image"][1:]


def test_a_question_that_names_no_object_has_no_other_words(tmp_path: Path) -> None:
    """There is nothing to compare them with."""
    encoded = encode(tiny_checkpoint(), sample(picture(tmp_path), "is it red or blue ?"))
    assert words_of(encoded, "question_without_options") == "is it or ?"
    assert not {"central_object", "question_rest"} & set(encoded.regions.positions)


@settings(max_examples=40, deadline=None)
@given(words=st.lists(st.sampled_from(WORDS.split()), min_size=2, max_size=9))
def test_decoding_the_question_gives_back_its_words(
    words: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    question = " ".join(words)
    encoded = encode(tiny_checkpoint(), sample(picture(tmp_path_factory.getbasetemp()), question))
    assert words_of(encoded, "question") == question
    covered = [*encoded.regions.positions["system"], *encoded.regions["roles"], *encoded.regions["image"]]
    covered += [*encoded.regions["separator"], *encoded.regions["question"], *encoded.regions["suffix"]]
    assert sorted([*covered, *encoded.regions["last"]]) == list(range(encoded.length))


def test_ids_and_pixels_are_the_processors_own(tmp_path: Path) -> None:
    """Written out by us or by the processor, the prompt is the same, token for token."""
    checkpoint = tiny_checkpoint()
    encoded = encode(checkpoint, sample(picture(tmp_path)))
    text = encoded.text.replace("<image>" * 4, "<image>")
    from PIL import Image

    with Image.open(encoded.sample.image_path) as image:
        made = checkpoint.processor(text=text, images=image, return_tensors="pt")
    assert made["input_ids"][0].tolist() == encoded.ids.tolist()
    assert (made["pixel_values"] == encoded.pixels).all()


def test_a_region_that_is_unknown_or_empty_is_an_error(tmp_path: Path) -> None:
    regions = Regions({"image": (1, 2), "question": (4,)}, 6)
    assert regions["image+question"] == (1, 2, 4)
    with pytest.raises(RegionError, match=r"unknown region 'imag'; the regions are first, system"):
        _ = regions["imag"]
    with pytest.raises(RegionError, match="region 'false_option' is empty"):
        _ = regions["false_option"]
    outside = sample(picture(tmp_path), box=Box("circle", 90, 90, 4, 4))
    with pytest.raises(RegionError, match="region 'related_patches' is empty"):
        _ = encode(tiny_checkpoint(), outside).regions["related_patches"]


def test_an_answer_is_continued_unless_it_holds_an_image_token(tmp_path: Path) -> None:
    """Models with random weights say such; in a prompt there would be features for one token too few."""
    checkpoint = tiny_checkpoint()
    encoded, token = encode(checkpoint, sample(picture(tmp_path))), checkpoint.model.config.image_token_id
    assert continued(encoded, (7, 8, token), "last_subword").ids[-2:].tolist() == [7, 8]
    assert continued(encoded, (token, 8), "first_subword") is encoded
    with pytest.raises(RegionError, match="the answer holds an image token"):
        continued(encoded, (7, token, 8), "last_subword")


def test_every_region_a_prompt_makes_has_a_public_name(tmp_path: Path) -> None:
    encoded = encode(tiny_checkpoint(), sample(picture(tmp_path)))
    assert set(encoded.regions.positions) <= set(REGION_NAMES)


def test_an_image_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such image file"):
        encode(tiny_checkpoint(), sample(tmp_path / "missing.png"))
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    with pytest.raises(DataError, match=r"broken\.png: cannot be read as an image"):
        encode(tiny_checkpoint(), sample(broken))
