"""Loading refuses what would make a measurement wrong without a word."""

import json
import os
import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import GemmaConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from harness.checkpoint.adapters import ADAPTERS, RELEASED_TILES, SQUARE
from harness.checkpoint.adapters.refused import REFUSED
from harness.checkpoint.encode import encode
from harness.checkpoint.fingerprint import fingerprint
from harness.checkpoint.info import checkpoint_info, directory_info, papers, pinned, registry
from harness.checkpoint.loading import load
from harness.checkpoint.prompt import FORMATS, VICUNA_V1, PromptFormat, read_format
from harness.checkpoint.without_weights import bare_checkpoint
from harness.data.depth import rule_window
from harness.data.errors import CheckpointError
from harness.engine.reference import run
from harness.testing.tiny_checkpoints import picture, sample, tiny_checkpoint


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint on disk, without a prompt format of its own."""
    folder = tmp_path_factory.mktemp("tiny")
    checkpoint = tiny_checkpoint()
    checkpoint.model.save_pretrained(folder)
    checkpoint.processor.save_pretrained(folder)
    return folder


def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def test_a_saved_checkpoint_computes_what_it_computed(saved: Path, tmp_path: Path) -> None:
    loaded = load(saved, dtype=torch.float32, prompt="vicuna_v1")
    assert (loaded.n_layers, loaded.window, loaded.prompt) == (4, 1, VICUNA_V1)
    one = encode(tiny_checkpoint(), sample(picture(tmp_path)))
    torch.testing.assert_close(run(loaded, one).logits, run(tiny_checkpoint(), one).logits)


def test_missing_weights_are_an_error(saved: Path, tmp_path: Path) -> None:
    folder = copy(saved, tmp_path)
    weights = load_file(folder / "model.safetensors")
    gone = next(name for name in weights if "vision_tower" in name and "fc1.weight" in name)
    del weights[gone]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointError, match=r"1 missing weights, e\.g\. .*fc1\.weight"):
        load(folder)


def test_unexpected_weights_are_an_error(saved: Path, tmp_path: Path) -> None:
    folder = copy(saved, tmp_path)
    weights = load_file(folder / "model.safetensors")
    weights["stranger"] = torch.zeros(1)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointError, match=r"1 unexpected weights, e\.g\. stranger"):
        load(folder)


def test_truncated_weights_are_an_error(saved: Path, tmp_path: Path) -> None:
    folder = copy(saved, tmp_path)
    (folder / "model.safetensors").write_bytes((saved / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="weights cannot be loaded"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"model_type": "llama"},
            r"model type 'llama' is not supported; supported: gemma3, idefics3, internvl, llava, ",
        ),
        ({"text_config": None}, "has no text_config with num_hidden_layers"),
        ({"text_config": {"num_hidden_layers": 10**9}}, "not a whole number from 1 to 1000"),
        ({"text_config": {"num_hidden_layers": "many"}}, "not a whole number from 1 to 1000"),
        ({"text_config": None, "num_hidden_layers": 0}, "not a whole number from 1 to 1000"),
        ({"vision_config": {"depth": 10**9}}, "depth is more than 1000"),
        ({"quantization_config": {"quant_method": "fp8"}}, r"are quantized \(fp8\); not supported: take the"),
        ({"quantization": {"bits": 4}}, r"its weights are quantized \(quantization\)"),
        ({"vision_config": {"quantization_config": {"quant_method": "awq"}}}, r"quantized \(awq\)"),
    ],
)
def test_a_wrong_configuration_is_an_error(
    change: dict[str, object], text: str, saved: Path, tmp_path: Path
) -> None:
    folder = copy(saved, tmp_path)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | change), encoding="utf-8")
    with pytest.raises(CheckpointError, match=text):
        directory_info(folder)


def test_quantized_weights_of_an_alias_are_refused_when_its_files_are_read(
    saved: Path, tmp_path: Path
) -> None:
    folder = copy(saved, tmp_path)
    info = directory_info(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["quantization_config"] = {"quant_method": "fp8"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"its weights are quantized \(fp8\)"):
        load(info)


def test_a_processor_without_image_token_is_an_error(saved: Path, tmp_path: Path) -> None:
    """A text-only model's processor is its tokenizer."""
    folder = copy(saved, tmp_path)
    for name in ("processor_config.json", "preprocessor_config.json"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(CheckpointError, match=r"its processor (cannot be loaded|has no image token)"):
        load(folder)


def test_another_image_token_than_the_models_is_an_error(saved: Path, tmp_path: Path) -> None:
    folder = copy(saved, tmp_path)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"image_token_index": 9}), encoding="utf-8")
    with pytest.raises(
        CheckpointError, match=r"image token '<image>' has id 4, the model's image token has id 9"
    ):
        load(folder)


