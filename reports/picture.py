"""A picture of a report's first screen, in the size in which a README shows it.

Needs the packages of the `test` extra and Debian's `chromium`.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from PIL import Image

from harness.data.errors import HarnessError

SCREEN = (1280, 1000)
SHOWN = 888
"""Width in pixels of a README's column."""
_COLOURS = 255
"""Chosen by coverage: a median cut turns the few coloured pixels of a page of text grey."""
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")


def first_screen(page: Path) -> bytes:
    """Return the top of a page, in light colours, as a PNG file of few colours.

    Raises:
        HarnessError: if there is no browser, or no package to drive it.
    """
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - an optional extra
    except ImportError:
        browser = None
    if browser is None:
        raise HarnessError("the picture needs Debian's package `chromium` and pip install -e '.[test]'")
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=browser, headless=True, args=list(_FLAGS))
        shown = opened.new_page(
            viewport={"width": SCREEN[0], "height": SCREEN[1]}, color_scheme="light", java_script_enabled=True
        )
        shown.goto(page.resolve().as_uri())
        taken = shown.screenshot()
        opened.close()
    return _small(taken)


def _small(png: bytes) -> bytes:
    picture = Image.open(io.BytesIO(png), formats=("PNG",)).convert("RGB")
    height = round(picture.height * SHOWN / picture.width)
    few = picture.resize((SHOWN, height), Image.Resampling.LANCZOS).quantize(
        _COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True)
    return file.getvalue()
