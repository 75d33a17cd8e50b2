"""The loader of the paper's data files: their traps, and one clear error for what cannot be used."""

import os
from pathlib import Path

import pytest
from PIL import Image

from harness.data.csv_tables import annotated, columns, image_path, load_tables
from harness.data.errors import DataError
from harness.data.pictures import picture_size, read_picture
from harness.data.sample import TASKS

HEADER = (
    "question_id,img_id,question,answer,true option,false option,central object name,central object w,"
    "central object h,central object x,central object y,image_w,image_h"
)
START = "question_id,img_id,question,answer,"
CHOICE = START + "true option,false option,"
CENTRE = "central object name,central object id,"
CENTRE_BOX = ",central object w,central object h,central object x,central object y"
PAIR = "object1 name,object1 id,object2 name,object2 id,"
PAIR_BOX = ",object1 w,object1 h,object1 x,object1 y,object2 w,object2 h,object2 x,object2 y"
REST = "captions,image_w,image_h"
TOLD = """chooseAttr,"[{'argument': 'jar (4)'}]","a jar of ""honey"". a table, brown.\""""
RELEASED = {
    "ChooseAttr": (
        CHOICE + CENTRE + "type_detailed,operations," + REST + CENTRE_BOX + ",full answer",
        f"007,10,Is the jar red or blue?,red,red,blue,jar,4,{TOLD},8,8,2,3,1,0,The jar is red.",
    ),
    "ChooseCat": (
        CHOICE + CENTRE + REST + CENTRE_BOX,
        '007,10,"What is this, a cat or a bird?",bird,bird,cat,animal,4,,8,8,2,3,1,0',
    ),
    "ChooseRel": (
        CHOICE + PAIR + REST + PAIR_BOX,
        "007,10,Is the jar left or right of the mug?,left,left,right,mug,3,jar,4,,8,8,2,2,5,5,2,3,1,0",
    ),
    "CompareAttr": (
        START + PAIR + "question word," + REST + PAIR_BOX,
        "007,10,What do the jar and the mug share?,color,jar,4,mug,3,common,,8,8,2,3,1,0,2,2,5,5",
    ),
    "LogicalObj": (
        START + PAIR + "question word," + REST + PAIR_BOX,
        "007,10,Are there jars or mugs that are red?,yes,jar,4,mug,-,common,,8,8,2,3,1,0,-,-,-,-",
    ),
    "QueryAttr": (
        START + CENTRE + "question word," + REST + CENTRE_BOX,
        "007,10.jpg,On which side is the jar?,left,jar,4,common,,8,8,2,3,1,0",
    ),
}
"""The released columns of each task, with a row of our own."""
GOOD = '007,10,"Is it red, or blue?",Red,red,blue,jar,2,3,1,0,8,8'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / "10.jpg")
    return tmp_path


