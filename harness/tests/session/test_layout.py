"""The layout command: what it draws lies where the layout says, what it prints are the regions."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fixtures import embedded
from harness.__main__ import main
from harness.checkpoint.adapters.squeezed import Squeezed
from harness.checkpoint.patches import TokenLayout
from harness.data.sample import Box
from harness.session.layout.drawing import CAPTION, MARGIN, SIDE, caption, drawing
from harness.testing import realistic_checkpoints as realistic

GREY = (128, 128, 128)
SIZE = (200, 100)


def tiled() -> TokenLayout:
    """Two tiles side by side of two by two tokens, then the whole picture."""
    return Squeezed(8, 4).layout(SIZE, (1, 2), ((0, "<a>"), (4, "<b>"), (8, "\n<c>"), (12, "<d>")))


def reddened(panel: np.ndarray) -> np.ndarray:
    """Which of a panel's points are tinted, ``[rows, columns]``, one in each 125 pixels."""
    middles = panel[62::125, 62::125].astype(int)
    tinted: np.ndarray = middles[..., 0] - middles[..., 2] > 40
    return tinted


def test_the_tokens_under_a_box_are_tinted_and_no_others() -> None:
    layout, box = tiled(), Box("box", 110, 60, 30, 20)
    under = layout.holding(box)
    assert under == (6, 11)  # of the second tile the lower left, of the whole picture the lower right
    sheet = np.asarray(drawing(Image.new("RGB", SIZE, GREY), layout, [box], under))
    tiles = sheet[MARGIN + CAPTION :, MARGIN : MARGIN + SIDE][: SIDE // 2]
    whole = sheet[MARGIN + CAPTION :, 2 * MARGIN + SIDE :][: SIDE // 2, :SIDE]
    cells = np.zeros((4, 8), dtype=bool)
    cells[2:, 4:6] = True
    assert (reddened(tiles) == cells).all()
    cells = np.zeros((4, 8), dtype=bool)
    cells[2:, 4:] = True
    assert (reddened(whole) == cells).all()


def test_a_caption_says_which_tokens_a_panel_shows() -> None:
    layout = tiled()
    assert [caption(layout, grid) for grid in layout.grids] == [
        "tiles: 2 rows by 4, visual tokens 0 to 7",
        "whole picture: 2 rows by 2, visual tokens 8 to 11, behind the last: <d>",
    ]


def test_a_picture_of_one_pixel_and_a_thin_one_can_be_drawn() -> None:
    for size in ((1, 1), (4000, 1), (1, 4000)):
        layout = Squeezed(8, 4).layout(size, None, ())
        assert drawing(Image.new("RGB", size), layout, [Box("box", 0, 0, 1, 1)], (0,)).width >= 1


def test_the_command_draws_and_prints_the_regions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = realistic.smolvlm_256m(tmp_path / "smol", side=64)
    picture = tmp_path / "picture.png"
    Image.new("RGB", (80, 60), GREY).save(picture)
    out = tmp_path / "out.png"
    assert main(["layout", str(folder), str(picture), "--box=30,0,20,20", f"--out={out}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    with Image.open(out) as drawn:
        assert (drawn.format, drawn.width) == ("PNG", 2 * SIDE + 3 * MARGIN)
    assert "smol: idefics3, prompt chat" in lines[0]
    assert "80×60 pixels → 13 visual tokens (3 rows × 4 + 1 rows × 1)" in lines[1]
    assert lines[2].split(": ")[1] == "visual tokens 1-2, 12"
    assert any(line.split()[:2] == ["separators", "4-5,"] for line in lines)
    assert any(line.split()[0] == "question" and line.endswith('"What is this?"') for line in lines[4:])


def test_the_command_draws_a_picture_in_its_own_shape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = realistic.qwen2_5_vl(tmp_path / "qwen")
    picture, out = tmp_path / "picture.png", tmp_path / "out.png"
    Image.new("RGB", (170, 60), GREY).save(picture)
    assert main(["layout", str(folder), str(picture), "--box=57,0,20,20", f"--out={out}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    with Image.open(out) as drawn:
        assert (drawn.format, drawn.width) == ("PNG", SIDE + 2 * MARGIN)
    assert "170×60 pixels → 12 visual tokens (2 rows × 6)" in lines[1]
    assert lines[2].split(": ")[1] == "visual tokens 2"
    assert any(line.split()[0] == "separator" and line.endswith('"<|vision_end|>"') for line in lines[4:])
    assert main(["layout", str(folder), str(picture), "--image-handling=square", f"--out={out}"]) == 4
    assert "handles pictures as native or limited, not 'square'" in capsys.readouterr().out


def test_what_cannot_be_shown_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "picture.png"
    Image.new("RGB", (80, 60)).save(picture)
    there = str(embedded())
    assert main(["layout", there, str(tmp_path / "none.png")]) == 4
    assert main(["layout", there, str(picture), f"--out={tmp_path / 'no' / 'folder.png'}"]) == 4
    assert main(["layout", str(tmp_path), str(picture)]) == 4
    refusals = [line for line in capsys.readouterr().out.splitlines() if "REFUSED" in line]
    assert len(refusals) == 3
    assert "none.png: no such image file" in refusals[0]
    assert "folder.png: the drawing cannot be written" in refusals[1]
    for words in (["--box=1,2,3"], ["--box=1,2,3,0"], ["--out"]):
        with pytest.raises(SystemExit) as ended:
            main(["layout", there, str(picture), *words])
        assert ended.value.code == 4
    assert "has no pixel" in capsys.readouterr().err
