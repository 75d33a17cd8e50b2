"""Evidence measured elsewhere: what is right comes in as it is, what is wrong is said by line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings, strategies as st

from harness.data.errors import HarnessError
from harness.evidence.__main__ import main
from harness.evidence.elsewhere.assemble import Asked, import_files
from harness.evidence.elsewhere.checks import NOTHING_BLOCKED, SAME_OPTIONS, SAME_TOKEN
from harness.evidence.elsewhere.export import export_plain, export_released
from harness.evidence.elsewhere.imports import MANIFEST, Imported, ImportedError, find_import, write_import
from harness.evidence.elsewhere.released import DIFFERENCE
from harness.evidence.elsewhere.tables import TableError
from harness.evidence.shards import CLEAN, rows_to_frame
from harness.validation.elsewhere.made_up import MadeUp

LAYERS, COUNT = 10, 12
TASKS = ("ChooseAttr", "QueryAttr")
WINDOW = 3


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    MadeUp(folder, LAYERS, dict.fromkeys(TASKS, COUNT), images=8, words=3).write()
    return folder / "output"


@pytest.fixture
def output(whole: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    shutil.copytree(whole, tmp_path / "output")
    return tmp_path / "output"


def flow_file(output: Path, flow: str = "Image___Question", task: str = "ChooseAttr") -> Path:
    return next(output.glob(f"information_flow/*/{task}/val/{flow}/*.csv"))


def lens_file(output: Path, task: str = "ChooseAttr") -> Path:
    return next(output.glob(f"last_position_answer_probs/*/{task}/val/*.csv"))


def table(file: Path) -> pl.DataFrame:
    return pl.read_csv(file, schema_overrides={"question_id": pl.String, "image": pl.String})


def import_(*files: Path, **asked: object) -> Imported:
    said = {"checkpoint": "made-up", "layers": LAYERS, **asked}
    return import_files(files, Asked(**said), files[0].parent / "imports")  # type: ignore[arg-type]


def curve(found: Imported, measurement: str, reading: str = "p", task: str = "ChooseAttr") -> pl.DataFrame:
    return found.read().filter(
        (pl.col("measurement") == measurement) & (pl.col("reading") == reading) & (pl.col("task") == task)
    )


def test_the_release_comes_in_as_it_stands(output: Path) -> None:
    found = import_(output)
    names = {"question->last", "image->last", "last->last", "image->question"}
    names |= {"related_patches->question", "other_patches->question"}
    measured = {f"{name}@{WINDOW}" for name in names}
    assert set(found.read()["measurement"].unique()) == {CLEAN, "lens", *measured}
    assert (found.manifest.window, found.manifest.layers, len(found.manifest.sources)) == (WINDOW, LAYERS, 14)
    written = table(flow_file(output)).sort("question_id", "layer")
    read = curve(found, f"image->question@{WINDOW}").sort("sample")
    assert read["values"].explode().to_list() == written["new_score_first"].to_list()
    assert read["p1"].to_list() == written["base_score_first"].to_list()[::LAYERS]
    assert read["sample"].to_list() == written["question_id"].to_list()[::LAYERS]
    images = written["image"].str.strip_suffix(".jpg").to_list()[::LAYERS]
    assert read["image"].to_list() == images
    assert {image for image in images if image.startswith("23")} == set(images)
    samples = found.dataset().by_task["ChooseAttr"]
    assert {(one.id, one.image_id, one.answer) for one in samples} == {
        (sample, image, "yes") for sample, image in zip(read["sample"], images, strict=True)
    }


def test_the_lens_is_read_from_per_cent(output: Path) -> None:
    found = import_(output)
    written = table(lens_file(output)).sort("question_id", "layer")
    lower, capital, either = (
        curve(found, "lens", form).sort("sample")["values"].explode().to_numpy()
        for form in ("lower", "capital", "either")
    )
    assert lower == pytest.approx(written["Noncapitalized Answer"].to_numpy() / 100)
    assert capital == pytest.approx(written["Capitalized Answer"].to_numpy() / 100)
    assert either == pytest.approx(lower + capital) and len(either) == COUNT * (LAYERS + 1)
    assert len(curve(found, "lens", "false_either")) == COUNT
    assert not len(curve(found, "lens", "false_either", task="QueryAttr"))


# ------------------------------------------------------------------------------- what is wrong


Change = Callable[[pl.DataFrame], pl.DataFrame]


def cell(column: str, line: int, value: object) -> Change:
    """Put another value into a column at a line of the file."""
    at = pl.int_range(2, pl.len() + 2) == line

    def changed(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.when(at).then(pl.lit(value)).otherwise(pl.col(column)).alias(column))

    return changed


def without(*lines: int) -> Change:
    return lambda frame: frame.filter(pl.int_range(2, pl.len() + 2).is_in(lines).not_())


def scores(before: object, after: object) -> Change:
    """Other scores throughout, and differences that follow from them."""

    def changed(frame: pl.DataFrame) -> pl.DataFrame:
        base = before if isinstance(before, pl.Expr) else pl.lit(before)
        new = after if isinstance(after, pl.Expr) else pl.lit(after)
        made = frame.with_columns(
            base_score_first=base.cast(pl.Float64), new_score_first=new.cast(pl.Float64)
        )
        p1, p2 = pl.col("base_score_first"), pl.col("new_score_first")
        return made.with_columns(((p2 - p1) * 100 / p1).alias(DIFFERENCE))

    return changed


P1, P2 = pl.col("base_score_first"), pl.col("new_score_first")
TWICE = pl.when(pl.int_range(pl.len()) == 14)
WRONG: dict[str, tuple[Change, str]] = {
    "missing layer": (
        without(13),
        "line 20: question {1} has no layer 1 of 0 to 9; is the file half finished",
    ),
    "cut short": (without(*range(119, 122)), "line 118: question {11} has no layer 7 of 0 to 9"),
    "twice": (
        lambda frame: pl.concat([frame, frame[14:15]]),
        "line 122: question {1}, layer 4 stands already in line 16",
    ),
    "layer too high": (cell("layer", 7, 10), "line 7: layer 10 is not one of 0 to 9; is --layers right?"),
    "half a layer": (cell("layer", 7, 4.5), "line 7: column 'layer' holds 4.5, not a whole number"),
    "base score": (
        scores(TWICE.then(P1 * 0.9).otherwise(P1), P2),
        "line 16: the base score of question {1} is",
    ),
    "difference": (cell(DIFFERENCE, 9, -3.25), f"line 9: {DIFFERENCE} is -3.25, which does not follow from"),
    "per cent": (scores(P1 * 100, P2 * 100), "(p1); they lie between 0 and 1"),
    "negative": (scores(P1, TWICE.then(-0.1).otherwise(P2)), "line 16: a probability of -0.1 (p2)"),
    "no base": (
        scores(TWICE.then(0.0).otherwise(P1), P2),
        f"line 16: column '{DIFFERENCE}' holds 'inf'",
    ),
    "not finite": (cell("new_score_first", 5, float("nan")), "line 5: column 'new_score_first' holds 'NaN'"),
    "empty": (cell("new_score_first", 5, None), "line 5: column 'new_score_first' is empty"),
    "block": (
        lambda frame: frame.with_columns(block_desc=pl.lit("Picture->Question")),
        "line 2: block 'Picture->Question' in a file named for Image___Question",
    ),
    "zero": (
        scores(P1, P1),
        "line 2: every effect of image->question at windows of 3 on ChooseAttr is exactly zero",
    ),
    "two images": (cell("image", 4, "77.jpg"), "question {0} has 2 images"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_file_and_line(output: Path, name: str) -> None:
    change, said = WRONG[name]
    file = flow_file(output)
    ids = table(file)["question_id"].to_list()[::LAYERS]
    change(table(file)).write_csv(file)
    with pytest.raises(TableError) as error:
        import_(file)
    assert str(error.value).startswith(str(file))
    for at, one in enumerate(ids):
        said = said.replace(f"{{{at}}}", one)
    assert said in str(error.value)


def test_an_unknown_block_is_said(output: Path, tmp_path: Path) -> None:
    file = tmp_path / "GQA_window3_ChooseAttr.csv"
    table(flow_file(output)).with_columns(block_desc=pl.lit("Picture->Question")).write_csv(file)
    with pytest.raises(
        TableError, match="line 2: unknown block 'Picture'; the blocks are Question, Last, Image"
    ):
        import_(file, task="ChooseAttr", window=WINDOW)


def rewritten(file: Path, change: Callable[[bytes], bytes]) -> None:
    file.write_bytes(change(file.read_bytes()))


BYTES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "mark": (lambda text: b"\xef\xbb\xbf" + text, "begins with a byte-order mark, as a file saved by Excel"),
    "utf-16": (lambda text: text.decode().encode("utf-16"), "in UTF-16"),
    "semicolons": (
        lambda text: text.replace(b", ", b" ").replace(b",", b";"),
        "line 1: separated by semicolons, as a file saved by a spreadsheet",
    ),
    "tabs": (lambda text: text.replace(b", ", b" ").replace(b",", b"\t"), "line 1: separated by tabs"),
    "header alone": (lambda text: text.split(b"\n")[0] + b"\n", "has a header and no rows"),
    "a row too long": (
        lambda text: text + b"1,2,3,4,5,6,7,8,9,10,11\n",
        "line 122: 11 fields, the header has 10",
    ),
    "an open quote": (lambda text: text + b'1,"2', "is the file cut short?"),
    "not UTF-8": (lambda text: text.replace(b"yes", b"y\xe9s"), "cannot be read as CSV in UTF-8"),
    "cut in a row": (lambda text: text[:-60], "line 121: column"),
    "a column less": (
        lambda text: text.replace(b"block_desc", b"blocks"),
        "line 1: column 'block_desc' is missing",
    ),
    "a column twice": (
        lambda text: text.replace(b"predicted answer", b"layer"),
        "line 1: column 'layer' occurs twice",
    ),
    "empty": (lambda _: b"", "cannot be read as CSV"),
}


@pytest.mark.parametrize("name", BYTES)
def test_files_from_elsewhere_than_the_script_are_named(output: Path, name: str) -> None:
    change, said = BYTES[name]
    file = flow_file(output)
    rewritten(file, change)
    with pytest.raises(TableError) as error:
        import_(file)
    assert str(file) in str(error.value) and said in str(error.value)


def test_a_decimal_comma_is_named(output: Path) -> None:
    file = flow_file(output)
    frame = table(file)
    frame.with_columns(P2.cast(pl.String).str.replace(".", ",", literal=True)).write_csv(file)
    with pytest.raises(TableError, match="line 2: column 'new_score_first' has a decimal comma"):
        import_(file)


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_line_ends_of_windows_are_read(output: Path, end: bytes) -> None:
    rewritten(flow_file(output), lambda text: text.replace(b"\n", end))
    assert len(curve(import_(output), f"image->question@{WINDOW}")) == COUNT


def test_where_a_field_has_two_lines_rows_are_counted(output: Path) -> None:
    file = flow_file(output)
    two = pl.lit("Is it?\nOr not?").alias("question")
    cell("layer", 7, 10)(table(file)).with_columns(two).write_csv(file)
    with pytest.raises(TableError, match="row 6: layer 10"):
        import_(file)


# ------------------------------------------------------------------------------- several files


def test_another_window_is_said_and_kept_apart(output: Path) -> None:
    file = flow_file(output)
    other = file.with_name(file.name.replace("window3", "window1"))
    shutil.copy(file, other)
    with pytest.raises(TableError, match=r"holds window size 1, .*window3.* holds 3; say with --window"):
        import_(output)
    found = import_(output, window=3)
    assert found.manifest.window == WINDOW
    assert {"image->question@1", "image->question@3"} <= set(found.read()["measurement"])
    with pytest.raises(TableError, match="--window 5: the files hold windows of 1, 3 layers"):
        import_(output, window=5)


def test_another_models_folder_is_said(output: Path) -> None:
    file = flow_file(output)
    other = Path(str(file).replace("made_up_13b", "llava_v1_5_7b").replace("window3", "window1"))
    other.parent.mkdir(parents=True)
    shutil.copy(file, other)
    with pytest.raises(TableError, match=r"of made_up_13b, while .* is of llava_v1_5_7b"):
        import_(output, window=3)


def test_another_models_file_in_this_ones_folder_is_said(output: Path) -> None:
    """By its base scores: the unblocked pass of a question is the same whatever is blocked beside it."""
    file = flow_file(output)
    scores(P1 * 0.8, P2 * 0.8)(table(file)).write_csv(file)
    with pytest.raises(
        TableError, match=r"Image___Question.csv: its base scores lie 20% \(median\) from the other"
    ):
        import_(output)


def test_half_of_the_questions_is_said(output: Path) -> None:
    file = flow_file(output)
    table(file)[: 5 * LAYERS].write_csv(file)
    with pytest.raises(TableError, match=r"has 5 of the 12 questions of ChooseAttr that other files have"):
        import_(output)
    assert import_(file).manifest.sources[0].questions == 5


def test_the_same_curves_twice_are_said(output: Path, tmp_path: Path) -> None:
    file = flow_file(output)
    copy = tmp_path / file.name
    shutil.copy(file, copy)
    with pytest.raises(TableError, match=r"image->question@3 of question .* stands in .*, too"):
        import_(output, copy)
    with pytest.raises(TableError, match="named twice"):
        import_(file, file)


def test_another_picture_for_the_same_question_is_said(output: Path) -> None:
    file = flow_file(output)
    table(file).with_columns(image=pl.lit("1.jpg")).write_csv(file)
    with pytest.raises(TableError, match=r"question \d+ of ChooseAttr is on image .*, in .* on "):
        import_(output)


def test_what_is_asked_must_agree_with_the_files(output: Path) -> None:
    file = flow_file(output)
    with pytest.raises(TableError, match="is of ChooseAttr, --task says QueryAttr"):
        import_(file, task="QueryAttr")
    with pytest.raises(TableError, match=r"--layers 10: llava-1\.5-13b has 40"):
        import_(file, checkpoint="llava-1.5-13b")
    with pytest.raises(TableError, match=r"question .* has no layer 10 of 0 to 10"):
        import_(file, layers=11)
    wrong = file.with_name(file.name.replace("ChooseAttr", "ChooseCat"))
    file.rename(wrong)
    with pytest.raises(TableError, match="named for ChooseCat, in the folder of ChooseAttr"):
        import_(wrong)
    with pytest.raises(TableError, match="no such file"):
        import_(file)


def test_a_question_without_any_effect_is_left_out_and_counted(output: Path) -> None:
    """In the release an empty region blocks nothing: a silent 0 %."""
    file = flow_file(output)
    frame = table(file)
    first = pl.col("question_id") == frame["question_id"][0]
    scores(P1, pl.when(first).then(P1).otherwise(P2))(frame).write_csv(file)
    found = import_(output)
    row = found.read().filter(pl.col("reason") != "")
    assert row["reason"].to_list() == [NOTHING_BLOCKED] and row["values"].to_list() == [[]]
    assert len(curve(found, f"image->question@{WINDOW}")) == COUNT - 1
    assert found.manifest.notes == (f"{file.name}: 1 of 12 curves left out: {NOTHING_BLOCKED}",)


def test_a_lens_that_cannot_tell_tokens_apart_is_left_out(output: Path) -> None:
    file = lens_file(output)
    frame = table(file)
    lower, capital, false = (
        pl.col("Noncapitalized Answer"),
        pl.col("Capitalized Answer"),
        pl.col("Noncapitalized False Option"),
    )
    first, second = (pl.col("question_id") == frame["question_id"][at * (LAYERS + 1)] for at in (0, 1))
    frame.with_columns(
        pl.when(first).then(lower).otherwise(capital).alias("Capitalized Answer"),
        pl.when(second).then(lower).otherwise(false).alias("Noncapitalized False Option"),
    ).write_csv(file)
    reasons = import_(output).read().filter(pl.col("reason") != "")["reason"].to_list()
    assert sorted(reasons) == sorted([SAME_TOKEN, SAME_OPTIONS])


@pytest.mark.parametrize(
    ("factor", "said"),
    [(0.01, "no probability of an answer exceeds 1; the release writes per cent"), (2.0, "0 to 100")],
)
def test_a_lens_in_another_scale_is_said(output: Path, factor: float, said: str) -> None:
    file = lens_file(output)
    table(file).with_columns(pl.col("Noncapitalized Answer", "Capitalized Answer") * factor).write_csv(file)
    with pytest.raises(TableError, match=said):
        import_(file)


# ------------------------------------------------------------------------------- the plain table


def plain(output: Path) -> pl.DataFrame:
    return table(flow_file(output)).select(
        sample="question_id",
        image=pl.col("image").str.strip_suffix(".jpg"),
        task=pl.lit("ChooseAttr"),
        source=pl.lit("image"),
        target=pl.lit("question"),
        window=pl.lit(WINDOW),
        layer="layer",
        p1="base_score_first",
        p2="new_score_first",
        answer=pl.lit("yes"),
    )


def some_layers(frame: pl.DataFrame, *layers: int) -> pl.DataFrame:
    return frame.filter(pl.col("layer").is_in(layers))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_plain_table_gives_the_rows_of_the_release(output: Path, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"plain{suffix}"
    frame = plain(output).sample(fraction=1.0, shuffle=True, seed=1)
    frame.write_csv(file) if suffix == ".csv" else frame.write_parquet(file)
    assert import_(file).read().equals(import_(flow_file(output)).read())


PROBABILITIES = st.floats(0.01, 1.0)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), layers=st.integers(1, 5), count=st.integers(1, 4), layer=st.permutations(range(5)))
def test_any_probabilities_come_in_as_they_are(
    data: st.DataObject,
    layers: int,
    count: int,
    layer: list[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Whatever the order of rows, to the last digit."""
    base = data.draw(st.lists(PROBABILITIES, min_size=count, max_size=count))
    after = data.draw(st.lists(st.floats(0.0, 1.0), min_size=count * layers, max_size=count * layers))
    assume(all(one != after[at * layers] for at, one in enumerate(base)))  # else nothing was blocked
    order = [at for at in layer if at < layers]
    rows = [
        {"sample": f"{one:02d}", "image": "7", "layer": at, "p1": base[one], "p2": after[one * layers + at]}
        for at in order
        for one in range(count)
    ]
    frame = pl.DataFrame(rows).with_columns(source=pl.lit("image"), target=pl.lit("last"))
    file = tmp_path_factory.mktemp("any") / "plain.csv"
    frame.write_csv(file)
    found = curve(import_(file, layers=layers, window=1, task="ChooseAttr"), "image->last@1").sort("sample")
    assert found["values"].explode().to_list() == after and found["p1"].to_list() == base


