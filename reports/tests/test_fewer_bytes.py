"""A page in fewer bytes says the same; the examples that come with the suite keep to their size."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from reports.page import render as page
from reports.page.needless_ends import without_needless_ends
from reports.page.shared_drawings import with_shared_drawings
from reports.tests.records import example

REPORTS = Path(__file__).parents[1]
MOST = 4_000_000
"""Bytes of all committed examples together."""
PIECES = [f'<path d="M{place} 0h90v9" class="k{place % 3}"/>' for place in range(6)]
PIECES += ['<g class="k4"><text x="1" y="2">a word</text></g>', '<path d="M0 0"/>']
DRAWINGS = st.lists(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6), min_size=1, max_size=8)
NAMED = re.compile(
    r'<path id="(?P<path>p\d+)"[^>]*/>|<g id="(?P<words>p\d+)" class.*?</g>|<g id="(?P<group>p\d+)">'
)


def drawing(pieces: list[str]) -> str:
    return f'<p><svg class="plot" role="img" aria-label="a &lt; b">{"".join(pieces)}</svg></p>'


def shown(html: str) -> str:
    """The page with all that stands by name drawn where it is shown."""
    named: dict[str, str] = {}
    for found in NAMED.finditer(html):
        name = str(found[found.lastgroup or 0])
        named[name] = group_at(html, found.start()) if found["group"] else found[0]
    while '<use href="#p' in html:
        html = re.sub(r'<use href="#(p\d+)"/>', lambda found: named[found[1]], html)
    return re.sub(r"<g>|(?<=</g>)</g>|(?<=/>)</g>", "", re.sub(r' id="p\d+"', "", html))


def group_at(html: str, start: int) -> str:
    """A group with all the groups in it."""
    depth = 0
    for found in re.finditer(r"<g\b|</g>", html[start:]):
        depth += 1 if found[0] != "</g>" else -1
        if depth == 0:
            return html[start : start + found.end()]
    raise AssertionError(html[start:])


@given(DRAWINGS)
def test_shared_drawings_show_what_was_drawn(drawings: list[list[str]]) -> None:
    html = "".join(map(drawing, drawings))
    shared = with_shared_drawings(html)
    assert shown(shared) == html
    ids = re.findall(r' id="(p\d+)"', shared)
    assert len(set(ids)) == len(ids) and set(ids) == set(re.findall(r'href="#(p\d+)"', shared))


def test_what_is_drawn_twice_is_drawn_once() -> None:
    frame, curve, other = PIECES[:3]
    html = "".join(map(drawing, ([frame, curve], [frame, curve], [frame, other], [frame, other])))
    shared = with_shared_drawings(html)
    assert all(shared.count(piece[len("<path ") :]) == 1 for piece in (frame, curve, other))


def test_only_drawings_are_shared() -> None:
    html = '<svg class="icon"><path d="M0 0h90v90h-90v-9"/></svg>' * 3
    assert with_shared_drawings(html) == html


def test_a_pages_drawings_are_shared() -> None:
    html = page.render(example())
    drawn = re.findall(r'<path (?:id="p\d+" )?d="([^"]{30,})" class="(k\d+)"', html)
    assert drawn and len(set(drawn)) == len(drawn)
    needed = set(re.findall(r'<use href="#(p\d+)"', html))
    assert needed and all(html.count(f' id="{one}"') == 1 for one in needed)


@pytest.mark.parametrize(
    ("whole", "short"),
    [
        (
            "<tr><td>1</td>\n <th>2</th>\n </tr>\n <tr><td>3</td></tr></tbody>\n</table>",
            "<tr><td>1<th>2<tr><td>3</table>",
        ),
        ("<ul><li>1</li>\n<li>2</li>\n</ul>", "<ul><li>1<li>2</ul>"),
        ("<thead><tr><th>1</th></tr></thead>\n<tbody><tr>", "<thead><tr><th>1</tr><tbody><tr>"),
        ("<td>1</td><p>2</p>", "<td>1</td><p>2</p>"),
    ],
)
def test_ends_that_say_themselves_are_left_out(whole: str, short: str) -> None:
    assert without_needless_ends(whole) == short


def test_the_committed_examples_are_small_together() -> None:
    files = [file for folder in REPORTS.glob("*example*") for file in folder.rglob("*") if file.is_file()]
    sizes = {file.relative_to(REPORTS).as_posix(): file.stat().st_size for file in files}
    assert {"example/report.html", "example/report.json"} <= sizes.keys()
    assert sum(sizes.values()) <= MOST, sizes