def write(folder: Path, *rows: str, header: str = HEADER, name: str = "GQA_ChooseAttr.csv") -> Path:
    (folder / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder


def test_a_row_as_released(folder: Path) -> None:
    (sample,) = load_tables(write(folder, GOOD)).samples
    assert (sample.id, sample.task, sample.answer) == ("007", "ChooseAttr", "red")
    assert (sample.true_option, sample.false_option) == ("red", "blue")
    assert sample.question == "Is it red, or blue?"
    (box,) = sample.objects
    assert (box.name, box.x, box.y, box.width, box.height) == ("jar", 1, 0, 2, 3)


def test_minimal_pairs_are_named_in_both_directions(folder: Path) -> None:
    write(folder, GOOD, GOOD.replace("007", "008").replace("Red,red,blue", "blue,blue,red"))
    before = load_tables(folder)
    assert [sample.twin for sample in before.samples] == [None, None]
    pairs = folder / "minimal_pairs.csv"
    pairs.write_text("task,question_id,twin_question_id\nChooseAttr,007,008\n", encoding="utf-8")
    paired = load_tables(folder)
    assert {sample.id: sample.twin for sample in paired.samples} == {"007": "008", "008": "007"}
    assert paired.sha256 != before.sha256, "what is measured depends on the pairs"
    pairs.write_text("task,question_id\nChooseAttr,007\n", encoding="utf-8")
    with pytest.raises(DataError, match="column 'twin_question_id' is missing"):
        load_tables(folder)


def test_all_six_tasks_as_released(folder: Path) -> None:
    for task, (header, row) in RELEASED.items():
        write(folder, row, header=header, name=f"GQA_val_correct_question_with_x_{task}.csv")
    dataset = load_tables(folder)
    assert dataset.tasks == TASKS
    assert not dataset.left_out
    assert [len(sample.objects) for sample in dataset.samples] == [1, 1, 2, 2, 1, 1]
    assert {(sample.id, sample.image_id) for sample in dataset.samples} == {("007", "10")}
    assert [sample.true_option for sample in dataset.samples] == ["red", "bird", "left", None, None, None]
    assert dataset.by_task["ChooseCat"][0].question == "What is this, a cat or a bird?"


@pytest.mark.parametrize("task", TASKS)
def test_a_table_without_its_tasks_columns_is_an_error(task: str, folder: Path) -> None:
    """A renamed column would otherwise be a data set without boxes, or without options."""
    header, row = RELEASED[task]
    last = columns(task)[-1]
    write(folder, row, header=header.replace(last, "renamed"), name=f"x_{task}.csv")
    with pytest.raises(DataError, match=rf"x_{task}\.csv, line 1: column '{last}' is missing"):
        load_tables(folder)


def test_a_column_that_occurs_twice_is_an_error(folder: Path) -> None:
    write(folder, GOOD + ",8", header=HEADER + ",image_w")
    with pytest.raises(DataError, match=r"line 1: column 'image_w' occurs twice"):
        load_tables(folder)


@pytest.mark.parametrize(
    "content",
    [b"", b"<!DOCTYPE html><title>Not found</title>", b"version https://git-lfs.github.com/spec/v1\n"],
)
def test_a_file_that_is_no_picture_is_one_row_left_out(folder: Path, content: bytes) -> None:
    (folder / "images" / "11.jpg").write_bytes(content)
    row = GOOD.replace(",10,", ",11,").replace("007", "008")
    dataset = load_tables(write(folder, GOOD, row))
    assert [sample.image_id for sample in dataset.samples] == ["10"]
    assert dataset.left_out == {("ChooseAttr", f"image file cannot be read (e.g. {folder}/images/11.jpg)"): 1}


def test_a_picture_that_is_too_large_is_one_row_left_out(folder: Path) -> None:
    Image.new("1", (7100, 7100)).save(folder / "images" / "11.jpg", "PNG")
    row = GOOD.replace(",10,", ",11,").replace("007", "008").replace(",8,8", ",7100,7100")
    assert len(load_tables(write(folder, GOOD, row)).samples) == 1


def test_where_no_row_is_left_the_error_names_a_path_that_was_sought(folder: Path) -> None:
    rows = [GOOD.replace(",10,", f",{name},").replace("007", name) for name in ("11", "a" * 300)]
    with pytest.raises(
        DataError, match=r"no row can be used: image file missing \(2, e\.g\. .*/images/11\.jpg\)"
    ):
        load_tables(write(folder, *rows))


def test_a_question_that_occurs_twice_is_named_with_both_lines(folder: Path) -> None:
    with pytest.raises(DataError, match=r"ChooseAttr\.csv, line 3: question 007 stands already in line 2"):
        load_tables(write(folder, GOOD, GOOD))


def test_a_table_that_is_no_regular_file_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "GQA_ChooseAttr.csv")
    with pytest.raises(DataError, match=r"GQA_ChooseAttr\.csv: not a regular file"):
        load_tables(folder)


def test_a_truncated_image_is_an_error(folder: Path) -> None:
    path = folder / "images" / "10.jpg"
    Image.effect_noise((64, 64), 100).convert("RGB").save(path)
    path.write_bytes(path.read_bytes()[:-500])
    assert picture_size(path) == (64, 64)
    with pytest.raises(DataError, match=r"10\.jpg: cannot be read as an image"):
        read_picture(path)


def test_a_truncated_image_is_left_out_before_anything_is_measured(folder: Path) -> None:
    whole, cut = folder / "images" / "10.jpg", folder / "images" / "11.jpg"
    Image.effect_noise((8, 8), 100).convert("RGB").save(cut)
    cut.write_bytes(cut.read_bytes()[:-4])
    assert picture_size(cut) == picture_size(whole)
    rows = [GOOD, *(GOOD.replace(",10,", ",11,").replace("007", number) for number in ("008", "009"))]
    dataset = load_tables(write(folder, *rows))
    assert [sample.image_id for sample in dataset.samples] == ["10"]
    assert dataset.left_out == {
        ("ChooseAttr", f"image file broken or cut short (e.g. {folder}/images/11.jpg)"): 2
    }


def test_a_byte_order_mark_and_jpg_in_the_id_do_no_harm(folder: Path) -> None:
    write(folder, GOOD.replace(",10,", ",10.jpg,"))
    path = folder / "GQA_ChooseAttr.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    (sample,) = load_tables(folder).samples
    assert (sample.image_id, sample.id) == ("10", "007")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (GOOD.replace(",10,", ",11,").replace("007", "008"), "image file missing"),
        (GOOD.replace(",8,8", ",8,9").replace("007", "008"), "image of another size than its row says"),
    ],
)
def test_a_row_that_cannot_be_used_is_counted_with_its_reason(row: str, reason: str, folder: Path) -> None:
    dataset = load_tables(write(folder, GOOD, row))
    assert len(dataset.samples) == 1
    ((task, told), count), *more = dataset.left_out.items()
    assert (task, told.partition(" (e.g. ")[0], count, more) == ("ChooseAttr", reason, 1, [])