def test_wrong_answers_give_the_other_readings(output: Path, tmp_path: Path) -> None:
    frame = plain(output).with_columns(wrong1=1 - pl.col("p1"), wrong2=1 - pl.col("p2"))
    some = pl.col("sample") != frame["sample"][0]  # one has no wrong answer
    frame = frame.with_columns(pl.when(some).then(pl.col(name)).alias(name) for name in ("wrong1", "wrong2"))
    frame.write_csv(tmp_path / "plain.csv")
    found = import_(tmp_path / "plain.csv")
    p, share, odds = (curve(found, "image->question@3", one) for one in ("p", "distractor", "log_odds"))
    assert (len(p), len(share), len(odds)) == (COUNT, COUNT - 1, COUNT - 1)
    joined = share.join(p, on="sample").join(odds, on="sample", suffix="_odds")
    p1, p2 = joined["p1"].to_numpy()[:, None], np.array(joined["values_right"].to_list())
    assert np.array(joined["values"].to_list()) == pytest.approx(100 * (p2 / p1 - 1))
    logits = np.log(p2 / (1 - p2)) - np.log(p1 / (1 - p1))
    assert np.array(joined["values_odds"].to_list()) == pytest.approx(logits)


def test_samples_that_were_looked_at_and_left_out_are_counted(output: Path, tmp_path: Path) -> None:
    out = pl.DataFrame(
        {"sample": ["x"], "image": ["9"], "task": ["ChooseAttr"], "left_out": ["wrong answer"]}
    )
    pl.concat([plain(output), out], how="diagonal").write_csv(tmp_path / "plain.csv")
    found = import_(tmp_path / "plain.csv")
    clean = found.read().filter(pl.col("measurement") == CLEAN, pl.col("reason") == "wrong answer")
    assert clean["sample"].to_list() == ["x"] and len(found.dataset().samples) == COUNT + 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.rename({"p2": "p3"}), "line 1: column 'p2' is missing"),
        (lambda frame: frame.with_columns(seed=0), "line 1: unknown column 'seed'"),
        (cell("source", 3, "picture"), "line 3: unknown block 'picture'"),
        (cell("task", 3, "VQA"), "line 3: no task 'VQA'; the tasks are ChooseAttr"),
        (cell("p1", 3, 0), "line 3: p1 is 0: no relative change"),
        (cell("window", 3, 11), "line 3: window 11 of 10 layers"),
        (lambda frame: frame.drop("task"), "no column 'task'; name the task with --task"),
        (lambda frame: frame.drop("window"), "no column 'window'; say the size with --window"),
        (
            lambda frame: frame.with_columns(only=pl.lit("0,2,1")),
            "line 2: column 'only' holds '0,2,1'; it names",
        ),
        (lambda frame: frame.with_columns(only=pl.lit("0,2")), "and names '0,2' as 'only'"),
        (
            lambda frame: some_layers(frame, 0, 2).with_columns(only=pl.lit("0,2,4")),
            "has layers 0,2 of image",
        ),
        (
            lambda frame: some_layers(frame, 0, 2).with_columns(
                only=pl.when(pl.col("layer") == 2).then(pl.lit("0,2"))
            ),
            "has layers 0,2 of image->question, and names",
        ),
        (lambda frame: some_layers(frame, 0, 2), "has no layer 1 of 0 to 9"),
    ],
)
def test_what_is_wrong_with_a_plain_table_is_said(
    output: Path, tmp_path: Path, change: Change, said: str
) -> None:
    file = tmp_path / "plain.csv"
    change(plain(output)).write_csv(file)
    with pytest.raises(TableError) as error:
        import_(file)
    assert str(file) in str(error.value) and said in str(error.value)


