"""The exact invariants of attention knockout, on the reference engine with small random models."""

import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor

from harness.checkpoint.attention import ATTENTION_NAME
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded, encode
from harness.data.depth import window_layers
from harness.data.errors import KnockoutError, NumericsError
from harness.engine import reference
from harness.engine.engines import ReferenceEngine, SweepEngine
from harness.engine.lens import lens
from harness.engine.protocol import Engine
from harness.interventions.knockout import EdgeBlock, Knockout, ModuleZero, Substitution, block
from harness.measuring.readout import Tokens, read_sweep
from harness.testing.cases import shape_for
from harness.testing.tiny_checkpoints import FAMILIES, KINDS, picture, sample, tiny_checkpoint

FLOWS = ["image->question", "question->last", "image->last", "last->last", "related_patches->question"]
families = st.sampled_from(sorted(FAMILIES))
kinds = st.sampled_from(KINDS)
slow = settings(max_examples=12, deadline=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


def ready(family: str, folder: Path, seed: int = 0, kind: str = "llava") -> tuple[Checkpoint, Encoded]:
    checkpoint = tiny_checkpoint(family, dtype=torch.float64, kind=kind)
    size = shape_for(kind)
    return checkpoint, encode(checkpoint, sample(picture(folder, seed, size), size=size))


def own_inputs(checkpoint: Checkpoint, encoded: Encoded) -> dict[str, Tensor]:
    """What the model itself needs: the positions it finds by itself, where it has any of its own."""
    modalities = encoded.modalities(checkpoint.model.config.image_token_id)
    return {"input_ids": encoded.ids[None], **encoded.visual, **modalities}


def edges(encoded: Encoded, flow: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    source, _, target = flow.partition("->")
    return encoded.regions[source], encoded.regions[target]


@contextmanager
def watched(checkpoint: Checkpoint) -> Iterator[dict[int, tuple[Tensor, Tensor]]]:
    """Layer → (input rows, attention weights) of the next forward pass."""
    seen: dict[int, tuple[Tensor, Tensor]] = {}

    def hook(module: Any, _args: Any, kwargs: dict[str, Tensor], output: tuple[Tensor, Tensor]) -> None:
        seen[module.layer_idx] = (kwargs["hidden_states"][0], output[1][0])

    handles = [
        layer.self_attn.register_forward_hook(hook, with_kwargs=True) for layer in checkpoint.decoder.layers
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@slow
@given(family=families, kind=kinds)
def test_without_a_knockout_the_reference_is_the_models_own_forward(
    family: str, kind: str, folder: Path
) -> None:
    checkpoint, encoded = ready(family, folder, kind=kind)
    with torch.inference_mode():
        plain = checkpoint.model(**own_inputs(checkpoint, encoded)).logits[0, -1]
    torch.testing.assert_close(reference.run(checkpoint, encoded).logits, plain, rtol=0, atol=1e-12)


@contextmanager
def own_masks(checkpoint: Checkpoint, layers: Collection[int], visible: Tensor) -> Iterator[None]:
    """transformers' own attention, some of its layers given a mask ``[rows, keys]`` of what may be seen."""
    mask = torch.zeros(visible.shape, dtype=torch.float64).masked_fill(~visible, -torch.inf)[None, None]
    checkpoint.model.set_attn_implementation({"text_config": "sdpa"})
    handles = [
        checkpoint.decoder.layers[layer].register_forward_pre_hook(
            lambda _layer, inputs, named: (inputs, {**named, "attention_mask": mask}), with_kwargs=True
        )
        for layer in layers
    ]
    try:
        yield
    finally:
        checkpoint.model.set_attn_implementation({"text_config": ATTENTION_NAME})
        for handle in handles:
            handle.remove()


@slow
@given(
    family=families,
    kind=kinds,
    flow=st.sampled_from([*FLOWS, "separators->question"]),
    layers=st.sets(st.integers(0, 3)),
)
def test_a_knockout_is_a_masked_pass_of_the_models_own_attention(
    family: str, kind: str, flow: str, layers: set[int], folder: Path
) -> None:
    checkpoint, encoded = ready(family, folder, kind=kind)
    source, _, target = flow.partition("->")
    sources, targets = encoded.regions.found(source), encoded.regions.found(target)
    visible = torch.ones(encoded.length, encoded.length).tril().bool()
    if kind == "gemma3":  # its image attends both ways
        image = torch.tensor(encoded.regions["image"])
        visible[image[:, None], image] = True
    for row in targets:
        visible[row, list(sources)] = False
    with own_masks(checkpoint, layers, visible), torch.inference_mode():
        own = checkpoint.model(**own_inputs(checkpoint, encoded)).logits[0, -1]
    blocked = reference.run(checkpoint, encoded, block(sources, targets, layers)).logits
    torch.testing.assert_close(blocked, own, rtol=0, atol=1e-12)


@slow
@given(family=families, layers=st.sets(st.integers(0, 3)))
def test_an_empty_source_changes_nothing_bit_for_bit(family: str, layers: set[int], folder: Path) -> None:
    checkpoint, encoded = ready(family, folder)
    changed = reference.run(checkpoint, encoded, block((), encoded.regions["question"], layers))
    assert torch.equal(changed.logits, reference.run(checkpoint, encoded).logits)


@slow
@given(family=families, flow=st.sampled_from(FLOWS), centre=st.integers(0, 3), size=st.integers(1, 4))
def test_blocked_edges_weigh_exactly_zero_and_all_else_is_untouched(
    family: str, flow: str, centre: int, size: int, folder: Path
) -> None:
    checkpoint, encoded = ready(family, folder)
    sources, targets = edges(encoded, flow)
    window = window_layers(centre, size, checkpoint.n_layers)
    with watched(checkpoint) as plain:
        reference.run(checkpoint, encoded)
    with watched(checkpoint) as blocked:
        reference.run(checkpoint, encoded, block(sources, targets, window))
    rows = torch.tensor(targets)[:, None]
    others = [row for row in range(encoded.length) if row not in targets]
    for layer, (hidden, weights) in blocked.items():
        torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights.sum(-1)), rtol=0, atol=1e-12)
        if layer in window:
            assert (weights[:, rows, torch.tensor(sources)] == 0).all()
        if layer <= window[0]:
            assert torch.equal(hidden, plain[layer][0])
        if layer == window[0]:
            assert torch.equal(weights[:, others], plain[layer][1][:, others])


@slow
@given(family=families, kind=kinds)
def test_with_the_image_blocked_for_everything_later_pixels_do_not_matter(
    family: str, kind: str, folder: Path
) -> None:
    """Marks between the visual tokens read the image, too: they are among what is later."""
    checkpoint, encoded = ready(family, folder, seed=1, kind=kind)
    _, other = ready(family, folder, seed=2, kind=kind)
    regions, layers = encoded.regions, range(checkpoint.n_layers)
    later = block(regions["image"], regions["after_image"], layers)
    assert not torch.equal(encoded.pixels, other.pixels)
    assert torch.equal(
        reference.run(checkpoint, encoded, later).logits, reference.run(checkpoint, other, later).logits
    )
    assert not torch.allclose(
        reference.run(checkpoint, encoded).logits, reference.run(checkpoint, other).logits, atol=1e-6
    )


def test_marks_left_open_carry_the_image_on(folder: Path) -> None:
    checkpoint, encoded = ready("llama", folder, seed=1, kind="idefics3")
    _, other = ready("llama", folder, seed=2, kind="idefics3")
    image = encoded.regions["image"]
    behind = block(image, range(image[-1] + 1, encoded.length), range(checkpoint.n_layers))
    first, second = (reference.run(checkpoint, one, behind).logits for one in (encoded, other))
    assert not torch.allclose(first, second, atol=1e-6)


@slow
@given(family=families, norm=st.booleans())
def test_the_lens_at_the_top_is_the_output_distribution(family: str, norm: bool, folder: Path) -> None:  # noqa: FBT001
    checkpoint, encoded = ready(family, folder)
    done = reference.run(checkpoint, encoded)
    read = lens(checkpoint, done.hidden, norm=norm)
    assert read.shape[0] == checkpoint.n_layers + 1
    torch.testing.assert_close(read[-1], done.logits.softmax(-1), rtol=0, atol=1e-12)


def test_the_final_norm_matters_below_the_top(folder: Path) -> None:
    checkpoint, encoded = ready("llama", folder)
    hidden = reference.run(checkpoint, encoded).hidden
    raw, normed = (lens(checkpoint, hidden, norm=norm) for norm in (False, True))
    assert not torch.allclose(raw[1], normed[1], atol=1e-3)


@slow
@given(family=families, flow=st.sampled_from(FLOWS))
def test_an_effect_lies_between_all_lost_and_certainty(family: str, flow: str, folder: Path) -> None:
    """p_c ∈ [−100, 100 (1/p1 − 1)]."""
    checkpoint, encoded = ready(family, folder)
    clean = reference.run(checkpoint, encoded).logits
    blocked = reference.run(checkpoint, encoded, block(*edges(encoded, flow), range(4))).logits
    p1 = float(clean.softmax(-1).max())
    (p2,) = read_sweep(clean, blocked[None], Tokens(int(clean.argmax()), None, {}))["p"]
    effect = 100 * (p2 - p1) / p1
    assert -100 <= effect <= 100 * (1 / p1 - 1) + 1e-9
    assert not math.isclose(effect, 0.0, abs_tol=1e-9)


@slow
@given(family=families, module=st.sampled_from(["attention", "mlp"]), layer=st.integers(0, 2))
def test_a_zeroed_module_leaves_the_residual_stream_as_it_was(
    family: str, module: Any, layer: int, folder: Path
) -> None:
    checkpoint, encoded = ready(family, folder)
    rows = encoded.regions["question"]
    both = Knockout((ModuleZero("attention", rows, (layer,)), ModuleZero("mlp", rows, (layer,))))
    seen: list[tuple[Tensor, Tensor]] = []
    handle = checkpoint.decoder.layers[layer].register_forward_hook(
        lambda _module, args, output: seen.append((args[0][0], output[0]))
    )
    try:
        reference.run(checkpoint, encoded, both)
        one = reference.run(checkpoint, encoded, Knockout((ModuleZero(module, rows, (layer,)),)))
    finally:
        handle.remove()
    before, after = seen[0]
    assert torch.equal(before[list(rows)], after[list(rows)])
    other = [row for row in range(encoded.length) if row not in rows]
    assert not torch.allclose(before[other], after[other])
    assert not torch.allclose(one.logits, reference.run(checkpoint, encoded).logits, atol=1e-9)


@slow
@given(family=families, module=st.sampled_from(["attention", "mlp"]), layer=st.integers(0, 2))
def test_rows_lose_the_norm_of_others(family: str, module: Any, layer: int, folder: Path) -> None:
    """The row that gives the norm stays; a row that loses its own norm is zeroed."""
    checkpoint, encoded = ready(family, folder)
    matrix = reference.zeroed_module(checkpoint.decoder.layers[layer], module)
    seen: list[Tensor] = []

    def outputs(*zeroed: ModuleZero) -> Tensor:
        with reference.zeroed_modules(checkpoint, zeroed):
            handle = matrix.register_forward_hook(lambda _module, _args, output: seen.append(output[0]))
            reference.run(checkpoint, encoded)
            handle.remove()
        return seen[-1]

    plain = outputs()
    lessened = outputs(ModuleZero(module, (3, 5), (layer,), like=(4, 6)))
    lost = torch.linalg.vector_norm(plain - lessened, dim=-1)
    norms = torch.linalg.vector_norm(plain, dim=-1)
    assert lost[[3, 5]].tolist() == pytest.approx(norms[[4, 6]].tolist())
    assert int((lost > 0).sum()) == 2
    along = torch.cosine_similarity(plain[[3, 5]], (plain - lessened)[[3, 5]])
    assert along.tolist() == pytest.approx([1.0, 1.0])
    assert not outputs(ModuleZero(module, (3,), (layer,), like=(3,)))[3].any()


@slow
@given(family=families, other=st.booleans())
def test_a_substitution_reaches_only_its_edges(family: str, other: bool, folder: Path) -> None:  # noqa: FBT001
    checkpoint, encoded = ready(family, folder)
    sources, targets = edges(encoded, "image->question")
    shape = (checkpoint.decoder.layers[0].self_attn.config.num_key_value_heads, len(sources), 8)
    values = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    swap = Substitution(sources, targets, (2,), (values,), (values,) if other else None)
    with watched(checkpoint) as plain:
        reference.run(checkpoint, encoded)
    with watched(checkpoint) as patched:
        changed = reference.run(checkpoint, encoded, Knockout((swap,)))
    assert torch.equal(patched[2][0], plain[2][0])
    untouched = [row for row in range(encoded.length) if row < min(targets)]
    assert torch.equal(patched[3][0][untouched], plain[3][0][untouched])
    assert not torch.allclose(changed.logits, reference.run(checkpoint, encoded).logits, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("engine", [ReferenceEngine, SweepEngine])
def test_who_reads_all_of_another_picture_answers_as_if_it_were_there(
    engine: type[Engine], kind: str, folder: Path
) -> None:
    """Its keys and values are read by every row behind it in all layers: nothing is left of one's own."""
    (checkpoint, encoded), (_, other) = (ready("llama", folder, seed, kind) for seed in (0, 1))
    image, after = encoded.regions["image"], encoded.regions["after_image"]
    seen = engine(checkpoint).contents(other, image)  # type: ignore[call-arg]
    layers = tuple(range(checkpoint.n_layers))

    def reading(keys: tuple[Tensor, ...] | None) -> Tensor:
        swap = Substitution(image, after, layers, seen.values, keys)
        return reference.run(checkpoint, encoded, Knockout((swap,))).logits

    there = reference.run(checkpoint, other).logits
    assert torch.allclose(reading(seen.keys), there, atol=1e-9)
    assert not torch.allclose(reading(None), there, atol=1e-6)
    assert not torch.allclose(reference.run(checkpoint, encoded).logits, there, atol=1e-6)


def test_hooks_are_gone_after_an_error(folder: Path) -> None:
    checkpoint, encoded = ready("llama", folder)
    last = encoded.length - 1
    broken = Knockout((ModuleZero("mlp", (last,), (0,)), EdgeBlock(tuple(range(last + 1)), (last,), (1,))))
    plain = reference.run(checkpoint, encoded).logits
    with pytest.raises(KnockoutError, match=f"row {last} would keep no key"):
        reference.run(checkpoint, encoded, broken)
    assert torch.equal(reference.run(checkpoint, encoded).logits, plain)


def test_logits_that_are_not_finite_are_an_error(folder: Path) -> None:
    checkpoint = tiny_checkpoint("llama", dtype=torch.float64, seed=99)
    encoded = encode(checkpoint, sample(picture(folder)))
    weight = checkpoint.decoder.norm.weight
    kept = weight.detach().clone()
    try:
        with torch.no_grad():
            weight[0] = torch.nan
        with pytest.raises(NumericsError, match="sample 0001: the logits are not finite"):
            reference.run(checkpoint, encoded)
    finally:
        with torch.no_grad():
            weight.copy_(kept)
