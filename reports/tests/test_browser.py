"""The page in a real browser: headless Chromium, with axe for accessibility.

Needs Debian's `chromium` and the packages `playwright` and `axe-playwright-python`; without a browser
on the machine these tests say so and are skipped.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.verdicts.record import Curve, RunRecord
from reports.page.needless_ends import without_needless_ends
from reports.page.shared_drawings import with_shared_drawings
from reports.tests.records import example
from reports.tests.test_page import NASTY, hostile
from reports.tests.whole import whole
from reports.words import number
from reports.write import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
FOLLOW_EACH_LINK = r"""() => [...document.querySelectorAll('#matrix tbody th a')].map((link) => {
    link.click();
    const heading = document.querySelector(location.hash + ' h4');
    const named = heading.textContent.trim().split(/\s/)[0];
    return [link.textContent, named, heading.getBoundingClientRect().top];
})"""
OPEN_ALL = """() => {
    document.querySelectorAll('details').forEach((one) => { one.open = true; });
    document.querySelectorAll('article').forEach((one) => { one.style.contentVisibility = 'visible'; });
}"""
LINE = """[...document.querySelectorAll('svg.plot path')]
    .map((one) => getComputedStyle(one).stroke).find((one) => one !== 'none')"""
IDS = ["A1", "A2", "A3", "B1", "B2", "C1", "C2", "C3", "D1", "E1", "E3"]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: install Debian's package `chromium`")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser with a profile of its own, gone afterwards."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every claim, with fewer plots than a real report has: axe looks at each of their parts."""
    record = example()
    claims = tuple(replace(c, curves=tuple(filter(_few, c.curves))) for c in record.claims)
    return write_report(replace(record, claims=claims), tmp_path_factory.mktemp("report"))[0]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole catalogue on two tasks, with a curve of each claim and samples to look at."""
    record, tasks = whole(), (None, "ChooseAttr", "CompareAttr")
    kept = [claim for claim in record.claims if claim.task in tasks]
    claims = tuple(replace(c, curves=tuple(filter(_few, c.curves[:1]))) for c in kept)
    shown = tuple(sample for sample in record.samples if sample.task in tasks)
    few = replace(record, claims=claims, samples=shown)
    return write_report(few, tmp_path_factory.mktemp("catalogue"))[0]


def _few(curve: Curve) -> bool:
    return curve.task == "ChooseAttr" and curve.reading in {"p_c", "probability"}


class Opened:
    """A page that remembers what went wrong on it."""

    def __init__(self, browser: Any, file: Path, **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())

    def _dialog(self, dialog: Any) -> None:
        self.faults.append(dialog.message)
        dialog.dismiss()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()
        assert not self.faults
        assert [url for url in self.requests if not url.startswith(("file:", "data:"))] == []
        assert len([url for url in self.requests if url.startswith("file:")]) == 1

    def shown(self) -> list[str]:
        found: list[str] = self.page.locator("#matrix tbody tr:visible th a").all_inner_texts()
        return found

    def background(self) -> str:
        colour: str = self.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return colour


def test_every_claim_is_reached_by_its_link(browser: Any, report: Path) -> None:
    with Opened(browser, report) as opened:
        assert opened.shown() == IDS
        tops = opened.page.evaluate(FOLLOW_EACH_LINK)
        assert [(link, heading) for link, heading, _ in tops] == [(one, one) for one in IDS]
        assert all(40 <= top < 300 for _, _, top in tops), "hidden under the navigation, or not in view"


def test_filter_and_search(browser: Any, report: Path) -> None:
    with Opened(browser, report) as opened:
        page = opened.page
        page.get_by_role("button", name="Refuted", exact=True).click()
        assert opened.shown() == ["B2"]
        assert page.locator("article.claim:visible").count() == 1
        assert page.locator("#shown").inner_text() == "1 of 11 claims shown"
        page.get_by_role("button", name="Not as expected").click()
        assert opened.shown() == ["A2"]
        page.get_by_role("button", name="All", exact=True).click()
        page.get_by_label("Find").fill("CAPITALISED after")
        assert opened.shown() == ["E3"]


def test_a_link_to_a_filtered_claim_shows_it(browser: Any, report: Path) -> None:
    with Opened(browser, report) as opened:
        opened.page.get_by_role("button", name="Refuted", exact=True).click()
        opened.page.evaluate("location.hash = '#claim-d1'")
        opened.page.locator("#claim-d1 h4").wait_for(state="visible")
        assert opened.shown() == IDS


def test_parts_of_the_catalogue(browser: Any, catalogue: Path) -> None:
    with Opened(browser, catalogue) as opened:
        page = opened.page
        heads = page.locator("#matrix tr.part:visible")
        assert [head[0] for head in heads.all_inner_texts()] == list("ABCDEFR")
        assert len(opened.shown()) == 41
        page.locator("#part").select_option("R")
        assert opened.shown() == ["R1", "R2", "R3", "R4", "R5"]
        assert heads.count() == 1
        assert page.locator("#claims h3.part:visible").count() == 1
        assert page.locator("#shown").inner_text() == "5 of 41 claims shown"
        page.locator("#part").select_option("")
        page.locator("#matrix thead th").nth(2).get_by_role("button").click()
        assert heads.count() == 0
        page.locator("#matrix thead th").first.get_by_role("button").click()
        assert heads.count() == 7
        assert opened.shown()[0] == "A1"


def test_what_hangs_on_the_metric_can_be_asked_for(browser: Any, catalogue: Path) -> None:
    with Opened(browser, catalogue) as opened:
        opened.page.get_by_role("button", name="Metric-dependent").click()
        assert 0 < len(opened.shown()) < 41
        rows = opened.page.locator("#matrix tbody tr:visible:not(.part)")
        assert all("metric-dependent" in text for text in rows.all_inner_texts())


def test_all_tasks_at_once(browser: Any, catalogue: Path) -> None:
    with Opened(browser, catalogue) as opened:
        listed = opened.page.locator("#matrix .by-task:visible")
        assert listed.count() == 0
        opened.page.get_by_role("button", name="Show tasks").click()
        assert listed.count() > 30
        opened.page.get_by_role("button", name="Show tasks").click()
        assert listed.count() == 0


def test_samples_show_their_picture(browser: Any, catalogue: Path) -> None:
    with Opened(browser, catalogue) as opened:
        page = opened.page
        first = page.locator("#shown-samples .card").first
        assert first.locator("svg.picture").is_visible()
        assert first.locator("rect.box").count() == 1
        assert first.locator("rect.patch").count() == 2
        hidden = page.locator("#shown-samples details").nth(1)
        assert not hidden.locator("svg.picture").first.is_visible()
        hidden.locator("summary").first.click()
        assert hidden.locator("svg.picture").first.is_visible()


@pytest.mark.slow
def test_the_whole_catalogue_is_accessible_on_a_narrow_screen(browser: Any, catalogue: Path) -> None:
    size = {"width": 390, "height": 840}
    with Opened(browser, catalogue, color_scheme="dark", viewport=size, bypass_csp=True) as opened:
        opened.page.evaluate(OPEN_ALL)
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert faults(opened.page) == []


@pytest.mark.slow
def test_the_whole_catalogue_stays_small(tmp_path: Path) -> None:
    assert write_report(whole(), tmp_path)[0].stat().st_size < 4_000_000


def test_sort_by_verdict_and_back(browser: Any, report: Path) -> None:
    with Opened(browser, report) as opened:
        page = opened.page
        column = page.locator("#matrix thead th").nth(2)
        column.get_by_role("button").focus()
        page.keyboard.press("Enter")
        assert column.get_attribute("aria-sort") == "ascending"
        assert opened.shown()[-1] == "E3"
        page.keyboard.press("Enter")
        assert column.get_attribute("aria-sort") == "descending"
        assert opened.shown()[0] == "E3"
        page.locator("#matrix thead th").first.get_by_role("button").click()
        assert opened.shown() == IDS


def test_tasks_open_on_demand(browser: Any, report: Path) -> None:
    with Opened(browser, report) as opened:
        row = opened.page.locator("#matrix tbody tr", has_text="B2").first
        assert not row.get_by_text("LogicalObj").is_visible()
        row.locator("summary").click()
        assert row.get_by_text("LogicalObj").is_visible()


def test_keyboard_skips_to_the_answer(browser: Any, report: Path) -> None:
    with Opened(browser, report) as opened:
        opened.page.keyboard.press("Tab")
        assert opened.page.evaluate("document.activeElement.textContent") == "Skip to the answer"
        opened.page.keyboard.press("Enter")
        assert opened.page.evaluate("location.hash") == "#answer"


def test_both_themes_reach_page_and_plots(browser: Any, report: Path) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        with Opened(browser, report, color_scheme=scheme) as opened:
            seen[scheme] = (opened.background(), opened.page.evaluate(LINE))
            opened.page.locator("#theme").click()
            seen[f"{scheme}, switched"] = (opened.background(), opened.page.evaluate(LINE))
    assert seen["light"] == seen["dark, switched"]
    assert seen["dark"] == seen["light, switched"]
    assert all(one != other for one, other in zip(seen["light"], seen["dark"], strict=True))


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_sideways_scrolling(browser: Any, report: Path, width: int) -> None:
    with Opened(browser, report, viewport={"width": width, "height": 740}) as opened:
        opened.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360)])
def test_no_serious_accessibility_fault(browser: Any, report: Path, scheme: str, width: int) -> None:
    size = {"width": width, "height": 900}
    # axe is injected as a script of its own, which the page's policy would refuse.
    with Opened(browser, report, color_scheme=scheme, viewport=size, bypass_csp=True) as opened:
        opened.page.evaluate(OPEN_ALL)
        assert faults(opened.page) == []


def faults(page: Any) -> list[tuple[str, str, str]]:
    """Serious faults that axe finds."""
    from axe_playwright_python.sync_playwright import (  # type: ignore[import-untyped]
        Axe,
    )

    found = Axe().run(page).response["violations"]
    told = [(one["id"], one["impact"], one["nodes"][0]["html"][:120]) for one in found]
    return [fault for fault in told if fault[1] in {"serious", "critical"}]


def test_complete_without_script(browser: Any, report: Path) -> None:
    with Opened(browser, report, java_script_enabled=False) as opened:
        assert opened.shown() == IDS
        assert not opened.page.locator("#find").is_visible()
        assert opened.page.locator("#claim-e3 h4").is_visible()


def test_print_is_black_on_white_without_controls(browser: Any, report: Path) -> None:
    with Opened(browser, report, color_scheme="dark") as opened:
        opened.page.emulate_media(media="print")
        assert opened.background() == "rgb(255, 255, 255)"
        assert not opened.page.locator("nav").is_visible()
        assert not opened.page.locator("#find").is_visible()


def test_print_fits_the_page(browser: Any, catalogue: Path) -> None:
    with Opened(browser, catalogue, viewport={"width": 760, "height": 1100}) as opened:
        opened.page.emulate_media(media="print")
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 760


@pytest.mark.parametrize("text", NASTY[:7:2])
def test_hostile_texts_do_nothing(browser: Any, tmp_path: Path, text: str) -> None:
    html = write_report(hostile(text, 1), tmp_path)[0]
    with Opened(browser, html, viewport={"width": 360, "height": 740}) as opened:
        assert opened.page.locator("article.claim").count() == 1
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 360


def _odd() -> dict[str, RunRecord]:
    whole = example(("embedded", "llava-1.5-7b", "llava-1.5-13b", "next-8b"))
    four = replace(whole, claims=tuple(replace(c, curves=()) for c in whole.claims))
    return {"four": four, "none": replace(whole, claims=(), checkpoints=())}


@pytest.mark.parametrize("name", ["four", "none"])
def test_odd_records_are_pages_too(browser: Any, tmp_path: Path, name: str) -> None:
    html = write_report(_odd()[name], tmp_path)[0]
    with Opened(browser, html, viewport={"width": 360, "height": 740}) as opened:
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 360
        assert opened.page.locator("h1").inner_text()


FIRST_PANEL = "#claim-b1 .panel > .drawing"


def point_at(page: Any, place: str, depth: float) -> tuple[float, float]:
    """Move the pointer to a relative depth of a drawing; return where it is."""
    drawing = page.locator(place).first
    drawing.scroll_into_view_if_needed()
    kept = json.loads(page.locator("#curve-data").text_content())
    left, right = kept["sides"][int(drawing.get_attribute("data-sides"))]
    box = drawing.bounding_box()
    x, y = box["x"] + box["width"] * (left + (right - left) * depth), box["y"] + 20
    page.mouse.move(x, y)
    return x, y


def test_a_curve_that_is_pointed_at_tells_its_numbers(browser: Any, report: Path) -> None:
    shown = next(c for one in example().claims if one.id == "B1" for c in one.curves if _few(c))
    with Opened(browser, report) as opened:
        point_at(opened.page, FIRST_PANEL, shown.depth[4])
        told = opened.page.locator(f"{FIRST_PANEL} .answers").first.inner_text()
        named = "image → question, k\u00a0=\u00a03"
        limits = f"[{number(shown.lower[4])}\u00a0to\u00a0{number(shown.upper[4])}]"
        assert "layer 4" in told
        assert f"{named}: p_c\u00a0{number(shown.mean[4])}\u00a0% {limits}, 200 images" in told
        opened.page.mouse.move(2, 500)
        assert opened.page.locator(".answers").count() == 0


def test_a_click_holds_a_layer_in_every_drawing_of_the_section_and_in_no_other(
    browser: Any, tmp_path: Path
) -> None:
    html = write_report(example(), tmp_path)[0]
    with Opened(browser, html) as opened:
        page = opened.page
        place = point_at(page, FIRST_PANEL, 0.4)
        page.mouse.click(*place)
        page.mouse.move(2, 500)
        told = page.locator("#claim-b1 .answers.held b").all_text_contents()
        assert len(told) == page.locator("#claim-b1 .drawing").count() > 6
        assert set(told) == {"layer 4"}
        assert page.locator("#claim-b2 .answers").count() == 0
        assert page.locator("#claim-b1 input.layer").input_value() == "4"
        page.keyboard.press("Escape")
        assert page.locator(".answers").count() == 0


def test_the_slider_holds_a_layer_from_the_keyboard(browser: Any, report: Path) -> None:
    with Opened(browser, report) as opened:
        slider = opened.page.locator("#claim-b1 input.layer")
        slider.focus()
        assert slider.get_attribute("aria-valuetext") == "none"
        for _ in range(3):
            opened.page.keyboard.press("ArrowRight")
        assert "layer 2: layer 2 image → question" in slider.get_attribute("aria-valuetext")
        assert opened.page.locator("#claim-b1 .answers.held").count() > 0
        opened.page.keyboard.press("Home")
        assert opened.page.locator("#claim-b1 .answers").count() == 0


def test_the_first_screen_is_asked_as_one(browser: Any, catalogue: Path) -> None:
    with Opened(browser, catalogue) as opened:
        place = point_at(opened.page, ".opening .drawing", 0.5)
        opened.page.mouse.click(*place)
        held = opened.page.locator(".opening .answers.held b").all_text_contents()
        assert len(held) == opened.page.locator(".opening .drawing").count() > 1
        assert len(set(held)) == 1


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 900)])
def test_the_first_screen_holds_flow_and_verdicts(
    browser: Any, catalogue: Path, width: int, height: int
) -> None:
    with Opened(browser, catalogue, viewport={"width": width, "height": height}) as opened:
        boxes = [one.bounding_box() for one in opened.page.locator(".opening .step").all()]
        assert len(boxes) == 3
        assert all(box["y"] + box["height"] <= height for box in boxes)
        chips = opened.page.locator(".opening .chip").all_inner_texts()
        assert len(chips) == 6 and all(chips)


def test_every_measured_row_has_its_sparkline_and_opens_to_its_tasks(browser: Any, report: Path) -> None:
    with Opened(browser, report) as opened:
        rows = opened.page.locator("#matrix tbody tr:not(.part)")
        assert rows.locator(".cell .drawing").count() == rows.count()
        row = rows.filter(has=opened.page.get_by_role("link", name="B1", exact=True))
        assert row.locator(".by-task .drawing").first.is_hidden()
        row.locator("summary").press("Enter")
        assert row.locator(".by-task .drawing").first.is_visible()


def test_without_script_the_curves_stand_and_nothing_asks(browser: Any, report: Path) -> None:
    with Opened(browser, report, java_script_enabled=False) as opened:
        assert opened.page.locator(f"{FIRST_PANEL} svg.plot path").first.is_visible()
        assert opened.page.locator("input.layer").count() == 0


def test_what_would_decide_a_claim_is_a_command(browser: Any, report: Path) -> None:
    with Opened(browser, report) as opened:
        advice = opened.page.locator("#claim-b2 details.advice")
        advice.locator("summary").click()
        assert "pytest 'findings/test_b2.py" in advice.locator("pre").first.inner_text()


TREE = """() => document.documentElement.outerHTML.replace(/\\s+/g, ' ').replaceAll('> <', '><')"""


def test_end_tags_that_are_left_out_change_nothing(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser makes the same tree of both."""
    trees = []
    for taken in (lambda html: html, without_needless_ends):
        monkeypatch.setattr("reports.page.render.without_needless_ends", taken)
        file = write_report(example(), tmp_path)[0]
        with Opened(browser, file, java_script_enabled=False) as opened:
            trees.append(opened.page.evaluate(TREE))
    assert trees[0] == trees[1]


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_a_shared_drawing_looks_as_if_it_were_alone(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, theme: str
) -> None:
    """Wherever its first one is, in a closed box or a row that a filter hides; in both themes, small too."""
    pictures = []
    for taken in (lambda html: html, with_shared_drawings):
        monkeypatch.setattr("reports.page.render.with_shared_drawings", taken)
        file = write_report(example(), tmp_path)[0]
        size = {"width": width, "height": 900}
        with Opened(browser, file, viewport=size, color_scheme=theme) as opened:
            opened.page.evaluate("document.querySelector('#matrix tbody').hidden = true")
            drawings = opened.page.locator("svg.plot:visible")
            places = [*range(3), *range(3, drawings.count(), 9)]
            pictures.append([drawings.nth(place).screenshot() for place in places])
    assert len(pictures[0]) > 9
    for alone, shared in zip(*pictures, strict=True):
        one, other = (np.asarray(Image.open(io.BytesIO(png))).astype(int) for png in (alone, shared))
        assert one.shape == other.shape and np.abs(one - other).max() <= _FAINT


_FAINT = 8
"""Of 255: what smoothed edges may differ by."""
