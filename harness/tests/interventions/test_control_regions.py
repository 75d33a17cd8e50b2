"""Regions of controls: as many patches, elsewhere; the same in every run."""

import functools
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings, strategies as st

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import encode
from harness.checkpoint.regions import Regions
from harness.data.dataset import Dataset, make_dataset
from harness.data.sample import Box, Sample
from harness.interventions.control_regions import with_controls
from harness.testing.tiny_checkpoints import picture, sample, tiny_checkpoint

SIDE = 24


@functools.cache
def checkpoint() -> Checkpoint:
    return tiny_checkpoint(per_side=6)


@functools.cache
def noise() -> Path:
    return picture(Path(tempfile.mkdtemp()), size=(SIDE, SIDE))


def asked(box: Box, number: int = 0) -> Sample:
    return replace(sample(noise(), size=(SIDE, SIDE), box=box), id=str(number), image_id=f"image{number}")


def controls(*samples: Sample) -> Regions:
    return with_controls(checkpoint(), dataset(*samples), encode(checkpoint(), samples[0]))


def dataset(*samples: Sample) -> Dataset:
    return make_dataset("noise", "sha", samples)


boxes = st.builds(
    lambda x, y, width, height: Box("circle", x, y, width, height),
    st.integers(0, SIDE - 2),
    st.integers(0, SIDE - 2),
    st.integers(1, SIDE),
    st.integers(1, SIDE),
)


@settings(max_examples=60, deadline=None)
@given(boxes)
def test_controls_of_any_box(box: Box) -> None:
    found = controls(asked(box)).positions
    related, image = set(found["related_patches"]), set(found["image"])
    assert set(found["centre_patch"]) <= image
    assert len(found["centre_patch"]) == 1
    assert len(found["most_patches"]) == round(0.9 * len(image))
    assert set(found["most_patches"]) <= image
    if len(related) <= len(image) / 2:
        drawn = set(found["random_patches"])
        assert len(drawn) == len(related)
        assert not drawn & related
        assert drawn <= image
    else:
        assert "random_patches" not in found, "there are not as many others"
    assert set(found["shifted_patches"]) <= image


def test_a_small_box_is_shifted_away_whole() -> None:
    found = controls(asked(Box("circle", 0, 0, 8, 8))).positions
    assert len(found["shifted_patches"]) == len(found["related_patches"]) == 4
    assert not set(found["shifted_patches"]) & set(found["related_patches"])


def test_the_centre_patch_is_at_the_object_s_centre() -> None:
    found = controls(asked(Box("circle", 8, 4, 4, 4))).positions
    image = found["image"]
    assert found["centre_patch"] == (image[1 * 6 + 2],)


def test_with_tiles_the_centre_is_shown_twice() -> None:
    """Once in the whole picture, once in its tiles: two tokens, each hidden on its own."""
    tiled = tiny_checkpoint(kind="llava_next", per_side=2)
    one = sample(picture(noise().parent, size=(16, 16)), size=(16, 16), box=Box("circle", 8, 8, 4, 4))
    regions = with_controls(tiled, dataset(one), encode(tiled, one))
    (base,), (tile,) = regions["centre_patch"], regions["centre_tile_patch"]
    assert base in regions["base_patches"]
    assert tile in regions["tile_patches"]
    assert "centre_tile_patch" not in controls(asked(Box("circle", 8, 4, 4, 4))).positions


def test_foreign_patches_are_another_image_s_boxes_at_the_same_place() -> None:
    own, other = asked(Box("circle", 0, 0, 4, 4)), asked(Box("ring", 20, 20, 4, 4), 1)
    found = controls(own, other).positions
    assert found["foreign_patches"] == (found["image"][-1],)
    smaller = replace(other, image_size=(48, 48), objects=(Box("ring", 40, 40, 8, 8),))
    assert controls(own, smaller).positions["foreign_patches"] == (found["image"][-1],)


def test_alone_on_its_image_a_sample_has_no_foreign_patches() -> None:
    assert "foreign_patches" not in controls(asked(Box("circle", 0, 0, 4, 4))).positions


def test_controls_are_the_same_in_every_run_and_differ_between_samples() -> None:
    box = Box("circle", 0, 0, 8, 8)
    assert controls(asked(box)).positions == controls(asked(box)).positions
    drawn = {controls(asked(box, number)).positions["random_patches"] for number in range(5)}
    assert len(drawn) > 1
