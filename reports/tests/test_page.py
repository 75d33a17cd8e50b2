"""The page: what it says of odd records, and that no text gets out of its place."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from harness.statistics.verdict import Fact, Reading, Verdict
from harness.verdicts.record import (
    ChangeRecord,
    ClaimRecord,
    MeasurementRecord,
    RunRecord,
    SampleRecord,
    TaskRecord,
)
from reports import markdown
from reports.page import render as page
from reports.tests.pictures import picture
from reports.tests.records import TASKS, checkpoint, claim, curve, example, judgement, margin, part

NASTY = (
    "<script>alert(1)</script>",
    "\"' onmouseover=alert(1) x='",
    "</style></svg></title><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "שלום \u202eabc\u202c עולם",
    "a|b\n\n# heading `code` [x](javascript:alert(1)) @someone",
    "x" * 10_000,
    "\ud800 \x00 \x1b[31m",
    "",
)


SCRIPTS = 3
"""The page's two scripts, and the numbers behind its curves."""
PLACES = range(5)
"""The kinds of record that `hostile` makes."""


class Page(HTMLParser):
    """What a browser would make of a page, as far as this test cares."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0
        self.handlers: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.scripts += tag == "script"
        for name, value in attrs:
            if name.startswith("on"):
                self.handlers.append(name)
            if name in {"href", "src", "action"}:
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def seen(record: RunRecord) -> Page:
    parser = Page()
    parser.feed(page.render(record))
    return parser


def hostile(text: str, place: int) -> RunRecord:
    """A record in which ``text`` stands at every place that can hold one."""
    quantity = replace(part("x", -30.0, 5.0, -10, "<"), label=text, where=text, asserts=text[:2])
    readings = tuple(Reading(name, Verdict.REFUTED, quantity) for name in (text, "distractor"))
    judged = judgement(
        Verdict.INCONCLUSIVE,
        replace(quantity, what=text, scale=text),
        reason=text,
        notes=(Fact(text), Fact(text, text)),
        readings=readings,
        needed_images=(None, 900)[place % 2],
    )
    kind = ("lens", "modules", "activation_patch", "sweep", text)[place % 5]
    of = MeasurementRecord(kind, *(text, text, None, text, text, text, text), norm=True, checkpoint=text)
    drawn = replace(curve(of, text, math.sin), unit=text, reading=("p_c", text)[place % 2], role="effect")
    drawn = replace(drawn, margin=margin(drawn.mean))
    named = ClaimRecord(text, text, text, text, text, text, text, text or None, judged, text, enforced=True)
    one = replace(named, curves=(drawn,), bands=((text, 0.1, 0.4),), threshold=-10.0)
    tasks = (TaskRecord(text, 9, 9, 0, {text: 9}),)
    ran = replace(checkpoint(text), sha256=text, dtype=text, device=text, tasks=tasks)
    ran = replace(ran, prompt=text, answers=text, asked=((text, text), ("question", text)))
    ran = replace(ran, elsewhere=text, sources=((text, text, text),))
    shown = SampleRecord(
        *(text,) * 5,
        flow=of,
        question=text,
        answer=text,
        said=text,
        p1=0.5,
        prompt=((text, text), ("question", text)),
        picture=(text, picture())[place % 2],
        size=(84, 84),
        boxes=((text, 1.0, 2.0, 3.0, 4.0),),
        patches=((0.0, 0.0, 12.0, 12.0),),
        curves=(drawn,),
    )
    change = ChangeRecord(text, text, text, text, True, quantity, 1, 2, drawn, drawn, text)
    return RunRecord(
        *(text, text, text, text, text, {text: {text: text}}, {text: [text]}, (ran,), (one,), (text,)),
        samples=(shown,),
        attribution=text,
        changes=(change, replace(change, moved=False)),
    )


@cache
def harmless() -> frozenset[str]:
    return frozenset(tag for place in PLACES for tag in seen(hostile("x", place)).tags)


def assert_harmless(record: RunRecord) -> None:
    found = seen(record)
    assert found.scripts == SCRIPTS
    assert not found.handlers
    assert found.tags <= harmless() | {"details", "p"}
    assert all(link.startswith(("#", "data:,", "data:image/jpeg;base64,")) for link in found.links)
    assert_one_line_per_row(markdown.render(record))


def assert_one_line_per_row(text: str) -> None:
    lines = text.split("\n")
    for above, line in pairwise(lines):
        if line.startswith("|") and above.startswith("|"):
            assert bars(line) == bars(above)
    assert "<script" not in text


def bars(line: str) -> int:
    return line.replace("\\\\", "").replace("\\|", "").count("|")


@pytest.mark.parametrize("text", NASTY)
def test_hostile_texts_come_out_harmless(text: str) -> None:
    for place in PLACES:
        assert_harmless(hostile(text, place))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(), max_size=60), st.sampled_from(PLACES))
def test_any_text_comes_out_harmless(text: str, place: int) -> None:
    assert_harmless(hostile(text, place))


def test_a_long_text_is_cut_on_the_page() -> None:
    html = page.render(hostile("y" * 10_000, 0))
    assert "y" * 1_600 not in html
    assert len(html) < 400_000


def test_the_policy_allows_no_network_and_only_our_script() -> None:
    html = page.render(replace(example(), claims=()))
    assert "default-src 'none'" in html
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts]
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    assert len(hashes) == 2 and f"script-src {allowed};" in html
    assert "http://" not in html
    assert "https://" not in html.replace("https://doi", "")


def test_every_claim_has_a_link_that_leads_to_it() -> None:
    found = seen(replace(example(), claims=tuple(replace(c, curves=()) for c in example().claims)))
    assert {f"#{one}" for one in found.ids} >= {link for link in found.links if link.startswith("#")}
    assert "claim-c3" in found.ids
    assert len(found.ids) == len(set(found.ids))


def test_ids_that_look_alike_lead_to_different_sections() -> None:
    first = replace(example().claims[0], curves=())
    alike = tuple(replace(first, id=one) for one in ("C3b", "C3B", "c3-b", "claim"))
    found = seen(replace(example(), claims=alike))
    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links if link.startswith("#claim-")} <= set(found.ids)
    assert len(set(page.claim_ids(("a", "A", "a-2", "A-2", "")).values())) == 5


def text_of(record: RunRecord) -> str:
    return " ".join(" ".join(seen(record).text).split())


def without_curves(record: RunRecord) -> RunRecord:
    return replace(record, claims=tuple(replace(c, curves=()) for c in record.claims))


def test_no_claims_no_checkpoints() -> None:
    text = text_of(replace(example(), claims=(), checkpoints=(), protocol={}, provenance={}, remarks=()))
    assert "No claim was judged" in text
    assert "No checkpoint was run." in text
    assert "No claim was judged" in markdown.render(replace(example(), claims=(), checkpoints=()))


def test_all_samples_excluded() -> None:
    tasks = tuple(TaskRecord(task, 420, 210, 0, {"answered wrongly": 420}) for task in TASKS)
    ran = replace(checkpoint(), tasks=tasks)
    none = claim("A1", judgement(Verdict.INCONCLUSIVE, images=0, reason="No sample is left."))
    record = replace(example(), checkpoints=(ran,), claims=(none,))
    assert "Every sample of this checkpoint was left out" in text_of(record)
    assert "None of 1 claim decided on embedded" in text_of(record)
    assert "Every sample was left out." in markdown.render(record)


def test_how_a_checkpoint_was_asked() -> None:
    system = "A chat. " * 100
    prompt = (("system", system), ("image", "36 visual tokens"), ("separator", "\n"), ("question", "Why?"))
    record = replace(example(), checkpoints=(replace(checkpoint(), prompt="scenes", asked=prompt),))
    said = "Asked in the prompt format scenes. The whole prompt of one sample:"
    shown = f"{said} S {system} I 36 visual tokens B ⏎ Q Why?"
    assert "".join(shown.split()) in "".join(text_of(record).split())
    assert "Asked in the prompt format scenes." in markdown.render(record)


def test_of_a_record_without_a_prompt_nothing_is_said_of_it() -> None:
    assert "prompt format" not in text_of(example())
    assert "prompt format" not in markdown.render(example())


def test_how_pictures_and_boxes_were_handled_is_told() -> None:
    ran = replace(checkpoint(), image_handling="released-tiles", boxes="released")
    text = " ".join(text_of(replace(example(), checkpoints=(ran,))).split())
    assert "pictures released-tiles boxes to patches released" in text
    assert "boxes to patches" not in text_of(replace(example(), checkpoints=(checkpoint(),)))


def test_how_it_answers_is_told() -> None:
    told = 'answers as "Red" without a leading space, 31 of 32'
    record = replace(example(), checkpoints=(replace(checkpoint(), answers=told),))
    assert f"how it answers {told}" in " ".join(text_of(record).split())
    assert f"embedded: {told}" in markdown.render(record)
    assert "how it answers" not in text_of(example())


def test_samples_without_object_patches_are_counted() -> None:
    task = TaskRecord("QueryAttr", 420, 210, 400, {}, without_patches={"box outside the image, or empty": 3})
    record = replace(example(), checkpoints=(replace(checkpoint(), tasks=(task,)),))
    said = "3 used without object patches: "
    assert said in text_of(record)
    assert f"none; {said}box outside the image, or empty |" in markdown.render(record)


def test_half_a_run_says_so_and_shows_what_there_is() -> None:
    half = replace(
        without_curves(example()),
        claims=without_curves(example()).claims[:2],
        remarks=("The run was stopped.",),
    )
    text = text_of(half)
    assert "The run was stopped." in text and "The run was stopped." in markdown.render(half)
    assert seen(half).ids.count("claim-a1") == 1 and "claim-e1" not in seen(half).ids


def test_notes_beside_a_verdict_stand_below_the_table() -> None:
    (old,) = [one for one in without_curves(example()).claims if one.id == "B2"][:1]
    facts = (
        Fact("metric-dependent"),
        Fact("unclipped windows only", "REFUTED on 60 images"),
        Fact("both dips", "3% of 60 images"),
    )
    told = replace(old, judgement=replace(old.judgement, notes=facts))
    text = text_of(replace(example(), claims=(told,)))
    assert re.search(r"unclipped windows only ?: ?\S* ?REFUTED on 60 images", text)
    assert re.search(r"both dips ?: ?\S* ?3% of 60 images", text)
    assert page.facts((told,)).keys() == {"unclipped windows only", "both dips"}


def test_four_checkpoints_stand_side_by_side() -> None:
    names = ("embedded", "llava-1.5-7b", "llava-1.5-13b", "next-8b")
    text = text_of(without_curves(example(names)))
    assert "11 claims on 4 checkpoints" in text
    assert all(re.search(f"of 11 claims supported in every task on {name} ?:", text) for name in names)


def test_numbers_that_are_none() -> None:
    empty = part("x", math.nan, math.nan, math.nan, "<")
    lost = replace(curve("question->last", "ChooseAttr", lambda _: math.nan), n_images=0)
    record = replace(example(), claims=(claim("A1", judgement(Verdict.INCONCLUSIVE, empty), curves=(lost,)),))
    text = text_of(record)
    assert not re.search(r"(?i)\b(nan|inf)\b", text)
    assert "no numbers" in text


def test_mem_says_that_it_is_recalled() -> None:
    recalled = replace(example().claims[0], source="MEM", curves=())
    assert "as recalled; not checked against the paper" in text_of(replace(example(), claims=(recalled,)))


def test_a_rival_that_was_tested_is_linked() -> None:
    a2 = next(c for c in example().claims if c.id == "A2")
    rival = replace(a2, id="R3", curves=())
    record = replace(example(), claims=(replace(a2, curves=()), rival))
    assert "#claim-r3" in seen(record).links
    assert "Not tested in this run." in text_of(replace(record, claims=record.claims[:1]))


def test_verdicts_as_expected() -> None:
    kept = tuple(replace(c, curves=()) for c in example().claims if c.id != "A2")
    assert "Every verdict is as expected." in text_of(replace(example(), claims=kept))
    unknown = tuple(replace(c, expected=None) for c in kept)
    assert "No verdicts are on file" in text_of(replace(example(), claims=unknown))


def test_every_marker_of_a_line_is_defined_once_on_the_page() -> None:
    html = page.render(example())
    named = set(re.findall(r"marker: url\(#([\w-]+)\)", html))
    assert named and all(html.count(f'id="{one}"') == 1 for one in named)


def test_what_drawings_say_of_their_look_is_said_once() -> None:
    html = page.render(example())
    head, _, body = html.partition("</style>")
    assert not re.search(r"<(path|g) [^>]*style=", body)
    rules = dict(re.findall(r"^\.(k\d+) \{ (.+) \}$", head, re.MULTILINE))
    used = set(re.findall(r'<(?:path|g) (?:id="p\d+" )?(?:d="[^"]*" )?class="(k\d+)"', body))
    assert used == set(rules) and len(set(rules.values())) == len(rules)


@pytest.mark.parametrize("text", NASTY)
def test_no_text_becomes_a_style(text: str) -> None:
    for place in PLACES:
        head = page.render(hostile(text, place)).partition("</style>")[0]
        for rule in re.findall(r"^svg \.k\d+ .*$", head, re.MULTILINE):
            assert re.fullmatch(r"svg \.k\d+ \{ [\w\s:;(),.#-]+ \}", rule)


def test_what_was_measured_elsewhere_says_so_above_and_below_and_lists_its_files() -> None:
    record = example()
    told, digest = "measured elsewhere, by theirs.csv (0123456789abcdef)", "ab" * 32
    assert "elsewhere" not in markdown.render(record)
    ran = replace(
        record.checkpoints[0], elsewhere=told, sources=(("theirs.csv", digest, "image->question@9"),)
    )
    first = record.claims[0]
    lacking = replace(
        first.judgement, verdict=Verdict.NOT_MEASURED, parts=(), reason="not measured elsewhere: x"
    )
    there = replace(
        record, checkpoints=(ran,), claims=(replace(first, judgement=lacking), *record.claims[1:])
    )
    found = page.render(there)
    assert found.count(told) >= 3 and digest in found and "NOT MEASURED" in found
    above, below = found.index('id="answer"'), found.index('id="provenance"')
    assert found.index(told) < above and found.rindex(told) > below
    assert "NOT MEASURED" not in page.render(record)
    text = markdown.render(there)
    assert (
        "measured elsewhere, by theirs.csv" in text and "∅ NOT MEASURED" in text and "## Not measured" in text
    )