def test_features_that_are_not_one_per_patch_are_refused(saved: Path, tmp_path: Path) -> None:
    folder = copy(saved, tmp_path)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["vision_feature_select_strategy"] = "full"
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(
        CheckpointError, match="'full'; with a clip_vision_model only 'default' gives one visual"
    ):
        load(folder)


def test_the_papers_checkpoints_are_data() -> None:
    """Alias and hub id are the same checkpoint; the window is the released one and the rule's."""
    assert papers() == ("llava-1.5-7b", "llava-1.5-13b", "llava-1.6-vicuna-7b", "llama3-llava-next-8b")
    for alias in papers():
        known = registry()[alias]
        info = checkpoint_info(alias)
        assert info == checkpoint_info(known["hub_id"])
        assert (info.name, info.path, info.gpu) == (alias, known["hub_id"], True)
        assert info.revision == known["revision"]
        assert info.prompt in FORMATS
        assert info.image_handling == (SQUARE if "1.5" in alias else RELEASED_TILES)
        assert known["window"] == rule_window(info.layers)
    assert checkpoint_info("llama3-llava-next-8b").prompt == "llava_llama_3"


def test_the_checkpoints_of_today_are_data() -> None:
    """No GPU is demanded; prompt and handling are their own."""
    others = set(registry()) - set(papers())
    assert {"smolvlm-256m", "internvl3-1b", "qwen3-vl-2b", "gemma-3-4b", "mistral-small-3.1-24b"} <= others
    for alias in others:
        info = checkpoint_info(alias)
        assert info == checkpoint_info(registry()[alias]["hub_id"])
        assert (info.gpu, info.prompt, info.image_handling) == (False, None, None)
        assert info.dtype == "bfloat16"
        assert set(registry()[alias]) == {"hub_id", "revision", "layers", "dtype", "paper"}


@pytest.mark.parametrize(
    ("model_type", "reason"),
    [
        ("paligemma", "its whole prompt is one prefix that attends both ways"),
        ("mllama", "only through cross-attention"),
        ("qwen3_5", "most of its layers are not attention"),
        ("lfm2_vl", "most of its layers are not attention"),
        ("molmo2", "its image tokens attend both ways"),
        ("gemma4", "read keys and values of lower ones"),
        ("qwen3_vl_moe", "its layers choose experts"),
        ("gemma3n", "read keys and values of lower ones"),
    ],
)
def test_a_model_type_that_cannot_be_knocked_out_is_refused_with_its_reason(
    model_type: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}), encoding="utf-8")
    with pytest.raises(CheckpointError) as error:
        checkpoint_info(str(tmp_path))
    assert f"model type '{model_type}' is not supported: " in str(error.value)
    assert reason in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_every_model_type_refused_by_name_is_one_that_transformers_has() -> None:
    assert set(CONFIG_MAPPING) >= set(REFUSED)
    assert not set(REFUSED) & set(ADAPTERS)


def test_a_hub_id_is_stored_under_its_commit() -> None:
    ids = {fingerprint("org/model", revision) for revision in ("a", "b")} | {fingerprint("org/other", "a")}
    assert len(ids) == 3


