"""Several checkpoints and several runs as a site: what it shows, and what it never touches."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from statsmodels.stats.meta_analysis import combine_effects

from harness.data.errors import HarnessError
from harness.statistics.verdict import Verdict
from harness.verdicts.record import RunRecord
from reports.__main__ import main
from reports.page.render import GENERATOR
from reports.site import pages as site
from reports.site.overview import overview
from reports.site.runs import histories
from reports.site.spread import heterogeneity, spreads, standard_error
from reports.tests.records import example, judgement, part
from reports.tests.test_page import NASTY, Page, hostile
from reports.write import MOST_ON_ONE_PAGE, write_report, write_site


def small(*names: str, created: str = "2026-11-22T12:00:00Z", **changed: Any) -> RunRecord:
    """A run of a few claims without curves."""
    record = example(names)
    kept = tuple(replace(c, curves=()) for c in record.claims if c.id in {"A1", "A3", "B2"})
    ran = tuple(replace(one, **changed) for one in record.checkpoints)
    return replace(record, claims=kept, checkpoints=ran, created=created)


def refuted(record: RunRecord, claim: str) -> RunRecord:
    """The same run with another verdict of one claim."""
    other = judgement(Verdict.REFUTED, part("deepest window", -3.0, 2.0, -10, "<"))
    claims = tuple(replace(c, judgement=other) if c.id == claim else c for c in record.claims)
    return replace(record, claims=claims)


def parsed(html: str) -> Page:
    parser = Page()
    parser.feed(html)
    return parser


POINTS = st.lists(
    st.tuples(st.floats(-90, 90), st.floats(0.05, 20)), min_size=2, max_size=20, unique_by=lambda one: one[0]
)


@pytest.mark.filterwarnings("ignore:invalid value encountered in sqrt")  # statsmodels' own intervals
@given(POINTS)
def test_heterogeneity_is_that_of_statsmodels(points: list[tuple[float, float]]) -> None:
    y, se = np.array(points).T
    found, other = heterogeneity(y, se), combine_effects(y, se**2, method_re="dl")
    assert found is not None and found.count == len(points)
    assert found.q == pytest.approx(other.q, rel=1e-6, abs=1e-9)
    assert found.i2 == pytest.approx(max(0.0, other.i2), abs=1e-6)
    assert found.tau**2 == pytest.approx(max(0.0, other.tau2), rel=1e-6, abs=1e-6)
    assert found.p == pytest.approx(other.test_homogeneity().pvalue, abs=1e-6)


def test_heterogeneity_needs_two_estimates_with_an_error() -> None:
    assert heterogeneity((1.0, 2.0, 3.0), (0.5, 0.0, math.nan)) is None
    same = heterogeneity((3.0, 3.0), (1.0, 2.0))
    assert same is not None and (same.q, same.p, same.i2, same.tau) == (0, 1, 0, 0)


def test_the_standard_error_is_that_of_the_nearer_limit() -> None:
    one = replace(part("x", -20.0, 4.0, -10, "<"), lower=-30.0)
    assert standard_error(one, 0.05) == pytest.approx(4 / 1.6448536, rel=1e-6)
    assert math.isnan(standard_error(replace(one, upper=math.inf, lower=-math.inf), 0.05))
    assert math.isnan(standard_error(one, 0.0))


def test_one_quantity_is_compared_at_each_checkpoints_own_window() -> None:
    def run(name: str, window: int, *labels: str) -> RunRecord:
        record = small(name, window=window)
        parts = tuple(part(label, -20.0 - window, 4, -10, "<") for label in labels)
        claims = tuple(
            replace(c, judgement=judgement(Verdict.SUPPORTED, *parts)) for c in record.claims if c.id == "A1"
        )
        return replace(record, claims=claims)

    first, second = "question → last, k = {}, p_c on ChooseAttr", "question → last, k = {}, p_c on QueryAttr"
    found = spreads(
        [
            run("a", 3, first.format(3), second.format(3)),
            run("b", 7, second.format(7), first.format(7)),
            run("c", 5, first.format(5), second.format(5)),
            run("d", 5, "something else"),
        ]
    )
    assert [(one.claim, one.quantity) for one in found] == [("A1", first.format("rule"))]
    estimates = [one and one.part and one.part.estimate for one in found[0].effects]
    assert estimates == [-23, -27, -25, None]
    assert found[0].heterogeneity is not None and found[0].heterogeneity.count == 3


def test_the_newest_run_stands_for_a_checkpoint_and_the_same_run_counts_once() -> None:
    old, new = small("one"), small("one", created="2026-12-01T00:00:00Z", sha256="77" * 32)
    (history,) = histories([new, old, new])
    assert [run.record.created[:10] for run in history.runs] == ["2026-11-22", "2026-12-01"]
    assert history.latest.page == "checkpoints/one.html"
    assert re.fullmatch(r"checkpoints/one-2026-11-22-[0-9a-f]{8}\.html", history.runs[0].page)


def test_what_changed_between_two_runs_is_told() -> None:
    old = small("one")
    new = refuted(replace(small("one", created="2026-12-01T00:00:00Z"), dataset_sha256="00" * 32), "A1")
    ((name, (first, second)),) = overview(histories([new, old, small("two")])).histories
    assert name == "one" and not first.changed
    assert [(one.id, other.judgement.verdict) for one, other in second.changed if one and other] == [
        ("A1", Verdict.REFUTED)
    ]
    assert (second.new_weights, second.new_data) == (False, True)


@pytest.mark.parametrize("names", [("A b", "a-b"), ("é", "ö"), ("..", "/etc/passwd", "CON", "x" * 300)])
def test_no_two_checkpoints_share_a_file_and_none_leaves_the_folder(names: tuple[str, ...]) -> None:
    links = site.links([small(*names)])
    assert len({link.lower() for link in links}) == len(names)
    assert all(re.fullmatch(r"checkpoints/[a-z0-9-]{1,90}\.html", link) for link in links)


def test_every_link_of_the_site_leads_somewhere(tmp_path: Path) -> None:
    records = [small("one", "two"), small("one", created="2026-12-01T00:00:00Z"), small("three")]
    written, left = write_site(records, tmp_path)
    assert written[0] == tmp_path / "index.html" and len(written) == 5 and not left
    pages = {path: parsed(path.read_text(encoding="utf-8")) for path in written}
    reached = set()
    for path, page in pages.items():
        for link in page.links:
            file, _, section = link.partition("#")
            if link != "data:,":
                assert "://" not in link and not link.startswith("/")
                target = (path.parent / file).resolve() if file else path
                assert not section or section in pages[target].ids, link
                reached.add(target)
    assert reached == set(pages)
    assert all(path.stat().st_size < site.LARGEST for path in written)


def test_files_that_are_not_the_sites_are_neither_written_over_nor_deleted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text(small("one").to_json(), encoding="utf-8")
    second.write_text(small("two").to_json(), encoding="utf-8")
    out = tmp_path / "out"
    assert main(["site", str(first), "--out", str(out)]) == 0
    (out / "mine.html").write_text("mine")
    assert main(["site", str(second), "--out", str(out)]) == 0
    assert f"{out / 'checkpoints' / 'one.html'}: of an earlier site" in capsys.readouterr().out
    assert (out / "mine.html").read_text() == "mine"
    assert (out / "checkpoints" / "one.html").exists()
    (out / "checkpoints" / "two.html").write_text("mine, too")
    assert main(["site", str(first), str(second), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert "two.html: is no page of a site; name another folder with --out" in error
    assert (out / "checkpoints" / "two.html").read_text() == "mine, too"


@pytest.mark.parametrize("taken", ["index.html", "checkpoints"])
def test_a_folder_that_holds_something_else_is_one_clear_error(taken: str, tmp_path: Path) -> None:
    (tmp_path / taken).write_text("mine")
    with pytest.raises(HarnessError, match=rf"{taken}.*--out"):
        write_site([small("one")], tmp_path)
    assert (tmp_path / taken).read_text() == "mine"


@pytest.mark.parametrize("name", ["index.html", "checkpoints"])
def test_nothing_is_written_through_a_link(name: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / name).symlink_to(outside)
    with pytest.raises(HarnessError, match=name):
        write_site([small("one")], out)
    assert not list(outside.iterdir())


def test_a_record_without_a_checkpoint_is_no_site(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no checkpoint to show"):
        write_site([replace(example(), claims=(), checkpoints=())], tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_page_that_would_be_too_large_shows_fewer_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    from reports.tests.whole import shown_sample

    shown = tuple(shown_sample("one", "ChooseAttr", place) for place in range(8))
    record = replace(small("one"), samples=shown)
    (_, whole), _ = site.pages([record], "index.html")
    monkeypatch.setattr(site, "LARGEST", len(whole.encode()) - 10)
    (_, cut), _ = site.pages([record], "index.html")
    assert (whole.count('class="card"'), cut.count('class="card"')) == (8, 4)
    monkeypatch.setattr(site, "LARGEST", 1000)
    with pytest.raises(HarnessError, match="the page of 'one' would have"):
        list(site.pages([record], "index.html"))


def test_with_many_checkpoints_the_report_is_an_overview_with_pages(tmp_path: Path) -> None:
    few, many = (tuple(f"c{place}" for place in range(n)) for n in (MOST_ON_ONE_PAGE, MOST_ON_ONE_PAGE + 1))
    html, *_ = write_report(small(*few), tmp_path / "few")
    assert not (html.parent / "checkpoints").exists() and GENERATOR not in html.read_text(encoding="utf-8")
    html, *_ = write_report(small(*many), tmp_path / "many")
    assert html.name == "report.html"
    assert [path.name for path in sorted((html.parent / "checkpoints").iterdir())] == [
        f"{one}.html" for one in many
    ]
    page = parsed((html.parent / "checkpoints" / "c0.html").read_text(encoding="utf-8"))
    assert "../report.html" in page.links
    shown = "".join(page.text)
    assert "c0" in shown and "pytest" in shown and not re.search(r"\bc1\b", shown)
    write_report(small(*many), tmp_path / "many")


def test_an_overviews_size_is_linear_in_checkpoints() -> None:
    def size(checkpoints: int) -> int:
        names = tuple(f"checkpoint-{place:02d}" for place in range(checkpoints))
        *_, (_, html) = site.pages([small(*names)], "index.html")
        return html.count("<")

    one, two, four = size(5), size(10), size(20)
    assert four - two <= 2.2 * (two - one)


@pytest.mark.parametrize("text", NASTY)
def test_no_text_gets_out_of_its_place(text: str) -> None:
    other = replace(hostile(text, 1), created="2026-12-01T00:00:00Z")
    (_, plain), (_, above) = site.pages([small("one")], "index.html")
    for link, html in site.pages([hostile(text, 0), other], "index.html"):
        page, harmless = parsed(html), parsed(above if link == "index.html" else plain)
        assert page.scripts == harmless.scripts and not page.handlers and "img" not in page.tags
        assert all(link.startswith(("#", "data:", "checkpoints/", "../index.html")) for link in page.links)
