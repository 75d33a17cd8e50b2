"""A site in a real browser, from disk: its links, its widths, axe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.tests.test_browser import CHROMIUM, OPEN_ALL, Opened, browser, faults
from reports.tests.test_site import refuted, small
from reports.write import write_site

__all__ = ("browser",)  # a fixture
NAMES = tuple(f"checkpoint-{place:02d}-with-a-long-name" for place in range(20))

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: install Debian's package `chromium`")


class Several(Opened):
    """Pages of a site, one after the other."""

    def __exit__(self, *_: object) -> None:
        self.context.close()
        assert not self.faults
        assert [url for url in self.requests if not url.startswith(("file:", "data:"))] == []

    def width(self) -> int:
        found: int = self.page.evaluate("document.documentElement.scrollWidth")
        return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty checkpoints, the first of them twice."""
    later = refuted(small(NAMES[0], created="2026-12-01T00:00:00Z", sha256="77" * 32), "A1")
    written, _ = write_site([small(*NAMES), later], tmp_path_factory.mktemp("site"))
    return written[0]


@pytest.fixture
def opened(browser: Any, site: Path) -> Iterator[Several]:
    with Several(browser, site) as one:
        yield one


def test_every_checkpoint_is_reached_and_leads_back(opened: Several) -> None:
    page = opened.page
    links = page.locator("#checkpoints tbody th a")
    assert links.all_inner_texts() == list(NAMES)
    for place in (0, 19):
        links.nth(place).click()
        assert NAMES[place] in page.locator("h1").inner_text()
        page.get_by_role("link", name="All checkpoints").click()
        assert page.locator("h1").inner_text() == "3 claims on 20 checkpoints"


def test_a_cell_leads_to_its_claim_on_the_checkpoints_page(opened: Several) -> None:
    page = opened.page
    cell = page.locator("#overview tbody tr", has_text="B2").locator("td.verdict").nth(2)
    assert "MIXED BY TASK" in (cell.text_content() or "")
    cell.get_by_role("link").click()
    assert page.url.endswith(f"checkpoints/{NAMES[2]}.html#claim-b2")
    assert page.locator("#claim-b2 h4").is_visible()


def test_an_older_run_is_reached_from_the_history(opened: Several) -> None:
    page = opened.page
    first, second = page.locator("#history tbody tr").all()
    assert "other files" in second.inner_text() and "other files" not in first.inner_text()
    second.locator("summary").click()
    assert "A1, all tasks: supported → refuted" in second.inner_text()
    first.get_by_role("link").click()
    assert "2026-11-22" in page.url
    assert page.locator("#claim-a1 .chip.supported").count() > 0


def test_estimates_open_on_demand(opened: Several) -> None:
    claim = opened.page.locator("#spread details.claim-spread", has_text="A1").first
    assert "I² " in claim.locator("summary").first.inner_text()
    assert not claim.locator("svg.plot").first.is_visible()
    claim.locator("summary").first.click()
    assert claim.locator("svg.plot").first.is_visible()


def test_complete_without_script(browser: Any, site: Path) -> None:
    with Several(browser, site, java_script_enabled=False) as opened:
        assert opened.page.locator("#overview td.verdict a").count() == 60


@pytest.mark.parametrize("width", [1440, 768, 390])
def test_no_sideways_scrolling(browser: Any, site: Path, width: int) -> None:
    with Several(browser, site, viewport={"width": width, "height": 840}) as opened:
        opened.page.evaluate(OPEN_ALL)
        assert opened.width() <= width
        opened.page.locator("#checkpoints tbody th a").first.click()
        opened.page.evaluate(OPEN_ALL)
        assert opened.width() <= width


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390), ("light", 768)])
def test_no_serious_accessibility_fault(browser: Any, site: Path, scheme: str, width: int) -> None:
    size = {"width": width, "height": 900}
    with Several(browser, site, color_scheme=scheme, viewport=size, bypass_csp=True) as opened:
        opened.page.evaluate(OPEN_ALL)
        assert faults(opened.page) == []


def test_print_fits_the_page_black_on_white(browser: Any, site: Path) -> None:
    with Several(browser, site, color_scheme="dark", viewport={"width": 760, "height": 1100}) as opened:
        opened.page.emulate_media(media="print")
        assert opened.width() <= 760
        assert opened.background() == "rgb(255, 255, 255)"
        assert not opened.page.locator("nav").is_visible()
