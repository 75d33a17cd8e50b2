"""Examining a checkpoint: what is measured when, and at which share of alpha a claim is judged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from harness.data.depth import LOW, LOWER, MID, MIDDLE, Grid
from harness.data.errors import CheckpointError
from harness.interventions.measurements import OpenPathsOnly
from harness.measuring.request import Request
from harness.statistics import forms
from harness.statistics.forms import mainly_inside, peaks_above, retains
from harness.statistics.futility import FUTILE
from harness.statistics.looks import LOOKS
from harness.statistics.trees import Leaf, some
from harness.statistics.verdict import Verdict
from harness.testing.fake import Fake
from harness.validation.store.rows import examination
from harness.verdicts.claim_record import curves
from harness.verdicts.claims import Claim
from harness.verdicts.examination import Examination
from harness.verdicts.hypothesis import Hypothesis
from harness.verdicts.study import Study

TASK = "ChooseAttr"


def claim(function: Callable[..., None]) -> Claim:
    return Claim("findings/x.py::test", "X1", "OURS", "A statement.", "fake", TASK, function)


def examined(folder: Path, function: Callable[..., None]) -> tuple[Examination, Claim]:
    """To the last look, if need be."""
    made, asked = examination(folder, 360), claim(function)
    made.settings = replace(made.settings, futility=False)
    made.examine([asked], lambda *_: None)
    return made, asked


def pathway(study: Study, task: str) -> None:
    """A claim whose very knockout hangs on where a layer is located."""
    first = study.deepest_window("image->question", LOW)
    second = study.deepest_window("image->question", MID, after=first)
    kept = study.accuracy_with_only({"image->question": (first, second)}, task, closed=["image->after_image"])
    kept, whole = study.on_other_images(kept), study.on_other_images(study.accuracy(task))
    study.judge(retains(kept, whole, study.on_other_images(study.chance(task))))


def test_a_knockout_that_hangs_on_a_location_is_measured_where_it_was_located(tmp_path: Path) -> None:
    """Not where it would be before anything is measured; and at every look at the same layers."""
    made, asked = examined(tmp_path, pathway)
    stored = set(made.evidence.read()["measurement"].unique())
    only = {measurement for measurement in stored if measurement.startswith("only(")}
    named = [
        {
            quantity.measurement
            for quantity in made.hypothesis(asked, look).quantities
            if isinstance(quantity.measurement, OpenPathsOnly)
        }
        for look in range(len(LOOKS))
    ]
    assert all(one == named[0] for one in named)
    assert only == {str(measurement) for measurement in named[0]}
    judged = made.judgements[asked.test]
    assert judged.n_images > 100


@pytest.mark.parametrize(
    ("images", "taken"),
    [(332, {1, 2, 3, 4}), (331, {2, 3, 4}), (222, {2, 3, 4}), (221, {3, 4}), (119, {3, 4}), (118, {4})],
)
def test_a_look_with_too_few_images_to_decide_anything_is_not_waited_for(
    tmp_path: Path, images: int, taken: set[int]
) -> None:
    """Layers are located on the first look's images nevertheless."""
    made, asked = examination(tmp_path, images), claim(pathway)
    made.settings = replace(made.settings, futility=False)
    titles: list[str] = []
    made.examine([asked], lambda title, *_: titles.append(title))
    looks = {title.partition("look ")[2].partition(" of ")[0] for title in titles} - {""}
    assert set(map(int, looks)) == taken
    stored = {
        measurement
        for measurement in made.evidence.read()["measurement"].unique()
        if measurement.startswith("only(")
    }
    assert stored == {
        str(quantity.measurement)
        for quantity in made.hypothesis(asked, 0).quantities
        if isinstance(quantity.measurement, OpenPathsOnly)
    }