def test_a_branch_of_a_hub_is_loaded_and_stored_at_the_commit_it_stands_for(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a hub's cache: what was measured must not be met again when the branch moves."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    kept = tmp_path / "models--org--tiny"
    shutil.copytree(saved, kept / "snapshots" / commit)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(commit, encoding="utf-8")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    info = checkpoint_info("org/tiny")
    assert (info.name, info.layers) == ("tiny", 4)
    found = pinned(info)
    assert found.revision == commit
    assert pinned(replace(info, revision="main")) == found
    assert load(found, prompt="vicuna_v1").sha256 == fingerprint("org/tiny", commit)
    with pytest.raises(CheckpointError, match="org/other: not given by the hub"):
        pinned(replace(info, path="org/other"))


def test_a_model_may_be_spread(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec("accelerate"):
        one = encode(tiny_checkpoint(), sample(picture(tmp_path)))
        spread = run(load(saved, device="auto", prompt="vicuna_v1"), one).logits
        torch.testing.assert_close(spread, run(tiny_checkpoint(), one).logits)
    monkeypatch.setattr("harness.checkpoint.loading.find_spec", lambda _: None)
    with pytest.raises(CheckpointError, match="needs accelerate; pip install accelerate"):
        load(saved, device="auto")


def test_a_device_that_does_not_hold_the_weights_is_one_line(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 14.00 GiB.\nMore on this.")

    monkeypatch.setattr(torch.nn.Module, "to", full)
    told = r"cannot be put on cuda \(CUDA out of memory. Tried .*\); where memory is what lacks, use --dtype"
    with pytest.raises(CheckpointError, match=told):
        load(saved, device="cuda", prompt="vicuna_v1")


def test_a_directory_without_weights_or_configuration_is_an_error(saved: Path, tmp_path: Path) -> None:
    folder = copy(saved, tmp_path)
    (folder / "model.safetensors").rename(folder / "model.bin")
    with pytest.raises(CheckpointError, match=r"no weights \(\*\.safetensors\)"):
        load(folder)
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"config\.json: missing"):
        load(folder)
    with pytest.raises(CheckpointError, match=r"no checkpoint .*nowhere"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("decoder", "told"),
    [
        ({"layer_types": ["chunked_attention"] * 4}, "attention chunked_attention is not supported"),
        ({"layer_types": ["sliding_attention"] * 4}, "attention sliding_attention is not supported"),
        ({"attn_logit_softcapping": 50.0}, "soft-capped attention is not supported"),
    ],
)
def test_attention_that_is_not_plain_is_refused_by_name(
    saved: Path, tmp_path: Path, decoder: dict[str, object], told: str
) -> None:
    """A sliding layer without a window's length included: nobody knows where it bites."""
    folder = copy(saved, tmp_path)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["text_config"] |= decoder
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(CheckpointError, match=told):
        load(folder, prompt="vicuna_v1")


def test_the_fingerprint_follows_every_file_that_decides_results(saved: Path, tmp_path: Path) -> None:
    folder = copy(saved, tmp_path)
    before = fingerprint(str(folder))
    assert before == fingerprint(str(saved))
    (folder / "README.md").write_text("a card decides nothing", encoding="utf-8")
    assert fingerprint(str(folder)) == before
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content + b" ")
        assert fingerprint(str(folder)) != before
        (folder / name).write_bytes(content)
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "default.jinja").write_text("asked otherwise", encoding="utf-8")
    assert fingerprint(str(folder)) != before


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"segments": [["image", "<image>"]]}, r"must hold \{question\} exactly once"),
        (
            {"segments": [["roles", "<image>"], ["question", "{question}"]]},
            "must stand in .* called 'image'",
        ),
        ({"segments": [["sistem", "<image>{question}"]]}, "unknown segment 'sistem'"),
        ({"instructions": {}}, "instructions need a 'default'"),
        ({"name": None, "segments": 3}, "not a prompt format"),
    ],
)
def test_a_broken_prompt_format_is_an_error(change: dict[str, object], text: str, tmp_path: Path) -> None:
    good = {
        "name": "mine",
        "segments": [["image", "<image>"], ["question", "{question}"]],
        "instructions": {"default": ""},
    }
    path = tmp_path / "prompt.json"
    path.write_text(json.dumps(good), encoding="utf-8")
    assert read_format(path).fill("Why?") == [("image", "<image>"), ("question", "Why?")]
    path.write_text(json.dumps(good | change), encoding="utf-8")
    with pytest.raises(CheckpointError, match=text):
        read_format(path)