def test_ids_that_were_made_numbers_are_refused(output: Path, tmp_path: Path) -> None:
    file = tmp_path / "plain.parquet"
    plain(output).with_columns(pl.col("sample").cast(pl.Float64)).write_parquet(file)
    with pytest.raises(TableError, match="column 'sample' holds numbers; ids are texts"):
        import_(file)


# ------------------------------------------------------------------------------- the import


def test_an_import_is_found_by_name_and_refused_once_it_was_changed(output: Path) -> None:
    made = import_(output)
    root = made.folder.parent
    assert find_import("made-up", root, Path()).sha256 == made.sha256
    assert find_import(str(root / "made-up"), Path("nowhere"), Path()).told == made.told
    assert find_import(made.folder.name, Path("nowhere"), root).folder == made.folder
    assert made.told.startswith("measured elsewhere, by GQA_") and made.sha256[:16] in made.told
    with pytest.raises(ImportedError, match="no imports of 'other' in"):
        find_import("other", root, Path())
    assert import_(output).folder == made.folder  # the same again
    with pytest.raises(ImportedError, match="holds another import of that name; remove it"):
        import_files([flow_file(output)], Asked("made-up", LAYERS), root)
    part = next(made.folder.glob("ChooseAttr-*.parquet"))
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(ImportedError, match="changed since the import"):
        Imported(made.folder).read()
    manifest = made.folder / MANIFEST
    manifest.write_bytes(manifest.read_bytes().replace(b'"layers": 10', b'"layers": 11'))
    with pytest.raises(ImportedError, match=r"manifest.json: changed since the import"):
        Imported(made.folder)