def test_what_layers_are_located_on_is_measured_on_the_first_look_alone(tmp_path: Path) -> None:
    """However long the claim stays open: at every look the layer is the same."""

    def at_a_layer(study: Study, task: str) -> None:
        at = study.deepest_window("image->last", LOW)
        effect = study.effect("image->question", task)
        study.judge(forms.deeper_at(effect, study.grid, at, at))

    made, asked = examined(tmp_path, at_a_layer)
    assert made.judgements[asked.test].look == len(LOOKS) - 1
    stored = made.evidence.read().filter(pl.col("task") == TASK)
    images = {
        flow: set(stored.filter(pl.col("measurement").str.starts_with(flow))["image"])
        for flow in ("image->last", "image->question")
    }
    first = {sample.image_id for sample in made.dataset.first(TASK, LOOKS[0])}
    assert images["image->last"] == images["image->question"] & first
    assert len(images["image->question"]) > 3 * len(first)


class WithoutTiles(Fake):
    """Has no tile patches on any image."""

    def image(self, requests: Iterable[Request]) -> list[dict[str, object]]:  # type: ignore[override]
        rows = [dict(row) for row in super().image(list(requests))]
        for row in rows:
            if str(row["measurement"]).startswith("tile_patches"):
                row |= {"reading": "", "values": [], "reason": "region 'tile_patches' is empty"}
        return rows


def both_views(study: Study, task: str) -> None:
    """A claim that cannot be asked of a checkpoint without tiles."""
    tiles, base = (study.effect(f"{one}_patches->question", task) for one in ("tile", "base"))
    if study.undefined(tiles):
        return study.not_applicable("no tiles")
    return study.judge(forms.in_all([forms.drops_somewhere(one, study.grid) for one in (tiles, base)]))