def test_a_depth_that_is_left_out_is_the_configuration_class_s_own(saved: Path, tmp_path: Path) -> None:
    """Not a guess of ours: bands and windows are cut by it before the model is loaded."""
    folder = copy(saved, tmp_path)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["text_config"] = {"model_type": "gemma"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert directory_info(folder).layers == GemmaConfig().num_hidden_layers == 28


def test_the_loaded_model_has_the_depth_that_was_planned_with(saved: Path) -> None:
    with pytest.raises(CheckpointError, match="read as 5 layers, the loaded model has 4"):
        load(replace(directory_info(saved), layers=5), prompt="vicuna_v1")


def test_without_any_format_no_prompt_is_assumed(saved: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"no prompt format is known: .*--prompt: vicuna_v1, llava_llama_3"
    ):
        load(saved)


@pytest.mark.parametrize("named", [False, True])
def test_a_template_of_the_tokenizer_is_used(saved: Path, tmp_path: Path, *, named: bool) -> None:
    folder = copy(saved, tmp_path)
    template = (
        "{% for part in messages[0]['content'] %}"
        "{{ '<image>' if part.type == 'image' else part.text }}{% endfor %} say:"
    )
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["chat_template"] = [{"name": "default", "template": template}] if named else template
    path.write_text(json.dumps(config), encoding="utf-8")
    prompt = load(folder).prompt
    assert (prompt.name, prompt.segments[-1]) == ("chat", ("roles", " say:"))


def test_what_is_shown_of_a_dated_template_is_what_was_asked(saved: Path, tmp_path: Path) -> None:
    folder = copy(saved, tmp_path)
    template = (
        "{{ strftime_now('%Y-%m-%d %H:%M:%S.%f') }} "
        "{% for part in messages[0]['content'] %}"
        "{{ '<image>' if part.type == 'image' else part.text }}{% endfor %}"
    )
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    measured, shown = load(folder).prompt, bare_checkpoint(directory_info(folder)).prompt
    assert measured == shown
    assert measured.segments[0] == ("system", "2024-07-26 00:00:00.000000 ")


def test_a_question_s_place_inside_an_instruction_is_left_alone() -> None:
    prompt = PromptFormat(
        "p", (("question", "{question}"), ("suffix", "{instruction}")), (("default", "{question}!"),)
    )
    assert prompt.fill("Why?") == [("question", "Why?"), ("suffix", "{question}!")]


NESTED = "[" * 100_000


@pytest.mark.parametrize("name", ["config.json", "prompt.json", "mask.json"])
def test_json_that_is_nested_too_deep_is_one_error(saved: Path, tmp_path: Path, name: str) -> None:
    folder = copy(saved, tmp_path)
    (folder / name).write_text(NESTED, encoding="utf-8")
    with pytest.raises(CheckpointError, match=rf"{name}: not JSON \(nested too deep\)$"):
        load(folder, prompt="vicuna_v1" if name == "mask.json" else None)


@pytest.mark.parametrize("name", ["prompt.json", "chat_template.jinja"])
def test_a_link_out_of_the_folder_is_not_read(saved: Path, tmp_path: Path, name: str) -> None:
    folder = copy(saved, tmp_path)
    (tmp_path / "secret").write_text("a file of this machine", encoding="utf-8")
    (folder / name).symlink_to(tmp_path / "secret")
    with pytest.raises(CheckpointError, match=rf"{name}: a link out of the checkpoint's folder") as told:
        directory_info(folder)
    assert "machine" not in str(told.value)


def test_a_snapshot_of_the_hub_s_cache_may_link_into_its_blobs(saved: Path, tmp_path: Path) -> None:
    snapshot, blobs = tmp_path / "snapshots" / "abc", tmp_path / "blobs"
    shutil.copytree(saved, blobs)
    snapshot.mkdir(parents=True)
    for file in blobs.iterdir():
        (snapshot / file.name).symlink_to(file)
    assert directory_info(snapshot).layers == 4


def test_a_text_file_is_a_regular_file_of_limited_size(saved: Path, tmp_path: Path) -> None:
    folder = copy(saved, tmp_path)
    (folder / "prompt.json").write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(
        CheckpointError, match=r"prompt\.json: 1,048,577 bytes; such a file has at most 1,048,576"
    ):
        directory_info(folder)
    (folder / "prompt.json").unlink()
    os.mkfifo(folder / "prompt.json")
    with pytest.raises(CheckpointError, match=r"prompt\.json: not a regular file"):
        directory_info(folder)


@pytest.mark.parametrize(
    ("stated", "read"),
    [
        ({"dtype": "bfloat16"}, "bfloat16"),
        ({"torch_dtype": "bfloat16"}, "bfloat16"),
        ({"dtype": None, "torch_dtype": "torch.float16"}, "float16"),
        ({"dtype": "float32", "text_config": {"dtype": "bfloat16"}}, "float32"),
        ({"text_config": {"torch_dtype": "bfloat16"}}, "bfloat16"),
        ({}, None),
    ],
)
def test_the_dtype_that_a_checkpoint_was_saved_in_is_known(
    saved: Path, tmp_path: Path, stated: dict[str, object], read: str | None
) -> None:
    folder = copy(saved, tmp_path)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for part in (config, config["text_config"]):
        part.pop("dtype", None)
    decoder = {**config["text_config"], **stated.pop("text_config", {})}  # type: ignore[dict-item]
    (folder / "config.json").write_text(
        json.dumps({**config, **stated, "text_config": decoder}), encoding="utf-8"
    )
    assert directory_info(folder).dtype == read
    assert registry().keys() and checkpoint_info("llava-1.5-7b").dtype is None