@pytest.mark.parametrize(
    ("row", "reaches"),
    [
        (GOOD, True),
        (GOOD.replace(",1,0,8,8", ",7,7,8,8"), True),
        (GOOD.replace(",1,0,8,8", ",-1,-2,8,8"), True),
        (GOOD.replace(",1,0,8,8", ",8,0,8,8"), False),
        (GOOD.replace(",1,0,8,8", ",-2,0,8,8"), False),
        (GOOD.replace(",1,0,8,8", ",0,-3,8,8"), False),
        (GOOD.replace(",2,3,1,0", ",0,3,1,0"), False),
    ],
)
def test_a_box_outside_its_picture_does_not_cost_the_sample(row: str, reaches: bool, folder: Path) -> None:  # noqa: FBT001
    dataset = load_tables(write(folder, row))
    ((box,),) = (sample.objects for sample in dataset.samples)
    assert box.name == "jar"
    assert box.reaches((8, 8)) is reaches
    assert dataset.left_out == {}


def test_boxes_are_read_without_pictures(folder: Path) -> None:
    """The same as the samples', of rows whose picture is missing, too."""
    write(folder, GOOD, GOOD.replace(",10,", ",11,").replace("007", "008"))
    rows = list(annotated(folder))
    assert [(row.task, row.id, row.size) for row in rows] == [
        ("ChooseAttr", "007", (8, 8)),
        ("ChooseAttr", "008", (8, 8)),
    ]
    assert rows[0].boxes == rows[1].boxes == load_tables(folder).samples[0].objects


def test_a_missing_box_is_no_object(folder: Path) -> None:
    (sample,) = load_tables(write(folder, GOOD.replace("2,3,1,0", "-,-,-,-"))).samples
    assert sample.objects == ()


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            GOOD.replace(",1,0,8,8", ",one,0,8,8"),
            r"line 2: column 'central object x' holds 'one', not a number",
        ),
        (GOOD.replace("8,8", "0,8"), r"line 2: image_w × image_h is 0 × 8"),
        (GOOD.replace("Red", ""), r"line 2: column 'answer' is empty"),
        (GOOD + ",extra", r"line 2: not 13 fields as in the header"),
        ("007,10", r"line 2: not 13 fields as in the header"),
        (GOOD.replace(",10,", ",../secret,"), r"line 2: img_id '\.\./secret' is not the name of a file"),
    ],
)
def test_a_broken_row_names_file_line_and_column(row: str, text: str, folder: Path) -> None:
    with pytest.raises(DataError, match=r"GQA_ChooseAttr\.csv, " + text):
        load_tables(write(folder, row))


def test_files_that_cannot_be_used(folder: Path) -> None:
    with pytest.raises(DataError, match="no data file"):
        load_tables(folder)
    write(folder, GOOD, header=HEADER.replace("answer", "reply"))
    with pytest.raises(DataError, match="column 'answer' is missing; it has question_id"):
        load_tables(folder)
    write(folder, GOOD)
    write(folder, GOOD, name="other_ChooseAttr.csv")
    with pytest.raises(DataError, match="two files for ChooseAttr"):
        load_tables(folder)


def test_missing_images_and_bytes_that_are_not_text(folder: Path) -> None:
    write(folder, GOOD)
    with pytest.raises(DataError, match="no such image folder; name it with --images DIR"):
        load_tables(folder, folder / "nowhere")
    (folder / "GQA_ChooseAttr.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read as CSV in UTF-8"):
        load_tables(folder)


@pytest.mark.parametrize("img_id", ["../10", "/etc/passwd", "a/b", "..", ".", "", "a\\b", "a\0b", ".jpg"])
def test_no_id_leaves_the_image_folder(img_id: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not the name of a file"):
        image_path(tmp_path, img_id, Path("x.csv"), 2)


def test_the_hash_follows_rows_and_pixels(folder: Path) -> None:
    before = load_tables(write(folder, GOOD)).sha256
    assert load_tables(folder).sha256 == before
    Image.new("RGB", (8, 8), (1, 2, 3)).save(folder / "images" / "10.jpg")
    assert load_tables(folder).sha256 != before


def test_a_link_to_another_file_does_not_tell_what_that_file_says(folder: Path) -> None:
    (folder.parent / "token").write_text("secret-of-this-machine\n", encoding="utf-8")
    write(folder, GOOD)
    table = next(folder.glob("*_ChooseAttr.csv"))
    table.unlink()
    table.symlink_to(folder.parent / "token")
    with pytest.raises(DataError, match="column 'question_id' is missing; it has 1 others"):
        load_tables(folder)