@pytest.mark.parametrize(("measurer", "asks"), [(WithoutTiles, False), (Fake, True)])
def test_of_a_claim_that_cannot_be_asked_nothing_else_is_measured(
    measurer: type[Fake], *, asks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, asked = examination(tmp_path, 320), claim(both_views)
    monkeypatch.setattr(made, "_load", measurer)
    made.examine([asked], lambda *_: None)
    assert (made.judgements[asked.test].verdict is Verdict.NOT_APPLICABLE) is not asks
    stored = made.evidence.read()["measurement"].unique()
    assert stored.str.starts_with("base_patches").any() is asks


def test_a_second_run_measures_nothing_twice(tmp_path: Path) -> None:
    examined(tmp_path, pathway)
    again, _ = examined(tmp_path, pathway)
    assert again.passes == 0


@pytest.mark.parametrize(("boxes", "handling"), [("released", None), ("analytic", "released-tiles")])
def test_evidence_of_other_patches_is_not_met_again(boxes: str, handling: str | None, tmp_path: Path) -> None:
    """The rules that decide which patches are which are in the store's key, and in the record."""
    first, _ = examined(tmp_path, pathway)
    assert (first.record().boxes, first.record().image_handling) == ("analytic", "")
    info = replace(first.info, boxes=boxes, image_handling=handling)
    other = Examination(info, first.dataset, first.settings, Fake)
    assert other.evidence.folder != first.evidence.folder
    assert (other.record().boxes, other.record().image_handling) == (boxes, handling or "")
    same = Examination(replace(first.info, boxes="analytic"), first.dataset, first.settings, Fake)
    assert same.evidence.folder == first.evidence.folder


def test_notes_stand_beside_a_verdict_and_decide_nothing(tmp_path: Path) -> None:
    """The same claim on whole windows; how many images drop at both dips."""

    def told(study: Study, task: str) -> None:
        effect = study.effect("image->question", task)
        notes = [study.unclipped(mainly_inside, effect, band=LOWER), study.both_dips(effect, LOWER, MIDDLE)]
        study.judge(mainly_inside(effect, LOWER, study.grid), beside=notes)

    made, asked = examined(tmp_path / "told", told)
    judged = made.judgements[asked.test]
    notes = {note.about: note.text for note in judged.notes if note.text}
    assert re.fullmatch(r"[A-Z]+ on \d+ images", notes["unclipped windows only"])
    assert re.fullmatch(
        r"\d+% of \d+ images drop at both layers \d+-\d+ and layers \d+-\d+", notes["both dips"]
    ), notes

    def untold(study: Study, task: str) -> None:
        study.judge(mainly_inside(study.effect("image->question", task), LOWER, study.grid))

    plain, asked = examined(tmp_path / "untold", untold)
    without = plain.judgements[asked.test]
    assert (without.verdict, without.p_support, without.look) == (
        judged.verdict,
        judged.p_support,
        judged.look,
    )
    assert without.notes == tuple(note for note in judged.notes if note.about not in notes)


class Late(Fake):
    """Has lens readings on images after the first look only."""

    late: frozenset[str] = frozenset()

    def image(self, requests: Iterable[Request]) -> list[dict[str, object]]:  # type: ignore[override]
        rows = super().image(list(requests))
        return [dict(row) for row in rows if row["measurement"] != "lens" or row["image"] in self.late]


def test_a_look_without_data_hands_its_share_of_alpha_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is undefined on all images of the first look is judged with the alpha of all looks so far."""

    def peak(study: Study, task: str) -> None:
        study.judge(peaks_above(study.lens("either", task), study.lens_grid))

    made, asked = examination(tmp_path, 360), claim(peak)
    first = {sample.image_id for sample in made.dataset.first(TASK, LOOKS[0])}
    monkeypatch.setattr(Late, "late", frozenset(set(made.dataset.images) - first))
    monkeypatch.setattr(made, "_load", Late)
    made.examine([asked], lambda *_: None)
    judged = made.judgements[asked.test]
    assert judged.look == 2  # the second has too few images that are not the first's
    assert judged.alpha == pytest.approx(0.025)
    assert made.evidence.read().filter(pl.col("measurement") == "lens").height > 0


@pytest.mark.parametrize("futility", [True, False])
def test_a_claim_that_more_images_would_hardly_decide_is_measured_no_further(
    tmp_path: Path,
    futility: bool,  # noqa: FBT001
) -> None:
    """Unless all is asked for; then it is measured to the end, and open there."""

    def near(study: Study, task: str) -> None:
        """A mean against the one that is seen: nothing is nearer."""
        effect, seen = study.blocked_from("image->last", task), study._seen
        threshold = 0.0 if seen is None else float(seen.now[effect].values.mean())
        study.judge(some(Leaf("mean", (effect,), lambda d: d, threshold, ">")))

    made, asked = examination(tmp_path, 360), claim(near)
    made.settings = replace(made.settings, futility=futility)
    made.examine([asked], lambda *_: None)
    judged = made.judgements[asked.test]
    assert judged.verdict is Verdict.INCONCLUSIVE
    stored = made.evidence.read().filter(pl.col("measurement").str.starts_with("image->last"))
    images = stored["image"].n_unique()
    if futility:
        assert judged.look < len(LOOKS) - 1
        assert judged.chance is not None and judged.chance < FUTILE
        assert "measured no further" in judged.reason
        assert images <= LOOKS[judged.look] * 360
    else:
        assert (judged.look, judged.chance) == (len(LOOKS) - 1, None)
        assert images > LOOKS[-2] * 360


def test_a_claim_declares_once_before_measuring_and_once_a_look(tmp_path: Path) -> None:
    """Whoever asks again is given what was declared, and pytest's own call sees the same evidence."""
    calls: list[Study] = []

    def undecided(study: Study, task: str) -> None:
        calls.append(study)
        study.judge(forms.negligible_at(study.blocked_from("image->last", task)))

    made, asked = examined(tmp_path, undecided)
    looks = made.judgements[asked.test].look + 1
    assert len(calls) == 1 + looks
    declared = made.hypothesis(asked, looks - 1)
    assert declared.tree is not None
    assert len(calls) == 1 + looks
    heard: list[Hypothesis] = []
    undecided(made.study(asked, heard.append), TASK)
    assert [one.quantities for one in heard] == [declared.quantities]


def test_a_claim_test_that_raises_fails_alone(tmp_path: Path) -> None:
    def mistaken(study: Study, task: str) -> None:
        study.judge(peaks_above(study.lens("upper", task), study.lens_grid))

    def changing(study: Study, task: str) -> None:
        measured = study.effect("image->question", task)
        calls.append(study)
        if len(calls) > 1:
            raise ZeroDivisionError
        study.judge(forms.drops_somewhere(measured, study.grid))

    calls: list[Study] = []
    made = examination(tmp_path, 320)
    good, bad, worse = (
        replace(claim(function), test=function.__name__) for function in (pathway, mistaken, changing)
    )
    made.examine([bad, good, worse], lambda *_: None)
    assert {test: type(error) for test, error in made.broken.items()} == {
        "mistaken": ValueError,
        "changing": ZeroDivisionError,
    }
    assert set(made.judgements) == {"pathway"}


@pytest.mark.parametrize("changed", ["model.safetensors", "mine.json"])
def test_files_that_were_changed_since_are_not_taken_for_those_that_were_measured(
    changed: str, tmp_path: Path
) -> None:
    folder, mine = tmp_path / "checkpoint", tmp_path / "mine.json"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    mine.write_text("asked so", encoding="utf-8")
    made = examination(tmp_path / "store", 2)
    made.info = replace(made.info, path=str(folder), prompt=str(mine))
    assert made.evidence.key["prompt"]
    made.check_unchanged()
    file = mine if changed == "mine.json" else folder / changed
    file.write_text("asked otherwise", encoding="utf-8")
    with pytest.raises(CheckpointError, match="were changed since they were measured"):
        made.check_unchanged()


def in_lower_layers(study: Study, task: str) -> None:
    """A claim that reads some windows of one flow, and of one of the paper's own."""
    lower = study.windows_inside(LOWER)
    effect = study.effect("most_patches->question", task, on=lower)
    whole = study.effect("image->question", task, on=lower)
    study.judge(forms.keeps_most_of([effect], whole, lower))


def in_all_layers(study: Study, task: str) -> None:
    """The same statement, all windows measured."""
    effect, whole = (study.effect(f"{one}->question", task) for one in ("most_patches", "image"))
    study.judge(forms.keeps_most_of([effect], whole, study.grid))


def test_windows_that_no_claim_reads_are_not_measured_and_verdicts_stay(tmp_path: Path) -> None:
    """But those of the paper's own flows, which the report draws."""
    made, asked = examined(tmp_path / "some", in_lower_layers)
    every, _ = examined(tmp_path / "every", in_all_layers)
    one, other = made.judgements[asked.test], every.judgements[asked.test]
    assert (one.p_support, one.p_refute, one.parts) == (other.p_support, other.p_refute, other.parts)
    stored = made.evidence.read().filter(pl.col("reading") == "p")
    points = {name: len(values) for name, values in zip(stored["measurement"], stored["values"], strict=True)}
    centres = ",".join(map(str, Grid(12, 3).within(LOWER).centres))
    assert points == {
        "clean": 1,
        "image->question@3": 12,
        f"most_patches->question@3[{centres}]": centres.count(",") + 1,
    }
    shown = curves(made, made.hypothesis(asked, one.look).quantities, made.seen_at(one.look))
    drawn = {curve.measurement.source: curve.points for curve in shown}
    assert drawn["image"] == tuple(range(12))
    assert ",".join(map(str, drawn["most_patches"])) == centres


def test_a_run_that_reads_more_windows_measures_them_and_one_that_reads_fewer_nothing(tmp_path: Path) -> None:
    """Nothing is mixed: what has all windows has a name of its own."""
    fewer, asked = examined(tmp_path, in_lower_layers)
    more, _ = examined(tmp_path, in_all_layers)
    names = set(more.evidence.read()["measurement"])
    assert "most_patches->question@3" in names
    fresh, _ = examined(tmp_path / "fresh", in_all_layers)
    assert more.judgements == fresh.judgements
    again, _ = examined(tmp_path / "fresh", in_lower_layers)
    assert again.passes == 0
    assert not any("[" in name for name in again.evidence.read()["measurement"])
    found = (one.judgements[asked.test] for one in (again, fewer))
    assert len({(one.verdict, one.p_support, one.p_refute, one.look) for one in found}) == 1