@pytest.mark.parametrize(
    "change",
    [
        {"values": pl.col("values").list.head(3)},
        {"values": pl.col("values").list.eval(pl.element() / 0.0)},
        {"p1": pl.col("p1") * 3},
        {"task": pl.lit("QueryAttr")},
        {"image": pl.lit(None, dtype=pl.String())},
        {"sample": pl.lit("1")},
    ],
)
def test_a_part_that_was_made_by_hand_is_refused(output: Path, change: dict[str, pl.Expr]) -> None:
    """Its hash may be right, and the manifest's, too."""
    found = import_(output)
    manifest = replace(found.manifest, checkpoint="by-hand")
    frame = found.read().filter(pl.col("task") == "ChooseAttr")
    crafted = write_import(found.folder.parent, manifest, {"ChooseAttr": frame.with_columns(**change)})
    with pytest.raises(ImportedError, match="not rows of evidence as an import writes them"):
        crafted.read()


def test_a_name_cannot_leave_the_folder(output: Path) -> None:
    with pytest.raises(ImportedError, match="must be the name of a file"):
        import_(output, checkpoint="../x")


def test_the_command_says_what_came_in_or_one_line(
    output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--checkpoint=made-up", f"--layers={LAYERS}", f"--out={tmp_path / 'out'}"]
    assert main(["import", str(output), *words]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 16 and "related_patches->question@3 on ChooseAttr, 12 questions" in said[0]
    assert said[-1] == f"judge it: pytest findings --evidence-of={tmp_path / 'out' / 'made-up'}"
    flow_file(output).write_bytes(b"a,b\n1,2\n")
    assert main(["import", str(output), *words]) == 1
    assert capsys.readouterr().err.startswith(
        f"ERROR: {flow_file(output)}, line 1: no column 'block_desc' or"
    )


# ------------------------------------------------------------------------------- handing on


def same_rows(one: Imported, other: Imported) -> bool:
    """Whether two imports hold the same numbers; of answers some formats keep the case, others none."""
    key = ["task", "measurement", "reading", "sample"]
    first, second = (found.read().drop("answer").sort(key) for found in (one, other))
    return first.equals(second)


def test_exported_as_the_release_and_imported_it_is_the_same(output: Path, tmp_path: Path) -> None:
    found = import_(output)
    done = export_released(found.read(), "made-up.x", tmp_path / "other")
    assert (len(done.files), done.behind) == (14, ())
    written = tmp_path / "other" / "output"
    named = "information_flow/made_up_x/QueryAttr/val/Image_Central_Object___Question"
    data = "GQA_val_correct_question_with_positionQuery_QueryAttr_window3_Image_Central_Object___Question.csv"
    assert (written / named / data).is_file()
    again = import_(written, checkpoint="again")
    # What is divided by a hundred and multiplied again may differ in its last bit.
    close = pl.col("values").list.eval(pl.element().round(14))
    key = ["task", "measurement", "reading", "sample"]
    first, second = (one.read().drop("answer").with_columns(close).sort(key) for one in (found, again))
    assert first.equals(second)
    before, after = (table(flow_file(folder, task="QueryAttr")) for folder in (output, written))
    shared = [name for name in before.columns if name not in {"question", DIFFERENCE}]
    order = ["question_id", "layer"]
    assert after.columns == before.columns
    assert after.select(shared).sort(order).equals(before.select(shared).sort(order))


def own(
    measurement: str, values: tuple[float, ...], answer: str = "", task: str = TASKS[0]
) -> dict[str, object]:
    """A row as a run of ours keeps it: what was answered stands in the clean row alone."""
    made = {"sample": "007", "task": task, "image": "000042", "measurement": measurement, "reading": "p"}
    return {**made, "values": values, "p1": 0.5, "reason": "", "answer": answer}


BLOCKS = {
    "question->last": "Question->Last",
    "image->last": "Image->Last",
    "last->last": "Last->Last",
    "image->question": "Image->Question",
    "related_patches->question": "Image Central Object->Question",
    "other_patches->question": "Image Without Central Object->Question",
}
"""The six blocks that the authors plot, as their files name them."""
DATA = {
    "ChooseAttr": "with_choose",
    "ChooseCat": "with_categoryThatThisChoose_objThisChoose",
    "ChooseRel": "with_relChooser",
    "CompareAttr": "with_twoCommon",
    "LogicalObj": "with_existThatOr",
    "QueryAttr": "with_positionQuery",
}
"""What tells the names of their six data files apart."""


def test_what_the_authors_plot_lies_where_their_plots_look(tmp_path: Path) -> None:
    rows = [own(CLEAN, (0.5,), " Yellow", task) for task in DATA]
    rows += [own(f"{flow}@9", (0.5, 0.25, 0.75), task=task) for flow in BLOCKS for task in DATA]
    export_released(rows_to_frame(rows), "llava-1.5-13b", tmp_path)
    for task, data in DATA.items():
        for block in BLOCKS.values():
            flow = block.replace(" ", "_").replace("->", "___")
            folder = tmp_path / "output" / "information_flow" / "llava_v1_5_13b" / task / "val" / flow
            file = folder / f"GQA_val_correct_question_{data}_{task}_window9_{flow}.csv"
            found = pl.read_csv(file, infer_schema=False)
            assert found["block_desc"].unique().to_list() == [block]
            assert found["layer"].to_list() == ["0", "1", "2"]
            assert found[DIFFERENCE].cast(pl.Float64).to_list() == [0, -50, 50]
            for column in ("goden answer", "predicted answer"):
                assert found[column].to_list() == ["yellow"] * 3
            assert set(found["image"]) == {"000042.jpg"} and set(found["question_id"]) == {"007"}


@pytest.mark.parametrize(
    ("checkpoint", "folder"),
    [
        ("llava-1.5-7b", "llava_v1_5_7b"),
        ("llava-1.6-vicuna-7b", "llava_v1_6_vicuna_7b"),
        ("llama3-llava-next-8b", "llama3_llava_next_8b"),
        ("my-model.v2", "my_model_v2"),
    ],
)
def test_the_folder_of_a_model_is_called_as_the_release_calls_it(
    tmp_path: Path, checkpoint: str, folder: str
) -> None:
    frame = rows_to_frame([own(CLEAN, (0.5,), "yes"), own("image->last@3", (0.5, 0.25))])
    (file,) = export_released(frame, checkpoint, tmp_path).files
    assert file.parents[3].name == folder


def test_tiles_are_named_as_the_script_names_them_and_read_again(tmp_path: Path) -> None:
    flow = "related_tile_patches->question@3"
    frame = rows_to_frame([own(CLEAN, (0.5,), "yes"), own(flow, (0.5, 0.25, 0.5))])
    (file,) = export_released(frame, "x", tmp_path).files
    assert file.parent.name == "Image_Central_Object_in_HD_Patch_Indice___Question"
    assert set(import_(file, layers=3).read()["measurement"]) == {CLEAN, flow}


def test_the_switch_of_the_release_stays_in_the_names(output: Path, tmp_path: Path) -> None:
    file = flow_file(output)
    switched = file.rename(file.with_stem(f"{file.stem}_noHD_noPad"))
    found = import_(switched)
    words = ["export", str(tmp_path / "out"), "--as=released", f"--evidence-of={found.folder}"]
    assert main(words) == 0
    (again,) = (tmp_path / "out").rglob("*.csv")
    name = "Image___Question_noHD_noPad"
    assert again.parent.name == name and again.stem.endswith(f"_window{WINDOW}_{name}")
    assert import_(again, checkpoint="again").manifest.square


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_exported_as_a_plain_table_and_imported_it_is_the_same(
    output: Path, tmp_path: Path, suffix: str
) -> None:
    found = import_(*output.glob("information_flow/*/*/val/*/*.csv"))
    done = export_plain(found.read(), tmp_path / f"plain{suffix}")
    assert done.behind == () and done.rows == 2 * 6 * COUNT * LAYERS
    assert same_rows(found, import_(tmp_path / f"plain{suffix}", checkpoint="again"))


def test_what_a_format_has_no_name_for_is_named(tmp_path: Path) -> None:
    def row(measurement: str, sample: str = "a", **other: object) -> dict[str, object]:
        values = [0.5] if measurement == CLEAN else [0.1, 0.2, 0.3][: 2 if "[" in measurement else 3]
        made = {"sample": sample, "task": TASKS[0], "image": "1", "measurement": measurement, "reading": "p"}
        return {**made, "values": values, "p1": 0.5, "reason": "", "answer": "Yes ", **other}

    kept = ["image->question@3", "image->question@1[0,2]", "shifted_patches->question@3"]
    behind = ["image->question@3|grey", "lens", "random0:image->question@3"]
    left = row(CLEAN, "b", reason="wrong answer")
    frame = rows_to_frame([row(CLEAN), left, *map(row, (*kept, *behind))])
    plain = export_plain(frame, tmp_path / "plain.csv")
    assert (plain.rows, list(plain.behind)) == (9, behind)
    found = import_(tmp_path / "plain.csv", layers=3, checkpoint="x", window=3)
    assert set(found.read()["measurement"]) == {CLEAN, *kept} and found.window_sizes == {1, 3}
    assert [one.id for one in found.dataset().samples] == ["a", "b"]
    released = export_released(frame, "x", tmp_path)
    assert list(released.behind) == sorted([*behind, *kept[1:]])
    assert table(released.files[0])["predicted answer"].to_list() == ["yes"] * 3
    with pytest.raises(HarnessError, match=r"a plain table is .csv or .parquet"):
        export_plain(frame, tmp_path / "plain.txt")
    with pytest.raises(HarnessError, match="there is no flow to hand on"):
        export_plain(frame.filter(pl.col("measurement") == CLEAN), tmp_path / "plain.csv")


def test_a_table_that_ends_its_reader_is_named(
    output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(_: Path) -> None:
        raise ValueError("it crashes its reader")

    monkeypatch.setattr("harness.evidence.elsewhere.tables.try_parquet", ended)
    plain(output).write_parquet(tmp_path / "plain.parquet")
    with pytest.raises(TableError, match=r"plain\.parquet: not a parquet file \(it crashes its reader\)"):
        import_(tmp_path / "plain.parquet")


def test_of_curves_of_some_windows_the_one_with_most_is_handed_on(tmp_path: Path) -> None:
    def row(measurement: str, *values: float) -> dict[str, object]:
        made = {"sample": "a", "task": TASKS[0], "image": "1", "measurement": measurement, "reading": "p"}
        return {**made, "values": values, "p1": 0.5, "reason": "", "answer": "yes"}

    some = [row("image->last@3[2]", 0.3), row("image->last@3[0,2]", 0.1, 0.3), row("image->last@3[1]", 0.2)]
    other = [row("image->question@3[1]", 0.2), row("image->question@3", 0.1, 0.2, 0.3)]
    frame = rows_to_frame([row(CLEAN, 0.5), *some, *other])
    assert export_plain(frame, tmp_path / "plain.csv").behind == (
        "image->last@3[1]",
        "image->last@3[2]",
        "image->question@3[1]",
    )
    found = import_(tmp_path / "plain.csv", layers=3, checkpoint="x").read()
    assert set(found["measurement"]) == {CLEAN, "image->last@3[0,2]", "image->question@3"}
    values = found.filter(pl.col("measurement") == "image->last@3[0,2]")["values"]
    assert values.to_list() == [[0.1, 0.3]]


def test_flows_on_fewer_questions_come_in_if_asked_to(output: Path) -> None:
    file = flow_file(output)
    table(file)[: 5 * LAYERS].write_csv(file)
    assert len(curve(import_(output, partial=True), f"image->question@{WINDOW}")) == 5


def test_the_command_hands_an_import_on(
    output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = import_(output)
    words = ["export", str(tmp_path / "out"), "--as=released", f"--evidence-of={found.folder}"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert said.endswith("rows in 14 files\n")
    assert main(["export", str(tmp_path / "x.csv"), "--as=plain", f"--evidence-of={found.folder}"]) == 0
    assert capsys.readouterr().out.endswith("left behind, since the format has no name for it: lens\n")
